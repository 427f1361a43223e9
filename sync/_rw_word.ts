/**
 * The word of a lock with two sides, and what readers and writers may do in each of its states.
 *
 * Readers and writers meet in one word, `writer << 5 | flags`, and in the seats of the readers (_reader_seats.ts):
 *
 * ```text
 *   FREE             no thread writes; the seats say which read
 *   writer << 5      that participant writes, or is a newcomer that looks at the seats once more. If it is dead, the
 *                    next thread gets the lock
 *   + CLAIM          it looks whether any thread reads: a moment; others wait for its result
 *   + ABANDONED      a writer ended while it held the lock: reported to every acquisition up to the next writer's
 *   + READERS_OFF    a writer waits for the readers to leave: new readers stay out
 *   + WRITERS_OFF    a reader was overtaken too often: writers stay out
 *   + BARRED         a writer was overtaken too often: new writers stay out
 *
 *                  read                              write
 *   FREE           counts itself, looks once more:   CLAIM, then looks at the seats: writer, or
 *                  reads, or takes its count back    back to the flags, and READERS_OFF if it waits;
 *                                                    a newcomer that sees no reader: writer, then looks
 *   + READERS_OFF  waits, unless a writer has left   as FREE
 *                  since it came, or it reads
 *   + WRITERS_OFF  as FREE, and clears it            waits
 *                  if it has waited
 *   + BARRED       as FREE                           as FREE if it has waited, and clears it; else waits
 *   CLAIM          looks again until it is gone      looks again until it is gone
 *   writer         waits                             waits
 *   dead           ABANDONED, and looks again        ABANDONED, and looks again
 *
 *                  release of the write side: WRITERS_OFF and BARRED stay; notifies all readers and a writer
 * ```
 *
 * A reader adds to the count in its seat and then reads the word. A writer claims the word and then reads the counts; a
 * newcomer that sees no reader writes its id at once, without a claim, and then reads them. These operations are
 * sequentially consistent, so at least one of the two sees the other. The reader then takes its count back and waits
 * until the claim is gone; the writer takes its claim or its id back. Each of these steps is one store. The claims and
 * counts of dead threads are ignored, and a dead writer's id is replaced by ABANDONED. So nothing has to be repaired, at
 * whichever instruction a thread dies.
 *
 * A single word with the number of readers would be simpler, but does not work: a number does not say which threads
 * read, so a reader that dies would count forever. And all readers would write to the same cache line.
 *
 * **Fairness.** A writer that waits sets READERS_OFF. From then on a reader enters only if it was waiting while a
 * writer held the lock (PHASE has changed since it came). So readers and writers take turns: a writer waits for the
 * readers that were there when it began to wait, and a reader waits for one writer. Writers may still overtake the
 * readers that were woken after that writer. When this happened `WOKEN_IN_VAIN` times, a reader sets WRITERS_OFF.
 * BARRED is the bar among writers, as with Lock.
 *
 * READERS_OFF and WRITERS_OFF each announce that a waiter will enter soon. That waiter may be dead, or a promise of a
 * busy thread. So each flag comes with the id of the participant that set it last, its keeper. A thread that finds the
 * lock free for LAPSE milliseconds in spite of a flag enters, and so does an attempt that finds it free and will not wait.
 *
 * @module
 */

import { and, compareExchange, load, now, or, pause, peek, post, store } from "../_internal/atomics.ts";
import type { Kind } from "../_internal/memory/kinds.ts";
import { firstLine, LINE } from "../_internal/memory/memory.ts";
import { isAlive, NO_PARTICIPANT } from "../_internal/memory/participants.ts";
import type { Space } from "../_internal/memory/space.ts";
import { ALL_SLEEPERS, isAwaited, notify, WAIT_POINT_WORDS, WOKEN_IN_VAIN } from "../_internal/memory/wait_point.ts";
import { FREE, MISSED, TAKEN, TAKEN_OVER } from "./_lock_word.ts";
import {
  COUNT,
  existingSeat,
  FIRST_ROW_WORDS,
  freeRows,
  isRead,
  isUnread,
  reportDeadReaders,
} from "./_reader_seats.ts";

const BARRED = 1;
const READERS_OFF = 2;
const WRITERS_OFF = 4;
const ABANDONED = 8;
const CLAIM = 16;
const FLAGS = 15;
const WRITER_SHIFT = 5;

