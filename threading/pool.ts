/**
 * The pool of threads.
 *
 * @module
 */

import { placeOf } from "../_internal/memory/shared_object.ts";
import { workersHere } from "../_internal/pool/dispatcher.ts";
import type { PoolKind } from "../_internal/pool/pool_calls.ts";
import { BasePool } from "../_internal/pool/pool.ts";
import type { PoolOptions } from "../_internal/pool/pool_options.ts";
import type { workForPool } from "../_internal/pool/worker.ts";
import { ownFile } from "../_internal/runtime/own_files.ts";
import { handToThread } from "../_internal/threads/start_thread.ts";
import { task } from "../_internal/targets/describe.ts";
import { POINT, RESULT_ASKED, setFlags } from "../_internal/work/record.ts";
import { endingOf } from "../_internal/work/runner.ts";
import { Thread } from "./thread.ts";

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

/** Makes and ends the threads that do a pool's tasks. Not public. */
export const threadWorkers: ReturnType<typeof workersHere> = workersHere("thread", (options, initargs, label) => {
  const thread = new Thread({ target: worker, args: [options, ...initargs], name: label, daemon: true }).start();
  const { space, at: record } = placeOf(thread);
  // The callers that wait for its tasks get the error that a worker ends with, so the worker does not print it.
  setFlags(space, record, RESULT_ASKED);
  return {
    identity: { worker: label, ident: thread.ident },
    record,
    points: [record + POINT],
    ending: endingOf(thread),
    kill: () => thread.terminate(),
    hand: (handed) => handToThread(thread.ident!, handed),
  };
});

const threads: PoolKind = { scope: "thread", label: "ThreadPool", own: threadWorkers };

/**
 * Threads that run tasks: a fixed number of them, or as many as there is work for (`min`, `max`). Each thread runs one
 * task at a time, or several that await with `concurrency`.
 *
 * - **Workers** start when there is work for them, or all at once with {@linkcode BasePool.warm}. They are daemons: a pool
 *   that has nothing to do does not keep the program alive.
 * - **Tasks** need no tuning. A free worker takes as many tasks as it can finish in a few milliseconds, and tasks behind a
 *   slow one are moved to other workers. A function is sent to each worker once, not with every task.
 * - **Death**: a worker that dies is replaced. Only the tasks that it was running are lost: they reject with
 *   {@linkcode WorkerLostError}, or run again if `retries` allows it.
 *
 * Python: `multiprocessing.pool.ThreadPool`, or `concurrent.futures.ThreadPoolExecutor`.
 *
 * @typeParam I The types of the initializer's arguments.
 *
 * @example
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * export function square(x: number) {
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
   * @param workers The largest number of threads, from 1 to 1,024. Default: one for each processor.
   * @param options The initializer, the limits of workers, and the rest of {@linkcode PoolOptions}.
   * @throws {TypeError} If an option has the wrong type.
   * @throws {RangeError} If `workers` or a number among the options is out of range.
   * @throws {TargetError} If the initializer cannot run in another thread, as far as the caller can tell.
   */
  constructor(workers?: number, options?: PoolOptions<I>) {
    super(threads, workers, options as PoolOptions | undefined);
  }
}
