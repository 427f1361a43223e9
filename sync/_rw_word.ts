/**
 * The word of a lock with two sides, and what readers and writers may do with it.
 *
 * They meet in one word, `writer << 5 | flags`, and in the seats of the readers (_reader_seats.ts):
 *
 * ```text
 *   FREE             no thread writes; the seats say which read
 *   writer << 5      that participant writes. If it is dead, the lock is up for the next thread
 *   + CLAIM          it looks whether any thread reads: a moment, whose outcome readers and writers wait for
 *   + ABANDONED      a writer ended while it held the lock: reported to every acquisition up to the next writer's
 *   + READERS_OFF    a writer waits for the readers to leave: newcomers that read keep off
 *   + WRITERS_OFF    a reader was overtaken too often: writers keep off
 *   + BARRED         a writer was overtaken too often: newcomers that write keep off
 *
 *                  read                              write
 *   FREE           counts itself, looks once more:   CLAIM, then looks at the seats: writer, or
 *                  reads, or takes its count back    back to the flags, and READERS_OFF if it waits
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
 * A reader adds to the count in its seat and then reads the word; a writer claims the word and then reads the counts. As
 * these operations are sequentially consistent, one of the two sees the other. The reader then takes its count back and
 * waits until the claim is gone; the writer takes its claim back. Both steps back are one store, and a claim or a count of
 * the dead is none, so nothing has to be repaired after a death at any instruction.
 *
 * Why not one word with the number of readers: a number does not say which threads read, so that a reader that dies would
 * count forever; and all readers would write to the same cache line.
 *
 * **Fairness.** A writer that waits sets READERS_OFF, and then only those readers enter that waited while a writer held the
 * lock (PHASE has changed since they came). So readers and writers take turns: a writer waits for the readers that were there
 * when it began to wait, and a reader for one writer. Where writers overtake the readers that were woken after that writer, a
 * reader sets WRITERS_OFF when that happened `WOKEN_IN_VAIN` times. BARRED is the bar of writers among each other, as with
 * Lock.
 *
 * READERS_OFF and WRITERS_OFF each say that a waiter will enter soon. That waiter may be dead, or a promise of a busy
 * thread. So with each flag goes the id of the participant that set it last, its keeper, and a thread that finds the lock
 * free nevertheless for LAPSE milliseconds enters.
 *
 * @module
 */

import { and, compareExchange, load, now, or, pause, store } from "../_internal/atomics.ts";
import type { Kind } from "../_internal/memory/kinds.ts";
import { firstLine, LINE } from "../_internal/memory/memory.ts";
import { isAlive, NOBODY } from "../_internal/memory/participants.ts";
import type { Space } from "../_internal/memory/space.ts";
import { EVERYBODY, notify, WAIT_POINT_WORDS, WOKEN_IN_VAIN } from "../_internal/memory/wait_point.ts";
import { FREE, MISSED, TAKEN, TAKEN_OVER } from "./_lock_word.ts";
import {
  COUNT,
  existingSeat,
  FIRST_ROW_WORDS,
  freeRows,
  isAnybodyReading,
  reportDeadReaders,
} from "./_reader_seats.ts";

const BARRED = 1;
const READERS_OFF = 2;
const WRITERS_OFF = 4;
const ABANDONED = 8;
const CLAIM = 16;
const FLAGS = 15;
const WRITER_SHIFT = 5;

/** Where the wait point of the readers is, from the word. */
export const READ_POINT = 1;
/** Where the wait point of the writers is. */
export const WRITE_POINT: number = READ_POINT + WAIT_POINT_WORDS;
/** How often a writer gave the lock up, wrapping. Only the writer writes it. */
const PHASE = WRITE_POINT + WAIT_POINT_WORDS;
/** The participant that set READERS_OFF last. */
const KEEPER_OF_READERS = PHASE + 1;
/** The participant that set WRITERS_OFF last. */
const KEEPER_OF_WRITERS = PHASE + 2;
/** Which acquisition of the write side this is. Only the writer reads and writes it, as plain memory. */
export const ACQUISITION: number = PHASE + 3;
/** Where the first row of seats is. */
export const SEATS = LINE;
/** Words of a lock: its own begin at the first cache line (64 bytes) in the block. */
export const RW_WORDS: number = SEATS + FIRST_ROW_WORDS + LINE - 1;

/** For how many milliseconds a free lock is left to the waiter that a flag announces. */
const LAPSE = 100;
/** How often to look at a claim before sleeping: it takes as long as a look at the seats. */
const CLAIM_SPINS = 200;

/** One wait for the lock. */
export interface Waiting {
  /** Whether the thread is blocked meanwhile. */
  readonly blocking: boolean;
  /** The phase in which it began. */
  readonly phase: number;
  /** Since when the waiter has found itself kept off from a free lock, in milliseconds; 0: it has not. */
  since: number;
}