/** Offset of the wait point of the readers from the word. */
export const READ_POINT = 1;
/** Offset of the wait point of the writers. */
export const WRITE_POINT: number = READ_POINT + WAIT_POINT_WORDS;
/** How often a writer has released the lock, wrapping. Only the writer writes it. */
const PHASE = WRITE_POINT + WAIT_POINT_WORDS;
/** The participant that set READERS_OFF last. */
const KEEPER_OF_READERS = PHASE + 1;
/** The participant that set WRITERS_OFF last. */
const KEEPER_OF_WRITERS = PHASE + 2;
/** Offset of the number of the writer's acquisition. Only the writer reads and writes it, as plain memory. */
export const ACQUISITION: number = PHASE + 3;
/** Offset of the first row of seats. */
export const SEATS = LINE;
/** How many words a lock has. The word itself is at the first cache line (64 bytes) in the block. */
export const RW_WORDS: number = SEATS + FIRST_ROW_WORDS + LINE - 1;

/** How many milliseconds a free lock is left to the waiter that a flag announces. */
const LAPSE = 100;
/** How many looks a thread takes at a claim before it sleeps. A claim lasts as long as a look at the seats. */
const CLAIM_SPINS = 200;

/** One wait for the lock. */
export interface Waiting {
  /** Whether the thread is blocked meanwhile. */
  readonly blocking: boolean;
  /** Whether the caller will not wait: its timeout is 0. */
  readonly passing: boolean;
  /** The phase in which the wait began. */
  readonly phase: number;
  /** The time since which a flag has kept the waiter from a free lock, in milliseconds; 0: none has. */
  since: number;
}

/** Makes a wait that begins now. */
export function beginWaiting(space: Space, base: number, blocking: boolean, timeout: number): Waiting {
  return { blocking, passing: timeout === 0, phase: load(space.words, base + PHASE), since: 0 };
}

/** Whether this thread writes. */
export function isWriter(space: Space, base: number): boolean {
  const seen = peek(space.fixed, base);
  return writerOf(seen) === space.id && !isClaimed(seen);
}

/**
 * Takes the read side if possible now. Returns MISSED, TAKEN, or TAKEN_OVER after a writer that died. `seat` is the
 * caller's own seat. `woken` is what `Wait.attempt` gets. Without `waiting`, the caller makes no other attempt.
 */
export function attemptRead(
  space: Space,
  base: number,
  seat: number,
  woken: number,
  waiting: Waiting | undefined,
): number {
  const { words } = space;
  for (;;) {
    const seen = peek(words, base);
    if (isWritten(seen)) {
      if (reads(space, seat)) {
        // So no thread writes: this is a newcomer in `writeAtOnce`, which will take its id back.
        awaitClaim(space, base, seen);
        continue;
      }
      if (!isInTheWay(space, base, seen, woken)) continue;
      if (woken >= WOKEN_IN_VAIN) keepWritersOff(space, base);
      return MISSED;
    }
    const count = words[seat + COUNT];
    if (keepsReadersOff(seen) && !mayPassWriters(space, base, woken, waiting, count)) return MISSED;
    space.peekKill();
    store(words, seat + COUNT, count + 1);
    const after = peek(words, base);
    if (!isWritten(after)) {
      // This reader's own bar, or that of another reader, which sets it again if it is overtaken again.
      if (keepsWritersOff(after) && woken > 0) and(words, base, ~WRITERS_OFF);
      return wasAbandoned(after) ? TAKEN_OVER : TAKEN;
    }
    setCount(space, base, seat, count);
  }
}

/**
 * Takes the write side if possible now. As {@linkcode attemptRead}, but returns TAKEN_OVER also after a reader that
 * died.
 */
