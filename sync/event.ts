/**
 * A flag that threads wait for.
 *
 * One word: the number of `set()` and `clear()` so far that changed something. Odd: set. Any thread changes it by a
 * compare-exchange. Behind it a wait point.
 *
 * ```text
 *           set()          clear()     wait()
 *   even    +1, wake all   (nothing)   sleep until the word differs from what it was at the call
 *   odd     (nothing)      +1          return
 * ```
 *
 * A number and not a flag, so that `set()` directly followed by `clear()` still lets through all threads that waited.
 *
 * @module
 */

import { compareExchange, load } from "../_internal/atomics.ts";
import { defineKind, EVENT, registerClass } from "../_internal/memory/kinds.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { EVERYBODY, notify, WAIT_POINT_WORDS } from "../_internal/memory/wait_point.ts";
import { validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";

const POINT = 1;

/**
 * A flag that any thread sets or clears and any thread waits for.
 *
 * What was written to shared memory before {@linkcode Event.set} is visible after the wait that it ended. All waiters at the
 * time of a `set` pass, also when `clear` follows at once.
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

  /** Sets the flag and wakes all waiters. If it is set already, nothing happens. */
  set(): void {
    if (this.#place.at < 0) unusable(this, "set event");
    this.#change(0);
  }

  /** Clears the flag: a wait that begins after this waits for the next {@linkcode Event.set}. */
  clear(): void {
    if (this.#place.at < 0) unusable(this, "clear event");
    this.#change(1);
  }

  /** Whether the flag is set. Out of date as soon as it is read. */
  get isSet(): boolean {
    if (this.#place.at < 0) unusable(this, "read event");
    this.#place.space.endIfKilled();
    return (load(this.#place.words, this.#place.at) & 1) === 1;
  }

  /**
   * Waits for the flag without blocking the event loop.
   *
   * @returns `true` once the flag was set, `false` if `timeout` passed first.
   * @throws The signal's reason, if it is aborted first.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    if (this.#place.at < 0) unusable(this, "wait for event");
    const timeout = validateWait(options, "wait for event");
    return await waitAsync(this.#place.space, this.#turn(), timeout, options?.signal);
  }

  /**
   * Blocks this thread until the flag is set.
   *
   * @returns `true` once the flag was set, `false` if `timeout` passed first.
   */
  waitSync(options?: WaitSyncOptions): boolean {
    if (this.#place.at < 0) unusable(this, "wait for event");
    const timeout = validateWait(options, "wait for event");
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
    if (from === 0) notify(this.#place.space, at + POINT, EVERYBODY);
  }
}

// Whether the event is set, or was since the word was `before`.
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
