/**
 * The errors that the library throws, besides the built-in `RangeError` (out of range) and `TypeError` (wrong type).
 *
 * An error that crosses to another thread or process keeps its class and its properties.
 *
 * @module
 */

/** Sets the name on the class's prototype, so that instances do not have it as an own property. */
function named(type: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, "name", { value: name, configurable: true, writable: true });
}

/** Copies the properties that are set to the error. */
function assign(error: Error, properties: object | undefined, keys: readonly string[]): void {
  if (properties === undefined) return;
  for (const key of keys) {
    const value = (properties as Record<string, unknown>)[key];
    if (value !== undefined) (error as unknown as Record<string, unknown>)[key] = value;
  }
}

/**
 * A wait took longer than its `timeout`.
 *
 * The caller has not acquired, put or taken anything. A task, thread or process that the caller waited for goes on.
 *
 * Python: `TimeoutError`.
 *
 * @example
 * ```ts
 * import { Lock, TimeoutError } from "@weft/concurrent/sync";
 * import { assertRejects } from "@std/assert";
 *
 * const lock = new Lock();
 * lock.acquireSync();
 * await assertRejects(() => lock.acquire({ timeout: 5 }), TimeoutError);
 * ```
 */
export class TimeoutError extends Error {
  static {
    named(this, "TimeoutError");
  }
}

/**
 * The state of an object does not allow the operation. The state is unchanged.
 *
 * Examples: releasing a lock that is not held, starting a thread twice, using an object that was disposed of.
 *
 * Python: mostly `RuntimeError`.
 *
 * @example
 * ```ts
 * import { InvalidStateError, Lock } from "@weft/concurrent/sync";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => new Lock().release(), InvalidStateError);
 * ```
 */
export class InvalidStateError extends Error {
  static {
    named(this, "InvalidStateError");
  }
}

/**
 * The wait could never end: only the waiting thread itself could end it.
 *
 * Blocking waits without a timeout throw it, and calls of a task that would wait for the pool that it occupies. If
 * another async task of the thread will end the wait, await the form without `Sync`.
 *
 * Python has no equivalent; its thread hangs.
 *
 * @example
 * ```ts
 * import { DeadlockError, Lock } from "@weft/concurrent/sync";
 * import { assertThrows } from "@std/assert";
 *
 * const lock = new Lock();
 * lock.acquireSync();
 * assertThrows(() => lock.acquireSync(), DeadlockError);
 * ```
 */
export class DeadlockError extends Error {
  static {
    named(this, "DeadlockError");
  }
}

/**
 * This runtime, or the thread that makes the call, cannot do what was asked for.
 *
 * Python: `NotImplementedError`, or a missing function.
 *
 * @example
 * ```ts
 * import { NotSupportedError, setStartMethod } from "@weft/concurrent/multiprocessing";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => setStartMethod("fork" as "spawn"), NotSupportedError);
 * ```
 */
export class NotSupportedError extends Error {
  static {
    named(this, "NotSupportedError");
  }
}

/**
 * The barrier is broken: a party gave up, died, or broke it on purpose.
 *
 * `Barrier.reset` makes the barrier usable again.
 *
 * Python: `threading.BrokenBarrierError`.
 *
 * @example
 * ```ts
 * import { Barrier, BrokenBarrierError } from "@weft/concurrent/sync";
 * import { assertRejects } from "@std/assert";
 *
 * const barrier = new Barrier(2);
 * await assertRejects(() => barrier.wait({ timeout: 5 }), BrokenBarrierError);
 * ```
 */
export class BrokenBarrierError extends Error {
  static {
    named(this, "BrokenBarrierError");
  }
}

/**
 * No item arrived within the timeout.
 *
 * Python: `queue.Empty`.
 *
 * @example
 * ```ts
 * import { Queue, QueueEmptyError } from "@weft/concurrent/sync";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => new Queue().getSync({ timeout: 0 }), QueueEmptyError);
 * ```
 */
export class QueueEmptyError extends TimeoutError {
  static {
    named(this, "QueueEmptyError");
  }
}

/** The properties of a {@linkcode QueueFullError}. */
export interface QueueFullErrorOptions extends ErrorOptions {
  /** The item that was not put. */
  item?: unknown;
  /** How many bytes the item needs. Set only if the shared memory is full. */
  needed?: number;
  /** About how many bytes are still available. Set only if the shared memory is full. */
  available?: number;
  /** How many items were put before this one. Set only by `putMany`. */
  put?: number;
}

