/**
 * A number of permits that threads share.
 *
 * @module
 */

import { TimeoutError } from "../_internal/errors.ts";
import { REFUSAL } from "../_internal/codec/refusal.ts";
import { BOUNDED_SEMAPHORE, defineKind, registerClass, SEMAPHORE } from "../_internal/memory/kinds.ts";
import {
  Attachment,
  type Place,
  placeOf,
  SharedObject,
  type SharedOptions,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { block, CONTENDED } from "../_internal/memory/wait_point.ts";
import {
  deadlineOf,
  validateInteger,
  validateWait,
  type WaitOptions,
  type WaitSyncOptions,
} from "../_internal/options.ts";
import {
  addPermits,
  isAvailable,
  MAX_PERMITS,
  mostPermits,
  PERMITS_WORDS,
  permitsAt,
  POINT,
  tryTakePermit,
  tryTakePermitWaiting,
  unbarPermits,
  wordOf,
} from "./_permits.ts";
import { type Guard, WHY_NOT } from "./guard.ts";

// What the word means, and why no waiter starves, is told in _permits.ts.

/** The kind of the objects that a class makes. */
export const SEMAPHORE_KIND: unique symbol = Symbol("kind");

interface SemaphoreClass {
  readonly [SEMAPHORE_KIND]: number;
}

/** Adds the one permit of a guard. */
let giveBack: (semaphore: Semaphore) => void;

/**
 * A number of permits: each acquisition takes one and waits while there is none, each release adds some.
 *
 * Nobody owns a permit: any thread may release, also without having acquired, which makes `new Semaphore(0)` a signal
 * that is not lost when nobody waits yet. What was written to shared memory before a `release` is visible after the
 * acquisition that its permit makes possible. A permit that a thread held when it ended is not given back: nobody can
 * know whether another thread was to do that.
 *
 * A running thread may overtake waiters, but not for ever: after a waiter was woken four times in vain only those who
 * have waited get permits.
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
  /** @ignore */
  static readonly [SEMAPHORE_KIND]: number = SEMAPHORE;

  /**
   * Creates a semaphore with `value` permits, or opens the semaphore of the given name.
   *
   * @param value How many permits there are at first: 0 to 2³¹ - 1. Default: 1.
   * @throws {RangeError} If `value` is negative, too large or not a whole number, or the shared memory is full.
   * @throws {TypeError} If the name belongs to something else, or to a semaphore that was created with another `value`.
   */
  constructor(value?: number, options?: SharedOptions) {
    const attachment = (value as unknown) instanceof Attachment ? value as unknown as Attachment : undefined;
    super(new.target, attachment ?? options, () => {
      const permits = value === undefined ? 1 : value;
      validateInteger(permits, "'value'", 0, MAX_PERMITS, "create semaphore");
      return {
        action: "create semaphore",
        kind: (new.target as unknown as SemaphoreClass)[SEMAPHORE_KIND],
        words: PERMITS_WORDS,
        first: permits,
        initialize: (words, at) => words[at] = wordOf(permits),
      };
    });
    const { words, at } = this.#place;
    this.#most = at < 0 ? MAX_PERMITS : mostPermits(words, at);
  }

  /**
   * Takes a permit; waits for one without blocking the event loop. Promises of one thread get permits in the order of
   * the calls.
   *
   * @returns A guard whose disposal releases the permit, once. Its `abandoned` is always `false`.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first. No permit is then taken.
   */
  async acquire(options?: WaitOptions): Promise<Guard> {
    if (this.#place.at < 0) unusable(this, "acquire semaphore");
    const timeout = validateWait(options, "acquire semaphore");
    const { space, at } = this.#place;
    const point = at + POINT;
    if (!options?.signal?.aborted && !space.async.isCrowded(point) && tryTakePermit(space, at, 0)) {
      return new PermitGuard(this);
    }
    return await space.async.wait<Guard>(point, {
      attempt: (tries) => tryTakePermitWaiting(space, at, tries) ? new PermitGuard(this) : undefined,
      deadline: deadlineOf(timeout),
      expired: () => expired(timeout),
      abandoned: () => unbarPermits(space, at),
      ordered: true,
      signal: options?.signal,
    });
  }

  /**
   * Takes a permit; blocks this thread until there is one.
   *
   * @returns A guard whose disposal releases the permit, once. Its `abandoned` is always `false`.
   * @throws {TimeoutError} If `timeout` passes first.
   */
  acquireSync(options?: WaitSyncOptions): Guard {
    const { space, at } = this.#place;
    if (at < 0) unusable(this, "acquire semaphore");
    if (options === undefined && tryTakePermit(space, at, 0)) return new PermitGuard(this);
    const timeout = validateWait(options, "acquire semaphore");
    const attempt = (woken: number): true | undefined => tryTakePermitWaiting(space, at, woken) || undefined;
    if (block(space, at + POINT, attempt, deadlineOf(timeout), CONTENDED)) return new PermitGuard(this);
    unbarPermits(space, at);
    expired(timeout);
  }

  /** Takes a permit if there is one, else returns `undefined`. Never waits. */
  tryAcquire(): Guard | undefined {
    if (this.#place.at < 0) unusable(this, "acquire semaphore");
    if (tryTakePermit(this.#place.space, this.#place.at, 0)) return new PermitGuard(this);
    // One that tries in a loop hears of its end here.
    if (this.#place.space.isKilled()) this.#place.space.exit();
    return undefined;
  }

  /**
   * Adds permits and wakes as many waiters.
   *
   * Usually the guards do this, one permit each. This is for those who never acquired: it leaves all guards as they are.
   *
   * @param n How many permits, 1 or more. Default: 1.
   * @throws {RangeError} If `n` is less than 1 or not a whole number, or there would be more than 2³¹ - 1 permits. Their
   * number is then unchanged.
   */
  release(n = 1): void {
    if (this.#place.at < 0) unusable(this, "release semaphore");
    validateInteger(n, "'n'", 1, MAX_PERMITS, "release semaphore");
    if (this.#place.space.isKilled()) this.#place.space.exit();
    if (addPermits(this.#place.space, this.#place.at, n, MAX_PERMITS)) return;
    throw new RangeError(
      `Cannot release semaphore as it would have more than ${MAX_PERMITS} permits: it has ${
        permitsAt(this.#place.words, this.#place.at)
      }, received ${n}`,
    );
  }

  /** How many permits there are. Out of date as soon as it is read. */
  get value(): number {
    if (this.#place.at < 0) unusable(this, "read semaphore");
    if (this.#place.space.isKilled()) this.#place.space.exit();
    return permitsAt(this.#place.words, this.#place.at);
  }

  static {
    giveBack = (semaphore) => {
      const { space, at } = semaphore.#place;
      if (at >= 0) addPermits(space, at, 1, semaphore.#most);
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

function expired(timeout: number): never {
  throw new TimeoutError(`Cannot acquire semaphore as it had no permit for all of the ${timeout} ms of 'timeout'`);
}

/** @ignore */
export function permitsReadiness({ words }: { words: Int32Array }, at: number): {
  points: number[];
  isReady: () => boolean;
} {
  return { points: [at + POINT], isReady: () => isAvailable(words, at) };
}

registerClass("thread", SEMAPHORE, Semaphore);
defineKind(SEMAPHORE, { readiness: permitsReadiness });

// A number of permits that cannot become more.

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

registerClass("thread", BOUNDED_SEMAPHORE, BoundedSemaphore);
defineKind(BOUNDED_SEMAPHORE, { readiness: permitsReadiness });
