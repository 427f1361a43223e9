/**
 * A pool of threads.
 *
 * @module
 */

import type { Ending } from "../_internal/pool/jobs.ts";
import { BasePool, type PoolKind, type PoolOptions } from "../_internal/pool/pool.ts";
import type { workForPool } from "../_internal/pool/worker.ts";
import { WorkerLostError } from "../sync/errors.ts";
import { task } from "../sync/task.ts";
import { Thread } from "./thread.ts";

const worker = task<typeof workForPool>(new URL("../_internal/pool/worker.ts", import.meta.url), "workForPool");

const threads: PoolKind = {
  scope: "thread",
  label: "ThreadPool",
  start: (options, initargs, label) => {
    const thread = new Thread({ target: worker, args: [options, ...initargs], name: label, daemon: true }).start();
    return {
      ended: thread.result().then((): Ending => ({}), (error): Ending => {
        return error instanceof WorkerLostError ? { exitCode: error.exitCode } : { error };
      }),
      terminate: () => thread.terminate(),
    };
  },
};

/**
 * Threads that wait for tasks: as many at a time as there are workers, each after the other.
 *
 * Workers start with the first task and are daemons. A function crosses once per worker and not once per task; small
 * tasks cross in chunks. A worker that dies is replaced, and only its task is lost: that one rejects with
 * {@linkcode WorkerLostError}.
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
export class Pool extends BasePool {
  /**
   * Makes a pool.
   *
   * @param workers How many; by default one for each processor.
   * @throws {RangeError} If `workers`, `maxTasksPerChild` or `idleTimeout` is out of range.
   * @throws {TargetError} If the initializer can not run in another thread.
   */
  constructor(workers?: number, options?: PoolOptions) {
    super(threads, workers, options);
  }
}