/**
 * The queue had no room within the timeout, or the shared memory is full. The item was not put.
 *
 * Python: `queue.Full`.
 *
 * @example
 * ```ts
 * import { Queue, QueueFullError } from "@weft/concurrent/sync";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const queue = new Queue<string>({ maxsize: 1 });
 * queue.putSync("first");
 * const error = assertThrows(() => queue.putSync("second", { timeout: 0 }), QueueFullError);
 * assertEquals(error.item, "second");
 * ```
 */
export class QueueFullError extends TimeoutError {
  /** The item that was not put. */
  declare readonly item?: unknown;
  /** How many bytes the item needs. Absent unless the shared memory is full. */
  declare readonly needed?: number;
  /** About how many bytes are still available. Absent unless the shared memory is full. */
  declare readonly available?: number;
  /** How many items were put before this one. Absent unless `putMany` threw the error. */
  declare readonly put?: number;

  static {
    named(this, "QueueFullError");
  }

  /**
   * Creates an error with the given message and properties.
   *
   * @param message The error's `message`.
   * @param options Properties to set on the error, and its `cause`.
   */
  constructor(message?: string, options?: QueueFullErrorOptions) {
    super(message, options);
    assign(this, options, ["item", "needed", "available", "put"]);
  }
}

/**
 * The queue was shut down.
 *
 * After a shutdown, every `put` throws this. A `get` throws it when no item is left in the queue.
 *
 * Python: `queue.ShutDown`.
 *
 * @example
 * ```ts
 * import { Queue, QueueShutDownError } from "@weft/concurrent/sync";
 * import { assertThrows } from "@std/assert";
 *
 * const queue = new Queue();
 * queue.shutdown();
 * assertThrows(() => queue.getSync(), QueueShutDownError);
 * ```
 */
export class QueueShutDownError extends Error {
  /** How many items were put before the shutdown. Absent unless `putMany` threw the error. */
  declare readonly put?: number;

  static {
    named(this, "QueueShutDownError");
  }
}

/**
 * The task was cancelled before it finished.
 *
 * Python: `concurrent.futures.CancelledError`.
 *
 * @example
 * ```ts
 * import { CancelledError, Pool } from "@weft/concurrent/threading";
 * import { assertRejects } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const future = pool.apply(Math.sqrt, [2]);
 * if (future.cancel()) await assertRejects(() => future.result(), CancelledError);
 * ```
 */
export class CancelledError extends Error {
  static {
    named(this, "CancelledError");
  }
}

/** The properties of a {@linkcode WorkerLostError}. */
export interface WorkerLostErrorOptions extends ErrorOptions {
  /** The exit code of the process or worker, if it has one. */
  exitCode?: number;
  /** The signal that ended the process, if a signal did: `"SIGKILL"`, for example. */
  signal?: string;
  /** The name of the thread or process. */
  worker?: string;
  /** The process id, if it was a process. */
  pid?: number;
  /** The index of the item of `map` that the worker was working on, or 0. */
  taskIndex?: number;
}

/**
 * The thread or process that was to produce a result ended without one: it was killed, crashed or exited.
 *
 * Python: `concurrent.futures.process.BrokenProcessPool`, for pools of processes.
 *
 * @example
 * ```ts
 * import { Thread, WorkerLostError } from "@weft/concurrent/threading";
 * import { assertRejects } from "@std/assert";
 *
 * if (import.meta.main) {
 *   const thread = new Thread({ target: () => new Promise(() => {}) }).start();
 *   thread.terminate();
 *   await assertRejects(() => thread.result(), WorkerLostError);
 * }
 * ```
 */
export class WorkerLostError extends Error {
  /** The exit code of the process or worker. Absent if it has none. */
  declare readonly exitCode?: number;
  /** The signal that ended the process. Absent if no signal did. */
  declare readonly signal?: string;
  /** The name of the thread or process that ended. */
  declare readonly worker?: string;
  /** The process id of the process that ended. Absent for a thread. */
  declare readonly pid?: number;
  /** The index of the item of `map` that the worker was working on, or 0. Absent outside of pools. */
  declare readonly taskIndex?: number;

