/**
 * The participants of a memory: the threads that may hold something in it, and which of them are alive. Two things that
 * depend on this are here as well: what a blocked thread looks after, and the library's own short mutex, which a waiter
 * takes over from a dead holder.
 *
 * Ids count up and are never used twice, so the id in a lock word is enough to name its holder. If the entry for that
 * id has another id by now, the holder is gone.
 *
 * ```text
 *   word  what                                  written by
 *   0     id                                    the thread that claims the entry, by compare-exchange
 *   1     state                                 the participant; at its end the thread that saw that it can run no more
 *   2     kill                                  a thread that wants it to end
 *   3     the word it sleeps on                 the participant; read by a thread that wants it to end
 *   4     index of its process in the region    the participant
 *   5     the record of its thread, 0: none     its starter; a participant that leaves unused clears it
 *   6     the message that it has taken and     the participant; at its end the reclaimer: see queue/taken.ts
 *         not read yet, 0: none
 *   7     the id of the reclaimer               a participant that gives up these messages
 *   8     of the messages that it waits to      the participant; at its end the reclaimer
 *         put, the one noted last; 0: none
 * ```
 *
 * The mutex is one word: `id << 1 | contended`, 0 when free. When its holder dies, the next waiter detects that and
 * takes the mutex over. So the data that it guards must be consistent after every single store.
 *
 * ```text
 *              lockMutex()                   unlockMutex()
 *   0          id<<1                         (a bug)
 *   id<<1      id<<1|1, then sleep           0
 *   id<<1|1    sleep                         0, wake one waiter
 * ```
 *
 * A waiter that has slept takes the mutex as contended, since other waiters may still sleep. At worst that costs a
 * wake-up that wakes no thread.
 *
 * @module
 */

import { add, compareExchange, exchange, load, pause, store } from "../atomics.ts";
import { type Memory, NEXT_PARTICIPANT_AT, PARTICIPANT_COUNT, PARTICIPANT_WORDS, PARTICIPANTS_AT } from "./memory.ts";

const ID = 0;
const STATE = 1;
/** Offset of the word that asks a participant to end. */
export const KILL = 2;
/** Offset of the word that says where a participant sleeps. */
export const PARKED = 3;
/** Offset of the index of the participant's process in the region. */
export const PROCESS = 4;
/** Offset of the word that points to the thread's record. */
export const RECORD = 5;
/** Offset of the word that points to the message that the participant has taken and not read yet. */
export const TAKEN = 6;
/** Offset of the word with the id of the participant that gives up what a dead one has left in TAKEN and UNPUT. */
export const RECLAIMER = 7;
/** Offset of the word that points to the message noted last of those that the participant waits to put. */
export const UNPUT = 8;

const ALIVE = 1;
const ENDED = 2;

/** Ids are lower than this: a lock word has no room for more. */
const MAX_ID = 2 ** 27 - 1;
/** An id that no participant ever has. A lock with this holder is abandoned. */
export const NO_PARTICIPANT: number = MAX_ID;

// The table.

/** Where the entry for this id is. It may belong to another participant by now. */
export function entryOf(id: number): number {
  return PARTICIPANTS_AT + (id & (PARTICIPANT_COUNT - 1)) * PARTICIPANT_WORDS;
}

/** The id in an entry. */
export function idAt(words: Int32Array, entry: number): number {
  return load(words, entry + ID);
}

/** Adds a participant and returns its id. */
export function enter(memory: Memory, process: number): number {
  const words = memory.words;
  for (let tries = 0; tries < PARTICIPANT_COUNT; tries++) {
    const id = add(words, NEXT_PARTICIPANT_AT, 1) + 1;
    if (id >= MAX_ID) break;
    const entry = entryOf(id);
    const previous = load(words, entry + ID);
    if (previous !== 0 && isAlive(memory, previous)) continue;
    // The previous participant has left messages that a reclaimer must give up first.
    if (load(words, entry + TAKEN) !== 0 || load(words, entry + UNPUT) !== 0) continue;
    // No other thread knows the new id yet, so the old participant's state may stand beside it for a moment.
    if (compareExchange(words, entry + ID, previous, id) !== previous) continue;
    // A reclaimer that began before this may still write to the entry on behalf of the old participant. A later
    // reclaimer sees the new id.
    const reclaimer = load(words, entry + RECLAIMER);
    if (reclaimer !== 0 && isAlive(memory, reclaimer)) {
      store(words, entry + STATE, ENDED);
      continue;
    }
    store(words, entry + KILL, 0);
    store(words, entry + PARKED, 0);
    store(words, entry + PROCESS, process);
    store(words, entry + RECORD, 0);
    store(words, entry + STATE, ALIVE);
    return id;
  }
  throw new RangeError(
    `Cannot start another thread as at most ${PARTICIPANT_COUNT} can live at a time in one program: join some first`,
  );
}

/** Whether this participant may still run code. */
export function isAlive(memory: Memory, id: number): boolean {
  const words = memory.words;
  const entry = entryOf(id);
  return load(words, entry + ID) === id && load(words, entry + STATE) === ALIVE &&
    memory.isProcessAlive(load(words, entry + PROCESS));
}

