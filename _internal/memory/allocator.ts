/**
 * Blocks of a region's heap.
 *
 * Small blocks have four sizes for each power of two and a free list for each size; what is larger than a chunk is cut
 * in whole chunks and found first-fit in one list. A block begins with two words of its own: its size in words, and the
 * next free block while it is free. Blocks are neither merged nor, but for the large, split: once all memory has been given
 * out, what wants a size that nobody gave back gets a larger block.
 *
 * Everything happens under one mutex, and every change takes effect with one store (of a list's head, of a link, of the
 * top), so that a process killed in the middle leaks at most the block it was busy with.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { ALLOCATOR_MUTEX_AT, FREE_LIST_COUNT, FREE_LISTS_AT, HEAP_AT, TOP_AT } from "./layout.ts";
import type { Memory } from "./memory.ts";
import { lockMutex, unlockMutex } from "./mutex.ts";

/** Words of a block before those of who has it. */
export const BLOCK_HEADER = 2;
const MIN = 8;
/** 256 KiB. */
const CHUNK = 65536;
const LARGE_LIST = FREE_LISTS_AT + FREE_LIST_COUNT - 1;

// Four steps a power of two: 8 10 12 14 16 20 24 28 32 40 …
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

/** How many bytes can still be had in one piece, about. */
export function available(memory: Memory): number {
  const top = Math.max(load(memory.words, TOP_AT), HEAP_AT);
  return Math.max(0, (memory.capacity - top - BLOCK_HEADER) * 4);
}

/**
 * A block of at least `count` words, aligned to eight bytes, zeroed where asked. 0: there is no room.
 *
 * `id` is the participant that asks.
 */
export function allocate(memory: Memory, id: number, count: number, zeroed: boolean): number {
  const words = memory.words;
  const wanted = count + BLOCK_HEADER;
  const large = wanted > CHUNK;
  const size = large ? Math.ceil(wanted / CHUNK) * CHUNK : classWords(sizeClass(wanted));
  const list = large ? LARGE_LIST : FREE_LISTS_AT + sizeClass(wanted);
  lockMutex(memory, ALLOCATOR_MUTEX_AT, id);
  let fresh = false;
  let at = 0;
  let previous = list;
  for (let block = load(words, list); block !== 0; block = load(words, previous = block + 1)) {
    if (!large || (load(words, block) >= size && load(words, block) <= size * 2)) {
      store(words, previous, load(words, block + 1));
      at = block;
      break;
    }
  }
  if (at === 0) {
    const top = Math.max(load(words, TOP_AT), HEAP_AT);
    if (top + size <= memory.capacity && memory.commit((top + size) * 4)) {
      store(words, top, size);
      store(words, TOP_AT, top + size);
      at = top;
      fresh = true;
    }
  }
  if (at === 0 && !large) at = takeLarger(words, list);
  unlockMutex(memory, ALLOCATOR_MUTEX_AT);
  if (at === 0) return 0;
  // What was never given out is zero already; touching it would make it resident.
  if (zeroed && !fresh) words.fill(0, at + BLOCK_HEADER, at + BLOCK_HEADER + count);
  return at + BLOCK_HEADER;
}

// The memory has no fresh end any more: any larger block will do. It keeps its size, so that it is found by that again.
function takeLarger(words: Int32Array, list: number): number {
  for (let larger = list + 1; larger <= LARGE_LIST; larger++) {
    const block = load(words, larger);
    if (block === 0) continue;
    store(words, larger, load(words, block + 1));
    if (larger === LARGE_LIST) {
      // A whole number of chunks, of which one is enough.
      const rest = load(words, block) - CHUNK;
      store(words, block + CHUNK, rest);
      store(words, block, CHUNK);
      const restList = rest > CHUNK ? LARGE_LIST : FREE_LISTS_AT + sizeClass(rest);
      store(words, block + CHUNK + 1, load(words, restList));
      store(words, restList, block + CHUNK);
    }
    return block;
  }
  return 0;
}

/** Words of a block, from where it begins for who has it. */
export function blockWords(memory: Memory, at: number): number {
  return load(memory.words, at - BLOCK_HEADER) - BLOCK_HEADER;
}

/** Gives a block back. What can not be one, since an address was scribbled over, is left alone. */
export function free(memory: Memory, id: number, at: number): void {
  const words = memory.words;
  const block = at - BLOCK_HEADER;
  const top = load(words, TOP_AT);
  if (!(block >= HEAP_AT && block < top) || block % 2 !== 0) return;
  const size = load(words, block);
  if (size < 0 || block + size > top) return;
  const list = size > CHUNK || size === 0 ? LARGE_LIST : FREE_LISTS_AT + sizeClass(size);
  lockMutex(memory, ALLOCATOR_MUTEX_AT, id);
  store(words, block + 1, load(words, list));
  store(words, list, block);
  unlockMutex(memory, ALLOCATOR_MUTEX_AT);
}
