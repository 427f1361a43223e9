/**
 * A lock between processes that readers share.
 *
 * @module
 */

import { registerClass, RWLOCK } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/rwlock.ts";

/**
 * Many readers or one writer, among all threads of all processes of the tree: {@linkcode sync.RWLock} in memory that processes
 * share.
 *
 * Python has none.
 *
 * @example
 * ```ts
 * import { RWLock } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new RWLock();
 * {
 *   using _reading = lock.readSync();
 *   assertEquals(lock.tryWrite(), undefined);
 * }
 * ```
 */
export class RWLock extends sync.RWLock {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", RWLOCK, RWLock);
