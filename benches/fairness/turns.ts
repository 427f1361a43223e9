/** What each thread does, with whichever lock: it takes turns until it is told to stop, and counts. */

import type { Lock, SharedArray } from "@weft/concurrent/sync";

/** Where the words of the threads' common array are, each on a line of its own. */
export const TOTAL = 0, STOP = 16, THERE = 32, GO = 48, RESULTS = 64;
/** Words of a thread's results: its turns, and its longest gap. */
const RESULT = 16;

/** How many words so many threads need. */
export function wordsFor(threads: number): number {
  return RESULTS + RESULT * threads;
}

/** What a thread counted. */
export function resultOf(words: Int32Array, index: number): { readonly turns: number; readonly gap: number } {
  return { turns: words[RESULTS + RESULT * index]!, gap: words[RESULTS + RESULT * index + 1]! };
}

/** A thread waits until it may go. */
export function standInLine(words: Int32Array): void {
  Atomics.add(words, THERE, 1);
  Atomics.wait(words, GO, 0);
}

/** Takes turns with a lock of the library. */
export function takeTurns(lock: Lock, common: SharedArray<"i32">, index: number, micros: number): void {
  const words = common.array;
  standInLine(words);
  let turns = 0, gap = 0, last = Atomics.load(words, TOTAL);
  while (Atomics.load(words, STOP) === 0) {
    lock.acquireSync();
    const total = words[TOTAL]!;
    words[TOTAL] = total + 1;
    if (micros > 0) computeFor(micros);
    lock.release();
    if (total - last > gap) gap = total - last;
    last = total + 1;
    turns++;
  }
  tell(words, index, turns, Math.max(gap, Atomics.load(words, TOTAL) - last));
}

/** Lets all threads go, stops them after so many milliseconds, and resolves to the time that they had. */
export async function race(words: Int32Array, threads: number, ms: number): Promise<number> {
  while (Atomics.load(words, THERE) < threads) await pause(1);
  const begin = performance.now();
  Atomics.store(words, GO, 1);
  Atomics.notify(words, GO);
  await pause(ms);
  Atomics.store(words, STOP, 1);
  return performance.now() - begin;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Keeps a processor busy for so many microseconds. */
export function computeFor(micros: number): void {
  const end = performance.now() + micros / 1000;
  while (performance.now() < end);
}

/** Leaves what a thread counted. */
export function tell(words: Int32Array, index: number, turns: number, gap: number): void {
  words[RESULTS + RESULT * index] = turns;
  words[RESULTS + RESULT * index + 1] = gap;
}
