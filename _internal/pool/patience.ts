/**
 * How long to look without sleeping.
 *
 * To look costs a processor, to sleep and be woken costs some tens of microseconds. Which is better depends on how soon the
 * other side answers, and on whether it has a processor to do so: where more threads want to run than there are processors, a
 * thread that looks only keeps the other from answering. Neither can be asked for, so it is learnt from what came of it.
 *
 * @module
 */

import { now } from "../atomics.ts";

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
