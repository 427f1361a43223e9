/**
 * What is known of a thread or a process, in shared words: any thread can ask, whichever thread started it.
 *
 * ```text
 *   word 0    STATE       see below
 *      1–2    POINT       a wait point, notified at the end
 *        3    IDENT       a thread's id
 *        4    FLAGS
 *        5    PAYLOAD     a block: what it is told at its start, until it has read that
 *        6    OUTCOME     how its target ended
 *        7    RESULT      a block: what the target returned or threw
 *        8    NAME        a block: its name, see below
 *        9    GONE        1: its worker is gone, with all that it started
 *       10    PROCESS_ID  a process's number; a thread's id in the processes' memory; 0: it has none
 *       11    PARENT      a thread: the id of its starter; a process: the record of its starter
 *       12    EXIT_CODE
 *       13    SYSTEM_ID   the number that the system has for a thread, where that is needed and can be had
 *       14    IMPORTING   since when it imports a module of its target, and which: see starting.ts
 *       15    IMPORTED
 *
 *   NEW -> BOOTING -> RUNNING -> FINISHED    start(); its worker; its worker, or its starter where that was stopped
 *             '-----> FAILED --> FINISHED    its starter, where no worker came up
 * ```
 *
 * FINISHED means that it can run no more of the program's code. The thread that notes the end writes the outcome first, then
 * takes it off the table of participants, then writes the state and wakes the waiters. What differs for a process, and the
 * words that only a process has, are in processes/process_record.ts.
 *
 * The table of participants has a reference to the record of each of its threads. It is dropped by the starter, once the
 * thread is GONE: by then no thread writes to the record any more.
 *
 * @module
 */

import { and, compareExchange, load, or, store } from "../atomics.ts";
import { decode } from "../codec/decode.ts";
import { encode } from "../codec/encode.ts";
import { dropReferences, loseReferences, ofPrototype } from "../codec/format.ts";
import {
  type Destination,
  NEXT_PARTICIPANT_AT,
  OBJECT_HEADER,
  PARTICIPANT_COUNT,
  type Scope,
  THREADS_MUTEX_AT,
} from "../memory/memory.ts";
import { entryOf, isAlive, kill, leave, lockMutex, RECORD, unlockMutex } from "../memory/participants.ts";
import { addReference, type Attachment, dropReference } from "../memory/shared_object.ts";
import { existingSpace, type Space } from "../memory/space.ts";
import { EVERYBODY, notify } from "../memory/wait_point.ts";
import { reclaimTaken } from "../queue/taken.ts";

export const STATE = 0;
export const POINT = 1;
export const IDENT = 3;
export const FLAGS = 4;
export const PAYLOAD = 5;
export const OUTCOME = 6;
export const RESULT = 7;
export const NAME = 8;
export const GONE = 9;
export const PROCESS_ID = 10;
export const PARENT = 11;
export const EXIT_CODE = 12;
export const SYSTEM_ID = 13;
export const IMPORTING = 14;
export const IMPORTED = 15;
export const RECORD_WORDS = 16;

export const NEW = 0;
export const BOOTING = 1;
export const RUNNING = 2;
export const FINISHED = 3;
export const FAILED = 4;

// Flags.

/** It does not keep the program alive. */
export const DAEMON = 1;
/** A caller asked for the result: the error is the caller's, and nothing is printed. */
export const RESULT_ASKED = 2;
/** It is a timer: it waits before it runs its target. */
export const TIMER = 4;
/** A timer that is not to run its target any more. */
export const CANCELLED = 8;
/** The starter has an except hook. */
export const HOOKED = 16;
/** This library did not start it. */
export const FOREIGN = 32;
/** Its starter has not called the hook yet. */
export const UNREPORTED = 64;
/** It is to end the threads that it started, also once it has returned. */
export const END_CHILDREN = 128;

// Outcomes.

export const NONE = 0;
export const VALUE = 1;
export const ERROR = 2;
/** It ended without the target having returned or thrown. */
export const LOST = 3;

