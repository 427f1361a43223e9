/**
 * The readers of an `RWLock`: a seat for each thread that has ever read.
 *
 * ```text
 *   seat    0   the participant; 0: never used, and none behind it is; REPORTED: its participant died while it read, and a
 *               writer has reported that. Changed by a compare-exchange: by the thread that takes the seat, and by a writer
 *           1   how many acquisitions it holds. Only that participant writes this word
 *   row     0   the address of the next row, 0: none; written once, by a compare-exchange. Then seats, 64 bytes apart
 * ```
 *
 * The first row is part of the lock; every other row is a block. A seat belongs to its thread while the thread lives,
 * and then to the next thread that needs a seat. So each reader writes to a cache line of its own, and readers do not
 * slow each other down. Each reader is known by its id, so the count of a thread that has ended is ignored.
 *
 * @module
 */

import { compareExchange, load, peek, store } from "../_internal/atomics.ts";
import { isAlive } from "../_internal/memory/participants.ts";
import type { Space } from "../_internal/memory/space.ts";

/** Words of a seat, which is as large as a cache line. */
export const SEAT = 16;
/** How many seats the first row has. */
const FIRST_SEATS = 8;
/** How many seats every other row has. */
const MORE_SEATS = 32;

/** The value in place of a participant whose death was reported to a writer. No participant has this id. */
const REPORTED = -1;

/** Offset of the count in a seat. */
export const COUNT = 1;

/** How many words the first row has. It must begin at a cache line. */
export const FIRST_ROW_WORDS: number = SEAT + FIRST_SEATS * SEAT;

/** Whether no thread reads and none died while it read, so far as the first row shows it. `false` if there are more rows. */
export function isUnread(words: Int32Array, first: number): boolean {
  for (let seat = first + SEAT, end = seat + FIRST_SEATS * SEAT; seat < end; seat += SEAT) {
    if (peek(words, seat) === 0) return true;
    if (peek(words, seat + COUNT) !== 0) return false;
  }
  return peek(words, first) === 0;
}

/** Whether a living thread reads. */
export function isRead(space: Space, first: number): boolean {
  const { words, memory } = space;
  for (let row = first, count = FIRST_SEATS; row !== 0; row = peek(words, row), count = MORE_SEATS) {
    for (let seat = row + SEAT, end = seat + count * SEAT; seat < end; seat += SEAT) {
      const owner = peek(words, seat);
      if (owner === 0) return false;
      if (peek(words, seat + COUNT) !== 0 && isAlive(memory, owner)) return true;
    }
  }
  return false;
}

/**
 * Whether a reader died holding the lock. Each death is reported once. Only the writer calls this.
 *
 * It changes the participant of a seat and not the count, since a thread that takes the seat over at this moment writes
 * the count.
 */
export function reportDeadReaders(space: Space, first: number): boolean {
  const { words, memory } = space;
  let found = false;
  for (let row = first, count = FIRST_SEATS; row !== 0; row = peek(words, row), count = MORE_SEATS) {
    for (let seat = row + SEAT, end = seat + count * SEAT; seat < end; seat += SEAT) {
      const owner = peek(words, seat);
      if (owner === 0) return found;
      if (owner === REPORTED || peek(words, seat + COUNT) === 0 || isAlive(memory, owner)) continue;
      if (compareExchange(words, seat, owner, REPORTED) === owner) found = true;
    }
  }
  return found;
}

/**
 * The seat of the calling thread: the seat that it has already, or another. Throws a `RangeError` if the memory is
 * full.
 *
 * A seat that belonged to a dead thread may have a count other than 0 until its new owner writes it.
 */
export function findSeat(space: Space, first: number): number {
  const { words, id } = space;
  for (let row = first, count = FIRST_SEATS; row !== 0; row = load(words, row), count = MORE_SEATS) {
    for (let seat = row + SEAT, end = seat + count * SEAT; seat < end; seat += SEAT) {
      const owner = load(words, seat);
      if (owner === id) return seat;
      // No seat behind it is used either, so this thread has none.
      if (owner === 0) return claimSeat(space, first);
    }
  }
  return claimSeat(space, first);
}

/** The seat that the calling thread has; 0 if it has none. */
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
        // No other thread writes this word. If this thread dies before the store, the seat is again that of a dead
        // thread.
        store(words, seat + COUNT, 0);
        return seat;
      }
    }
    if (load(words, row) === 0) addRow(space, row);
    row = load(words, row);
  }
}

function addRow(space: Space, row: number): void {
  // The seats of a block may lie across two cache lines each. That does no harm, since they are still 64 bytes apart.
  const at = space.allocate(SEAT + MORE_SEATS * SEAT, "read");
  if (compareExchange(space.words, row, 0, at) !== 0) space.free(at);
}

/** Gives back the rows that are not part of the lock. */
export function freeRows(space: Space, first: number): void {
  for (let row = load(space.words, first); row !== 0;) {
    const next = load(space.words, row);
    space.free(row);
    row = next;
  }
}