  static {
    named(this, "WorkerLostError");
  }

  /**
   * Creates an error with the given message and properties.
   *
   * @param message The error's `message`.
   * @param options Properties to set on the error, and its `cause`.
   */
  constructor(message?: string, options?: WorkerLostErrorOptions) {
    super(message, options);
    assign(this, options, ["exitCode", "signal", "worker", "pid", "taskIndex"]);
  }
}

/**
 * A function cannot be sent to the thread or process that is to run it.
 *
 * The message says which function, why, and what to write instead.
 *
 * Python: `pickle.PicklingError`.
 *
 * @example
 * ```ts
 * import { TargetError, Thread } from "@weft/concurrent/threading";
 * import { assertRejects } from "@std/assert";
 *
 * if (import.meta.main) {
 *   const captured = Date.now();
 *   const thread = new Thread({ target: () => captured }).start();
 *   await assertRejects(() => thread.result(), TargetError);
 * }
 * ```
 */
export class TargetError extends Error {
  static {
    named(this, "TargetError");
  }
}

/**
 * There is no object to attach to, or a different object than was asked for.
 *
 * Python: `FileNotFoundError` or `FileExistsError` of `multiprocessing.shared_memory`.
 *
 * @example
 * ```ts
 * import { adopt, AttachError, type ShareToken } from "@weft/concurrent/sync";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => adopt({ at: 1 } as unknown as ShareToken), AttachError);
 * ```
 */
export class AttachError extends Error {
  static {
    named(this, "AttachError");
  }
}

/**
 * There are no more messages: no thread holds the other end of the pipe, and everything that was sent has been
 * received.
 *
 * Python: `EOFError`.
 *
 * @example
 * ```ts
 * import { EOFError, Pipe } from "@weft/concurrent/multiprocessing";
 * import { assertThrows } from "@std/assert";
 *
 * const [receiver, sender] = Pipe({ duplex: false });
 * sender.close();
 * assertThrows(() => receiver.recvSync(), EOFError);
 * ```
 */
export class EOFError extends Error {
  static {
    named(this, "EOFError");
  }
}

/**
 * No thread can receive the message, since no thread holds the other end of the pipe.
 *
 * Python: `BrokenPipeError`.
 *
 * @example
 * ```ts
 * import { BrokenPipeError, Pipe } from "@weft/concurrent/multiprocessing";
 * import { assertThrows } from "@std/assert";
 *
 * const [receiver, sender] = Pipe({ duplex: false });
 * receiver.close();
 * assertThrows(() => sender.sendSync("hello"), BrokenPipeError);
 * ```
 */
export class BrokenPipeError extends Error {
  static {
    named(this, "BrokenPipeError");
  }
}

/** Options of {@linkcode BufferTooShortError}. */
export interface BufferTooShortErrorOptions extends ErrorOptions {
  /** The property {@linkcode BufferTooShortError.bytes}. */
  bytes?: Uint8Array<ArrayBuffer>;
}

/**
 * A message has more bytes than there is room for in the buffer that `recvBytesInto` was given. The buffer is as it was.
 *
 * The message has been received. It is not lost: the error has all of its bytes.
 *
 * Python: `multiprocessing.BufferTooShort`, with the message as `args[0]`.
 *
 * @example
 * ```ts
 * import { BufferTooShortError, Pipe } from "@weft/concurrent/multiprocessing";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const [receiver, sender] = Pipe({ duplex: false });
 * sender.sendBytesSync(new Uint8Array([1, 2, 3]));
 * const error = assertThrows(() => receiver.recvBytesIntoSync(new Uint8Array(2)), BufferTooShortError);
 * assertEquals(error.bytes, new Uint8Array([1, 2, 3]));
 * ```
 */
export class BufferTooShortError extends Error {
  /** The message that had no room. */
  declare readonly bytes?: Uint8Array<ArrayBuffer>;

  static {
    named(this, "BufferTooShortError");
  }

  /**
   * Creates an error with the given message and properties.
   *
   * @param message The error's `message`.
   * @param options Properties to set on the error, and its `cause`.
   */
  constructor(message?: string, options?: BufferTooShortErrorOptions) {
    super(message, options);
    assign(this, options, ["bytes"]);
  }
}
