/**
 * The parcels that belong to a thread, and how they are freed when it dies: those that it has taken and not read yet, and those
 * that it waits to put.
 *
 * A large item, and an item that names shared objects, is in a block of its own, the parcel. A thread that takes a parcel notes
 * it in its entry of the table of participants. The note is one word: the parcel taken last. That parcel has the address of the
 * parcel noted before it: there may be several, because a class of the program may take an item in its `deserialize`. The thread
 * strikes the note out when it has read the message. The notes of a dead thread are handled by the next thread that looks,
 * the reclaimer, which frees the parcels.
 *
 * ```text
 *   parcel   0  the parcel noted before it
 *            1  length in bytes if it names shared objects, else 0
 *            2  address of the four words of the queue while the parcel is being taken; 0: it was taken
 *               of a parcel that waits to be put: address of the word that leads to it; 0: it is not noted
 *            3  the old value of the word whose change takes the parcel
 *            4… its bytes
 *
 *   queue    0  the parcel that is being taken; 0: none         written under the mutex of gets
 *            1  the participant that takes it
 *            2  address of the word whose change takes the parcel
 *            3  the old value of that word
 * ```
 *
 * A thread first notes the parcel and then takes it, both under the mutex of the queue. If it dies in between, the parcel is
 * both in the queue and in the note. The queue is right as long as the word whose change takes the parcel has its old value.
 * The next thread that gets the mutex calls {@linkcode mendTaking}, which strikes the note out before that word changes. Only
 * then can another thread take the parcel, or overwrite its place.
 *
 * The reclaimer checks first whether the word has changed, and then whether another thread has had the mutex since. It then
 * strikes the note out by a compare-exchange. If one of the checks was positive and the note was still there, the dead thread
 * had taken the parcel, and no other thread can get it: the reclaimer frees it. The value of the word alone is not enough:
 * positions in a ring repeat.
 *
 * A dead thread has one reclaimer at a time, and its entry is not given to another thread meanwhile. Otherwise the reclaimer
 * could strike out a note that the new thread made.
 *
 * A thread that waits for room has made its parcel already, and no queue has it yet. It notes such parcels in another word of its
 * entry. Once it has seen room, it strikes a note out before it tries to put, and makes it again if that was in vain, so
 * a parcel that may be in a queue is never noted. A thread that dies in the midst of an attempt leaves the parcel allocated, and
 * what the parcel names keeps its references; the other end of the pipe of a connection waits for it then.
 * Promises of a thread may get room in any order, so each of these parcels knows what leads to it.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import { loseReferences } from "../codec/format.ts";
import { blockWords } from "../memory/allocator.ts";
import { NEXT_PARTICIPANT_AT, PARTICIPANT_COUNT } from "../memory/memory.ts";
import { entryOf, idAt, isAlive, leave, RECLAIMER, TAKEN, UNPUT } from "../memory/participants.ts";
import { releaseHandles } from "../memory/shared_object.ts";
import { existingSpace, type Space } from "../memory/space.ts";
import { copyBytes } from "../runtime/bytes.ts";
import { TERMINATE_STOPS_CODE } from "../runtime/runtime.ts";

// In a parcel.
const PREVIOUS = 0;
const NAMING = 1;
const QUEUE = 2;
const BEFORE = 3;
/** Of a parcel that waits to be put, in the place of QUEUE. */
const LED_FROM = 2;
/** Words of a parcel before its bytes. */
const PARCEL_HEADER = 4;

// In a queue.
const TAKER = 1;
const CHANGES = 2;
const WAS = 3;

/**
 * The messages that this thread tries to put at this moment, until only so many are left. It may find in the attempt that it is
 * asked to end.
 */
let trying: { readonly space: Space; readonly messages: Waiting; readonly until: number } | undefined;

/** Makes a parcel with these bytes. `naming`: it names shared objects. Returns 0 if there is no room. */
export function makeParcel(space: Space, bytes: Uint8Array, naming: boolean): number {
  const parcel = space.tryAllocate(PARCEL_HEADER + Math.ceil(bytes.length / 4), false);
  if (parcel === 0) return 0;
  space.words[parcel + NAMING] = naming ? bytes.length : 0;
  space.words[parcel + LED_FROM] = 0;
  space.memory.bytes.set(bytes, (parcel + PARCEL_HEADER) * 4);
  return parcel;
}

