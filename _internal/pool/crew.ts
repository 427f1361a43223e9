/**
 * What a pool learns of its workers: that it is of no use to start more of them, and how long it is worth looking for what
 * the other side does before sleeping.
 *
 * @module
 */

import { now } from "../atomics.ts";

// Workers that end before they have begun with anything are counted, so that a pool does not start them forever.
//
// The workers of a round start side by side and may all end of the same cause, which need not be there a moment later. So
// of those that had been started by the time of a failure only that failure counts. And while one of these may yet begin,
// those that were started after it do not count either: workers that a system kills one after the other say nothing about it.

/** So many rounds in a row may fail. */
export const TRIES = 3;

/** Failed starts in a row: of each function that a worker wanted to begin with, and under 0 of those without any. */
export class FailedStarts {
  readonly #rounds: Map<number, { failed: number; newest: number }> = new Map();

  /**
   * Notes that a worker has ended.
   *
   * @param newest The number of the worker that was started last.
   * @param mayBegin Whether a worker up to this number is still on its way to its first unit.
   * @returns Whether that was the last try. The next one is the last again, until something succeeds.
   */
  note(fn: number, worker: number, newest: number, mayBegin: (upTo: number) => boolean): boolean {
    const round = this.#rounds.get(fn);
    if (round === undefined) {
      this.#rounds.set(fn, { failed: 1, newest });
      return false;
    }
    if (worker <= round.newest || mayBegin(round.newest)) return false;
    round.newest = newest;
    round.failed = Math.min(round.failed + 1, TRIES);
    return round.failed === TRIES;
  }

  /** Notes that a worker has begun with a unit of the function. */
  succeed(fn: number): void {
    if (this.#rounds.size === 0) return;
    this.#rounds.delete(fn);
    this.#rounds.delete(0);
  }
}

// How long to look without sleeping.
//
// To look costs a processor, to sleep and be woken costs some tens of microseconds. Which is better depends on how soon the
// other side answers, and on whether it has a processor to do so: where more threads want to run than there are processors, a
// thread that looks only keeps the other from answering. Neither can be asked for, so it is learnt from what came of it.

/** Milliseconds. */
const LEAST = 0.02;
const MOST = 0.1;
/** So many times in vain, and it is tried but now and then. */
const VAIN = 3;
const SELDOM = 16;
/** How many looks there are between two looks at the clock. */
const LOOKS = 16;

/** How long one thread looks. */
export class Patience {
  #limit = MOST / 2;
  #vain = 0;
  #passed = 0;

  /** Calls `look` for a while, until it returns `true`. Returns whether it did. */
  wait(look: () => boolean): boolean {
    if (this.#vain >= VAIN && ++this.#passed % SELDOM !== 0) return look();
    const begin = now();
    let time = begin;
    do {
      for (let i = 0; i < LOOKS; i++) {
        if (!look()) continue;
        this.#vain = 0;
        // Some times as long as it took: it takes longer now and then.
        this.#limit = Math.min(MOST, Math.max(LEAST, this.#limit * 0.75 + (now() - begin)));
        return true;
      }
      time = now();
    } while (time - begin < this.#limit);
    this.#vain++;
    this.#limit = Math.max(LEAST, this.#limit / 2);
    return false;
  }
}
