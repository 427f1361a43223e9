/**
 * What the library throws, beside the built-in `RangeError` (out of range) and `TypeError` (wrong kind).
 *
 * All of them cross to other threads and processes as themselves, with their properties.
 *
 * @module
 */

/** Names the class on its prototype, so that no instance carries the name around as a property of its own. */
function named(type: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, "name", { value: name, configurable: true, writable: true });
}

/** Gives an error those of the properties that are there. */
function assign(error: Error, properties: object | undefined, keys: readonly string[]): void {
  if (properties === undefined) return;
  for (const key of keys) {
    const value = (properties as Record<string, unknown>)[key];
    if (value !== undefined) (error as unknown as Record<string, unknown>)[key] = value;
  }
}

/**
 * The time that a wait was given has passed.
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
 * What was asked for makes no sense in the state in which the object is; the state is unchanged.
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
 * To wait here would never end, since only the caller could end it.
 *
 * Python: none; its thread hangs.
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
 * This runtime, or this place in it, cannot do what was asked for.
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
 * The barrier at which the caller waits, or wants to, is broken: a thread gave up, died, or broke it on purpose.
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
 * The queue had no item for as long as the caller wanted to wait.
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

/** What a {@linkcode QueueFullError} carries. */
export interface QueueFullErrorOptions extends ErrorOptions {
  /** The item that was not put. */
  item?: unknown;
  /** Where the shared memory is full: the bytes that the item needs. */
  needed?: number;
  /** Where the shared memory is full: about how many bytes can still be had. */
  available?: number;
}

/**
 * The queue had no room for as long as the caller wanted to wait, or the shared memory has none. The item was not put.
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
  /** The bytes that the item needs, where the shared memory is full; else there is no such property. */
  declare readonly needed?: number;
  /** About how many bytes can still be had, where the shared memory is full; else there is no such property. */
  declare readonly available?: number;

  static {
    named(this, "QueueFullError");
  }

  /** Creates an error; what is given in `options` becomes its properties. */
  constructor(message?: string, options?: QueueFullErrorOptions) {
    super(message, options);
    assign(this, options, ["item", "needed", "available"]);
  }
}

/**
 * The queue was shut down: nothing can be put any more, and what was in it has been taken.
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
  static {
    named(this, "QueueShutDownError");
  }
}

/**
 * The task was cancelled before it was done.
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

/** What a {@linkcode WorkerLostError} carries. */
export interface WorkerLostErrorOptions extends ErrorOptions {
  /** The exit code of the process or worker, where it has one. */
  exitCode?: number;
  /** The signal that ended the process, where one did: `"SIGKILL"`. */
  signal?: string;
  /** The name of the thread or process. */
  worker?: string;
  /** The process's number, where it was a process. */
  pid?: number;
  /** Which item of the `map` it was, or 0. */
  taskIndex?: number;
}

/**
 * The thread or process that was to give a result ended without one: it was killed, crashed or exited.
 *
 * Python: `concurrent.futures.process.BrokenProcessPool`, where there is something of that kind.
 *
 * @example
 * ```ts
 * import { Thread, WorkerLostError } from "@weft/concurrent/threading";
 * import { assertRejects } from "@std/assert";
 *
 * const thread = new Thread({ target: () => new Promise(() => {}) }).start();
 * thread.terminate();
 * await assertRejects(() => thread.result(), WorkerLostError);
 * ```
 */
export class WorkerLostError extends Error {
  /** The exit code of the process or worker; where it has none, there is no such property. */
  declare readonly exitCode?: number;
  /** The signal that ended the process; where none did, there is no such property. */
  declare readonly signal?: string;
  /** The name of the thread or process that ended. */
  declare readonly worker?: string;
  /** The number of the process that ended; of a thread there is no such property. */
  declare readonly pid?: number;
  /** Which item of the `map` it was, or 0; outside of pools there is no such property. */
  declare readonly taskIndex?: number;

  static {
    named(this, "WorkerLostError");
  }

  /** Creates an error; what is given in `options` becomes its properties. */
  constructor(message?: string, options?: WorkerLostErrorOptions) {
    super(message, options);
    assign(this, options, ["exitCode", "signal", "worker", "pid", "taskIndex"]);
  }
}

/**
 * A function cannot get to the thread or process where it shall run. The message says which, why, and what to write
 * instead.
 *
 * Python: `pickle.PicklingError`.
 *
 * @example
 * ```ts
 * import { TargetError, Thread } from "@weft/concurrent/threading";
 * import { assertRejects } from "@std/assert";
 *
 * const captured = Date.now();
 * const thread = new Thread({ target: () => captured }).start();
 * await assertRejects(() => thread.result(), TargetError);
 * ```
 */
export class TargetError extends Error {
  static {
    named(this, "TargetError");
  }
}

/**
 * There is nothing to attach to, or something else than what was asked for.
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
 * There will be no more messages: no thread holds the other end of the pipe, and what was sent has been received.
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
 * No thread will receive what is sent: none holds the other end of the pipe.
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
 * assertThrows(() => sender.sendSync("anybody there?"), BrokenPipeError);
 * ```
 */
export class BrokenPipeError extends Error {
  static {
    named(this, "BrokenPipeError");
  }
}
