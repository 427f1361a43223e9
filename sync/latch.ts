/**
 * A count that goes down once, and that threads wait for.
 *
 * One word: how much is left to count, which any thread changes by a compare-exchange. It only goes down, and 0 stays,
 * so a waiter that has seen 0 need not look again. A wait point is behind it.
 *
 * @module
 */

import { compareExchange, load, store } from "../_internal/atomics.ts";
import { defineKind, LATCH, registerClass } from "../_internal/memory/kinds.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { ALL_SLEEPERS, notify, WAIT_POINT_WORDS } from "../_internal/memory/wait_point.ts";
import { validateInteger, validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";

const POINT = 1;
const MOST = 0x7fffffff;

/**
 * A count that goes down to zero, once, and then lets all waiters pass.
 *
 * In contrast to a `Barrier`, the threads that count need not be those that wait, and the count does not start again.
 * What was written to shared memory before a {@linkcode Latch.countDown} is visible after a wait that the latch has
 * ended. A thread that ends without having counted leaves its share uncounted, and the waiters go on waiting.
 *
 * Python has no equivalent. C++ has `std::latch`, Java has `CountDownLatch`.
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
   * @param options Options: `name` and `local`, see {@linkcode SharedOptions}.
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
   * Counts down, and wakes all waiters when the count gets to zero. Never waits.
   *
   * The count never gets below zero: counting more than is left makes it zero, and at zero this does nothing.
   *
   * Python has no equivalent.
   *
   * @param n How much to count, 1 or more. Default: 1.
   * @throws {RangeError} If `n` is not a whole number of 1 or more. Nothing is counted then.
   *
   * @example
   * ```ts
   * import { Latch } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const chunks = new Latch(10);
   * chunks.countDown();
   * chunks.countDown(4);
   * assertEquals(chunks.count, 5);
   * chunks.countDown(100);
   * assertEquals(chunks.count, 0);
   * ```
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
      if (left === 0) notify(this.#place.space, at + POINT, ALL_SLEEPERS);
      return;
    }
  }

  /**
   * How much is left to count. Out of date as soon as it is read, unless it is 0.
   *
   * Python has no equivalent.
   */
  get count(): number {
    if (this.#place.at < 0) unusable(this, "read latch");
    // A thread that polls in a loop learns here that it was asked to end.
    this.#place.space.endIfKilled();
    return load(this.#place.words, this.#place.at);
  }

  /**
   * Waits, without blocking the event loop, until the count is zero.
   *
   * Python has no equivalent.
   *
   * @param options `timeout` in milliseconds, and `signal`. Default: waits forever.
   * @returns `true` once the count is zero, `false` if `timeout` passed first.
   * @throws {RangeError} If `timeout` is negative or NaN.
   * @throws The signal's reason, if it is aborted first. The count is not changed.
   *
   * @example
   * ```ts
   * import { Latch } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const done = new Latch(3);
   * const results: number[] = [];
   *
   * async function work(n: number): Promise<void> {
   *   results.push(await Promise.resolve(n * n));
   *   done.countDown();
   * }
   *
   * [1, 2, 3].forEach((n) => void work(n));
   * await done.wait();
   * assertEquals(results, [1, 4, 9]);
   * ```
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const timeout = validateWait(options, "wait for latch");
    // Behind the options, as a getter of theirs may dispose of it.
    if (this.#place.at < 0) unusable(this, "wait for latch");
    return await waitAsync(this.#place, this.#turn(), timeout, options?.signal);
  }

  /**
   * Blocks this thread until the count is zero.
   *
   * Python has no equivalent.
   *
   * @param options `timeout` in milliseconds. Default: waits forever.
   * @returns `true` once the count is zero, `false` if `timeout` passed first.
   * @throws {RangeError} If `timeout` is negative or NaN.
   */
  waitSync(options?: WaitSyncOptions): boolean {
    const timeout = validateWait(options, "wait for latch");
    // Behind the options, as a getter of theirs may dispose of it.
    if (this.#place.at < 0) unusable(this, "wait for latch");
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
