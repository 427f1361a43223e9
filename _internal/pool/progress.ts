/**
 * How far a job is, for its caller.
 *
 * @module
 */

import { now } from "../atomics.ts";

/** How fast a job goes. */
export interface ProgressRate {
  /** Items a second, of late. */
  readonly rate: number;
  /** Milliseconds until all are done at this rate; `undefined` where nothing is known of a total. */
  readonly remaining: number | undefined;
}

/**
 * Called now and then with the number of items that are done, and of all, where that is known. A function that takes two
 * arguments only serves as well.
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
