/**
 * A number of permits that threads share, and the bounded kind, which never has more permits than at first. _permits.ts
 * has the word and its states.
 *
 * @module
 */

import { REFUSAL } from "../_internal/codec/refusal.ts";
import { TimeoutError } from "../_internal/errors.ts";
import { BOUNDED_SEMAPHORE, defineKind, type Kind, registerClass, SEMAPHORE } from "../_internal/memory/kinds.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { CONTENDED, PASSING } from "../_internal/memory/wait_point.ts";
import { validateInteger, validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import {
  addPermits,
  isAvailable,
  MAX_PERMITS,
  mostPermits,
  PERMITS_WORDS,
  permitsAt,
  POINT,
  takesPermit,
  tryTakePermit,
  tryTakePermitWaiting,
  unbarPermits,
  wordOf,
} from "./_permits.ts";
import { type Guard, WHY_NOT } from "./guard.ts";

/** Adds the permit of a guard. */
let giveBack: (semaphore: Semaphore) => void;

/**
 * A number of permits: each acquisition takes one and waits while there is none, each release adds some.
 *
 * Permits have no owner. Any thread may release, even if it has not acquired. This makes `new Semaphore(0)` a signal
 * that is not lost when no thread waits yet.
 *
 * - **Visibility.** What was written to shared memory before a `release` is visible after the acquisition that its
 *   permit makes possible.
 * - **Order.** A running thread may overtake waiters, but not forever: after a waiter was woken four times in vain,
 *   only threads that have waited get permits.
 * - **Death.** A permit that a thread held when it ended is not given back: another thread may have been meant to do
 *   that.
 *
 * Python: `threading.Semaphore`.
 *
 * @example At most two at a time
 * ```ts
 * import { Semaphore } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const connections = new Semaphore(2);
 * let most = 0;
 * let now = 0;
 * await Promise.all([1, 2, 3, 4].map(async () => {
 *   using _permit = await connections.acquire();
 *   most = Math.max(most, ++now);
 *   await Promise.resolve();
 *   now--;
 * }));
 * assertEquals(most, 2);
 * ```
 */
export class Semaphore extends SharedObject {
  readonly #place: Place = placeOf(this);
  /** How many permits there can be. */
  readonly #most: number;

  static {
    giveBack = (semaphore) => {
      const { space, at } = semaphore.#place;
      if (at >= 0) addPermits(space, at, 1, semaphore.#most);
    };
  }

  /**
   * Creates a semaphore with `value` permits, or opens the semaphore of the given name.
   *
   * @param value How many permits there are at first: 0 to 2³¹ - 1. Default: 1.
   * @param options Options: `name` and `local`, see {@linkcode SharedOptions}.
   * @throws {RangeError} If `value` is negative, too large or not a whole number, or the shared memory is full.
   * @throws {TypeError} If the name belongs to something else, or to a semaphore that was created with another `value`.
   */
  constructor(value?: number, options?: SharedOptions) {
    super(new.target, options, () => {
      const permits = value === undefined ? 1 : value;
      validateInteger(permits, "'value'", 0, MAX_PERMITS, "create semaphore");
      return {
        action: "create semaphore",
        kind: isBounded(new.target) ? BOUNDED_SEMAPHORE : SEMAPHORE,
        words: PERMITS_WORDS,
        first: permits,
        initialize: (words, at) => words[at] = wordOf(permits),
      };
    });
    const { words, at } = this.#place;
    this.#most = at < 0 ? MAX_PERMITS : mostPermits(words, at);
  }

  /**
   * Takes a permit. Waits for one without blocking the event loop.
   *
   * Promises of one thread get permits in the order of the calls.
   *
   * Python: `threading.Semaphore.acquire`.
   *
   * @param options `timeout` in milliseconds, and `signal`. Default: waits forever.
   * @returns A guard that releases the permit, once, when it is disposed of. Its `abandoned` is always `false`.
   * @throws {TimeoutError} If `timeout` passes first. No permit is then taken.
   * @throws {RangeError} If `timeout` is negative or NaN.
   * @throws The signal's reason, if it is aborted first. No permit is then taken.
   *
   * @example
   * ```ts
   * import { Semaphore } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const seats = new Semaphore(1);
   * {
   *   using _seat = await seats.acquire();
   *   assertEquals(seats.value, 0);
   *   assertEquals(seats.tryAcquire(), undefined);
   * }
   * assertEquals(seats.value, 1);
   * ```
   */
  acquire(options?: WaitOptions): Promise<Guard> {
    const { space, at } = this.#place;
    // An async function would cost as much as the rest.
    if (options === undefined && at >= 0 && !space.async.isCrowded(at + POINT) && takesPermit(space, at)) {
      return Promise.resolve(new PermitGuard(this));
    }
    return this.#acquireLater(options);
  }

  async #acquireLater(options: WaitOptions | undefined): Promise<Guard> {
    const timeout = validateWait(options, "acquire semaphore");
    const { space, at } = this.#place;
    // Behind the options, as a getter of theirs may dispose of it.
    if (at < 0) unusable(this, "acquire semaphore");
    if (!options?.signal?.aborted && !space.async.isCrowded(at + POINT) && tryTakePermit(space, at, 0)) {
      return new PermitGuard(this);
    }
    return await waitAsync(this.#place, this.#turn(), timeout, options?.signal);
  }

  /**
   * Takes a permit. Blocks this thread until there is one.
   *
   * Python: `threading.Semaphore.acquire`.
   *
   * @param options `timeout` in milliseconds. Default: waits forever.
   * @returns A guard that releases the permit, once, when it is disposed of. Its `abandoned` is always `false`.
   * @throws {TimeoutError} If `timeout` passes first. No permit is then taken.
   * @throws {RangeError} If `timeout` is negative or NaN.
   */
  acquireSync(options?: WaitSyncOptions): Guard {
    const { space, at } = this.#place;
    if (at < 0) unusable(this, "acquire semaphore");
    if (options === undefined && takesPermit(space, at)) return new PermitGuard(this);
    return this.#acquireSlowly(options);
  }

  #acquireSlowly(options: WaitSyncOptions | undefined): Guard {
    const timeout = validateWait(options, "acquire semaphore");
    const { space, at } = this.#place;
    // As in `#acquireLater`.
    if (at < 0) unusable(this, "acquire semaphore");
    if (options === undefined && tryTakePermit(space, at, 0)) return new PermitGuard(this);
    return waitSync(space, this.#turn(), timeout);
  }

  /**
   * Takes a permit if there is one. Never waits.
   *
   * Python: `threading.Semaphore.acquire(blocking=False)`.
   *
   * @returns A guard that releases the permit, once, when it is disposed of, or `undefined` if there is no permit.
   */
  tryAcquire(): Guard | undefined {
    if (this.#place.at < 0) unusable(this, "acquire semaphore");
    if (tryTakePermit(this.#place.space, this.#place.at, PASSING)) return new PermitGuard(this);
    this.#place.space.endIfKilled();
    return undefined;
  }

  /**
   * Adds permits and wakes as many waiters.
   *
   * Usually the guards do this, one permit each. This method is for threads that have not acquired. It leaves all
   * guards as they are.
   *
   * Python: `threading.Semaphore.release`.
   *
   * @param n How many permits to add, 1 or more. Default: 1.
   * @throws {RangeError} If `n` is less than 1 or not a whole number, or there would be more than 2³¹ - 1 permits.
   * Their number is then unchanged.
   *
   * @example A signal
   * ```ts
   * import { Semaphore } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const arrivals = new Semaphore(0);
   * const waiting = [arrivals.acquire(), arrivals.acquire()];
   * arrivals.release(2);
   * await Promise.all(waiting);
   * assertEquals(arrivals.value, 0);
   * ```
   */
  release(n = 1): void {
    if (this.#place.at < 0) unusable(this, "release semaphore");
    if (n !== 1) validateInteger(n, "'n'", 1, MAX_PERMITS, "release semaphore");
    this.#place.space.peekKill();
    if (addPermits(this.#place.space, this.#place.at, n, MAX_PERMITS)) return;
    throw new RangeError(
      `Cannot release semaphore as it would have more than ${MAX_PERMITS} permits: it has ${
        permitsAt(this.#place.words, this.#place.at)
      }, received ${n}`,
    );
  }

  /**
   * How many permits there are now. Out of date as soon as it is read.
   *
   * Python: `multiprocessing.Semaphore.get_value`. `threading.Semaphore` has no equivalent.
   */
  get value(): number {
    if (this.#place.at < 0) unusable(this, "read semaphore");
    this.#place.space.endIfKilled();
    return permitsAt(this.#place.words, this.#place.at);
  }

  #turn(): Wait<Guard> {
    const { space, at } = this.#place;
    return {
      point: at + POINT,
      attempt: (woken) => tryTakePermitWaiting(space, at, woken) ? new PermitGuard(this) : undefined,
      expired: (timeout) => {
        throw new TimeoutError(
          `Cannot acquire semaphore as it had no permit for all of the ${timeout} ms of 'timeout'`,
        );
      },
      abandoned: () => unbarPermits(space, at),
      ordered: true,
      pauses: CONTENDED,
    };
  }
}

class PermitGuard implements Guard {
  readonly abandoned = false;
  #semaphore: Semaphore | undefined;

  constructor(semaphore: Semaphore) {
    this.#semaphore = semaphore;
  }

  get [REFUSAL](): string {
    return WHY_NOT;
  }

  [Symbol.dispose](): void {
    const semaphore = this.#semaphore;
    if (semaphore === undefined) return;
    this.#semaphore = undefined;
    giveBack(semaphore);
  }
}

/**
 * A {@linkcode Semaphore} that never has more permits than it was created with: one release too many throws.
 *
 * Use it if every release belongs to an acquisition, so that a mistake is noticed.
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

  /**
   * Adds permits and wakes as many waiters.
   *
   * Usually the guards do this, one permit each. If a permit was released with this method, disposing of its guard does
   * nothing while all permits are there.
   *
   * Python: `threading.BoundedSemaphore.release`.
   *
   * @param n How many permits to add, 1 or more. Default: 1.
   * @throws {RangeError} If `n` is less than 1 or not a whole number, or there would be more permits than at the
   * creation. Their number is then unchanged.
   *
   * @example
   * ```ts
   * import { BoundedSemaphore } from "@weft/concurrent/sync";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * const seats = new BoundedSemaphore(2);
   * seats.acquireSync();
   * assertThrows(() => seats.release(2), RangeError);
   * seats.release();
   * assertEquals(seats.value, 2);
   * ```
   */
  override release(n = 1): void {
    if (this.#place.at < 0) unusable(this, "release semaphore");
    if (n !== 1) validateInteger(n, "'n'", 1, MAX_PERMITS, "release semaphore");
    this.#place.space.peekKill();
    const most = mostPermits(this.#place.words, this.#place.at);
    if (addPermits(this.#place.space, this.#place.at, n, most)) return;
    throw new RangeError(
      `Cannot release semaphore as it would have more permits than the ${most} it was created with: it has ${
        permitsAt(this.#place.words, this.#place.at)
      }, received ${n}`,
    );
  }
}

function isBounded(type: typeof Semaphore): boolean {
  return type === BoundedSemaphore || type.prototype instanceof BoundedSemaphore;
}

const PERMITS_KIND: Kind = {
  readiness: ({ words }, at) => ({ points: [at + POINT], isReady: () => isAvailable(words, at) }),
};

registerClass("thread", SEMAPHORE, Semaphore);
defineKind(SEMAPHORE, PERMITS_KIND);
registerClass("thread", BOUNDED_SEMAPHORE, BoundedSemaphore);
defineKind(BOUNDED_SEMAPHORE, PERMITS_KIND);
