/**
 * A memory as pairs of words, for what is 64 bits wide.
 *
 * @module
 */

import type { Memory } from "./memory.ts";

const views = new WeakMap<Memory, BigInt64Array>();

/** All pairs of a memory's words: pair `n` is the words `2n` and `2n + 1`. */
export function pairsOf(memory: Memory): BigInt64Array {
  let pairs = views.get(memory);
  if (pairs === undefined) {
    // Without a length: a memory that grows has more pairs then, as it has more words.
    const { buffer, byteOffset } = memory.words;
    views.set(memory, pairs = new BigInt64Array(buffer, byteOffset));
  }
  return pairs;
}
