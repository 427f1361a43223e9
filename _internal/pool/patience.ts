/**
 * How long a thread looks for something before it sleeps.
 *
 * Looking occupies a processor; sleeping and being woken costs some tens of microseconds. Which is better depends on how soon the
 * other side answers, and on whether it has a processor: if more threads want to run than there are processors, a thread that
 * looks keeps the other side from answering. Neither can be queried, so it is learned from the success of earlier looks.
 *
 * @module
 */

import { now } from "../atomics.ts";

/** The shortest and longest time to look: milliseconds. */
const LEAST = 0.02;
const MOST = 0.1;
/** After VAIN failures in a row, the thread looks only every SELDOM-th time. */
const VAIN = 3;
const SELDOM = 16;
/** The number of looks between two readings of the clock. */
const LOOKS = 16;

/** The patience of one thread. */
export class Patience {
  #limit = MOST / 2;
  #vain = 0;
  #passed = 0;

  /** Calls `look` again and again, until it returns `true` or the time is up. Returns the last result. */
  wait(look: () => boolean): boolean {
    if (this.#vain >= VAIN && ++this.#passed % SELDOM !== 0) return look();
    const begin = now();
    let time = begin;
    do {
      for (let i = 0; i < LOOKS; i++) {
        if (!look()) continue;
        this.#vain = 0;
        // This approaches four times as long as the answers take, since some take longer.
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
