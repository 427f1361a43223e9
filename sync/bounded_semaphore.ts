/**
 * A number of permits that cannot become more.
 *
 * @module
 */

import { BOUNDED_SEMAPHORE, registerKind } from "../_internal/memory/kinds.ts";
import { type Place, placeOf, unusable } from "../_internal/memory/shared_object.ts";
import { validateInteger } from "../_internal/wait_options.ts";
import { addPermits, MAX_PERMITS, mostPermits, permitsAt } from "./_permits.ts";
import { registerReadiness } from "./_readiness.ts";
import { permitsReadiness, Semaphore, SEMAPHORE_KIND } from "./semaphore.ts";

/**
 * A {@linkcode Semaphore} that never has more permits than it was created with: a release too many is an error, not a
 * leak.
 *
 * Python: `threading.BoundedSemaphore`.
 *
 * @example
 * ```ts
 * import { BoundedSemaphore } from "@weft/concurrent/sync";
 * import { assertThrows } from "@std/assert";
 *
 * const seats = new BoundedSemaphore(2);
 * seats.acquireSync();
 * seats.release();
 * assertThrows(() => seats.release(), RangeError);
 * ```
 */
export class BoundedSemaphore extends Semaphore {
  readonly #place: Place = placeOf(this);
  /** @ignore */
  static override readonly [SEMAPHORE_KIND]: number = BOUNDED_SEMAPHORE;

  /**
   * Adds permits and wakes as many waiters.
   *
   * Usually the guards do this, one permit each. A guard whose permit was released in this way already does nothing when
   * all permits are there.
   *
   * @param n How many permits, 1 or more. Default: 1.
   * @throws {RangeError} If `n` is less than 1 or not a whole number, or there would be more permits than at the
   * creation. Their number is then unchanged.
   */
  override release(n = 1): void {
    if (this.#place.at < 0) unusable(this, "release semaphore");
    validateInteger(n, "'n'", 1, MAX_PERMITS, "release semaphore");
    if (this.#place.space.isKilled()) this.#place.space.exit();
    const most = mostPermits(this.#place.words, this.#place.at);
    if (addPermits(this.#place.space, this.#place.at, n, most)) return;
    throw new RangeError(
      `Cannot release semaphore as it would have more permits than the ${most} it was created with: it has ${
        permitsAt(this.#place.words, this.#place.at)
      }, received ${n}`,
    );
  }
}

registerKind("thread", BOUNDED_SEMAPHORE, BoundedSemaphore);
registerReadiness(BOUNDED_SEMAPHORE, permitsReadiness);
