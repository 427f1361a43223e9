/**
 * Blocks of a region's heap.
 *
 * ```text
 *   block   0  its size in words, an even number; with FREE added while it is free
 *           1  free: the next block of its list.  given out: HOLDER, see below
 *           2… the words of its user
 * ```
 *
 * Blocks lie side by side from the beginning of the heap to TOP. Nothing behind TOP is given out. The sizes alone say
 * where all blocks are. The lists of free blocks are an index that can be rebuilt from the sizes at any time.
 *
 * Small blocks come in four sizes for each power of two, with a list for each size. The large blocks share one list,
 * which is searched for the best fit. A block that is given back goes into its list and is not joined with its
 * neighbors at once, since a block of the same size is usually wanted again soon. A sweep joins all free neighbors. It
 * runs when much was given back and nothing of it fits, before the end of the heap moves on, and also before an
 * allocation fails.
 *
 * Everything happens under one mutex. A process that is killed in the middle may leave the lists broken, but never the
 * sizes: blocks are cut and joined by one atomic store each, and all other writes are plain. A thread that takes the
 * mutex from a dead holder sweeps first. At most the block that the dead holder was working on is lost.
 *
 * HOLDER is the participant that will soon give a block back without being asked: the owner of a pool, for inputs and
 * results. A thread that finds no room uses it to decide whether waiting makes sense.
 *
 * The environment variable WEFT_CHECK_MEMORY turns on checks for a program's memory, in all of its threads and
 * processes. They find writes into memory that does not belong to the writer. A block gets guard words behind the words
 * that were asked for; they are checked when it is given back. A block that is given back is filled with poison, which
 * is checked when it is given out again.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import {
  ALLOCATOR_MUTEX_AT,
  CHECKED_AT,
  FREE_LIST_COUNT,
  FREE_LISTS_AT,
  FREED_AT,
  FRESH_AT,
  HEAP_AT,
  LOOSE_AT,
  type Memory,
  TOP_AT,
  USED_AT,
} from "./memory.ts";
import { isAlive, lockMutex, unlockMutex } from "./participants.ts";

/** Words of a block before those of its user. */
export const BLOCK_HEADER = 2;
const FREE = 1;
const MIN = 8;
/** 256 KiB. All larger blocks are in one list. */
const CHUNK = 65536;
const LARGE_LIST = FREE_LISTS_AT + FREE_LIST_COUNT - 1;
/** How many blocks are compared for the best fit. */
const COMPARED = 256;
/** Where the count of LOOSE words stops, so that it cannot overflow. */
const MUCH = 2 ** 29;

/** Words at the end of a checked block: how many words were asked for, and the guard. */
const GUARD_WORDS = 2;
const GUARD = 0x6a51d;
/** The value that fills free memory while memory is checked. */
const POISON = 0x5eadbeef;
/** How many words of a block are checked for poison when it is given out. */
const LOOKED_AT = 4096;

// Four sizes for each power of two: 8 10 12 14 16 20 24 28 32 40 …
function sizeClass(words: number): number {
  if (words <= MIN) return 0;
  const power = 31 - Math.clz32(words - 1);
  const step = 1 << (power - 2);
  return (power - 3) * 4 + Math.ceil((words - (1 << power)) / step);
}

function classWords(index: number): number {
  const power = 3 + (index >> 2);
  return (1 << power) + (index & 3) * (1 << (power - 2));
}

// The list for free blocks of that size. Its blocks are at least as large as its class, so the first one fits any
// request of that class.
function listOf(size: number): number {
  if (size > CHUNK) return LARGE_LIST;
  const power = 31 - Math.clz32(size);
  return FREE_LISTS_AT + (power - 3) * 4 + ((size - (1 << power)) >> (power - 2));
}

// Eight sizes for each power of two.
function largeWords(words: number): number {
  const step = 1 << (28 - Math.clz32(words - 1));
  return Math.ceil(words / step) * step;
}

function topOf(words: Int32Array): number {
  return Math.max(load(words, TOP_AT), HEAP_AT);
}

// The size of a block, free or given out. 0: the word was scribbled over.
function sizeAt(words: Int32Array, block: number, top: number): number {
  const size = words[block] & ~FREE;
  return size < MIN || size % 2 !== 0 || block + size > top ? 0 : size;
}

/**
 * Returns a block of at least `count` words, aligned to eight bytes, and zeroed if `zeroed`. 0: there is no room.
 *
 * `id` is the participant that asks. `holder` is the participant that will give the block back without being asked, or
 * 0. `spare` is how many words must stay free besides the block.
 */
