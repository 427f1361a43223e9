/**
 * The state of a thread or a process in shared words, which any thread can read, whichever thread started it.
 *
 * ```text
 *   word 0    STATE       see below
 *      1–2    POINT       a wait point, notified at the end
 *        3    IDENT       a thread's id
 *        4    FLAGS
 *        5    PAYLOAD     a block: what it reads at its start; 0 once it has read it
 *        6    OUTCOME     how its target ended
 *        7    RESULT      a block: what the target returned or threw
 *        8    NAME        a block: its name, see below
 *        9    GONE        1: its worker is gone, and so is every thread that it started
 *       10    PROCESS_ID  a process: its number; a thread: its id in the processes' memory, 0 if it has none
 *       11    PARENT      a thread: the id of its starter; a process: the record of its starter
 *       12    EXIT_CODE
 *       13    SYSTEM_ID   a thread: its number in the system, where the library needs it and can read it
 *       14    IMPORTING   since when it imports a module of its target; which one is in IMPORTED: see starting.ts
 *       15    IMPORTED
 *
 *   NEW -> BOOTING -> RUNNING -> FINISHED    written by start(); by its worker; by its worker, or by its starter if it was stopped
 *             '-----> FAILED --> FINISHED    both written by its starter, if no worker came up
 * ```
 *
 * FINISHED means that the thread or process runs no more code of the program. The thread that notes the end does so in this
 * order: it writes the outcome, removes the ended thread from the table of participants, writes the state, and wakes the
 * waiters. What is different for a process, and the words that only a process has, are in processes/process_record.ts.
 *
 * The table of participants has a reference to the record of each of its threads. The starter drops it when the thread is GONE:
 * from then on no thread writes to the record.
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
import { ALL_SLEEPERS, notify } from "../memory/wait_point.ts";
import { reclaimParcels } from "../queue/taken.ts";

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
/** It is a timer that was cancelled: it must not run its target. */
export const CANCELLED = 8;
/** The starter has an except hook. */
export const HOOKED = 16;
/** This library did not start it. */
export const FOREIGN = 32;
/** Its starter has not called the hook yet. */
export const UNREPORTED = 64;
/** It must end the threads that it started, even if it has returned. */
export const END_CHILDREN = 128;

// Outcomes.

export const NONE = 0;
export const VALUE = 1;
export const ERROR = 2;
/** It ended, but its target neither returned nor threw. */
export const LOST = 3;

/** Writes bytes into a block, and the block's address into the word at `at`. */
export function writeBytes(space: Space, at: number, bytes: Uint8Array, action: string): void {
  store(space.words, at, space.writeBlock(bytes, action));
}

/** A private copy of what {@linkcode writeBytes} wrote. */
export function readBytes(space: Space, at: number): Uint8Array | undefined {
  const block = load(space.words, at);
  return block === 0 ? undefined : space.readBlock(block);
}

/** Frees the block whose address is in the word at `at`. */
export function freeBytes(space: Space, at: number): void {
  const block = load(space.words, at);
  if (block === 0) return;
  store(space.words, at, 0);
  space.free(block);
}

// The outcome of a target.

/** The outcome of a target as bytes. If the value cannot be sent, the outcome is an error that says so. */
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
      // There is no room even for that error. The outcome stays empty, and the caller sees a thread that was lost.
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

/** The value or the error that was written. Each call returns a copy of its own. */
export function readOutcome(space: Space, record: number): unknown {
  return decode(readBytes(space, record + RESULT)!, { keep: true });
}

/** Frees the outcome, when its record is freed. */
export function destroyOutcome(space: Space, record: number): void {
  const result = readBytes(space, record + RESULT);
  if (result !== undefined) loseReferences(result);
  freeBytes(space, record + RESULT);
}

// The end of a thread.

/** Notes that a thread runs no more code. Only the first call has an effect. */
export function finish(space: Space, record: number): void {
  const { words } = space;
  for (;;) {
    const state = load(words, record + STATE);
    if (state === NEW || state === FINISHED) return;
    compareExchange(words, record + OUTCOME, NONE, LOST);
    // Off the table first: a waiter that the state wakes must find the thread's locks abandoned.
    leave(space.memory, load(words, record + IDENT));
    if (compareExchange(words, record + STATE, state, FINISHED) === state) break;
  }
  notify(space, record + POINT, ALL_SLEEPERS);
}

/** Ends a thread that has not begun, with an error. Returns `false` if it has begun. */
export function failToStart(space: Space, record: number, error: () => Error): boolean {
  if (compareExchange(space.words, record + STATE, BOOTING, FAILED) !== BOOTING) return false;
  // Its worker may still come up. It then finds the state FAILED and must not begin.
  kill(space.memory, load(space.words, record + IDENT));
  writeOutcome(space, record, ERROR, error());
  finish(space, record);
  return true;
}