/** Returns a copy of a parcel's bytes. */
export function bytesOf(space: Space, parcel: number, length: number): Uint8Array<ArrayBuffer> {
  // A slice: the engines do not clear its memory first, and a view of the memory would count on Bun as large as all of it.
  const start = (parcel + PARCEL_HEADER) * 4;
  return space.memory.bytes.slice(start, start + length);
}

/** Copies a parcel's bytes to `target[at]`, where there is room for them. */
export function copyBytesOf(space: Space, parcel: number, length: number, target: Uint8Array, at: number): void {
  const start = (parcel + PARCEL_HEADER) * 4;
  const { bytes } = space.memory;
  if (copyBytes === undefined) target.set(bytes.subarray(start, start + length), at);
  else copyBytes(bytes, start, start + length, target, at);
}

/** Whether a parcel names shared objects. */
export function isNaming(space: Space, parcel: number): boolean {
  return space.words[parcel + NAMING] !== 0;
}

/**
 * Notes a parcel that the caller is about to take by a change of the word at `changes`. Call {@linkcode endTaking} after that
 * change. Called under the mutex of gets, after {@linkcode mendTaking}. `taking` is the address of the queue's four words.
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
  // The queue's word first: if there is a note, the next thread with the mutex learns of it.
  store(words, taking, parcel);
  store(words, entry + TAKEN, parcel);
}

/** Completes the taking of a parcel: it belongs to the caller, and the note stays until the parcel is read. */
export function endTaking(space: Space, taking: number, parcel: number): void {
  space.words[parcel + QUEUE] = 0;
  store(space.words, taking, 0);
}

/**
 * Strikes out the note of a thread that died before it had taken the parcel. Called under the mutex of gets if the word at
 * `taking` is not 0, before any other change.
 */
export function mendTaking({ words }: Space, taking: number): void {
  const parcel = words[taking];
  if (load(words, words[taking + CHANGES]) === words[taking + WAS]) {
    compareExchange(words, entryOf(words[taking + TAKER]) + TAKEN, parcel, words[parcel + PREVIOUS]);
  }
  // Last: if this thread dies before the store, the next thread with the mutex does the same again.
  store(words, taking, 0);
}

/** Strikes out this thread's last note, because the parcel is read. `false`: a reclaimer did so, and has freed the parcel. */
export function strikeOut({ words, entry }: Space, parcel: number): boolean {
  return compareExchange(words, entry + TAKEN, parcel, words[parcel + PREVIOUS]) === parcel;
}

/** Messages that wait to be put. */
export interface Waiting {
  /** How many of them are not put yet. */
  readonly left: number;
  /** The parcels of the next `count` of these. */
  parcels(count: number): readonly number[];
}

/**
 * Returns the attempt of a wait to put messages, which `attempt` makes. Their parcels are noted meanwhile: if this thread dies
 * while it waits, another thread gives them up. `attempt` itself, if there are none. The caller drops the messages if the attempt
 * throws or is not made again.
 *
 * @param roomFor Looks for how many messages there is room. 0: for none, and it has done what an attempt does then. The notes stay
 * as they are, as most attempts of a thread that waits are in vain.
 * @param attempt Tries to put that many messages. Only those are struck out: a long batch for which there is little room would
 * otherwise be struck out and noted as a whole for each message. Room that comes after the look comes with a notification.
 */
export function whileNoted<T>(
  space: Space,
  messages: Waiting,
  roomFor: (woken: number) => number,
  attempt: (woken: number, most?: number) => T | undefined,
): (woken: number) => T | undefined {
  if (messages.parcels(messages.left).length === 0) return attempt;
  noteUntil(space, messages, 0);
  return (woken) => {
    // While the parcels are noted: a thread that is asked to end gives them up.
    space.endIfKilled();
    const most = Math.min(messages.left, roomFor(woken));
    if (most <= 0) return undefined;
    for (const parcel of messages.parcels(most)) {
      // A reclaimer took this thread for dead, and has freed the message.
      if (!strikeUnput(space, parcel)) space.exit();
    }
    const until = messages.left - most;
    trying = { space, messages, until };
    let result: T | undefined;
    try {
      result = attempt(woken, most);
    } finally {
      trying = undefined;
    }
    if (result === undefined) noteUntil(space, messages, until);
    return result;
  };
}

// Notes the messages that are not put, but for the last `until` of them.
function noteUntil(space: Space, messages: Waiting, until: number): void {
  for (const parcel of messages.parcels(messages.left - until)) noteUnput(space, parcel);
}

