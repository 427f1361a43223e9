/**
 * The guard that an acquisition returns, and the lock as a condition sees it.
 *
 * @module
 */

import type { Place } from "../_internal/memory/shared_object.ts";

/**
 * One acquisition of a lock, of one side of an `RWLock`, or of one permit of a semaphore.
 *
 * Disposing of a guard gives its acquisition back, once. Disposing of a spent guard does nothing. A guard is spent
 *
 * - when it is disposed of,
 * - when `release()` gives the same acquisition back, in any thread,
 * - when the acquisition passes to another thread, because this thread was presumed dead.
 *
 * A semaphore's `release()` is not tied to an acquisition and leaves all guards valid. A guard belongs to the thread
 * that acquired, and cannot be sent to another (`DataCloneError`).
 *
 * Python: the `with` statement over a lock.
 *
 * @example
 * ```ts
 * import { Lock } from "@weft/concurrent/sync";
 * import { assert } from "@std/assert";
 *
 * const lock = new Lock();
 * {
 *   using guard = lock.acquireSync();
 *   assert(!guard.abandoned); // no thread died holding it
 * }
 * assert(!lock.locked);
 * ```
 */
export interface Guard extends Disposable {
  /**
   * Whether the previous holder ended (returned, was killed, crashed) while it held the lock. What the lock protects
   * may then be half changed.
   *
   * After the wait of a condition, this is also `true` if the holder from which the lock came back had ended. Permits
   * of a semaphore have no holder: always `false`.
   */
  readonly abandoned: boolean;
}

/** Why a guard does not cross to another thread. */
export const WHY_NOT = "a guard stands for an acquisition of this thread: send the lock";

/** What a `Condition` asks of its lock. */
export interface Hold {
  /** The place of the lock's handle. */
  readonly place: Place;
  /** Where the lock's wait point is. */
  readonly point: number;
  /** Whether the caller holds it, as far as that can be known. */
  isHeld(): boolean;
  /** Releases it, however often it was acquired, and returns what {@linkcode Hold.tryRetake} needs. */
  giveUp(): unknown;
  /** Tries to restore the state before {@linkcode Hold.giveUp}. `woken` is what `Wait.attempt` gets. */
  tryRetake(held: unknown, woken: number): true | undefined;
}
