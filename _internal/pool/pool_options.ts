/**
 * How pools and their tasks are set up, and what is wrong with that.
 *
 * @module
 */

import { optionsOr, show, validateInteger, validateWait } from "../options.ts";
import { bindContext } from "../runtime/this_thread.ts";
import type { Times } from "./histogram.ts";
import type { JobOptions } from "./job.ts";
import type { BulkOptions } from "./map_job.ts";
import type { OnProgress } from "./progress.ts";

/**
 * How a pool is made. All of it may be left out.
 *
 * Python has `initializer`, `initargs` and `maxTasksPerChild` (`maxtasksperchild`), and nothing like the others.
 *
 * @typeParam I The arguments of the initializer.
 *
 * @example
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const initializer = (words: [string, string][]) => new Map(words);
 * await using pool = new Pool(2, { initializer, initargs: [[["Faden", "thread"]]], maxTasksPerChild: 1000 });
 * await pool.warm();
 * assertEquals(pool.stats().workers, 2);
 * ```
 */
export interface PoolOptions<I extends unknown[] = unknown[]> {
  /**
   * Called in each worker before its first task, and awaited. What it returns is `currentTask().state` in that worker.
   * What it leaves locked stays locked for as long as the worker lives. If it throws, all tasks reject with its error,
   * now and later.
   */
  initializer?: (...args: I) => unknown;
  /** The initializer's arguments, copied whenever a worker is started. By default none. */
  initargs?: I | Readonly<I>;
  /** How many tasks a worker begins before a new worker takes its place: 1 or more. By default there is no limit. */
  maxTasksPerChild?: number;
  /** A label, for the names of workers (`NAME-1`), errors and the trace. By default `ThreadPool-1` and so on. */
  name?: string;
  /**
   * After how many milliseconds without work a worker ends, as long as `min` others stay. When there is work again,
   * another is started. By default never, or after 10,000 where `min` or `max` is given.
   */
  idleTimeout?: number;
  /**
   * Records what the workers do: `true` for {@linkcode BasePool.trace}, or the path of a file into which it is written
   * in Chrome's trace format when the pool ends, or the program before it. A slice is what a worker reported together:
   * one long task, or many short ones. By default nothing is recorded.
   */
  trace?: boolean | string;
  /**
   * How many tasks a worker runs at once, at most: from 1, the default, to 65,535. It is for tasks that await, such as
   * requests: a task that computes or blocks lets no other run beside it.
   *
   * With more than 1, a lock that a task leaves held is released only when no other task runs in that worker: nothing
   * tells which of them took it. A worker that ends, or is replaced after `killAfter`, takes all tasks along that it
   * runs.
   */
  concurrency?: number;
  /**
   * How many workers are started with the first task, or by {@linkcode BasePool.warm}, and stay however long there is
   * nothing to do. From 0, the default, to the greatest number of workers.
   */
  min?: number;
  /**
   * How many workers there are at most, from 1 to 1,024: the same as the pool's first argument, which is `undefined` or
   * equal where this is given.
   */
  max?: number;
  /**
   * How many bytes a worker may use before a new worker takes its place: of a process its resident memory counts, of a
   * thread its heap. A worker looks between tasks, every 50 ms at most, and finishes the tasks that it has begun. The
   * limit should be well above what a new worker uses. By default there is none.
   */
  maxMemory?: number;
}

/**
 * Options of {@linkcode BasePool.apply}, and of all that maps. Python has nothing like them.
 *
 * With `signal` or `timeout` a caller gives up: its promise rejects at once, tasks that have not begun never run, and a
 * task that runs can see it by {@linkcode currentTask}. Both are for a call as a whole: of a `map`, for all of its
 * items.
 *
 * @example
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const endless = () => new Promise<never>(() => {});
 * const outcome = await pool.apply(endless, [], { timeout: 10, killAfter: 0 }).catch((error) => error.name);
 * assertEquals(outcome, "TimeoutError");
 * ```
 */