export function attemptWrite(space: Space, base: number, woken: number, waiting: Waiting | undefined): number {
  const { words } = space;
  const tag = space.id << WRITER_SHIFT;
  for (;;) {
    const seen = peek(words, base);
    if (isWritten(seen)) {
      if (!isInTheWay(space, base, seen, woken)) continue;
      if (woken >= WOKEN_IN_VAIN) or(words, base, BARRED);
      return MISSED;
    }
    if (isBarred(seen) && woken <= 0) return MISSED;
    if (keepsWritersOff(seen) && !mayPassReaders(space, base, woken, waiting)) return MISSED;
    space.peekKill();
    if (compareExchange(words, base, seen, tag | seen & FLAGS | CLAIM) !== seen) continue;
    if (isRead(space, base + SEATS)) {
      replaceOwn(space, base, FREE, FLAGS);
      if (waiting !== undefined && woken >= 0) {
        store(words, base + KEEPER_OF_READERS, space.id);
        or(words, base, woken >= WOKEN_IN_VAIN ? READERS_OFF | BARRED : READERS_OFF);
      }
      return MISSED;
    }
    // Other waiters that were overtaken set their bars again.
    const claimed = replaceOwn(space, base, tag, READERS_OFF | WRITERS_OFF | (woken > 0 ? 0 : BARRED));
    if (claimed === undefined) continue;
    const haveReadersDied = reportDeadReaders(space, base + SEATS);
    return haveReadersDied || wasAbandoned(claimed) ? TAKEN_OVER : TAKEN;
  }
}

// Whether this thread reads. If it was presumed dead, a writer may have got the lock all the same.
function reads(space: Space, seat: number): boolean {
  const { words, memory, id } = space;
  return words[seat + COUNT] > 0 && peek(words, seat) === id && isAlive(memory, id);
}

/**
 * As {@linkcode attemptRead} of a newcomer that has a seat, for a lock that no thread writes or waits for. `false`: the
 * lock may be held; the count is what it was.
 */
export function readAtOnce(space: Space, base: number, seat: number): boolean {
  const words = space.fixed;
  const count = words[seat + COUNT];
  store(words, seat + COUNT, count + 1);
  if (peek(words, base) !== FREE) {
    setCount(space, base, seat, count);
    return false;
  }
  space.peekKill();
  return true;
}

/**
 * As {@linkcode attemptWrite} of a newcomer, for a lock that no thread holds or waits for. `false`: the lock may be held;
 * this thread does not hold it.
 *
 * It makes no claim, which saves an atomic operation. If a reader comes between the two looks, other threads take this one
 * for a writer for a moment: they may go to sleep, and a try may fail. If this thread dies in that moment, the lock is
 * reported as abandoned. With a claim they would look again. {@linkcode attemptWrite} makes one because it often meets
 * readers.
 */
export function writeAtOnce(space: Space, base: number): boolean {
  const words = space.fixed;
  const tag = space.id << WRITER_SHIFT;
  if (!isUnread(words, base + SEATS) || compareExchange(words, base, FREE, tag) !== FREE) return false;
  space.peekKill();
  if (isUnread(words, base + SEATS)) return true;
  // A reader has come meanwhile. Others took this thread for a writer, and may sleep.
  replaceOwn(space, base, FREE, FLAGS);
  notify(space, base + READ_POINT, ALL_SLEEPERS);
  notify(space, base + WRITE_POINT, 1);
  return false;
}

/**
 * Lowers the count in this thread's seat. With the last one it notifies a writer, which may have seen the higher count
 * and sleep now.
 */
export function setCount(space: Space, base: number, seat: number, count: number): void {
  const words = space.fixed;
  store(words, seat + COUNT, count);
  if (count === 0 && isAwaited(words, base + WRITE_POINT)) notify(space, base + WRITE_POINT, 1);
}

/** Gives one acquisition of the read side back, if it is of the current epoch and this thread still has the seat. */
export function releaseRead(space: Space, base: number, seat: number, epoch: number): void {
  const words = space.fixed;
  // Otherwise the acquisition was taken from this thread, or another thread got the seat when this thread was presumed
  // dead.
  if ((hasEpochs && epoch !== epochOf(space, seat)) || peek(words, seat) !== space.id) return;
  // As `setCount`, but without a call: this is the path of each reader.
  const count = words[seat + COUNT] - 1;
  store(words, seat + COUNT, count);
  if (count === 0 && isAwaited(words, base + WRITE_POINT)) notify(space, base + WRITE_POINT, 1);
}

