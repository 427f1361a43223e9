export class TimeoutError extends Error {
  override name = "TimeoutError";
}
export class InvalidStateError extends Error {
  override name = "InvalidStateError";
}
export class DeadlockError extends Error {
  override name = "DeadlockError";
}
export class NotSupportedError extends Error {
  override name = "NotSupportedError";
}
export class BrokenBarrierError extends Error {
  override name = "BrokenBarrierError";
}
export class QueueEmptyError extends TimeoutError {
  override name = "QueueEmptyError";
}
export class QueueFullError extends TimeoutError {
  override name = "QueueFullError";
}
export class QueueShutDownError extends Error {
  override name = "QueueShutDownError";
}
export class CancelledError extends Error {
  override name = "CancelledError";
}
export class WorkerLostError extends Error {
  override name = "WorkerLostError";
}
export class TargetError extends Error {
  override name = "TargetError";
}
export class AttachError extends Error {
  override name = "AttachError";
}
export class EOFError extends Error {
  override name = "EOFError";
}
export class BrokenPipeError extends Error {
  override name = "BrokenPipeError";
}