export interface TaskOptions {
  /** Gives the task up when it is aborted: the caller gets the signal's reason at once. */
  signal?: AbortSignal;
  /**
   * Gives the task up after so many milliseconds from the call: the caller gets a `TimeoutError`. With 0 nothing runs.
   * By default `Infinity`.
   */
  timeout?: number;
  /**
   * How many milliseconds a task may run on after it was given up before its worker is ended and replaced. The same
   * holds for a worker that still imports the module of a task that was given up, unless another task waits for that.
   * Deno cannot stop a thread that computes: the pool goes on without it. By default a task runs to its end.
   */
  killAfter?: number;
  /**
   * Buffers that the caller gives away. They are detached by the call, those of `imap` at the end of the iteration.
   * To a thread, a buffer of 256 KiB or more goes without a copy, once a worker has begun with its task and the event loop of the
   * caller turns; not with `retries`, for which it is kept. Else what was in it is copied into the shared memory and out of it.
   */
  transfer?: ArrayBuffer[];
  /**
   * Tasks with lower numbers begin first; submitted ones with equal numbers begin in the order of their calls. It
   * decides among the tasks that wait with the pool's owner: a few for each worker, more if they are short, are on
   * their way already and are not overtaken. Any number but NaN; by default 0.
   */
  priority?: number;
  /**
   * How often a task is tried again whose worker ended before it was over. Such a task runs at least once and maybe
   * more often, in part or as a whole, so it must do no harm when it runs again. `currentTask().attempt` says which try
   * it is. A task that throws is not tried again, nor is one that was given up. By default 0: it rejects with
   * {@linkcode WorkerLostError}.
   */
  retries?: number;
}

/** Options of `map`, `starmap`, `imap` and `imapUnordered`. */
export interface MapOptions extends TaskOptions {
  /**
   * How many items a worker takes together, 1 or more; more than 1,024 count as 1,024. By default the pool chooses by
   * how long the items before took, so that this is seldom needed. A free worker may take items that a busy
   * worker has before it, whatever the number. Of `mapRange` it is the length of a range. Python: `chunksize`.
   */
  chunksize?: number;
  /**
   * Called in this thread for each item that is done, in the async context of the call, with how many are done, how
   * many there are and how fast it goes: see {@linkcode OnProgress}. What it throws ends the call with that error.
   */
  onProgress?: OnProgress;
}

/**
 * Options of {@linkcode BasePool.mapRange}. `chunksize` is the length of a range, and `onProgress` counts items, not
 * ranges.
 *
 * @typeParam A What `fn` gets behind the bounds of its range.
 */
export interface MapRangeOptions<A extends unknown[] = unknown[]> extends MapOptions {
  /** What `fn` gets behind the bounds of its range, the same for each. By default nothing. */
  args?: A | Readonly<A>;
}

/** What a pool is doing, and what it has done since it was made. Python has no equivalent. */
export interface PoolStats {
  /** Workers that are alive. */
  workers: number;
  /** Workers that run a task, or import the module of one. */
  busy: number;
  /** Tasks that no worker has begun. Of an `imap`, those that were taken from its iterable. */
  queued: number;
  /** Tasks that returned. A task is a call, of a map an item, of `mapRange` a range, of `each` a worker. */
  completed: number;
  /**
   * Tasks that threw, or were lost with their worker and not tried again. What was given up before it began counts
   * neither way.
   */
  failed: number;
  /**
   * From the call until a worker began the task, or those that it reported together with it. Of a map that is the call
   * for all items, also for those that `imap` takes later. With `concurrency` above 1 it is an estimate.
   */
  waitTime: Times;
  /**
   * How long tasks ran; of tasks that a worker reported together, their mean counts for each. With `concurrency` above
   * 1 it is an estimate.
   */
  runTime: Times;
}

/** Where `min` or `max` is given, a worker without work ends after so many milliseconds. */
const IDLE = 10_000;
const MOST_WORKERS = 1024;

/** How many workers there are, and when they end. */
export interface Sizes {
  size: number;
  least: number;
  /** Milliseconds; 0: never. */
  idle: number;
}

