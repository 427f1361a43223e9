/**
 * Finds writes into memory that is not the writer's: while a memory is being checked, and only then.
 *
 * Behind the words that were asked for, a block gets guard words, which are looked at when it is given back. What was
 * given back is filled with poison, which is looked at when it is given out again. The variable WEFT_CHECK_MEMORY of the
 * environment switches that on for the memory of a program, and with that for all its threads and processes.
 *
 * @module
 */

import { environmentVariable } from "../runtime/environment.ts";

/** Words at the end of a block: how many were asked for, and the guard. */
export const GUARD_WORDS = 2;
const HEADER = 2;
const GUARD = 0x6a51d;
/** What free memory is full of. */
export const POISON = 0x5eadbeef;
/** So many words of what is given out are looked at. */
const LOOKED_AT = 4096;

/** Whether memory that is made now is to be checked. */
export function isChecking(): boolean {
  const value = environmentVariable("WEFT_CHECK_MEMORY");
  return value !== undefined && value !== "" && value !== "0";
}

// On stderr, too: much of what frees is a finalizer, or within a try.
function damaged(what: string): never {
  const message = `Shared memory is damaged: ${what}`;
  console.error(new Error(message).stack);
  throw new Error(message);
}

/** Sets the guard of a block that is given out. */
export function guard(words: Int32Array, block: number, size: number, count: number): void {
  const end = block + size - GUARD_WORDS;
  words.fill(GUARD, block + HEADER + count, end);
  words[end] = count;
  words[end + 1] = GUARD ^ block;
}

/** Looks at the guard of a block that is given back. */
export function checkFree(words: Int32Array, block: number, header: number): void {
  if ((header & 1) !== 0) damaged(`block ${block} was given back twice`);
  const end = block + header - GUARD_WORDS;
  const count = words[end];
  const isWhole = words[end + 1] === (GUARD ^ block) && count >= 0 && block + HEADER + count <= end;
  if (!isWhole) damaged(`the end of block ${block}, of ${header} words, was written over`);
  for (let at = block + HEADER + count; at < end; at++) {
    if (words[at] !== GUARD) {
      damaged(`word ${at - block - HEADER} of block ${block} was written to, which has ${count}`);
    }
  }
}

/** Fills a block that is given back. */
export function poison(words: Int32Array, block: number, size: number): void {
  words.fill(POISON, block + HEADER, block + size);
}

/** Looks whether a block was written to, as far as `end`, since it was given back. */
export function checkPoison(words: Int32Array, block: number, end: number): void {
  for (let at = block + HEADER; at < Math.min(end, block + LOOKED_AT); at++) {
    if (words[at] === POISON) continue;
    const size = words[block];
    damaged(
      `word ${at - block - HEADER} of block ${block}, of ${size} words, was written to after it was given back: ${
        words[at]
      }`,
    );
  }
}