/** A wait that begins now. */
export function beginWaiting(space: Space, base: number, blocking: boolean): Waiting {
  return { blocking, phase: load(space.words, base + PHASE), since: 0 };
}

/** Whether this thread writes. */
export function isWriter(space: Space, base: number): boolean {
  const seen = load(space.words, base);
  return writerOf(seen) === space.id && !isClaimed(seen);
}

/**
 * Reads if that is possible now: MISSED, TAKEN, or TAKEN_OVER after a writer that died. `seat` is the caller's own, `woken`
 * what `Wait.attempt` gets. Without `waiting` there will be no other attempt.
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
    const seen = load(words, base);
    if (isWritten(seen)) {
      if (!isInTheWay(space, base, seen, woken)) continue;
      if (woken >= WOKEN_IN_VAIN) keepWritersOff(space, base);
      return MISSED;
    }
    const count = words[seat + COUNT];
    if (keepsReadersOff(seen) && !mayPassWriters(space, base, woken, waiting, count)) return MISSED;
    space.endIfKilled();
    store(words, seat + COUNT, count + 1);
    const after = load(words, base);
    if (!isWritten(after)) {
      // Its own bar or that of another reader, which sets it again if it is overtaken again.
      if (keepsWritersOff(after) && woken > 0) and(words, base, ~WRITERS_OFF);
      return wasAbandoned(after) ? TAKEN_OVER : TAKEN;
    }
    setCount(space, base, seat, count);
  }
}

/** Writes if that is possible now: as {@linkcode attemptRead}, but TAKEN_OVER also after a reader that died. */
export function attemptWrite(space: Space, base: number, woken: number, waiting: Waiting | undefined): number {
  const { words } = space;
  const tag = space.id << WRITER_SHIFT;
  for (;;) {
    const seen = load(words, base);
    if (isWritten(seen)) {
      if (!isInTheWay(space, base, seen, woken)) continue;
      if (woken >= WOKEN_IN_VAIN) or(words, base, BARRED);
      return MISSED;
    }
    if (isBarred(seen) && woken <= 0) return MISSED;
    if (keepsWritersOff(seen) && !mayPassReaders(space, base, woken, waiting)) return MISSED;
    space.endIfKilled();
    if (compareExchange(words, base, seen, tag | seen & FLAGS | CLAIM) !== seen) continue;
    if (isAnybodyReading(space, base + SEATS)) {
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

/** Changes the count in this thread's seat to a lower one. A writer may have seen the higher count and sleep now. */
export function setCount(space: Space, base: number, seat: number, count: number): void {
  store(space.words, seat + COUNT, count);
  if (count === 0) notify(space, base + WRITE_POINT, 1);
}

/** Gives one acquisition of the read side back, if it is of this epoch and the seat still this thread's. */
export function releaseRead(space: Space, base: number, seat: number, epoch: number): void {
  const { words } = space;
  // Else what it stands for was taken from this thread, or the seat went to another when this thread was taken for dead.
  if (epoch !== epochOf(space, seat) || load(words, seat) !== space.id) return;
  setCount(space, base, seat, words[seat + COUNT] - 1);
}

/** Gives an acquisition of the write side back, if it is still the current one. */
export function releaseWrite(space: Space, base: number, acquisition: number): void {
  const { words } = space;
  // Else the lock was taken from this thread, which may write again by now.
  if (!isWriter(space, base) || words[base + ACQUISITION] !== acquisition) return;
  // Before the word: a thread that finds the word free has to find that there was a writer.
  store(words, base + PHASE, (words[base + PHASE] + 1) | 0);
  if (replaceOwn(space, base, FREE, WRITERS_OFF | BARRED) === undefined) return;
  notify(space, base + READ_POINT, EVERYBODY);
  notify(space, base + WRITE_POINT, 1);
}

/** Takes back what a reader has put up, before it gives its wait up. Other waiters set their bars again. */
export function withdrawReader(space: Space, base: number): void {
  if (keepsWritersOff(and(space.words, base, ~WRITERS_OFF))) notify(space, base + WRITE_POINT, 1);
}

/** Takes back what a writer has put up, before it gives its wait up: as {@linkcode withdrawReader}. */
export function withdrawWriter(space: Space, base: number): void {
  const { words } = space;
  const bars = load(words, base + KEEPER_OF_READERS) === space.id ? READERS_OFF | BARRED : BARRED;
  const before = and(words, base, ~bars) & bars;
  if (keepsReadersOff(before)) notify(space, base + READ_POINT, EVERYBODY);
  if (isBarred(before)) notify(space, base + WRITE_POINT, 1);
}

// What the word says.

function writerOf(seen: number): number {
  return seen >>> WRITER_SHIFT;
}

/** Whether a thread writes, claims to, or did either when it died. */
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

// What becomes of it.

/** Whether the writer that was seen is to be waited for. If not, the word is another by now, and worth another look. */
function isInTheWay(space: Space, base: number, seen: number, woken: number): boolean {
  if (isClaimed(seen)) {
    awaitClaim(space, base, seen);
    return false;
  }
  const writer = writerOf(seen);
  if (writer === space.id || woken < 0 || isAlive(space.memory, writer)) return true;
  if (compareExchange(space.words, base, seen, seen & FLAGS | ABANDONED) !== seen) return false;
  notify(space, base + READ_POINT, EVERYBODY);
  notify(space, base + WRITE_POINT, 1);
  return false;
}

// Returns when the word is not that claim any more. A thread that claims is not asleep but between two instructions, unless it
// is dead.
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
    // This word is not notified: a claim is gone after a look at the seats, or when the system lets its thread run again.
    memory.wait(base, claim, 1);
  }
}

/**
 * Puts `tag` in the place of the writer, which is this thread or claims to be, and keeps those flags. Returns what was there;
 * nothing, if this thread was taken for dead, and the lock is perhaps another's.
 */
function replaceOwn(space: Space, base: number, tag: number, flags: number): number | undefined {
  const { words } = space;
  for (;;) {
    const seen = load(words, base);
    if (writerOf(seen) !== space.id) return undefined;
    if (compareExchange(words, base, seen, tag | seen & flags) === seen) return seen;
  }
}

function keepWritersOff(space: Space, base: number): void {
  store(space.words, base + KEEPER_OF_WRITERS, space.id);
  or(space.words, base, WRITERS_OFF);
}

/** Whether a reader may enter though READERS_OFF is set. `count`: how often this thread reads already. */
function mayPassWriters(
  space: Space,
  base: number,
  woken: number,
  waiting: Waiting | undefined,
  count: number,
): boolean {
  const { words } = space;
  const keeper = load(words, base + KEEPER_OF_READERS);
  // While this thread reads no thread writes, and if it blocked it would go on reading.
  if (count > 0 && (waiting === undefined || waiting.blocking)) return true;
  if (waiting !== undefined) {
    if (load(words, base + PHASE) !== waiting.phase) return true;
    // The waiter is a promise of this thread, which could not take its turn.
    if (waiting.blocking && keeper === space.id) return true;
    if (woken < 0) return false;
  }
  if (!isAlive(space.memory, keeper)) {
    and(words, base, ~READERS_OFF);
    return true;
  }
  if (waiting === undefined) return false;
  if (count === 0 && isAnybodyReading(space, base + SEATS)) {
    waiting.since = 0;
    return false;
  }
  if (!hasLapsed(waiting)) return false;
  if (count === 0) and(words, base, ~READERS_OFF);
  return true;
}

/** Whether a writer may go on though WRITERS_OFF is set. */
function mayPassReaders(space: Space, base: number, woken: number, waiting: Waiting | undefined): boolean {
  const { words } = space;
  if (woken < 0) return false;
  const keeper = load(words, base + KEEPER_OF_WRITERS);
  const passes = !isAlive(space.memory, keeper) || waiting !== undefined &&
      (waiting.blocking && keeper === space.id || !isAnybodyReading(space, base + SEATS) && hasLapsed(waiting));
  if (passes) and(words, base, ~WRITERS_OFF);
  return passes;
}

/** Whether the lock has been free for a while, for a waiter that is kept off. */
function hasLapsed(waiting: Waiting): boolean {
  const time = now();
  if (waiting.since === 0) waiting.since = time;
  return time - waiting.since >= LAPSE;
}

// What a worker's task leaves held when it ends is taken from its thread, which goes on.

/**
 * How often what a seat's thread read under was taken from it, where that ever happened: older guards are spent. The two
 * memories have seats at the same addresses.
 */
const epochs = new Map<Space, Map<number, number>>();

/** Which acquisitions of the read side stand: those of the current epoch. */
export function epochOf(space: Space, seat: number): number {
  return epochs.size === 0 ? 0 : epochs.get(space)?.get(seat) ?? 0;
}

function isHeld(space: Space, at: number): boolean {
  const base = firstLine(at);
  if (isWriter(space, base)) return true;
  const seat = existingSeat(space, base + SEATS);
  return seat !== 0 && space.words[seat + COUNT] > 0;
}

// As if this thread had ended.
function abandon(space: Space, at: number): void {
  const { words } = space;
  const base = firstLine(at);
  const seat = existingSeat(space, base + SEATS);
  if (seat !== 0 && words[seat + COUNT] > 0) {
    let its = epochs.get(space);
    if (its === undefined) epochs.set(space, its = new Map());
    its.set(seat, epochOf(space, seat) + 1);
    store(words, seat + COUNT, 0);
  }
  replaceOwn(space, base, NOBODY << WRITER_SHIFT, FLAGS);
  notify(space, base + READ_POINT, EVERYBODY);
  notify(space, base + WRITE_POINT, 1);
}

/** What holds for the kind of objects that such a word is in. */
export const RW_KIND: Kind = {
  isHeld,
  abandon,
  destroy: (space, at) => freeRows(space, firstLine(at) + SEATS),
};
