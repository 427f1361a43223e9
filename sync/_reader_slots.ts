/**
 * The readers under an `RWLock`: a slot for each thread that ever read.
 *
 * ```text
 *   slot    0   the participant; 0: never used, and none behind it is; BURIED: a dead one that was reported
 *           1   how many acquisitions of it stand. Only that participant writes this word
 *   block   the address of the next block, 0: none; then slots, 64 bytes apart
 * ```
 *
 * The first block is part of the lock. A slot belongs to its thread as long as that lives, then to the next thread that
 * needs one. So a reader writes to a line of its own, readers do not slow each other down, and each reader is known by its id:
 * the count of a thread that has ended counts for nothing.
 *
 * @module
 */

import { compareExchange, load, store } from "../_internal/atomics.ts";
import { isAlive } from "../_internal/memory/participants.ts";
import type { Space } from "../_internal/memory/space.ts";

/** Words of a slot, as many as a cache line has. */
const SLOT = 16;
/** How many slots the first block has, which is part of the lock. */
const FIRST_SLOTS = 8;
/** How many every other block has. */
const MORE_SLOTS = 32;

/** Where the count of a slot is. */
export const COUNT = 1;

/** Words of the first block. It has to begin at a cache line. */
export const FIRST_BLOCK_WORDS: number = SLOT + FIRST_SLOTS * SLOT;

/** Whether a thread that lives has an acquisition. */
export function isAnybodyReading(space: Space, first: number): boolean {
  const { words, memory } = space;
  for (let block = first, count = FIRST_SLOTS; block !== 0; block = load(words, block), count = MORE_SLOTS) {
    for (let slot = block + SLOT, end = slot + count * SLOT; slot < end; slot += SLOT) {
      const owner = load(words, slot);
      if (owner === 0) return false;
      if (load(words, slot + COUNT) !== 0 && isAlive(memory, owner)) return true;
    }
  }
  return false;
}

/** In place of the owner: a dead thread that was reported to a writer. No participant has this id. */
const BURIED = -1;

/**
 * Reports, once, whether a reader died holding the lock. Called by the writer only.
 *
 * The owner is what changes, and not the count: a thread that takes the slot over at this moment writes its own count.
 */
export function buryReaders(space: Space, first: number): boolean {
  const { words, memory } = space;
  let any = false;
  for (let block = first, count = FIRST_SLOTS; block !== 0; block = load(words, block), count = MORE_SLOTS) {
    for (let slot = block + SLOT, end = slot + count * SLOT; slot < end; slot += SLOT) {
      const owner = load(words, slot);
      if (owner === 0) return any;
      if (owner === BURIED || load(words, slot + COUNT) === 0 || isAlive(memory, owner)) continue;
      if (compareExchange(words, slot, owner, BURIED) === owner) any = true;
    }
  }
  return any;
}

/**
 * The slot of the calling thread: the one it has, or a new one. Throws a `RangeError` if the memory has no room for more.
 *
 * The count of a slot that was a dead thread's is not zero, perhaps, until its new owner writes it.
 */
export function findSlot(space: Space, first: number): number {
  const { words, id } = space;
  for (let block = first, count = FIRST_SLOTS; block !== 0; block = load(words, block), count = MORE_SLOTS) {
    for (let slot = block + SLOT, end = slot + count * SLOT; slot < end; slot += SLOT) {
      const owner = load(words, slot);
      if (owner === id) return slot;
      // There is none of its own behind this either.
      if (owner === 0) return claimSlot(space, first);
    }
  }
  return claimSlot(space, first);
}

/** The slot that the calling thread has; 0: none. */
export function existingSlot(space: Space, first: number): number {
  const { words, id } = space;
  for (let block = first, count = FIRST_SLOTS; block !== 0; block = load(words, block), count = MORE_SLOTS) {
    for (let slot = block + SLOT, end = slot + count * SLOT; slot < end; slot += SLOT) {
      const owner = load(words, slot);
      if (owner === id) return slot;
      if (owner === 0) return 0;
    }
  }
  return 0;
}

function claimSlot(space: Space, first: number): number {
  const { words, id, memory } = space;
  for (let block = first, count = FIRST_SLOTS;; count = MORE_SLOTS) {
    for (let slot = block + SLOT, end = slot + count * SLOT; slot < end; slot += SLOT) {
      for (;;) {
        const owner = load(words, slot);
        if (owner !== 0 && isAlive(memory, owner)) break;
        if (compareExchange(words, slot, owner, id) !== owner) continue;
        // No other thread writes it, and a death before this leaves it a dead thread's again.
        store(words, slot + COUNT, 0);
        return slot;
      }
    }
    if (load(words, block) === 0) addBlock(space, block);
    block = load(words, block);
  }
}

function addBlock(space: Space, block: number): void {
  // Its slots may lie across two cache lines, which does no harm: they are as far apart as if they did not.
  const at = space.allocate(SLOT + MORE_SLOTS * SLOT, "read");
  if (compareExchange(space.words, block, 0, at) !== 0) space.free(at);
}

/** Gives the blocks back that are not part of the lock. */
export function freeBlocks(space: Space, first: number): void {
  for (let block = load(space.words, first); block !== 0;) {
    const next = load(space.words, block);
    space.free(block);
    block = next;
  }
}