export function allocate(
  memory: Memory,
  id: number,
  count: number,
  zeroed: boolean,
  holder = 0,
  spare = 0,
): number {
  const { words } = memory;
  const checked = words[CHECKED_AT] !== 0;
  const wanted = count + BLOCK_HEADER + (checked ? GUARD_WORDS : 0);
  lock(memory, id);
  const fresh = Math.max(words[FRESH_AT], HEAP_AT);
  const block = spare > memory.capacity - HEAP_AT - words[USED_AT] - wanted ? 0 : take(memory, wanted);
  if (block !== 0) {
    words[block + 1] = holder;
    words[USED_AT] = words[USED_AT] + words[block];
  }
  unlockMutex(memory, ALLOCATOR_MUTEX_AT);
  if (block === 0) return 0;
  if (checked) {
    if (block < fresh) checkPoison(words, block, Math.min(fresh, block + words[block]));
    guard(words, block, words[block], count);
  }
  // Words that were never given out are zero already. Writing to them would make their pages resident.
  if (zeroed && block < fresh) words.fill(0, block + BLOCK_HEADER, block + BLOCK_HEADER + count);
  return block + BLOCK_HEADER;
}

function take(memory: Memory, wanted: number): number {
  const { words } = memory;
  if (wanted <= CHUNK) {
    const list = FREE_LISTS_AT + sizeClass(wanted);
    const block = words[list];
    if (block > 0) {
      words[list] = words[block + 1];
      words[block] = words[block] & ~FREE;
      return block;
    }
  }
  const size = wanted <= CHUNK ? classWords(sizeClass(wanted)) : largeWords(wanted);
  const inUse = topOf(words) - HEAP_AT;
  const isLoose = words[LOOSE_AT] > CHUNK && words[LOOSE_AT] * 2 > inUse && words[USED_AT] * 2 < inUse;
  if (isLoose) sweep(memory);
  let block = fit(words, LARGE_LIST, size) || extend(memory, size) || fitLarger(words, size);
  if (block !== 0 || words[LOOSE_AT] === 0 && size === even(wanted)) return block;
  if (words[LOOSE_AT] > 0) sweep(memory);
  block = fit(words, listOf(size), size) || fitLarger(words, size) || extend(memory, size);
  if (block !== 0) return block;
  // The exact size, not rounded up to that of a class: better a block that is harder to use again than none.
  const exact = even(wanted);
  return fit(words, listOf(exact), exact) || fitLarger(words, exact) || extend(memory, exact);
}

function even(words: number): number {
  return Math.max(MIN, (words + 1) & ~1);
}

// The best fit among the list's first blocks; if none of those fits, the first block that does.
function fit(words: Int32Array, list: number, size: number): number {
  let best = 0;
  let bestPrevious = 0;
  let bestSize = 0;
  let compared = 0;
  for (let previous = list, block = words[list]; block > 0; previous = block + 1, block = words[previous]) {
    const its = words[block] & ~FREE;
    if (its >= size && (best === 0 || its < bestSize)) {
      best = block;
      bestPrevious = previous;
      bestSize = its;
    }
    if (its === size || ++compared > COMPARED && best !== 0) break;
  }
  if (best === 0) return 0;
  words[bestPrevious] = words[best + 1];
  cut(words, best, size);
  return best;
}

function fitLarger(words: Int32Array, size: number): number {
  for (let list = listOf(size) + 1; list <= LARGE_LIST; list++) {
    const block = words[list] === 0 ? 0 : fit(words, list, size);
    if (block !== 0) return block;
  }
  return 0;
}

// Marks a block that was taken out of its list as given out. If it is much larger than needed, the rest becomes a free
// block.
function cut(words: Int32Array, block: number, size: number): void {
  const whole = words[block] & ~FREE;
  const rest = whole - size;
  if (rest < MIN || rest < size >> 3) {
    words[block] = whole;
    return;
  }
  // No thread looks inside a block, so the header of the rest is written first. The store of the shorter size then
  // makes two blocks of it at once.
  words[block + size] = rest | FREE;
  store(words, block, size);
  push(words, block + size, rest);
}

function push(words: Int32Array, block: number, size: number): void {
  const list = listOf(size);
  words[block + 1] = words[list];
  words[list] = block;
}

function extend(memory: Memory, size: number): number {
  const { words } = memory;
  const top = topOf(words);
  if (top + size > memory.capacity || !memory.commit((top + size) * 4)) return 0;
  // FRESH first. If this thread dies after it, no other thread takes words for zero that this thread has written.
  if (top + size > words[FRESH_AT]) words[FRESH_AT] = top + size;
  words[top] = size;
  store(words, TOP_AT, top + size);
  return top;
}

function lock(memory: Memory, id: number): void {
  if (lockMutex(memory, ALLOCATOR_MUTEX_AT, id)) sweep(memory, true);
}

/**
 * Joins neighboring free blocks, rebuilds the lists, and gives the free end of the heap back. `died`: the last holder
 * of the mutex died and may have left the lists broken.
 */
function sweep(memory: Memory, died = false): void {
  const { words } = memory;
  const checked = words[CHECKED_AT] !== 0;
  for (let list = FREE_LISTS_AT; list <= LARGE_LIST; list++) words[list] = 0;
  const top = topOf(words);
  let used = 0;
  for (let at = HEAP_AT, size; at < top; at += size) {
    size = sizeAt(words, at, top);
    if (size === 0) {
      // The blocks behind a broken size cannot be found. They stay as they are.
      used += top - at;
      break;
    }
    if ((words[at] & FREE) === 0) {
      used += size;
      continue;
    }
    let end = at + size;
    for (let next; end < top && (words[end] & FREE) !== 0 && (next = sizeAt(words, end, top)) !== 0;) {
      end += next;
    }
    if (end === top) {
      store(words, TOP_AT, at);
      if (checked) words.fill(POISON, at, end);
      break;
    }
    const isJoined = end !== at + size;
    size = end - at;
    if (isJoined) store(words, at, size | FREE);
    if (checked && (isJoined || died)) poison(words, at, size);
    push(words, at, size);
  }
  if (checked && died) words.fill(POISON, topOf(words), words[FRESH_AT]);
  words[USED_AT] = used;
  words[LOOSE_AT] = 0;
}

