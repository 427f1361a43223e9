/**
 * The readers under an `RWLock`: a seat for each thread that ever read.
 *
 * ```text
 *   seat    0   the participant; 0: never used, and none behind it is; REPORTED: its participant died while it read, and a
 *               writer has reported that. Changed by a compare-exchange: by the thread that takes the seat, and by a writer
 *           1   how many acquisitions of it stand. Only that participant writes this word
 *   row     0   the address of the next row, 0: none; written once, by a compare-exchange. Then seats, 64 bytes apart
 * ```
 *
 * The first row is part of the lock; every other row is a block. A seat belongs to its thread as long as that lives, then to
 * the next thread that needs a seat. So a reader writes to a line of its own, readers do not slow each other down, and each
 * reader is known by its id: the count of a thread that has ended counts for nothing.
 *
 * @module
 */

import { compareExchange, load, store } from "../_internal/atomics.ts";
import { isAlive } from "../_internal/memory/participants.ts";
import type { Space } from "../_internal/memory/space.ts";

/** Words of a seat, as many as a cache line has. */
const SEAT = 16;
/** How many seats the first row has, which is part of the lock. */
const FIRST_SEATS = 8;
/** How many every other row has. */
const MORE_SEATS = 32;

/** In place of the participant: a dead thread that was reported to a writer. No participant has this id. */
const REPORTED = -1;

/** Where the count of a seat is. */
export const COUNT = 1;

/** Words of the first row. It has to begin at a cache line. */
export const FIRST_ROW_WORDS: number = SEAT + FIRST_SEATS * SEAT;

/** Whether a thread that lives has an acquisition that stands. */
export function isAnybodyReading(space: Space, first: number): boolean {
  const { words, memory } = space;
  for (let row = first, count = FIRST_SEATS; row !== 0; row = load(words, row), count = MORE_SEATS) {
    for (let seat = row + SEAT, end = seat + count * SEAT; seat < end; seat += SEAT) {
      const owner = load(words, seat);
      if (owner === 0) return false;
      if (load(words, seat + COUNT) !== 0 && isAlive(memory, owner)) return true;
    }
  }
  return false;
}

/**
 * Whether a reader died holding the lock, which is reported once. Only the writer calls this.
 *
 * It changes the owner and not the count: a thread that takes the seat over at this moment writes a count of its own.
 */
export function reportDeadReaders(space: Space, first: number): boolean {
  const { words, memory } = space;
  let found = false;
  for (let row = first, count = FIRST_SEATS; row !== 0; row = load(words, row), count = MORE_SEATS) {
    for (let seat = row + SEAT, end = seat + count * SEAT; seat < end; seat += SEAT) {
      const owner = load(words, seat);
      if (owner === 0) return found;
      if (owner === REPORTED || load(words, seat + COUNT) === 0 || isAlive(memory, owner)) continue;
      if (compareExchange(words, seat, owner, REPORTED) === owner) found = true;
    }
  }
  return found;
}

/**
 * The seat of the calling thread: the seat that it has, or a new one. Throws a `RangeError` if the memory has no room for more.
 *
 * The count of a seat that was a dead thread's may not be 0 until its new owner writes it.
 */
export function findSeat(space: Space, first: number): number {
  const { words, id } = space;
  for (let row = first, count = FIRST_SEATS; row !== 0; row = load(words, row), count = MORE_SEATS) {
    for (let seat = row + SEAT, end = seat + count * SEAT; seat < end; seat += SEAT) {
      const owner = load(words, seat);
      if (owner === id) return seat;
      // There is none of its own behind this either.
      if (owner === 0) return claimSeat(space, first);
    }
  }
  return claimSeat(space, first);
}

/** The seat that the calling thread has; 0: none. */
export function existingSeat(space: Space, first: number): number {
  const { words, id } = space;
  for (let row = first, count = FIRST_SEATS; row !== 0; row = load(words, row), count = MORE_SEATS) {
    for (let seat = row + SEAT, end = seat + count * SEAT; seat < end; seat += SEAT) {
      const owner = load(words, seat);
      if (owner === id) return seat;
      if (owner === 0) return 0;
    }
  }
  return 0;
}

function claimSeat(space: Space, first: number): number {
  const { words, id, memory } = space;
  for (let row = first, count = FIRST_SEATS;; count = MORE_SEATS) {
    for (let seat = row + SEAT, end = seat + count * SEAT; seat < end; seat += SEAT) {
      for (;;) {
        const owner = load(words, seat);
        if (owner !== 0 && isAlive(memory, owner)) break;
        if (compareExchange(words, seat, owner, id) !== owner) continue;
        // No other thread writes it, and a death before this leaves it a dead thread's again.
        store(words, seat + COUNT, 0);
        return seat;
      }
    }
    if (load(words, row) === 0) addRow(space, row);
    row = load(words, row);
  }
}

function addRow(space: Space, row: number): void {
  // Its seats may lie across two cache lines, which does no harm: they are as far apart as if they did not.
  const at = space.allocate(SEAT + MORE_SEATS * SEAT, "read");
  if (compareExchange(space.words, row, 0, at) !== 0) space.free(at);
}

/** Gives the rows back that are not part of the lock. */
export function freeRows(space: Space, first: number): void {
  for (let row = load(space.words, first); row !== 0;) {
    const next = load(space.words, row);
    space.free(row);
    row = next;
  }
}
