/**
 * A point at which processes wait for each other.
 *
 * @module
 */

import { BARRIER, registerClass } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/barrier.ts";

/**
 * Lets a number of threads of any processes of the tree wait for each other: {@linkcode sync.Barrier} in memory that processes
 * share. If one of them is killed while it waits, the barrier breaks for all.
 *
 * Python: `multiprocessing.Barrier`.
 *
 * @example
 * ```ts
 * import { Barrier, Process } from "@weft/concurrent/multiprocessing";
 *
 * export function meet(barrier: Barrier): void {
 *   barrier.waitSync();
 * }
 *
 * if (import.meta.main) {
 *   const barrier = new Barrier(2);
 *   const child = new Process({ target: meet, args: [barrier] }).start();
 *   await barrier.wait();
 *   await child.join();
 * }
 * ```
 */
export class Barrier extends sync.Barrier {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", BARRIER, Barrier);