/** Marks a participant that can run no more code. Locks that it held pass to their waiters. */
export function leave(memory: Memory, id: number): void {
  const words = memory.words;
  const entry = entryOf(id);
  if (load(words, entry + ID) === id) store(words, entry + STATE, ENDED);
}

// A worker becomes a participant before it knows which thread it will run, and it may end before it learns that. The
// starter writes the record and then looks whether the worker has left; the worker leaves and then looks for a record.
// So one of the two sees the other, and the side that takes the record out of the entry is responsible for the thread.

/**
 * Gives a participant the record of the thread that it will run. `false`: it had left without taking the record, which
 * stays with the caller.
 */
export function giveRecord(memory: Memory, id: number, record: number): boolean {
  // If it left long ago, another participant may have the entry.
  if (!isAlive(memory, id)) return false;
  const word = entryOf(id) + RECORD;
  store(memory.words, word, record);
  return isAlive(memory, id) || compareExchange(memory.words, word, record, 0) !== record;
}

/**
 * Leaves as with {@linkcode leave}, and returns the record that the starter gave it; 0: none. The caller is then
 * responsible for that thread.
 */
export function leaveUnused(memory: Memory, id: number): number {
  leave(memory, id);
  return exchange(memory.words, entryOf(id) + RECORD, 0);
}

/** Asks a participant to end, and wakes it if it sleeps. */
export function kill(memory: Memory, id: number): void {
  const words = memory.words;
  const entry = entryOf(id);
  if (load(words, entry + ID) !== id) return;
  store(words, entry + KILL, 1);
  // The participant writes where it sleeps before it looks at the kill word for the last time. So either it sees the
  // kill word, or this thread sees where it sleeps. If it is woken just before it sleeps, it looks again after its
  // slice.
  memory.notify(entry + KILL, 0x7fffffff);
  const parked = load(words, entry + PARKED);
  if (parked !== 0) memory.notify(parked, 0x7fffffff);
}

// What a thread looks after while it is blocked and no event can reach it.
//
// A thread that the runtime can stop from outside is stopped by its starter, and only the starter learns when it is
// gone. A process that was asked to end and does not is killed by the thread that asked. If that thread blocks, perhaps
// for a lock that the other holds, it must look for itself.

const actions: Set<() => void> = new Set();

/**
 * Calls `action` from time to time while this thread is blocked. It must not take a mutex. Returns a function that ends
 * that.
 */
export function onBlocked(action: () => void): () => void {
  actions.add(action);
  return () => void actions.delete(action);
}

/** Whether there are such actions. If so, no sleep may be longer than a slice. */
export function isAttending(): boolean {
  return actions.size > 0;
}

/** Calls the actions. Call this after each slice of a sleep. */
export function seeToOthers(): void {
  for (const action of actions) action();
}

// The short mutex inside the library's own structures: allocator, names, queue ends, wait lists.

const SPINS = 200;
const SLICE_MS = 20;

/** Takes the mutex as participant `id`. `true`: its last holder died holding it, or never gave it up. */
export function lockMutex(memory: Memory, at: number, id: number): boolean {
  return compareExchange(memory.words, at, 0, id << 1) === 0 ? false : lockSlowly(memory, at, id);
}

/**
 * As {@linkcode lockMutex}, for the hot paths: `words` is an array of a fixed length that has the mutex, see
 * `Space.fixed`.
 */
export function lockFixed(words: Int32Array, memory: Memory, at: number, id: number): boolean {
  return compareExchange(words, at, 0, id << 1) === 0 ? false : lockSlowly(memory, at, id);
}

function lockSlowly(memory: Memory, at: number, id: number): boolean {
  const words = memory.words;
  for (let i = 0; i < SPINS; i++) {
    if (load(words, at) === 0 && compareExchange(words, at, 0, id << 1) === 0) return false;
    pause();
  }
  for (;;) {
    const seen = load(words, at);
    if (seen === 0) {
      if (compareExchange(words, at, 0, id << 1 | 1) === 0) return false;
      continue;
    }
    // If this thread itself is the holder, an error was thrown while the mutex was held. Only words that were scribbled
    // over can cause that. Waiting would never end.
    if (seen >>> 1 === id || !isAlive(memory, seen >>> 1)) {
      if (compareExchange(words, at, seen, id << 1 | 1) === seen) return true;
      continue;
    }
    if ((seen & 1) === 1 || compareExchange(words, at, seen, seen | 1) === seen) {
      memory.wait(at, seen | 1, SLICE_MS);
      // The holder may be a thread that this thread started and stopped.
      seeToOthers();
    }
  }
}

/** Releases the mutex and wakes a waiter if there may be one. */
export function unlockMutex(memory: Memory, at: number): void {
  if ((exchange(memory.words, at, 0) & 1) === 1) memory.notify(at, 1);
}

/** As {@linkcode unlockMutex}, for the hot paths: see {@linkcode lockFixed}. */
export function unlockFixed(words: Int32Array, memory: Memory, at: number): void {
  if ((exchange(words, at, 0) & 1) === 1) memory.notify(at, 1);
}
