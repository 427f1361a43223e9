/**
 * A pool of processes.
 *
 * @module
 */

import type { Scope } from "../_internal/memory/memory.ts";
import { placeOf } from "../_internal/memory/shared_object.ts";
import { workersHere } from "../_internal/pool/dispatcher.ts";
import type { PoolKind } from "../_internal/pool/pool_calls.ts";
import { BasePool } from "../_internal/pool/pool.ts";
import type { PoolOptions } from "../_internal/pool/pool_options.ts";
import type { workForPool } from "../_internal/pool/worker.ts";
import { ownFile } from "../_internal/runtime/own_files.ts";
import { task } from "../_internal/targets/describe.ts";
import { POINT, RESULT_ASKED, setFlags } from "../_internal/work/record.ts";
import { endingOf } from "../_internal/work/runner.ts";
import { Process, setMethod } from "./process.ts";
import type { StartMethod } from "./start_method.ts";

export { type CurrentTask, currentTask } from "../_internal/pool/current_task.ts";
export {
  asCompleted,
  Future,
  type FutureIterable,
  type FutureIterator,
  type FutureState,
  type SettledFutures,
  wait,
  type WaitFuturesOptions,
} from "../_internal/pool/future.ts";
export type { Times } from "../_internal/pool/histogram.ts";
export type { BasePool } from "../_internal/pool/pool.ts";
export type {
  MapOptions,
  MapRangeOptions,
  PoolOptions,
  PoolStats,
  TaskOptions,
} from "../_internal/pool/pool_options.ts";
export type { OnProgress, ProgressRate } from "../_internal/pool/progress.ts";
export type { PoolTrace, TraceEvent } from "../_internal/pool/trace.ts";

const worker = task<typeof workForPool>(ownFile("poolWorker"), "workForPool");
const scope: Scope = "process";

/** Has the tasks of a pool done by processes. Not public. */
export const processWorkers = (method?: StartMethod): ReturnType<typeof workersHere> =>
  workersHere(scope, (options, initargs, label) => {
    const process = new Process({ target: worker, args: [options, ...initargs], name: label, daemon: true });
    if (method !== undefined) setMethod(process as never, method);
    process.start();
    const { space, at: record } = placeOf(process);
    // What a worker fails with goes to the callers that wait for its tasks.
    setFlags(space, record, RESULT_ASKED);
    return {
      identity: { worker: label, pid: process.pid },
      record,
      points: [record + POINT],
      ending: endingOf(process),
      kill: () => process.kill(),
    };
  });

/** A pool of processes that start by that method. Not public. */
export const kindOf = (method?: StartMethod): PoolKind => ({
  scope,
  label: "ProcessPool",
  own: processWorkers(method),
});

const processes = kindOf();
/** The kinds of the pools of contexts, by their classes. */
const kinds = new WeakMap<object, PoolKind>();

/** As {@linkcode Pool}, with workers that start by that method. */
export function poolOf(method: StartMethod): typeof Pool {
  const OfContext = class<I extends unknown[] = unknown[]> extends Pool<I> {};
  Object.defineProperty(OfContext, "name", { value: "Pool" });
  kinds.set(OfContext, kindOf(method));
  return OfContext;
}

function kindFor(type: object | null): PoolKind {
  for (; type !== null; type = Object.getPrototypeOf(type) as object | null) {
    const kind = kinds.get(type);
    if (kind !== undefined) return kind;
  }
  return processes;
}

/**
 * Processes that run tasks: each process one task at a time, or several that await, with `concurrency`.
 *
 * - **Workers** are started when there is work for them, or all at once by {@linkcode BasePool.warm}. They are daemons:
 *   a pool with nothing to do keeps no program alive.
 * - **Tasks** go through memory that the processes share, and need no tuning: a free worker takes as many of the next
 *   ones as are done in a moment, and what stands behind a slow task is done by another worker. A function is sent to
 *   each worker once, not with every task.
 * - **Death**: a worker that dies is replaced, and only the tasks that it was running are lost: they reject with
 *   {@linkcode WorkerLostError}, which has the worker's exit code and the signal that ended it, or are tried again
 *   where `retries` says so.
 *
 * @typeParam I The arguments of the initializer; nothing else depends on it.
 *
 * Python: `multiprocessing.Pool`, or `concurrent.futures.ProcessPoolExecutor`.
 *
 * @example
 * ```ts
 * import { Pool } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function square(x: number): number {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   await using pool = new Pool(2);
 *   assertEquals(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
 * }
 * ```
 */
export class Pool<I extends unknown[] = unknown[]> extends BasePool {
  /**
   * Makes a pool. Its workers start with the first task.
   *
   * @param workers How many there are at most, from 1 to 1,024; by default one for each processor.
   * @param options See {@linkcode PoolOptions}.
   * @throws {TypeError} If an option is of the wrong kind.
   * @throws {RangeError} If a number among the arguments and options is out of range.
   * @throws {TargetError} If the initializer cannot run in another process.
   */
  constructor(workers?: number, options?: PoolOptions<I>) {
    super(kindFor(new.target), workers, options as PoolOptions | undefined);
  }
}
