/**
 * A lock between processes.
 *
 * @module
 */

import { LOCK, registerClass } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/lock.ts";

/**
 * Mutual exclusion among all threads of all processes of the tree: {@linkcode sync.Lock} in memory that processes share.
 *
 * A lock whose holder was killed stays {@linkcode sync.Lock.locked}; the next waiter gets it with `guard.abandoned`, within
 * a second.
 *
 * Python: `multiprocessing.Lock`.
 *
 * @example
 * ```ts
 * import { Lock, Process } from "@weft/concurrent/multiprocessing";
 *
 * export function report(lock: Lock, name: string): void {
 *   using _guard = lock.acquireSync();
 *   console.log(`${name} has the lock`);
 * }
 *
 * if (import.meta.main) {
 *   const lock = new Lock();
 *   const child = new Process({ target: report, args: [lock, "the child"] }).start();
 *   report(lock, "the parent");
 *   await child.join();
 * }
 * ```
 */
export class Lock extends sync.Lock {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", LOCK, Lock);
