/**
 * The options of pools and their tasks, and the checks of these.
 *
 * @module
 */

import { optionsOr, show, validateInteger, validateWait } from "../options.ts";
import { refuseInBrowser } from "../runtime/runtime.ts";
import { bindContext } from "../runtime/this_thread.ts";
import type { Times } from "./histogram.ts";
import type { JobOptions } from "./job.ts";
import type { BulkOptions } from "./map_job.ts";
import type { OnProgress } from "./progress.ts";

/**
 * Options of a pool. All of them are optional.
 *
 * Python: the parameters `initializer`, `initargs` and `maxtasksperchild` of `Pool`. It has no equivalent of the others.
 *
 * @typeParam I The types of the initializer's arguments.
 *
 * @example An initializer whose result all tasks of a worker use
 * ```ts
 * import { currentTask, Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * export const load = (words: [string, string][]) => new Map(words);
 * export const translate = (word: string) => (currentTask()!.state as Map<string, string>).get(word);
 *
 * if (import.meta.main) {
 *   await using pool = new Pool(2, { initializer: load, initargs: [[["Faden", "thread"], ["Kette", "warp"]]] });
 *   assertEquals(await pool.map(translate, ["Kette", "Faden"]), ["warp", "thread"]);
 * }
 * ```
 *
 * @example A pool that grows and shrinks with the work
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(undefined, { min: 1, max: 4, idleTimeout: 5000 });
 * await pool.warm(); // The `min` workers.
 * assertEquals(pool.stats().workers, 1);
 * ```
 */
export interface PoolOptions<I extends unknown[] = unknown[]> {
  /**
   * A function that each worker calls, and awaits, before its first task. Its result is `currentTask().state` in all tasks
   * of that worker. Locks that it leaves held stay held until the worker ends. If it throws, all tasks reject with its
   * error, those of later calls too. By default there is no initializer.
   */
  initializer?: (...args: I) => unknown;
  /** The arguments of the initializer. They are copied whenever a worker starts. By default none. */
  initargs?: I | Readonly<I>;
  /** The number of tasks that a worker runs before a new worker replaces it: 1 or more. By default there is no limit. */
  maxTasksPerChild?: number;
  /**
   * A label, used in the names of workers (`NAME-1`), in error messages and in the trace. By default `ThreadPool-1`,
   * `ProcessPool-1` and so on.
   */
  name?: string;
  /**
   * The number of milliseconds without work after which a worker ends, unless fewer than `min` workers would be left. The
   * pool starts a new worker when there is work again. By default 10,000 if `min` or `max` is given, and `Infinity`
   * otherwise.
   */
  idleTimeout?: number;
  /**
   * Records what the workers do. With `true`, {@linkcode BasePool.trace} returns the record. With a path, the record is
   * written to that file, in Chrome's trace format, when the pool ends or when the program ends before the pool. A slice
   * of the trace is one long task, or several short tasks that a worker reported together. By default `false`.
   */
  trace?: boolean | string;
  /**
   * The number of tasks that a worker runs at the same time, from 1 to 65,535. Values above 1 are meant for tasks that
   * await, such as requests: while a task computes or blocks, no other task of that worker can run. By default 1.
   *
   * With more than 1, a lock that a task leaves held is released only when no task runs in that worker, because the pool
   * cannot know which of the tasks took it. If a worker ends, or is replaced after `killAfter`, all tasks that it runs are
   * lost.
   */
  concurrency?: number;
  /**
   * The number of workers that start with the first task, or by {@linkcode BasePool.warm}, and stay when there is nothing
   * to do. From 0 to the maximum number of workers. By default 0.
   */
  min?: number;
  /**
   * The maximum number of workers, from 1 to 1,024. It is the same as the pool's first argument, which must be `undefined`
   * or equal to it. By default the number of processors, or `min` if that is greater.
   */
  max?: number;
  /**
   * The number of bytes that a worker may use before a new worker replaces it: the resident memory of a process, or the
   * heap of a thread. A worker checks it between tasks, at most every 50 ms, and finishes the tasks that it has begun. Set
   * it well above what a new worker uses. By default there is no limit.
   */
  maxMemory?: number;
}