/** Notes that a thread's worker is gone, with all threads that it started. The caller must not touch the record afterwards. */
export function vanish(space: Space, record: number): void {
  store(space.words, record + GONE, 1);
  // The notification bypasses the wait point, because the record may belong to another thread by now. The starter sleeps
  // on this word.
  space.memory.notify(record + POINT, 0x7fffffff);
}

/** In the starter of a thread that is gone: drops the table's reference to its record, and gives up the messages that it had. */
export function forget(space: Space, record: number): void {
  const { words, memory } = space;
  const word = entryOf(load(words, record + IDENT)) + RECORD;
  lockMutex(memory, THREADS_MUTEX_AT, space.id);
  compareExchange(words, word, record, 0);
  unlockMutex(memory, THREADS_MUTEX_AT);
  dropReference(space, objectOf(record));
  reclaimParcels(space);
  const processes = existingSpace("process");
  if (processes !== undefined) reclaimParcels(processes);
}

/**
 * The record of a participant, with a new reference that the caller must drop; 0 if it has none. With `living`, also 0 if it
 * is not alive.
 */
export function takeRecord(space: Space, id: number, living = true): number {
  const { words, memory } = space;
  lockMutex(memory, THREADS_MUTEX_AT, space.id);
  let record = living && !isAlive(memory, id) ? 0 : load(words, entryOf(id) + RECORD);
  if (record !== 0 && load(words, record + IDENT) !== id) record = 0;
  if (record !== 0) addReference(space, objectOf(record));
  unlockMutex(memory, THREADS_MUTEX_AT);
  return record;
}

/** Asks a thread to end: at once if it waits, else at its next call into the library. */
export function requestEnd(space: Space, record: number): void {
  const { words } = space;
  const state = load(words, record + STATE);
  if (state === BOOTING || state === RUNNING) kill(space.memory, load(words, record + IDENT));
  // A thread that has returned is off the table of participants, but its worker stays until the threads that it started are
  // gone. The flag is set in any state, because the thread may return at this moment.
  if (state !== NEW) setFlags(space, record, END_CHILDREN);
}

/** Sets flags of a record. */
export function setFlags(space: Space, record: number, flags: number): void {
  or(space.words, record + FLAGS, flags);
}

/** Clears flags of a record. Returns `true` if any of them was set. */
export function clearFlags(space: Space, record: number, flags: number): boolean {
  return (and(space.words, record + FLAGS, ~flags) & flags) !== 0;
}

/** The address of the object whose own words begin at `record`. */
export function objectOf(record: number): number {
  return record - OBJECT_HEADER;
}

// Threads that other threads started.

/** Whether a thread was started and has not returned yet. */
export function isBusy(space: Space, record: number): boolean {
  const state = load(space.words, record + STATE);
  return state === BOOTING || state === RUNNING;
}

/** The ids that living threads can have, in the order in which they were given. */
export function participants(space: Space): number[] {
  const last = load(space.words, NEXT_PARTICIPANT_AT);
  const first = Math.max(1, last - PARTICIPANT_COUNT + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Whether a thread that is not a daemon was started, directly or not, by the thread of a record and still runs. */
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
      // A thread has a larger id than its starter.
      above = parent;
      if (above === top) return true;
    }
    return false;
  });
}

// Names.
//
// Each name is a block of its own, so that a thread that reads the name while it changes reads the old or the new one, never
// a mixture. Old names are kept until the record is freed.
//
// ```text
//   0  the block of the previous name; 0: none      1  length in bytes      2…  UTF-8
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

/** The name of the thread or process whose record this object is. */
export function labelOf({ space, at }: Attachment): string {
  return readName(space, at + OBJECT_HEADER);
}

/** Frees all names of a record. */
export function freeNames(space: Space, record: number): void {
  for (let block = load(space.words, record + NAME); block !== 0;) {
    const before = load(space.words, block);
    space.free(block);
    block = before;
  }
}

// Copies of thrown values that can be sent.

/**
 * What to send instead of a thrown value that cannot be sent. For an error this is a copy without the properties that cannot be
 * sent, such as functions: a caller needs at least its message. For any other value it is `refusal`, the error that says why
 * the value cannot be sent.
 */
export function sendable(thrown: unknown, refusal: unknown, scope: Destination): unknown {
  try {
    return copyOfError(thrown, refusal, scope);
  } catch {
    // The value may be a proxy whose traps throw.
    return refusal;
  }
}

function copyOfError(thrown: unknown, refusal: unknown, scope: Destination): unknown {
  if (!(thrown instanceof Error)) return refusal;
  // A property whose getter throws is one that cannot be sent.
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
  // A registered class has refused to serialize this error, so the copy is a plain Error with the same name.
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
    // A getter that returns nothing leaves nothing to send.
    if (Object.hasOwn(copy, key) || get !== undefined && value === undefined || !isSendable(value)) continue;
    Object.defineProperty(copy, key, { value, configurable: true, enumerable: true, writable: true });
  }
  return isSendable(copy) ? copy : refusal;
}
