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

/** How a pool is made. */
export interface PoolOptions<I extends unknown[] = unknown[]> {
  /**
   * Called in each worker before its first task, and awaited. What it returns is `currentTask().state` in that worker. If it throws,
   * all tasks reject with its error.
   */
  initializer?: (...args: I) => unknown;
  /** The initializer's arguments. */
  initargs?: I | Readonly<I>;
  /** A worker is replaced after so many tasks. By default never. */
  maxTasksPerChild?: number;
  /** A label, for the names of workers and the trace. */
  name?: string;
  /**
   * A worker without work for so many milliseconds ends, as long as `min` others stay; another is started when there is work. By
   * default never, or after 10,000 where `min` or `max` is given.
   */
  idleTimeout?: number;
  /**
   * Records what the workers do: `true` for {@linkcode BasePool.trace}, a path to have it written there in Chrome's trace
   * format when the pool ends, or the program before it.
   */
  trace?: boolean | string;
  /**
   * So many tasks run at once in a worker, at most. Only tasks that await let others run beside them. By default 1.
   *
   * A lock that such a task leaves held is released when no other task runs in its worker.
   */
  concurrency?: number;
  /** With the first task so many workers are started, and so many stay. By default 0. */
  min?: number;
  /** There are so many workers at most. By default, and instead of, the pool's first argument. */
  max?: number;
  /**
   * A worker that uses more than so many bytes is replaced, between tasks: a process by its resident memory, a thread by its heap.
   * By default never.
   */
  maxMemory?: number;
}

/** Options of a task. */
export interface TaskOptions {
  /** Gives the task up: the caller is settled at once with the signal's reason. */
  signal?: AbortSignal;
  /** Gives the task up after so many milliseconds, with a `TimeoutError`. */
  timeout?: number;
  /**
   * A running task that was given up is told through `currentTask()`; after so many milliseconds its worker is replaced. So
   * is a worker that still imports the module of a task that was given up, if no other task waits for that.
   */
  killAfter?: number;
  /**
   * Buffers that the caller gives away. They are detached at the call (those of `imap` when the iteration ends); what was in
   * them is copied once, into the shared memory, and once out of it.
   */
  transfer?: ArrayBuffer[];
  /** Tasks with lower numbers begin first; equal ones in the order of their calls. By default 0. */
  priority?: number;
  /**
   * A task whose worker ends before it is over is tried again, so many times: it may then have run more than once, in part or as a
   * whole. `currentTask().attempt` says which try it is. A task that throws is not tried again. By default 0.
   */
  retries?: number;
}

/** Options of `map` and its like. */
export interface MapOptions extends TaskOptions {
  /** Items that a worker takes together. By default found by measuring. */
  chunksize?: number;
  /** Called as items are done, with their number, that of all where it is known, and how fast it goes. */
  onProgress?: OnProgress;
}

/** Options of `mapRange`. */
export interface MapRangeOptions<A extends unknown[] = unknown[]> extends MapOptions {
  /** What the function gets behind the bounds of its range. */
  args?: A | Readonly<A>;
}

/** What a pool is doing. */
export interface PoolStats {
  /** Workers that are alive. */
  workers: number;
  /** Workers that run something. */
  busy: number;
  /** Tasks that no worker has begun with, as far as they were taken from their iterables. */
  queued: number;
  /** Tasks that returned. */
  completed: number;
  /** Tasks that failed or were lost. */
  failed: number;
  /** From when a task was handed over until a worker began with it, or with those that it took together with it. */
  waitTime: Times;
  /** For how long tasks ran; of tasks that a worker took together, their mean. */
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
  const size = workers ?? max ?? Math.max(cpus(), min ?? 0);
  if (min !== undefined) validateInteger(min, "'min'", 0, size, action);
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

/** How a task is done, by its options. */
export function jobOptionsOf(options: TaskOptions | undefined): JobOptions {
  const { killAfter, priority = 0, retries = 0 } = optionsOr(options);
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
): { bulk: BulkOptions; limits: Limits | undefined } {
  const limits = validateTaskOptions(options, action);
  const { chunksize, onProgress } = optionsOr(options);
  if (chunksize !== undefined) validateInteger(chunksize, "'chunksize'", 1, 0x7fffffff, action);
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError(`Cannot ${action} as 'onProgress' must be a function: received ${show(onProgress)}`);
  }
  const report = onProgress === undefined ? undefined : bindContext(onProgress);
  return { bulk: { ...jobOptionsOf(options), together: chunksize ?? 0, onProgress: report }, limits };
}

/** Takes the buffers from the caller that it gave away. */
export function detach(buffers: ArrayBuffer[]): void {
  for (const buffer of buffers) {
    if (!buffer.detached) buffer.transfer();
  }
}