/** Gives an acquisition of the write side back, if it is still the current one. */
export function releaseWrite(space: Space, base: number, acquisition: number): void {
  const words = space.fixed;
  // Otherwise the lock was taken from this thread, which may be the writer again by now.
  if (!isWriter(space, base) || words[base + ACQUISITION] !== acquisition) return;
  // Before the word changes: a thread that finds the word free must also find that there was a writer.
  post(words, base + PHASE, (words[base + PHASE] + 1) | 0);
  const tag = space.id << WRITER_SHIFT;
  if (
    compareExchange(words, base, tag, FREE) !== tag &&
    replaceOwn(space, base, FREE, WRITERS_OFF | BARRED) === undefined
  ) return;
  if (isAwaited(words, base + READ_POINT)) notify(space, base + READ_POINT, ALL_SLEEPERS);
  if (isAwaited(words, base + WRITE_POINT)) notify(space, base + WRITE_POINT, 1);
}

/** Takes back the flag that a reader has set, before it gives its wait up. Other waiters set their flags again. */
export function withdrawReader(space: Space, base: number): void {
  if (keepsWritersOff(and(space.words, base, ~WRITERS_OFF))) notify(space, base + WRITE_POINT, 1);
}

/** Takes back the flags that a writer has set, before it gives its wait up: as {@linkcode withdrawReader}. */
export function withdrawWriter(space: Space, base: number): void {
  const { words } = space;
  const bars = load(words, base + KEEPER_OF_READERS) === space.id ? READERS_OFF | BARRED : BARRED;
  const before = and(words, base, ~bars) & bars;
  if (keepsReadersOff(before)) notify(space, base + READ_POINT, ALL_SLEEPERS);
  if (isBarred(before)) notify(space, base + WRITE_POINT, 1);
}

// What the word says.

function writerOf(seen: number): number {
  return seen >>> WRITER_SHIFT;
}

/** Whether a thread writes or claims the word, or did so when it died. */
function isWritten(seen: number): boolean {
  return writerOf(seen) !== 0;
}

function isClaimed(seen: number): boolean {
  return (seen & CLAIM) !== 0;
}

function wasAbandoned(seen: number): boolean {
  return (seen & ABANDONED) !== 0;
}

function keepsReadersOff(seen: number): boolean {
  return (seen & READERS_OFF) !== 0;
}

function keepsWritersOff(seen: number): boolean {
  return (seen & WRITERS_OFF) !== 0;
}

function isBarred(seen: number): boolean {
  return (seen & BARRED) !== 0;
}

// What changes the word.

/** Whether the caller must wait for the writer in `seen`. If not, the word has changed by now: look again. */
function isInTheWay(space: Space, base: number, seen: number, woken: number): boolean {
  if (isClaimed(seen)) {
    awaitClaim(space, base, seen);
    return false;
  }
  const writer = writerOf(seen);
  if (writer === space.id || woken < 0 || isAlive(space.memory, writer)) return true;
  if (compareExchange(space.words, base, seen, seen & FLAGS | ABANDONED) !== seen) return false;
  notify(space, base + READ_POINT, ALL_SLEEPERS);
  notify(space, base + WRITE_POINT, 1);
  return false;
}

// Returns when the word is not that claim any more, or not that id of a newcomer in `writeAtOnce`. The thread that claims does
// not sleep: it is between two instructions, or dead.
function awaitClaim(space: Space, base: number, claim: number): void {
  const { words, memory } = space;
  for (let i = 0; i < CLAIM_SPINS; i++) {
    if (load(words, base) !== claim) return;
    pause();
  }
  while (load(words, base) === claim) {
    if (!isAlive(memory, writerOf(claim))) {
      compareExchange(words, base, claim, claim & FLAGS);
      return;
    }
    // Nothing notifies this word. A claim ends after a look at the seats, or when the system lets its thread run again.
    memory.wait(base, claim, 1);
  }
}

/**
 * Replaces the writer by `tag` and keeps `flags`, if the writer is this thread or this thread claims the word. Returns
 * what was there; `undefined` if this thread was presumed dead, so that the lock may be another's.
 */
function replaceOwn(space: Space, base: number, tag: number, flags: number): number | undefined {
  const { words } = space;
  for (;;) {
    const seen = peek(words, base);
    if (writerOf(seen) !== space.id) return undefined;
    if (compareExchange(words, base, seen, tag | seen & flags) === seen) return seen;
  }
}

