/**
 * A flag that threads wait for.
 *
 * One word: how often `set()` and `clear()` have changed the flag so far. Odd: set. Any thread changes it by a
 * compare-exchange. A wait point is behind it.
 *
 * ```text
 *           set()          clear()     wait()
 *   even    +1, wake all   (nothing)   sleep until the word differs from what it was at the call
 *   odd     (nothing)      +1          return
 * ```
 *
 * A single bit would not do: with a count, `set()` directly followed by `clear()` still lets all threads through that
 * waited.
 *
 * @module
 */

import { compareExchange, load } from "../_internal/atomics.ts";
import { defineKind, EVENT, registerClass } from "../_internal/memory/kinds.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { ALL_SLEEPERS, notify, WAIT_POINT_WORDS } from "../_internal/memory/wait_point.ts";
import { validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";

const POINT = 1;

/**
 * A flag that any thread can set, clear, and wait for.
 *
 * What was written to shared memory before {@linkcode Event.set} is visible after the wait that it ended. A `set` lets
 * all current waiters through, even if `clear` follows at once.
 *
 * Python: `threading.Event`.
 *
 * @example
 * ```ts
 * import { Event } from "@weft/concurrent/sync";
 * import { assert } from "@std/assert";
 *
 * const ready = new Event();
 * const waiting = ready.wait();
 * ready.set();
 * assert(await waiting);
 * assert(ready.isSet);
 * ```
 */
export class Event extends SharedObject {
  readonly #place: Place = placeOf(this);

  /**
   * Creates an event that is not set, or opens the event of the given name.
   *
   * @param options Options: `name` and `local`, see {@linkcode SharedOptions}.
   * @throws {TypeError} If the name belongs to something that is not an event.
   * @throws {RangeError} If the shared memory is full.
   */
  constructor(options?: SharedOptions) {
    super(new.target, options, () => ({
      action: "create event",
      kind: EVENT,
      words: 1 + WAIT_POINT_WORDS,
    }));
  }

  /**
   * Sets the flag and wakes all waiters. Does nothing if the flag is set already.
   *
   * Python: `threading.Event.set`.
   *
   * @example
   * ```ts
   * import { Event } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const ready = new Event();
   * const waiting = [ready.wait(), ready.wait()];
   * ready.set();
   * assertEquals(await Promise.all(waiting), [true, true]);
   * ```
   */
  set(): void {
    if (this.#place.at < 0) unusable(this, "set event");
    this.#change(0);
  }

  /**
   * Clears the flag. A wait that begins after this waits for the next {@linkcode Event.set}.
   *
   * Waiters that an earlier `set` has let through are not affected.
   *
   * Python: `threading.Event.clear`.
   *
   * @example
   * ```ts
   * import { Event } from "@weft/concurrent/sync";
   * import { assert } from "@std/assert";
   *
   * const ready = new Event();
   * const waiting = ready.wait();
   * ready.set();
   * ready.clear();
   * assert(await waiting);
   * assert(!ready.isSet);
   * ```
   */
  clear(): void {
    if (this.#place.at < 0) unusable(this, "clear event");
    this.#change(1);
  }

  /**
   * Whether the flag is set. Out of date as soon as it is read.
   *
   * Python: `threading.Event.is_set`.
   */
  get isSet(): boolean {
    if (this.#place.at < 0) unusable(this, "read event");
    this.#place.space.endIfKilled();
    return (load(this.#place.words, this.#place.at) & 1) === 1;
  }

  /**
   * Waits for the flag without blocking the event loop. Returns at once if the flag is set.
   *
   * Python: `threading.Event.wait`.
   *
   * @param options `timeout` in milliseconds, and `signal`. Default: waits forever.
   * @returns `true` once the flag was set, `false` if `timeout` passed first.
   * @throws {RangeError} If `timeout` is negative or NaN.
   * @throws The signal's reason, if it is aborted first. The flag is not changed.
   *
   * @example
   * ```ts
   * import { Event } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const ready = new Event();
   * assertEquals(await ready.wait({ timeout: 5 }), false);
   * ready.set();
   * assertEquals(await ready.wait(), true);
   * assertEquals(ready.waitSync(), true);
   * ```
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const timeout = validateWait(options, "wait for event");
    // Behind the options, as a getter of theirs may dispose of it.
    if (this.#place.at < 0) unusable(this, "wait for event");
    return await waitAsync(this.#place, this.#turn(), timeout, options?.signal);
  }

  /**
   * Blocks this thread until the flag is set. Returns at once if the flag is set.
   *
   * Python: `threading.Event.wait`.
   *
   * @param options `timeout` in milliseconds. Default: waits forever.
   * @returns `true` once the flag was set, `false` if `timeout` passed first.
   * @throws {RangeError} If `timeout` is negative or NaN.
   */
  waitSync(options?: WaitSyncOptions): boolean {
    const timeout = validateWait(options, "wait for event");
    // Behind the options, as a getter of theirs may dispose of it.
    if (this.#place.at < 0) unusable(this, "wait for event");
    return waitSync(this.#place.space, this.#turn(), timeout);
  }

  #turn(): Wait<boolean> {
    const { words, at } = this.#place;
    const before = load(words, at);
    return {
      point: at + POINT,
      attempt: () => hasPassed(words, at, before) || undefined,
      expired: () => false,
    };
  }

  #change(from: number): void {
    const { words, at } = this.#place;
    this.#place.space.endIfKilled();
    for (;;) {
      const seen = load(words, at);
      if ((seen & 1) !== from) return;
      if (compareExchange(words, at, seen, (seen + 1) | 0) === seen) break;
    }
    if (from === 0) notify(this.#place.space, at + POINT, ALL_SLEEPERS);
  }
}

// Whether the event is set, or was set after the word was `before`.
function hasPassed(words: Int32Array, at: number, before: number): boolean {
  const seen = load(words, at);
  return (seen & 1) === 1 || seen !== before;
}

registerClass("thread", EVENT, Event);
defineKind(EVENT, {
  readiness: ({ words }, at) => {
    const before = load(words, at);
    return { points: [at + POINT], isReady: () => hasPassed(words, at, before) };
  },
});
