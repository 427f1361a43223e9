/**
 * A re-entrant lock between processes.
 *
 * @module
 */

import { registerClass, RLOCK } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/rlock.ts";

/**
 * A lock that its holder may acquire again, among all threads of all processes of the tree: {@linkcode sync.RLock} in
 * memory that processes share. Threads of one process are different holders.
 *
 * Python: `multiprocessing.RLock`.
 *
 * @example
 * ```ts
 * import { RLock } from "@weft/concurrent/multiprocessing";
 * import { assert } from "@std/assert";
 *
 * const lock = new RLock();
 * {
 *   using _outer = lock.acquireSync();
 *   using _inner = lock.acquireSync();
 *   assert(lock.locked);
 * }
 * assert(!lock.locked);
 * ```
 */
export class RLock extends sync.RLock {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", RLOCK, RLock);
