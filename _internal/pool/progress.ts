/**
 * Reports the progress of a job to its caller.
 *
 * @module
 */

import { now } from "../atomics.ts";

/**
 * How fast a map goes: the third argument of {@linkcode OnProgress}.
 *
 * Python has no equivalent.
 */
export interface ProgressRate {
  /** The number of items per second, measured over the last half second or slightly more. */
  readonly rate: number;
  /**
   * The number of milliseconds until all items are finished at this rate. `Infinity` while the rate is 0, `undefined` while
   * the total is not known.
   */
  readonly remaining: number | undefined;
}

/**
 * The type of the option `onProgress`: a function that is called for each finished item, in the thread that called the map.
 *
 * - `done` is the number of finished items, in whatever order they finished.
 * - `total` is the number of items. It is `undefined` while an `imap` does not know it.
 * - `rate` says how fast the map goes.
 *
 * `mapRange` calls it for each range, and all numbers count items.
 *
 * Python has no equivalent.
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

/** The rate is measured over at least this time: milliseconds. */
const WINDOW = 500;

/** Calls a callback with the progress of a job. */
export class Progress {
  readonly #tell: OnProgress;
  #since: number = now();
  #from = 0;
  #lastSince: number = this.#since;
  #lastFrom = 0;

  constructor(tell: OnProgress) {
    this.#tell = tell;
  }

  /** Reports that `done` items are finished. Throws what the callback throws. */
  report(done: number, total: number | undefined): void {
    const time = now();
    // The rate is taken from the previous window on, since the present one may have only begun.
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
