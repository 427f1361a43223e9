/**
 * The pool of processes.
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

/** Makes and ends the processes that do a pool's tasks. Not public. */
export const processWorkers = (method?: StartMethod): ReturnType<typeof workersHere> =>
  workersHere(scope, (options, initargs, label) => {
    const process = new Process({ target: worker, args: [options, ...initargs], name: label, daemon: true });
    if (method !== undefined) setMethod(process as never, method);
    process.start();
    const { space, at: record } = placeOf(process);
    // The callers that wait for its tasks get the error that a worker ends with, so the worker does not print it.
    setFlags(space, record, RESULT_ASKED);
    return {
      identity: { worker: label, pid: process.pid },
      record,
      points: [record + POINT],
      ending: endingOf(process),
      kill: () => process.kill(),
    };
  });

/** The kind of a pool whose processes start by that method. Not public. */
export const kindOf = (method?: StartMethod): PoolKind => ({
  scope,
  label: "ProcessPool",
  own: processWorkers(method),
});

const processes = kindOf();
/** The kinds of the pools of contexts, by the class of the pool. */
const kinds = new WeakMap<object, PoolKind>();

/** A subclass of {@linkcode Pool} whose workers start by that method. */
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
 * Processes that run tasks: a fixed number of them, or as many as there is work for (`min`, `max`). Each process runs one
 * task at a time, or several that await with `concurrency`.
 *
 * - **Workers** start when there is work for them, or all at once with {@linkcode BasePool.warm}. They are daemons: a pool
 *   that has nothing to do does not keep the program alive.
 * - **Tasks** go through memory that the processes share, and need no tuning. A free worker takes as many tasks as it can
 *   finish in a few milliseconds, and tasks behind a slow one are moved to other workers. A function is sent to each worker
 *   once, not with every task.
 * - **Death**: a worker that dies is replaced. Only the tasks that it was running are lost: they reject with
 *   {@linkcode WorkerLostError}, which has the worker's exit code and the signal that ended it, or run again if `retries`
 *   allows it.
 *
 * Python: `multiprocessing.Pool`, or `concurrent.futures.ProcessPoolExecutor`.
 *
 * @typeParam I The types of the initializer's arguments.
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
   * Makes a pool. No worker starts before the first task.
   *
   * @param workers The largest number of processes, from 1 to 1,024. Default: one for each processor.
   * @param options The initializer, the limits of workers, and the rest of {@linkcode PoolOptions}.
   * @throws {TypeError} If an option has the wrong type.
   * @throws {RangeError} If `workers` or a number among the options is out of range.
   * @throws {TargetError} If the initializer cannot run in another process, as far as the caller can tell.
   */
  constructor(workers?: number, options?: PoolOptions<I>) {
    super(kindFor(new.target), workers, options as PoolOptions | undefined);
  }
}
