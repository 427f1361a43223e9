/**
 * A pool of threads.
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

/** Has the tasks of a pool done by threads. Not public. */
export const threadWorkers: ReturnType<typeof workersHere> = workersHere("thread", (options, initargs, label) => {
  const thread = new Thread({ target: worker, args: [options, ...initargs], name: label, daemon: true }).start();
  const { space, at: record } = placeOf(thread);
  // What a worker fails with goes to the callers that wait for its tasks.
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
 * Threads that run tasks: each thread one task at a time, or several that await, with `concurrency`.
 *
 * - **Workers** are started when there is work for them, or all at once by {@linkcode BasePool.warm}. They are daemons:
 *   a pool with nothing to do keeps no program alive.
 * - **Tasks** need no tuning: a free worker takes as many of the next ones as are done in a moment, and what stands
 *   behind a slow task is done by another worker. A function is sent to each worker once, not with every task.
 * - **Death**: a worker that dies is replaced, and only the tasks that it was running are lost: they reject with
 *   {@linkcode WorkerLostError}, or are tried again where `retries` says so.
 *
 * @typeParam I The arguments of the initializer; nothing else depends on it.
 *
 * Python: `multiprocessing.pool.ThreadPool`, or `concurrent.futures.ThreadPoolExecutor`.
 *
 * @example
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 * assertEquals(await pool.map((x: number) => x * x, [1, 2, 3]), [1, 4, 9]);
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
   * @throws {TargetError} If the initializer cannot run in another thread.
   */
  constructor(workers?: number, options?: PoolOptions<I>) {
    super(threads, workers, options as PoolOptions | undefined);
  }
}
