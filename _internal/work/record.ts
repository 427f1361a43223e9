/**
 * What is known of a thread, in shared words: any thread can ask, whoever started it.
 *
 * ```text
 *   NEW -> BOOTING -> RUNNING -> FINISHED            start(), the worker twice, its end
 *             |-> FAILED -> FINISHED                   its starter, where no worker came up
 * ```
 *
 * FINISHED means that it can run no more of the program's code: whoever sees that it ended writes the outcome first, then
 * takes it off the table of participants, then writes the state and wakes those who wait.
 *
 * The table of participants has a reference to the record of everyone in it. It is dropped by the starter, once the
 * thread is GONE: by then nobody writes to the record any more.
 *
 * @module
 */

import { and, compareExchange, load, or, store } from "../atomics.ts";
import { decode } from "../codec/decode.ts";
import { encode } from "../codec/encode.ts";
import { sendable } from "../codec/thrown.ts";
import { OBJECT_HEADER, THREADS_MUTEX_AT } from "../memory/memory.ts";
import { entryOf, isAlive, kill, leave, lockMutex, RECORD, unlockMutex } from "../memory/participants.ts";
import { addReference, type Attachment, dropReference } from "../memory/shared_object.ts";
import { dropReferences } from "../codec/references.ts";
import { existingSpace, type Space } from "../memory/space.ts";
import { buryTaken } from "../queue/taken.ts";
import { notify } from "../memory/wait_point.ts";

export const STATE = 0;
export const POINT = 1;
export const IDENT = 3;
export const FLAGS = 4;
export const PAYLOAD = 5;
export const OUTCOME = 7;
export const RESULT = 8;
export const NAME = 10;
export const GONE = 11;
/** Of a process its number, of a thread its id in the processes' memory; 0: it has none. */
export const PROCESS_ID = 12;
export const PARENT = 13;
export const EXIT_CODE = 14;
/** The number that the system has for it, where that is needed and can be had. */
export const SYSTEM_ID = 15;
/** Since when it imports a module of its target, and which: see importing.ts. */
export const IMPORTING = 16;
export const IMPORTED = 17;
export const RECORD_WORDS = 18;

export const NEW = 0;
export const BOOTING = 1;
export const RUNNING = 2;
export const FINISHED = 3;
export const FAILED = 4;

/** Flags. */
export const DAEMON = 1;
/** Somebody asked for the result: the error is theirs, nothing is printed. */
export const RESULT_ASKED = 2;
export const TIMER = 4;
export const CANCELLED = 8;
/** The starter has an except hook. */
export const HOOKED = 16;

/** This library did not start it. */
export const FOREIGN = 32;

/** Its starter has not called the hook yet. */
export const UNREPORTED = 64;

/** It has returned, and shall end those that it started. */
export const END_CHILDREN = 128;

/** Outcomes. */
export const NONE = 0;
export const VALUE = 1;
export const ERROR = 2;
/** It ended without the target having returned or thrown. */
export const LOST = 3;

/** Words behind an address: pointer and length in bytes. */
export function writeBytes(space: Space, at: number, bytes: Uint8Array, action: string): void {
  const block = space.allocate((bytes.length + 3) >> 2, action);
  space.memory.bytes.set(bytes, block * 4);
  store(space.words, at + 1, bytes.length);
  store(space.words, at, block);
}

/** A private copy of what {@linkcode writeBytes} wrote. */
export function readBytes(space: Space, at: number): Uint8Array | undefined {
  const block = load(space.words, at);
  if (block === 0) return undefined;
  return space.memory.bytes.slice(block * 4, block * 4 + load(space.words, at + 1));
}

/** Gives the bytes at an address back. */
export function freeBytes(space: Space, at: number): void {
  const block = load(space.words, at);
  if (block === 0) return;
  store(space.words, at, 0);
  space.free(block);
}

/** Writes how the target of a thread or process ended. What cannot be sent becomes the error that says so. */
export function writeOutcome(space: Space, record: number, outcome: number, value: unknown): void {
  const { scope } = space.memory;
  let bytes: Uint8Array;
  try {
    bytes = encode(value, { root: outcome === VALUE ? "result" : "error", scope });
  } catch (error) {
    const sent = outcome === ERROR ? sendable(value, error, scope) : error;
    outcome = ERROR;
    bytes = encode(sent, { root: "error", scope });
  }
  try {
    writeBytes(space, record + RESULT, bytes, `return the result of a ${scope}`);
  } catch (error) {
    dropReferences(bytes);
    outcome = ERROR;
    try {
      writeBytes(space, record + RESULT, encode(error, { root: "error", scope }), "report an error");
    } catch {
      // Not even room for that: it is lost.
      return;
    }
  }
  store(space.words, record + OUTCOME, outcome);
}

/** What {@linkcode writeOutcome} wrote. Each caller gets a copy. */
export function readOutcome(space: Space, record: number): unknown {
  return decode(readBytes(space, record + RESULT)!, { keep: true });
}