/**
 * Options of {@linkcode BasePool.apply}, and of `map` and similar methods.
 *
 * `signal` and `timeout` let a caller give up a call:
 *
 * - The caller's promise rejects at once.
 * - Tasks of the call that have not begun never run.
 * - A task that runs goes on and its result is dropped. It can learn that it was given up from
 *   {@linkcode CurrentTask.cancelled} and {@linkcode CurrentTask.signal}. `killAfter` ends it by force.
 *
 * Both cover a call as a whole: for `map`, all of its items.
 *
 * Python has no equivalent.
 *
 * @example A task that is stopped by force
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * export const endless = () => new Promise<never>(() => {});
 *
 * if (import.meta.main) {
 *   await using pool = new Pool(1);
 *   const outcome = await pool.apply(endless, [], { timeout: 10, killAfter: 0 }).catch((error) => error.name);
 *   assertEquals(outcome, "TimeoutError");
 * }
 * ```
 */
export interface TaskOptions {
  /** Gives the call up when it is aborted: the promise rejects with the signal's reason at once. By default none. */
  signal?: AbortSignal;
  /**
   * The number of milliseconds, counted from the call, after which the call is given up: the promise rejects with a
   * {@linkcode TimeoutError}. The time that tasks wait for a worker counts. With 0 nothing runs. By default `Infinity`.
   */
  timeout?: number;
  /**
   * The number of milliseconds that a task may run on after it was given up. Then its worker is ended and replaced. The
   * same applies to a worker that is importing the module of the task, unless another task waits for that import. Deno
   * cannot stop a thread that computes: the pool replaces the worker and no longer waits for it. By default a task
   * runs to its end.
   */
  killAfter?: number;
  /**
   * Buffers to transfer: the call detaches them, `imap` and `imapUnordered` at the end of the iteration. By default none.
   *
   * A buffer of 256 KiB or more goes to a thread without a copy: it is sent once a worker has begun with the task and the
   * caller's event loop has had a turn. In all other cases its contents are copied through the shared memory: smaller
   * buffers, workers that are processes, `imap`, and calls with `retries`, which may need the contents again.
   */
  transfer?: ArrayBuffer[];
  /**
   * Tasks with lower numbers begin first. Submitted tasks with equal numbers begin in the order of their calls. The
   * priority has no effect on tasks that the pool has already passed to its workers: a few for each worker, more if the
   * tasks are short. Any number except NaN. By default 0.
   */
  priority?: number;
  /**
   * How many times a task runs again if its worker ended before the task was over. A task may then run more than once, in
   * part or as a whole, so running it again must do no harm. `currentTask().attempt` is the number of the try. A task that
   * throws, or that was given up, does not run again. By default 0: the task rejects with {@linkcode WorkerLostError}. The
   * tasks of a distributed pool have the `retries` of the pool by default.
   */
  retries?: number;
}

/**
 * Options of `map`, `starmap`, `imap` and `imapUnordered`.
 *
 * Python: the parameter `chunksize` of `Pool.map`. It has no equivalent of the others.
 *
 * @example
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 * const done: number[] = [];
 * await pool.map(Math.sqrt, [1, 4, 9], { timeout: 60_000, onProgress: (count) => done.push(count) });
 * assertEquals(done, [1, 2, 3]);
 * ```
 */
export interface MapOptions extends TaskOptions {
  /**
   * How many items a worker takes at a time: 1 or more, where values above 1,024 count as 1,024. A free worker may still
   * take items that a busy worker has not begun. For `mapRange` it is the length of a range. By default the pool chooses,
   * from the measured times of earlier items.
   */
  chunksize?: number;
  /**
   * A function that is called in the caller's thread for each finished item, in the async context of the call. It
   * receives the number of finished items, the total and the rate: see {@linkcode OnProgress}. If it throws, the call
   * ends with that error. By default none.
   */
  onProgress?: OnProgress;
}

/**
 * Options of {@linkcode BasePool.mapRange}.
 *
 * `chunksize` is the length of a range, by default such that there are 16 ranges for each worker. `onProgress` is called
 * for each range and counts items.
 *
 * Python has no equivalent.
 *
 * @typeParam A The types of the arguments that follow the bounds of the range.
 */
