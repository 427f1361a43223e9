/**
 * A counter of permits between processes that never exceeds its first value.
 *
 * @module
 */

import { BOUNDED_SEMAPHORE, registerClass } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/semaphore.ts";

/**
 * A semaphore between processes that no `release` takes above its initial value: {@linkcode sync.BoundedSemaphore} in memory
 * that processes share.
 *
 * Python: `multiprocessing.BoundedSemaphore`.
 *
 * @example
 * ```ts
 * import { BoundedSemaphore } from "@weft/concurrent/multiprocessing";
 * import { assertThrows } from "@std/assert";
 *
 * const seats = new BoundedSemaphore(1);
 * assertThrows(() => seats.release(), RangeError);
 * ```
 */
export class BoundedSemaphore extends sync.BoundedSemaphore {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", BOUNDED_SEMAPHORE, BoundedSemaphore);
