/**
 * The short mutex inside the library's own structures: allocator, names, queue ends, wait lists.
 *
 * One word: `id << 1 | contended`, 0 when free. Whoever dies holding it is found out by the next in line, which then
 * owns it. What it guards must therefore be consistent after every single store.
 *
 * ```text
 *              lock()                        unlock()
 *   0          id<<1                         (a bug)
 *   id<<1      id<<1|1, then sleep           0
 *   id<<1|1    sleep                         0, wake one
 * ```
 *
 * Whoever has slept takes it as contended, since others may still sleep: at worst one wake-up too many.
 *
 * @module
 */

import { compareExchange, exchange, load, pause } from "../atomics.ts";
import type { Memory } from "./memory.ts";
import { isAlive, seeToOthers } from "./participants.ts";

const SPINS = 200;
const SLICE = 20;

/** Takes the mutex as participant `id`. `true`: its last holder died holding it, or never gave it up. */
export function lockMutex(memory: Memory, at: number, id: number): boolean {
  return compareExchange(memory.words, at, 0, id << 1) === 0 ? false : lockSlowly(memory, at, id);
}

function lockSlowly(memory: Memory, at: number, id: number): boolean {
  const words = memory.words;
  for (let i = 0; i < SPINS; i++) {
    if (load(words, at) === 0 && compareExchange(words, at, 0, id << 1) === 0) return false;
    pause();
  }
  for (;;) {
    const seen = load(words, at);
    if (seen === 0) {
      if (compareExchange(words, at, 0, id << 1 | 1) === 0) return false;
      continue;
    }
    // Its own: an error was thrown while it was held, which only words that were scribbled over can do. To wait would be
    // to wait for ever.
    if (seen >>> 1 === id || !isAlive(memory, seen >>> 1)) {
      if (compareExchange(words, at, seen, id << 1 | 1) === seen) return true;
      continue;
    }
    if ((seen & 1) === 1 || compareExchange(words, at, seen, seen | 1) === seen) {
      memory.wait(at, seen | 1, SLICE);
      // The holder may be a thread that this one started, and that was stopped.
      seeToOthers();
    }
  }
}

/** Gives the mutex up. */
export function unlockMutex(memory: Memory, at: number): void {
  if ((exchange(memory.words, at, 0) & 1) === 1) memory.notify(at, 1);
}
