/** Works: the pair of atomic operations that every lock has at least, on a word that is always free. */

import type { Work } from "../../lib/play.ts";
import { LOCK, makeWords } from "./words.ts";

const blocking: Work = (n) => {
  const words = makeWords();
  for (let i = 0; i < n; i++) {
    if (Atomics.compareExchange(words, LOCK, 0, 1) !== 0) throw new Error("a free word was not free");
    Atomics.exchange(words, LOCK, 0);
  }
};

const awaited: Work = async (n) => {
  const words = makeWords();
  for (let i = 0; i < n; i++) {
    if (await Atomics.compareExchange(words, LOCK, 0, 1) !== 0) throw new Error("a free word was not free");
    Atomics.exchange(words, LOCK, 0);
  }
};

/** The works, each of which is the pair. */
export const pair: Record<string, Work> = {
  "lock/free": blocking,
  "lock/awaited": awaited,
  "rlock/free": blocking,
  "semaphore/free": blocking,
  "rwlock/read": blocking,
  "rwlock/write": blocking,
};
