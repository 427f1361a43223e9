/** A thread that takes turns with the lock that programs write with bare `Atomics`. */

import { lock, unlock } from "../peers/bare/lock.ts";
import { computeFor, standInLine, STOP, tell, TOTAL } from "./turns.ts";

/** What a thread is told. */
export interface Order {
  readonly words: Int32Array;
  /** The lock's word. */
  readonly lock: Int32Array;
  readonly index: number;
  readonly micros: number;
}

// The loop of turns.ts with the other lock: a lock behind a function would cost more than a turn of it.
function takeTurns({ words, lock: word, index, micros }: Order): void {
  standInLine(words);
  let turns = 0, gap = 0, last = Atomics.load(words, TOTAL);
  while (Atomics.load(words, STOP) === 0) {
    lock(word, 0);
    const total = words[TOTAL]!;
    words[TOTAL] = total + 1;
    if (micros > 0) computeFor(micros);
    unlock(word, 0);
    if (total - last > gap) gap = total - last;
    last = total + 1;
    turns++;
  }
  tell(words, index, turns, Math.max(gap, Atomics.load(words, TOTAL) - last));
}

const self = globalThis as unknown as Worker;
self.onmessage = ({ data }: MessageEvent<Order>) => {
  takeTurns(data);
  self.postMessage("done");
};