/**
 * How many bytes the largest block can have if `spare` words stay free. With `lent`, the blocks count as free that a
 * living participant will give back without being asked.
 */
export function reach(memory: Memory, id: number, lent = false, spare = 0): number {
  const { words } = memory;
  lock(memory, id);
  const top = topOf(words);
  let longest = 0;
  let room = memory.capacity - top;
  let run = 0;
  let lastHolder = 0;
  for (let at = HEAP_AT, size; at < top; at += size) {
    size = sizeAt(words, at, top);
    if (size === 0) {
      run = 0;
      break;
    }
    let isRoom = (words[at] & FREE) !== 0;
    if (!isRoom && lent && words[at + 1] > 0) {
      isRoom = words[at + 1] === lastHolder || isAlive(memory, words[at + 1]);
      if (isRoom) lastHolder = words[at + 1];
    }
    run = isRoom ? run + size : 0;
    if (isRoom) room += size;
    if (run > longest) longest = run;
  }
  longest = Math.max(longest, run + memory.capacity - top);
  unlockMutex(memory, ALLOCATOR_MUTEX_AT);
  const most = Math.min(longest & ~1, room - spare);
  return Math.max(0, (most - BLOCK_HEADER - (words[CHECKED_AT] !== 0 ? GUARD_WORDS : 0)) * 4);
}

/** How many words of a block its user has. `at` is the first of them. */
export function blockWords(memory: Memory, at: number): number {
  return (load(memory.words, at - BLOCK_HEADER) & ~FREE) - BLOCK_HEADER;
}

/**
 * Gives a block back. Does nothing if `at` cannot be a block: its address was scribbled over, or it was given back
 * before.
 */
export function free(memory: Memory, id: number, at: number): void {
  const { words } = memory;
  const block = at - BLOCK_HEADER;
  const top = load(words, TOP_AT);
  if (!(block >= HEAP_AT && block < top) || block % 2 !== 0) return;
  const size = sizeAt(words, block, top);
  if (size === 0) return;
  if (words[CHECKED_AT] !== 0) {
    checkFree(words, block, words[block]);
    poison(words, block, size);
  }
  lock(memory, id);
  if ((words[block] & FREE) === 0) {
    words[block] = size | FREE;
    push(words, block, size);
    words[USED_AT] = words[USED_AT] - size;
    words[LOOSE_AT] = Math.min(MUCH, words[LOOSE_AT] + size);
    words[FREED_AT] = (words[FREED_AT] + 1) | 0;
  }
  unlockMutex(memory, ALLOCATOR_MUTEX_AT);
}

// The checks.

// On stderr, too: blocks are often given back by a finalizer or inside a try, where the error would not be seen.
function damaged(what: string): never {
  const message = `Shared memory is damaged: ${what}`;
  console.error(new Error(message).stack);
  throw new Error(message);
}

/** Sets the guard of a block that is given out. */
function guard(words: Int32Array, block: number, size: number, count: number): void {
  const end = block + size - GUARD_WORDS;
  words.fill(GUARD, block + BLOCK_HEADER + count, end);
  words[end] = count;
  words[end + 1] = GUARD ^ block;
}

/** Checks the guard of a block that is given back. */
function checkFree(words: Int32Array, block: number, header: number): void {
  if ((header & 1) !== 0) damaged(`block ${block} was given back twice`);
  const end = block + header - GUARD_WORDS;
  const count = words[end];
  const isWhole = words[end + 1] === (GUARD ^ block) && count >= 0 && block + BLOCK_HEADER + count <= end;
  if (!isWhole) damaged(`the end of block ${block}, of ${header} words, was written over`);
  for (let at = block + BLOCK_HEADER + count; at < end; at++) {
    if (words[at] !== GUARD) {
      damaged(
        `word ${at - block - BLOCK_HEADER} of block ${block} was written to, but the block has only ${count} words`,
      );
    }
  }
}

/** Fills a block that is given back with poison. */
function poison(words: Int32Array, block: number, size: number): void {
  words.fill(POISON, block + BLOCK_HEADER, block + size);
}

/** Checks that a block was not written to, as far as `end`, since it was given back. */
function checkPoison(words: Int32Array, block: number, end: number): void {
  for (let at = block + BLOCK_HEADER; at < Math.min(end, block + LOOKED_AT); at++) {
    if (words[at] === POISON) continue;
    const size = words[block];
    damaged(
      `word ${at - block - BLOCK_HEADER} of block ${block}, of ${size} words, was written to after it was given back: ${
        words[at]
      }`,
    );
  }
}