function keepWritersOff(space: Space, base: number): void {
  store(space.words, base + KEEPER_OF_WRITERS, space.id);
  or(space.words, base, WRITERS_OFF);
}

/** Whether a reader may enter although READERS_OFF is set. `count`: how many acquisitions this thread holds already. */
function mayPassWriters(
  space: Space,
  base: number,
  woken: number,
  waiting: Waiting | undefined,
  count: number,
): boolean {
  const { words } = space;
  const keeper = load(words, base + KEEPER_OF_READERS);
  // While this thread reads, no thread can write. If it blocked, it would never stop reading.
  if (count > 0 && (waiting === undefined || waiting.blocking)) return true;
  if (waiting !== undefined) {
    if (load(words, base + PHASE) !== waiting.phase) return true;
    // The announced waiter is a promise of this thread, which cannot take its turn while the thread is blocked.
    if (waiting.blocking && keeper === space.id) return true;
    if (woken < 0) return false;
  }
  if (!isAlive(space.memory, keeper)) {
    and(words, base, ~READERS_OFF);
    return true;
  }
  // It does not wait, so no lapse of time would let it in. The flag may have been left behind by a writer that gave up.
  if (waiting === undefined || waiting.passing) return count === 0 && !isRead(space, base + SEATS);
  if (count === 0 && isRead(space, base + SEATS)) {
    waiting.since = 0;
    return false;
  }
  if (!hasLapsed(waiting)) return false;
  if (count === 0) and(words, base, ~READERS_OFF);
  return true;
}

/** Whether a writer may go on although WRITERS_OFF is set. */
function mayPassReaders(space: Space, base: number, woken: number, waiting: Waiting | undefined): boolean {
  const { words } = space;
  if (woken < 0) return false;
  // As in `mayPassWriters`. Whether any thread reads is looked at under the claim.
  if (woken > 0 && (waiting === undefined || waiting.passing)) return true;
  const keeper = load(words, base + KEEPER_OF_WRITERS);
  const passes = !isAlive(space.memory, keeper) || waiting !== undefined &&
      (waiting.blocking && keeper === space.id || !isRead(space, base + SEATS) && hasLapsed(waiting));
  if (passes) and(words, base, ~WRITERS_OFF);
  return passes;
}

/** Whether the lock has been free for LAPSE milliseconds while a flag kept this waiter off. */
function hasLapsed(waiting: Waiting): boolean {
  const time = now();
  if (waiting.since === 0) waiting.since = time;
  return time - waiting.since >= LAPSE;
}

// When a pool worker's task ends, what it still holds is taken from its thread, which goes on.

/**
 * How often the acquisitions of a seat's thread were taken from it, if ever. Guards of older epochs are spent. There is
 * a map for each space, since both memories may have seats at the same address.
 */
const epochs = new Map<Space, Map<number, number>>();

/** Whether there is an epoch in `epochs`. Asking a map for its size takes longer. */
let hasEpochs = false;

/** The current epoch of a seat: only acquisitions of the read side in this epoch are valid. */
export function epochOf(space: Space, seat: number): number {
  return hasEpochs ? epochs.get(space)?.get(seat) ?? 0 : 0;
}

function isHeld(space: Space, at: number): boolean {
  const base = firstLine(at);
  if (isWriter(space, base)) return true;
  const seat = existingSeat(space, base + SEATS);
  return seat !== 0 && space.words[seat + COUNT] > 0;
}

// Leaves both sides as if this thread had ended.
function abandon(space: Space, at: number): void {
  const { words } = space;
  const base = firstLine(at);
  const seat = existingSeat(space, base + SEATS);
  if (seat !== 0 && words[seat + COUNT] > 0) {
    hasEpochs = true;
    let its = epochs.get(space);
    if (its === undefined) epochs.set(space, its = new Map());
    its.set(seat, epochOf(space, seat) + 1);
    store(words, seat + COUNT, 0);
  }
  replaceOwn(space, base, NO_PARTICIPANT << WRITER_SHIFT, FLAGS);
  notify(space, base + READ_POINT, ALL_SLEEPERS);
  notify(space, base + WRITE_POINT, 1);
}

/** What can be done with the kind of objects that have such a word. */
export const RW_KIND: Kind = {
  isHeld,
  abandon,
  destroy: (space, at) => freeRows(space, firstLine(at) + SEATS),
};
