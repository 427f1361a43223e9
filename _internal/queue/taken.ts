/**
 * The messages that threads have taken and not read yet: what happens to them when such a thread dies.
 *
 * What is large, or names shared objects, travels in a block of its own, the parcel. A thread that takes one notes it in
 * its entry in the table of participants, by one word: the parcel taken last, which leads to the parcel that was being read
 * then (a class of the program may take an item while an instance of it is made). It strikes the note out when the message is
 * read. What a dead thread has noted is given up by the next thread that looks.
 *
 * ```text
 *   parcel   0  the parcel noted before it
 *            1  length in bytes if it names shared objects, else 0
 *            2  the words of the queue, while it is being taken; 0: it was taken
 *            3  what the word whose change takes it was before
 *            4… its bytes
 *
 *   queue    0  the parcel that is being taken; 0: none         written under the mutex of gets
 *            1  the participant that takes it
 *            2  the word whose change takes it
 *            3  what that was before
 * ```
 *
 * A thread notes the parcel before it takes it, both under the mutex of the queue. So a thread that dies in between leaves
 * a parcel that both the queue and the note have. The queue is right as long as the word that takes has not changed, and
 * the thread that gets the mutex next strikes the note out, by {@linkcode mendTaking}, before it changes that word: only
 * then may another thread take the parcel, or put something else on top of it. A reclaimer, which gives up what a dead thread
 * has noted, looks first whether that word has changed, then whether another thread got the mutex since, and strikes the note
 * out by a compare-exchange. If one of the two was so and the note still there, the dead thread had taken the parcel, and no
 * other will have it. (The word alone does not tell: positions in a ring come again.)
 *
 * A dead thread has one reclaimer at a time, and its entry is not given to another thread meanwhile: else a note that was read
 * in it could be that thread's by the time it is struck out.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import { loseReferences } from "../codec/format.ts";
import { blockWords } from "../memory/allocator.ts";
import { NEXT_PARTICIPANT_AT, PARTICIPANT_COUNT } from "../memory/memory.ts";
import { entryOf, idAt, isAlive, RECLAIMER, TAKEN } from "../memory/participants.ts";
import type { Space } from "../memory/space.ts";

// In a parcel.
const PREVIOUS = 0;
const NAMING = 1;
const QUEUE = 2;
const BEFORE = 3;
/** Words of a parcel before its bytes. */
const PARCEL_HEADER = 4;

// In a queue.
const TAKER = 1;
const CHANGES = 2;
const WAS = 3;

/** A parcel with these bytes; 0: there is no room. `naming`: it names shared objects. */
export function makeParcel(space: Space, bytes: Uint8Array, naming: boolean): number {
  const parcel = space.tryAllocate(PARCEL_HEADER + ((bytes.length + 3) >> 2), false);
  if (parcel === 0) return 0;
  space.words[parcel + NAMING] = naming ? bytes.length : 0;
  space.memory.bytes.set(bytes, (parcel + PARCEL_HEADER) * 4);
  return parcel;
}

/** A private copy of its bytes. */
export function bytesOf(space: Space, parcel: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const start = (parcel + PARCEL_HEADER) * 4;
  bytes.set(space.memory.bytes.subarray(start, start + length));
  return bytes;
}

/** Whether it names shared objects. */
export function isNaming(space: Space, parcel: number): boolean {
  return space.words[parcel + NAMING] !== 0;
}

/**
 * Notes a parcel that is about to be taken, by a change of the word at `changes`; {@linkcode endTaking} must follow that.
 * Under the mutex of gets, after {@linkcode mendTaking}. `taking` is where the queue has its four words.
 */
export function beginTaking(space: Space, taking: number, changes: number, parcel: number): void {
  const { words, entry } = space;
  const was = load(words, changes);
  words[parcel + PREVIOUS] = load(words, entry + TAKEN);
  words[parcel + QUEUE] = taking;
  words[parcel + BEFORE] = was;
  words[taking + TAKER] = space.id;
  words[taking + CHANGES] = changes;
  words[taking + WAS] = was;
  // What the queue says comes first: where there is a note, the next thread with the mutex finds it.
  store(words, taking, parcel);
  store(words, entry + TAKEN, parcel);
}

/** It is taken. */
export function endTaking(space: Space, taking: number, parcel: number): void {
  space.words[parcel + QUEUE] = 0;
  store(space.words, taking, 0);
}

/**
 * Strikes out what a thread noted that died before it had taken it. To be called under the mutex of gets where the
 * word at `taking` is not 0, before anything else is done.
 */
export function mendTaking({ words }: Space, taking: number): void {
  const parcel = words[taking];
  if (load(words, words[taking + CHANGES]) === words[taking + WAS]) {
    compareExchange(words, entryOf(words[taking + TAKER]) + TAKEN, parcel, words[parcel + PREVIOUS]);
  }
  // A thread that dies before this leaves it to the next.
  store(words, taking, 0);
}

/** Strikes out what this thread has noted last: it is read. `false`: it was given up. */
export function strikeOut({ words, entry }: Space, parcel: number): boolean {
  return compareExchange(words, entry + TAKEN, parcel, words[parcel + PREVIOUS]) === parcel;
}

/** Gives up a parcel, and what it names: no thread will get it. */
export function loseParcel(space: Space, parcel: number): void {
  const length = space.words[parcel + NAMING];
  if (length > 0 && length <= (blockWords(space.memory, parcel) - PARCEL_HEADER) * 4) {
    loseReferences(bytesOf(space, parcel, length));
  }
  space.free(parcel);
}

/** In a thread that ends in order: gives up what it has taken and not read. */
export function giveUpTaken(space: Space): void {
  const { words, entry } = space;
  for (let parcel = load(words, entry + TAKEN); parcel !== 0; parcel = load(words, entry + TAKEN)) {
    if (!strikeOut(space, parcel)) return;
    loseParcel(space, parcel);
  }
}

/** Gives up what dead threads have taken and not read. */
export function reclaimTaken(space: Space): void {
  const { words } = space;
  const count = Math.min(PARTICIPANT_COUNT, load(words, NEXT_PARTICIPANT_AT));
  for (let id = 1; id <= count; id++) {
    const entry = entryOf(id);
    if (load(words, entry + TAKEN) !== 0) reclaim(space, entry);
  }
}

function reclaim(space: Space, entry: number): void {
  const { words, memory } = space;
  const id = idAt(words, entry);
  if (isAlive(memory, id)) return;
  const reclaimer = load(words, entry + RECLAIMER);
  if (reclaimer !== 0 && isAlive(memory, reclaimer)) return;
  if (compareExchange(words, entry + RECLAIMER, reclaimer, space.id) !== reclaimer) return;
  try {
    for (;;) {
      const parcel = load(words, entry + TAKEN);
      // In this order: a note of the next participant that has the entry was made while that was alive.
      if (parcel === 0 || idAt(words, entry) !== id || isAlive(memory, id)) break;
      const isTaken = wasTaken(words, parcel);
      const previous = words[parcel + PREVIOUS];
      if (compareExchange(words, entry + TAKEN, parcel, previous) === parcel && isTaken) loseParcel(space, parcel);
    }
  } finally {
    store(words, entry + RECLAIMER, 0);
  }
}

function wasTaken(words: Int32Array, parcel: number): boolean {
  const queue = words[parcel + QUEUE];
  if (queue === 0) return true;
  const changes = words[queue + CHANGES];
  // What was scribbled over leads anywhere.
  if (!(changes > 0 && changes < words.length)) return false;
  return load(words, changes) !== words[parcel + BEFORE] || load(words, queue) !== parcel;
}