export interface MapRangeOptions<A extends unknown[] = unknown[]> extends MapOptions {
  /** Arguments of `fn` that follow the bounds of the range, the same for each call. By default none. */
  args?: A | Readonly<A>;
}

/**
 * What a pool is doing, and what it has done since it was created: the result of {@linkcode BasePool.stats}.
 *
 * A task is one call of a function: for `submit` the call, for `map` and `imap` an item, for `mapRange` a range, for `each`
 * the call in one worker.
 *
 * Python has no equivalent.
 */
export interface PoolStats {
  /** The number of workers that are alive. */
  workers: number;
  /** The number of workers that run a task, or import the module of a task. */
  busy: number;
  /** The number of tasks that no worker has begun. For `imap`, only items that were read from the iterable count. */
  queued: number;
  /** The number of tasks that returned. */
  completed: number;
  /**
   * The number of tasks that threw, or were lost with their worker and did not run again. Tasks that were given up before
   * they began count neither as completed nor as failed.
   */
  failed: number;
  /**
   * How long tasks waited: from the call until a worker began the task, or began the group of tasks that it reported
   * together. All items of a map count from the call, even if `imap` reads them later. With `concurrency` above 1 it is
   * an estimate.
   */
  waitTime: Times;
  /**
   * How long tasks ran. If a worker reported several tasks together, each counts with their mean. With `concurrency` above
   * 1 it is an estimate.
   */
  runTime: Times;
}

/** The default of `idleTimeout` if `min` or `max` is given: milliseconds. */
const IDLE = 10_000;
const MOST_WORKERS = 1024;

/** How many workers there are, and when they end. */
export interface Sizes {
  /** The maximum number of workers. */
  size: number;
  /** The number of workers that stay when there is nothing to do. */
  least: number;
  /** Milliseconds without work after which a worker ends; 0: never. */
  idle: number;
}

/** Checks the arguments of a pool's constructor. */
export function validatePoolOptions(
  workers: number | undefined,
  options: PoolOptions | undefined,
  cpus: () => number,
): Sizes {
  const action = "create pool";
  if (typeof workers === "object") {
    throw new TypeError(
      `Cannot create pool as 'workers' must be a number: received ${
        show(workers)
      }, write new Pool(undefined, { … }) for options alone`,
    );
  }
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
      `Cannot create pool as 'workers' and 'max' must be equal if both are given: received ${workers} and 'max' ${max}, write new Pool(undefined, { max: ${max} })`,
    );
  }
  if (min !== undefined) validateInteger(min, "'min'", 0, workers ?? max ?? MOST_WORKERS, action);
  const size = workers ?? max ?? Math.max(cpus(), min ?? 0);
  if (maxMemory !== undefined) {
    validateInteger(maxMemory, "'maxMemory'", 1, Number.MAX_SAFE_INTEGER, action);
    refuseInBrowser("limit the memory of workers", "does not tell how much they use");
  }
  if (typeof trace === "string") {
    refuseInBrowser("write the trace to a file", "has none: write { trace: true } and read the pool's trace");
  }
  const timeout = idleTimeout ?? (min === undefined && max === undefined ? Infinity : IDLE);
  return { size, least: min ?? 0, idle: timeout === Infinity ? 0 : Math.max(1, timeout) };
}

/** What can give a call up. */
export interface Limits {
  signal: AbortSignal | undefined;
  timeout: number;
}

/** Checks the options of a task. Returns `undefined` if it has neither a signal nor a timeout. */
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

/** The options of a job. `poolRetries` is the pool's default for `retries`. */
export function jobOptionsOf(options: TaskOptions | undefined, poolRetries = 0): JobOptions {
  const { killAfter, priority = 0, retries = poolRetries } = optionsOr(options);
  return {
    together: 0,
    // Timers cannot take more than 2^31 - 1 ms, which is 24 days: treat it as never.
    killAfter: killAfter === undefined || killAfter >= 2 ** 31 ? undefined : killAfter,
    priority,
    retries,
  };
}

/** Checks the options of `map` and similar methods. */
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
