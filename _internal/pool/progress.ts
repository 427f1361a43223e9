/**
 * How far a job is, for its caller.
 *
 * @module
 */

import { now } from "../atomics.ts";

/** How fast a map goes. */
export interface ProgressRate {
  /** Items per second, over the last half second or somewhat more. */
  readonly rate: number;
  /**
   * Milliseconds until all items are done at this rate: `Infinity` while the rate is 0, `undefined` while it is not
   * known how many items there are.
   */
  readonly remaining: number | undefined;
}

/**
 * What `onProgress` is: called for each item that is done, in the thread that called the map. Python has no equivalent.
 *
 * `done` is how many items are done, in whatever order; `total` how many there are, `undefined` while an `imap` does
 * not know it; `rate` how fast it goes. Of `mapRange`, all of them count items, and it is called for each range. A
 * function that takes fewer arguments will do.
 *
 * @example
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 * let last = "";
 * await pool.map(Math.sqrt, [1, 4, 9], {
 *   onProgress: (done, total, { remaining }) => last = `${done} of ${total}, ${remaining} ms to go`,
 * });
 * assertEquals(last, "3 of 3, 0 ms to go");
 * ```
 */
export type OnProgress = (done: number, total: number | undefined, rate: ProgressRate) => void;

/** The rate is that of so many milliseconds, or more. */
const WINDOW = 500;

/** Tells a callback how far a job is. */
export class Progress {
  readonly #tell: OnProgress;
  #since: number = now();
  #from = 0;
  #lastSince: number = this.#since;
  #lastFrom = 0;

  constructor(tell: OnProgress) {
    this.#tell = tell;
  }

  /** So many are done. Throws what the callback throws. */
  report(done: number, total: number | undefined): void {
    const time = now();
    // Two windows in turn: there is always one that is long enough.
    if (time - this.#since > WINDOW) {
      [this.#lastSince, this.#lastFrom] = [this.#since, this.#from];
      [this.#since, this.#from] = [time, done];
    }
    const seconds = Math.max(1e-6, (time - this.#lastSince) / 1000);
    const rate = (done - this.#lastFrom) / seconds;
    const remaining = total === undefined ? undefined : rate > 0 ? (total - done) / rate * 1000 : Infinity;
    this.#tell(done, total, { rate, remaining });
  }
}
