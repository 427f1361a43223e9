/** The lock that programs write with bare `Atomics`: 0 free, 1 held, 2 held and waited for. */

import { COUNT, LOCK, standInLine } from "./words.ts";

/** Waits until the lock is free and takes it. */
export function lock(words: Int32Array, at: number): void {
  if (Atomics.compareExchange(words, at, 0, 1) === 0) return;
  while (Atomics.exchange(words, at, 2) !== 0) Atomics.wait(words, at, 2);
}

/** Gives the lock back. */
export function unlock(words: Int32Array, at: number): void {
  if (Atomics.exchange(words, at, 0) === 2) Atomics.notify(words, at, 1);
}

/** Adds one so many times, each time under the lock, as soon as all workers may go. */
export function increment(words: Int32Array, times: number): void {
  standInLine(words);
  for (let i = 0; i < times; i++) {
    lock(words, LOCK);
    words[COUNT]!++;
    unlock(words, LOCK);
  }
}
