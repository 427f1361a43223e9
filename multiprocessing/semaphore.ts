/**
 * A counter of permits between processes.
 *
 * @module
 */

import { registerClass, SEMAPHORE } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { hasScope, SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/semaphore.ts";

/**
 * Permits that any thread of any process of the tree takes and gives back: {@linkcode sync.Semaphore} in memory that
 * processes share.
 *
 * Permits have no owner: those that a killed process had taken are not given back.
 *
 * Python: `multiprocessing.Semaphore`.
 *
 * @example
 * ```ts
 * import { Semaphore } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const seats = new Semaphore(2);
 * {
 *   using _seat = seats.acquireSync();
 *   assertEquals(seats.value, 1);
 * }
 * assertEquals(seats.value, 2);
 * ```
 */
export class Semaphore extends sync.Semaphore {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";

  /** Also a `BoundedSemaphore` of this module, which extends that of `sync`. @ignore */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === Semaphore
      ? value instanceof sync.Semaphore && hasScope(value, "process")
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

registerClass("process", SEMAPHORE, Semaphore);
