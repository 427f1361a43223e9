/**
 * A count that goes down once, and that threads wait for.
 *
 * One word: what is left to be counted, which any thread changes by a compare-exchange. It only goes down, and 0 stays, so a
 * waiter that has seen 0 need not look again. Behind it a wait point.
 *
 * @module
 */

import { compareExchange, load, store } from "../_internal/atomics.ts";
import { defineKind, LATCH, registerClass } from "../_internal/memory/kinds.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { EVERYBODY, notify, WAIT_POINT_WORDS } from "../_internal/memory/wait_point.ts";
import { validateInteger, validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";

const POINT = 1;
const MOST = 0x7fffffff;

/**
 * A count that goes down to zero, once, and then lets all waiters pass.
 *
 * Unlike at a `Barrier`, the threads that count need not be those that wait, and the count does not begin anew. What was
 * written to shared memory before a {@linkcode Latch.countDown} is visible after the wait that the last of them ended. A
 * thread that ends without having counted leaves its count open.
 *
 * Python has no equivalent; it is C++'s `std::latch` and Java's `CountDownLatch`.
 *
 * @example
 * ```ts
 * import { Latch } from "@weft/concurrent/sync";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const ready = new Latch(2);
 * const waiting = ready.wait();
 * ready.countDown();
 * assertEquals(ready.count, 1);
 * ready.countDown();
 * assert(await waiting);
 * ```
 */
export class Latch extends SharedObject {
  readonly #place: Place = placeOf(this);

  /**
   * Creates a latch, or opens the latch of the given name.
   *
   * @param count The number to count down from: 0 to 2³¹ - 1. With 0, `wait` returns at once.
   * @param options The name, for example.
   * @throws {RangeError} If `count` is negative or not a whole number, or the shared memory is full.
   * @throws {TypeError} If the name belongs to something else, or to a latch that began with another count.
   */
  constructor(count: number, options?: SharedOptions) {
    super(new.target, options, () => {
      validateInteger(count, "'count'", 0, MOST, "create latch");
      return {
        action: "create latch",
        kind: LATCH,
        words: POINT + WAIT_POINT_WORDS,
        first: count,
        initialize: (words, at) => store(words, at, count),
      };
    });
  }

  /**
   * Counts down, and wakes all waiters once nothing is left. Never waits. Counting more than is left leaves nothing; at a
   * latch that is at zero nothing happens.
   *
   * @param n How much, 1 or more. Default: 1.
   * @throws {RangeError} If `n` is not a whole number of 1 or more. Nothing is counted then.
   */
  countDown(n = 1): void {
    const { words, at } = this.#place;
    if (at < 0) unusable(this, "count latch down");
    validateInteger(n, "'n'", 1, MOST, "count latch down");
    for (;;) {
      const seen = load(words, at);
      if (seen === 0) return;
      const left = Math.max(0, seen - n);
      if (compareExchange(words, at, seen, left) !== seen) continue;
      if (left === 0) notify(this.#place.space, at + POINT, EVERYBODY);
      return;
    }
  }

  /** What is left. It is out of date as soon as it is read, unless it is 0. */
  get count(): number {
    if (this.#place.at < 0) unusable(this, "read latch");
    // A thread that looks in a loop ends here, where another asked for that.
    this.#place.space.endIfKilled();
    return load(this.#place.words, this.#place.at);
  }

  /**
   * Waits until nothing is left, without blocking the event loop.
   *
   * @returns `true` once that is so, `false` if `timeout` passed first.
   * @throws The signal's reason, if it is aborted first.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    if (this.#place.at < 0) unusable(this, "wait for latch");
    const timeout = validateWait(options, "wait for latch");
    return await waitAsync(this.#place.space, this.#turn(), timeout, options?.signal);
  }

  /**
   * Blocks this thread until nothing is left.
   *
   * @returns `true` once that is so, `false` if `timeout` passed first.
   */
  waitSync(options?: WaitSyncOptions): boolean {
    if (this.#place.at < 0) unusable(this, "wait for latch");
    const timeout = validateWait(options, "wait for latch");
    return waitSync(this.#place.space, this.#turn(), timeout);
  }

  #turn(): Wait<boolean> {
    const { words, at } = this.#place;
    return {
      point: at + POINT,
      attempt: () => load(words, at) === 0 || undefined,
      expired: () => false,
    };
  }
}

registerClass("thread", LATCH, Latch);
defineKind(LATCH, {
  readiness: ({ words }, at) => ({ points: [at + POINT], isReady: () => load(words, at) === 0 }),
});