/** Writes bytes into a block, whose address goes into the word there. */
export function writeBytes(space: Space, at: number, bytes: Uint8Array, action: string): void {
  store(space.words, at, space.writeBlock(bytes, action));
}

/** A private copy of what {@linkcode writeBytes} wrote. */
export function readBytes(space: Space, at: number): Uint8Array | undefined {
  const block = load(space.words, at);
  return block === 0 ? undefined : space.readBlock(block);
}

/** Gives the block of the word there back. */
export function freeBytes(space: Space, at: number): void {
  const block = load(space.words, at);
  if (block === 0) return;
  store(space.words, at, 0);
  space.free(block);
}

// How the target ended.

/** How a target ended, as bytes. What cannot be sent becomes the error that says so. */
export function encodeOutcome(outcome: number, value: unknown, scope: Scope): { outcome: number; bytes: Uint8Array } {
  try {
    return { outcome, bytes: encode(value, { root: outcome === VALUE ? "result" : "error", scope }) };
  } catch (error) {
    const sent = outcome === ERROR ? sendable(value, error, scope) : error;
    return { outcome: ERROR, bytes: encode(sent, { root: "error", scope }) };
  }
}

/** Writes what {@linkcode encodeOutcome} returned. */
export function writeEncodedOutcome(space: Space, record: number, outcome: number, bytes: Uint8Array): void {
  const { scope } = space.memory;
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

/** Writes how the target of a thread or process ended. */
export function writeOutcome(space: Space, record: number, outcome: number, value: unknown): void {
  const encoded = encodeOutcome(outcome, value, space.memory.scope);
  writeEncodedOutcome(space, record, encoded.outcome, encoded.bytes);
}

/** The value or the error that was written. Each caller gets a copy. */
export function readOutcome(space: Space, record: number): unknown {
  return decode(readBytes(space, record + RESULT)!, { keep: true });
}

/** Gives back the outcome with its record. */
export function destroyOutcome(space: Space, record: number): void {
  const result = readBytes(space, record + RESULT);
  if (result !== undefined) loseReferences(result);
  freeBytes(space, record + RESULT);
}

// The end of a thread, and what leads there.

/** Notes that a thread can run no more code, once. */
export function finish(space: Space, record: number): void {
  const { words } = space;
  for (;;) {
    const state = load(words, record + STATE);
    if (state === NEW || state === FINISHED) return;
    compareExchange(words, record + OUTCOME, NONE, LOST);
    // Off the table first: a waiter that is woken by the state must find its locks abandoned.
    leave(space.memory, load(words, record + IDENT));
    if (compareExchange(words, record + STATE, state, FINISHED) === state) break;
  }
  notify(space, record + POINT, EVERYBODY);
}

/** Ends a thread that has not begun, with an error. `false`: it has begun. */
export function failToStart(space: Space, record: number, error: () => Error): boolean {
  if (compareExchange(space.words, record + STATE, BOOTING, FAILED) !== BOOTING) return false;
  // Its worker may come up all the same; it then finds that it is not to begin.
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

/** In the starter of a thread that is gone: drops the table's reference to its record, and what it had taken and not read. */
export function forget(space: Space, record: number): void {
  const { words, memory } = space;
  const word = entryOf(load(words, record + IDENT)) + RECORD;
  lockMutex(memory, THREADS_MUTEX_AT, space.id);
  compareExchange(words, word, record, 0);
  unlockMutex(memory, THREADS_MUTEX_AT);
  dropReference(space, objectOf(record));
  reclaimTaken(space);
  const processes = existingSpace("process");
  if (processes !== undefined) reclaimTaken(processes);
}

/** The record of a participant, with a reference that is the caller's; 0: it has none, or does not live where it must. */
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
  // A thread that has returned is off the table of participants, but its worker is there as long as the threads that it
  // started. Set in any case: it may return at this moment.
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

// Threads below one another.

/** Whether a thread was started and has not returned yet. */
export function isBusy(space: Space, record: number): boolean {
  const state = load(space.words, record + STATE);
  return state === BOOTING || state === RUNNING;
}

/** The ids that living threads may have, in the order in which they were given. */
export function participants(space: Space): number[] {
  const last = load(space.words, NEXT_PARTICIPANT_AT);
  const first = Math.max(1, last - PARTICIPANT_COUNT + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Whether a thread that is no daemon runs below the thread of a record. */
export function hasOthersBelow(space: Space, record: number): boolean {
  const { words } = space;
  const top = load(words, record + IDENT);
  return participants(space).some((id) => {
    for (let above = id; above > top;) {
      const its = takeRecord(space, above, above === id);
      if (its === 0) return false;
      const daemon = (load(words, its + FLAGS) & DAEMON) !== 0;
      const parent = load(words, its + PARENT);
      dropReference(space, objectOf(its));
      if (above === id && daemon) return false;
      // A starter has a smaller id than its thread.
      above = parent;
      if (above === top) return true;
    }
    return false;
  });
}

// Names.
//
// A name is a block of its own, so that a thread which reads it while it is changed reads the old name or the new one; old
// names are kept until the record goes.
//
// ```text
//   0  the name before, 0: none      1  length in bytes      2…  UTF-8
// ```

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Gives the thread or process of a record a name. */
export function writeName(space: Space, record: number, name: string): void {
  const block = space.writeBlock(encoder.encode(name), `name a ${space.memory.scope}`, 1);
  store(space.words, block, load(space.words, record + NAME));
  store(space.words, record + NAME, block);
}

/** The name of the thread or process of a record. */
export function readName(space: Space, record: number): string {
  const block = load(space.words, record + NAME);
  return block === 0 ? "" : decoder.decode(space.readBlock(block + 1));
}

/** The name of the thread or process whose record an object is. */
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

// What was thrown, made such that it can be sent.

/**
 * In place of something thrown that cannot be sent: of an error all but what cannot (a function among its properties,
 * say), since its message is what a caller waits for; of anything else `refusal`, which says why it cannot.
 */
export function sendable(thrown: unknown, refusal: unknown, scope: Destination): unknown {
  try {
    return copyOfError(thrown, refusal, scope);
  } catch {
    // A proxy whose traps throw, say.
    return refusal;
  }
}

function copyOfError(thrown: unknown, refusal: unknown, scope: Destination): unknown {
  if (!(thrown instanceof Error)) return refusal;
  // An accessor that throws is a property that cannot be sent.
  const read = (key: string): unknown => {
    try {
      return (thrown as unknown as Record<string, unknown>)[key];
    } catch {
      return undefined;
    }
  };
  const isSendable = (value: unknown): boolean => {
    try {
      dropReferences(encode(value, { root: "error", scope }));
      return true;
    } catch {
      return false;
    }
  };
  // A registered class has refused: what is left of it is an error by its name.
  const prototype = Object.getPrototypeOf(thrown) as object;
  const copy = Object.create(ofPrototype(prototype) === undefined ? prototype : Error.prototype) as Error;
  const copyOf = (key: string, value: unknown): void => {
    Object.defineProperty(copy, key, { value, configurable: true, writable: true });
  };
  copyOf("name", String(read("name")));
  copyOf("message", String(read("message")));
  copyOf("stack", read("stack"));
  if (Object.hasOwn(thrown, "cause")) {
    const cause = read("cause");
    copyOf("cause", isSendable(cause) ? cause : sendable(cause, refusal, scope));
  }
  if (thrown instanceof AggregateError) {
    copyOf("errors", thrown.errors.map((error) => isSendable(error) ? error : sendable(error, refusal, scope)));
  }
  for (const key of Object.keys(thrown)) {
    const { get } = Object.getOwnPropertyDescriptor(thrown, key)!;
    const value = read(key);
    // Of an accessor that has nothing to give there is nothing to send.
    if (Object.hasOwn(copy, key) || get !== undefined && value === undefined || !isSendable(value)) continue;
    Object.defineProperty(copy, key, { value, configurable: true, enumerable: true, writable: true });
  }
  return isSendable(copy) ? copy : refusal;
}