/** Checks how a pool is to be made. */
export function validatePoolOptions(
  workers: number | undefined,
  options: PoolOptions | undefined,
  cpus: () => number,
): Sizes {
  const action = "create pool";
  if (workers !== undefined) validateInteger(workers, "'workers'", 1, MOST_WORKERS, action);
  if (options !== undefined && (typeof options !== "object" || options === null)) {
    throw new TypeError(`Cannot create pool as the options must be an object: received ${show(options)}`);
  }
  const { initializer, initargs, maxTasksPerChild, name, idleTimeout, trace, concurrency, min, max, maxMemory } =
    optionsOr(options);
  if (initializer !== undefined && typeof initializer !== "function") {
    throw new TypeError(`Cannot create pool as 'initializer' must be a function: received ${show(initializer)}`);
  }
  if (initargs !== undefined && !Array.isArray(initargs)) {
    throw new TypeError(`Cannot create pool as 'initargs' must be an array: received ${show(initargs)}`);
  }
  if (maxTasksPerChild !== undefined) validateInteger(maxTasksPerChild, "'maxTasksPerChild'", 1, 0x7fffffff, action);
  if (name !== undefined && typeof name !== "string") {
    throw new TypeError(`Cannot create pool as 'name' must be a string: received ${show(name)}`);
  }
  if (idleTimeout !== undefined) validateWait({ timeout: idleTimeout }, action);
  if (trace !== undefined && typeof trace !== "boolean" && typeof trace !== "string") {
    throw new TypeError(`Cannot create pool as 'trace' must be a boolean or a path: received ${show(trace)}`);
  }
  if (concurrency !== undefined) validateInteger(concurrency, "'concurrency'", 1, 0xffff, action);
  if (max !== undefined) validateInteger(max, "'max'", 1, MOST_WORKERS, action);
  if (max !== undefined && workers !== undefined && max !== workers) {
    throw new RangeError(
      `Cannot create pool as there can be one greatest number of workers: received ${workers} and 'max' ${max}, write new Pool(undefined, { max: ${max} })`,
    );
  }
  if (min !== undefined) validateInteger(min, "'min'", 0, workers ?? max ?? MOST_WORKERS, action);
  const size = workers ?? max ?? Math.max(cpus(), min ?? 0);
  if (maxMemory !== undefined) validateInteger(maxMemory, "'maxMemory'", 1, Number.MAX_SAFE_INTEGER, action);
  const timeout = idleTimeout ?? (min === undefined && max === undefined ? Infinity : IDLE);
  return { size, least: min ?? 0, idle: timeout === Infinity ? 0 : Math.max(1, timeout) };
}

/** What may give a task up. */
export interface Limits {
  signal: AbortSignal | undefined;
  timeout: number;
}

/** Checks the options of a task; `undefined`: nothing gives it up. */
export function validateTaskOptions(options: TaskOptions | undefined, action: string): Limits | undefined {
  if (options === undefined) return undefined;
  const timeout = validateWait(options, action);
  const { signal, killAfter, transfer, priority, retries } = options;
  if (killAfter !== undefined) {
    if (typeof killAfter !== "number") {
      throw new TypeError(
        `Cannot ${action} as 'killAfter' must be a number of milliseconds: received ${show(killAfter)}`,
      );
    }
    if (!(killAfter >= 0)) {
      throw new RangeError(`Cannot ${action} as 'killAfter' must be zero or more milliseconds: received ${killAfter}`);
    }
  }
  if (transfer !== undefined) {
    if (!Array.isArray(transfer) || !transfer.every((buffer) => buffer instanceof ArrayBuffer)) {
      throw new TypeError(`Cannot ${action} as 'transfer' must be an array of ArrayBuffers`);
    }
  }
  if (priority !== undefined) {
    if (typeof priority !== "number") {
      throw new TypeError(`Cannot ${action} as 'priority' must be a number: received ${show(priority)}`);
    }
    if (Number.isNaN(priority)) throw new RangeError(`Cannot ${action} as 'priority' must be a number: received NaN`);
  }
  if (retries !== undefined) validateInteger(retries, "'retries'", 0, 0x7fffffff, action);
  if (signal === undefined && timeout === Infinity) return undefined;
  return { signal, timeout };
}

/** How a task is done, by its options; `poolRetries`: how often it is tried again where they do not say so. */
export function jobOptionsOf(options: TaskOptions | undefined, poolRetries = 0): JobOptions {
  const { killAfter, priority = 0, retries = poolRetries } = optionsOr(options);
  return {
    together: 0,
    // What is longer than timers take is as good as never.
    killAfter: killAfter === undefined || killAfter >= 2 ** 31 ? undefined : killAfter,
    priority,
    retries,
  };
}

/** Checks the options of `map` and its like. */
export function validateMapOptions(
  options: MapOptions | undefined,
  action: string,
  poolRetries?: number,
): { bulk: BulkOptions; limits: Limits | undefined } {
  const limits = validateTaskOptions(options, action);
  const { chunksize, onProgress } = optionsOr(options);
  if (chunksize !== undefined) validateInteger(chunksize, "'chunksize'", 1, 0x7fffffff, action);
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError(`Cannot ${action} as 'onProgress' must be a function: received ${show(onProgress)}`);
  }
  const report = onProgress === undefined ? undefined : bindContext(onProgress);
  return { bulk: { ...jobOptionsOf(options, poolRetries), together: chunksize ?? 0, onProgress: report }, limits };
}