/** Notes that a thread can run no more code, once. */
export function finish(space: Space, record: number): void {
  const { words } = space;
  for (;;) {
    const state = load(words, record + STATE);
    if (state === NEW || state === FINISHED) return;
    compareExchange(words, record + OUTCOME, NONE, LOST);
    // Off the table first: who is woken by the state must find its locks abandoned.
    leave(space.memory, load(words, record + IDENT));
    if (compareExchange(words, record + STATE, state, FINISHED) === state) break;
  }
  notify(space, record + POINT, 0xfff);
}

/** Ends a thread that has not begun, with an error. `false`: it has begun. */
export function failToStart(space: Space, record: number, error: () => Error): boolean {
  if (compareExchange(space.words, record + STATE, BOOTING, FAILED) !== BOOTING) return false;
  // Its worker may come up all the same; it then finds that it shall not begin.
  kill(space.memory, load(space.words, record + IDENT));
  writeOutcome(space, record, ERROR, error());
  finish(space, record);
  return true;
}

/** Notes that its worker is gone, with all that it started. The caller must not touch the record any more. */
export function vanish(space: Space, record: number): void {
  store(space.words, record + GONE, 1);
  // Not through the wait point: the record may be given to another by now. Its starter sleeps on this word.
  space.memory.notify(record + POINT, 0x7fffffff);
}

/** Drops the reference that the table has, and what it had taken and not read: by the starter, when the thread is gone. */
export function forget(space: Space, record: number): void {
  const { words, memory } = space;
  const word = entryOf(load(words, record + IDENT)) + RECORD;
  lockMutex(memory, THREADS_MUTEX_AT, space.id);
  compareExchange(words, word, record, 0);
  unlockMutex(memory, THREADS_MUTEX_AT);
  dropReference(space, objectOf(record));
  buryTaken(space);
  const processes = existingSpace("process");
  if (processes !== undefined) buryTaken(processes);
}

/** The record of a participant, with a reference that is the caller's; 0: it has none, or is not among the living. */
export function takeRecord(space: Space, id: number, living = true): number {
  const { words, memory } = space;
  lockMutex(memory, THREADS_MUTEX_AT, space.id);
  let record = living && !isAlive(memory, id) ? 0 : load(words, entryOf(id) + RECORD);
  if (record !== 0 && load(words, record + IDENT) !== id) record = 0;
  if (record !== 0) addReference(space, objectOf(record));
  unlockMutex(memory, THREADS_MUTEX_AT);
  return record;
}

/** Asks a thread to end at its next call into the library, or at once where it waits. */
export function requestEnd(space: Space, record: number): void {
  const { words } = space;
  const state = load(words, record + STATE);
  if (state === BOOTING || state === RUNNING) kill(space.memory, load(words, record + IDENT));
  // Off the table of participants, but its worker is there as long as those that it started. Set in any case: it may
  // return at this moment.
  if (state !== NEW) setFlags(space, record, END_CHILDREN);
}

/** Sets flags of a record. */
export function setFlags(space: Space, record: number, flags: number): void {
  or(space.words, record + FLAGS, flags);
}

/** Clears flags of a record. `true`: one of them was set. */
export function clearFlags(space: Space, record: number, flags: number): boolean {
  return (and(space.words, record + FLAGS, ~flags) & flags) !== 0;
}

/** The address of the object whose own words begin there. */
export function objectOf(record: number): number {
  return record - OBJECT_HEADER;
}

// Names of threads. A name is a block of its own, so that whoever reads one while it is changed reads the old one or the
// new one; old names are kept until the thread's record goes.
//
// ```text
//   0  the name before, 0: none      1  length in bytes      2…  UTF-8
// ```

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Gives the thread of a record a name. */
export function writeName(space: Space, record: number, name: string): void {
  const bytes = encoder.encode(name);
  const block = space.allocate(2 + ((bytes.length + 3) >> 2), "name a thread");
  store(space.words, block, load(space.words, record + NAME));
  store(space.words, block + 1, bytes.length);
  space.memory.bytes.set(bytes, (block + 2) * 4);
  store(space.words, record + NAME, block);
}

/** The name of the thread of a record. */
export function readName(space: Space, record: number): string {
  const block = load(space.words, record + NAME);
  if (block === 0) return "";
  return decoder.decode(space.memory.bytes.slice((block + 2) * 4, (block + 2) * 4 + load(space.words, block + 1)));
}

/** The name of the thread whose record is this object. */
export function labelOf({ space, at }: Attachment): string {
  return readName(space, at + OBJECT_HEADER);
}

/** Gives all names of a record back. */
export function freeNames(space: Space, record: number): void {
  for (let block = load(space.words, record + NAME); block !== 0;) {
    const before = load(space.words, block);
    space.free(block);
    block = before;
  }
}