function noteUnput({ words, entry }: Space, parcel: number): void {
  const before = load(words, entry + UNPUT);
  words[parcel + PREVIOUS] = before;
  words[parcel + LED_FROM] = entry + UNPUT;
  if (before !== 0) words[before + LED_FROM] = parcel + PREVIOUS;
  // Last, since a reclaimer follows only this way: it finds the parcel with all that was noted before it, or not at all.
  store(words, entry + UNPUT, parcel);
}

/**
 * Strikes out the note of a parcel that waits to be put, if there is one. `false`: a reclaimer did so, and has freed the parcel. A
 * thread is reclaimed only when it can run no more code, so that is never expected.
 */
export function strikeUnput({ words }: Space, parcel: number): boolean {
  const at = words[parcel + LED_FROM];
  if (at === 0) return true;
  const before = words[parcel + PREVIOUS];
  words[parcel + LED_FROM] = 0;
  // One change takes it out, for a reclaimer as well: it follows only this way.
  if (compareExchange(words, at, parcel, before) !== parcel) return false;
  if (before !== 0) words[before + LED_FROM] = at;
  return true;
}

/** Frees a parcel that no thread will get, and drops its references. */
export function loseParcel(space: Space, parcel: number): void {
  const length = space.words[parcel + NAMING] >>> 0;
  if (length > 0 && length <= (blockWords(space.memory, parcel) - PARCEL_HEADER) * 4) {
    loseReferences(bytesOf(space, parcel, length));
  }
  space.free(parcel);
}

// Frees the parcels that this thread has taken and not read, and those that it waits to put.
function giveUpParcels(space: Space): void {
  const { words, entry } = space;
  for (let parcel = load(words, entry + UNPUT); parcel !== 0; parcel = load(words, entry + UNPUT)) {
    if (!strikeUnput(space, parcel)) return;
    loseParcel(space, parcel);
  }
  for (let parcel = load(words, entry + TAKEN); parcel !== 0; parcel = load(words, entry + TAKEN)) {
    if (!strikeOut(space, parcel)) return;
    loseParcel(space, parcel);
  }
}

/** Gives up all that this thread has, as it ends, and leaves the processes' memory. The caller then leaves the threads' memory. */
export function giveUpAll(space: Space): void {
  if (trying !== undefined) noteUntil(trying.space, trying.messages, trying.until);
  trying = undefined;
  releaseHandles(space);
  // The thread may have been ended by a class of the program, in the middle of reading a message that has an instance of it. If
  // it was asked to end, it may be stopped at any moment, and what it was giving up then would be lost: its starter does that.
  const isStopped = TERMINATE_STOPS_CODE && space.isKilled();
  if (!isStopped) giveUpParcels(space);
  const processes = existingSpace("process");
  if (processes === undefined) return;
  releaseHandles(processes);
  if (!isStopped) giveUpParcels(processes);
  leave(processes.memory, processes.id);
}

/** Frees the parcels that dead threads have taken and not read, and those that they waited to put. */
export function reclaimParcels(space: Space): void {
  const { words } = space;
  const count = Math.min(PARTICIPANT_COUNT, load(words, NEXT_PARTICIPANT_AT));
  for (let id = 1; id <= count; id++) {
    const entry = entryOf(id);
    if (load(words, entry + TAKEN) !== 0 || load(words, entry + UNPUT) !== 0) reclaim(space, entry);
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
    for (const note of [TAKEN, UNPUT]) {
      for (;;) {
        const parcel = load(words, entry + note);
        // The note is read before the identity: a note that a later participant made in this entry is then recognized by the
        // entry's new number.
        if (parcel === 0 || idAt(words, entry) !== id || isAlive(memory, id)) break;
        const isIts = note === UNPUT || wasTaken(words, parcel);
        const previous = words[parcel + PREVIOUS];
        if (compareExchange(words, entry + note, parcel, previous) === parcel && isIts) loseParcel(space, parcel);
      }
    }
  } finally {
    store(words, entry + RECLAIMER, 0);
  }
}

function wasTaken(words: Int32Array, parcel: number): boolean {
  const queue = words[parcel + QUEUE];
  if (queue === 0) return true;
  const changes = words[queue + CHANGES];
  // A corrupted parcel may contain any number.
  if (!(changes > 0 && changes < words.length)) return false;
  return load(words, changes) !== words[parcel + BEFORE] || load(words, queue) !== parcel;
}
