/**
 * What is known of a process, in words that all processes of the tree share.
 *
 * The words of work/record.ts mean the same here; behind them are those that only a process has. The states are
 *
 * ```text
 *   NEW -> BOOTING -> RUNNING        start(), then the process itself
 *             '----------'-> FINISHED    a thread that saw that the process is gone, and knows how it ended
 * ```
 *
 * A process does not say of itself that it has ended, for it runs on until it is gone: that is asked of the system,
 * which tells its parent how it ended, and every process by the lock on the byte of its index whether it lives.
 *
 * A record has a reference for each thread with a handle, a reference from each child (which knows its parent), and a
 * reference from its parent's list of children.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import { PROCESS } from "../memory/kinds.ts";
import { OBJECT_HEADER, PROCESS_AT } from "../memory/memory.ts";
import { lockMutex, seeToOthers, unlockMutex } from "../memory/participants.ts";
import { addReference, dropReference } from "../memory/shared_object.ts";
import { existingSpace, type Space, spaceOf } from "../memory/space.ts";
import { reclaimTaken } from "../queue/taken.ts";
import { EVERYBODY, notify } from "../memory/wait_point.ts";
import { pidOfThis } from "../runtime/runtime.ts";
import { requireIdentity } from "../runtime/this_thread.ts";
import { SIGKILL } from "../system/calls.ts";
import { loadProcessCalls } from "../system/system.ts";
import {
  EXIT_CODE,
  FINISHED,
  FLAGS,
  FOREIGN,
  freeBytes,
  freeNames,
  LOST,
  NEW,
  NONE,
  objectOf,
  OUTCOME,
  PARENT,
  PAYLOAD,
  POINT,
  PROCESS_ID,
  readBytes,
  RECORD_WORDS as THREAD_WORDS,
  RUNNING,
  STATE,
  writeName,
} from "../work/record.ts";
import { lookIfDue, losePayload } from "../work/starting.ts";
import { replenish } from "./forkserver.ts";
import type { ProcessMemory } from "./process_memory.ts";
import { receive } from "./unseen.ts";

/** The number that the system has for it. */
export const PID = PROCESS_ID;
/** Its index in the region, from when it has attached. */
export const INDEX: number = THREAD_WORDS;
/** Whether its exit code is known, and from whom: 0, SAID or CERTAIN. */
const EXIT_KNOWN: number = THREAD_WORDS + 1;
/** The first of its children. */
const CHILDREN: number = THREAD_WORDS + 2;
/** The next child of its parent. */
const SIBLING: number = THREAD_WORDS + 3;
/** Guards the list of its children. */
const CHILDREN_MUTEX: number = THREAD_WORDS + 4;
/** The signal that terminate() or kill() sent last. */
export const SIGNALLED: number = THREAD_WORDS + 5;
/** The signal that was meant where SIGKILL was sent in its place; 0: there is none. */
export const MEANT: number = THREAD_WORDS + 6;
/** How SIGTERM reaches it: see signal.ts. */
export const HEEDS: number = THREAD_WORDS + 7;
export const PROCESS_WORDS: number = THREAD_WORDS + 8;

/** The process says how it is about to end. */
const SAID = 1;
/** The system said how it ended. */
const CERTAIN = 2;

/** So often a thread that waits looks whether it is to end: milliseconds. */
const SLICE_MS = 100;
/** The same where the system has no descriptors for processes. */
const SHORT_SLICE_MS = 5;

/** Whether this process started that of the record. */
function isOwnChild(space: Space, record: number): boolean {
  const own = ownRecord();
  return own !== 0 && load(space.words, record + PARENT) === own;
}

/** The record of this process; 0: none was made yet. */
export function ownRecord(): number {
  const threads = existingSpace("thread");
  return threads === undefined ? 0 : load(threads.words, PROCESS_AT);
}

/** Makes this process's record known to its threads. `false`: another thread was first. */
export function setOwnRecord(record: number): boolean {
  return compareExchange(spaceOf("thread").words, PROCESS_AT, 0, record) === 0;
}

/** In the process: says how it is about to end. */
export function sayExit(space: Space, record: number, code: number): void {
  store(space.words, record + EXIT_CODE, code);
  compareExchange(space.words, record + EXIT_KNOWN, 0, SAID);
}

/** Notes that a process is gone and how it ended, once. */
export function finishProcess(space: Space, record: number, code: number): void {
  const { words } = space;
  // What it has sent is still to be read where no event loop has turned since: only a result that is not there either is
  // lost.
  receive(record);
  for (;;) {
    const state = load(words, record + STATE);
    if (state === NEW || state === FINISHED) return;
    const meant = load(words, record + MEANT);
    store(words, record + EXIT_CODE, code === -SIGKILL && meant !== 0 ? -meant : code);
    store(words, record + EXIT_KNOWN, CERTAIN);
    compareExchange(words, record + OUTCOME, NONE, LOST);
    if (compareExchange(words, record + STATE, state, FINISHED) === state) break;
  }
  // A payload that is still there was never read: the other ends of pipes among the arguments must hear of that.
  const payload = readBytes(space, record + PAYLOAD);
  freeBytes(space, record + PAYLOAD);
  losePayload(payload);
  reclaimTaken(space);
  notify(space, record + POINT, EVERYBODY);
}

/** Whether the process was started and is gone. Asks the system, so it is right also where no event loop turns. */
export function hasProcessEnded(space: Space, record: number): boolean {
  const { words, memory } = space;
  const state = load(words, record + STATE);
  if (state === FINISHED) return true;
  if (state === NEW || record === ownRecord()) return false;
  const pid = load(words, record + PID);
  // Its starter is about to spawn it.
  if (pid === 0) return false;
  const calls = loadProcessCalls("look after processes");
  const index = load(words, record + INDEX);
  if ((load(words, record + FLAGS) & FOREIGN) !== 0) return !memory.isProcessAlive(index);
  if (isOwnChild(space, record)) {
    const exit = calls.exitOf(pid);
    if (exit === undefined) return false;
    if (exit !== "unknown") finishProcess(space, record, exit);
    return true;
  }
  if (index !== 0 && memory.isProcessAlive(index)) return false;
  // The starter's runtime keeps a dead child for its own event loop, and until then the system tells every process.
  const exit = calls.exitOfOther(pid);
  if (typeof exit === "number") finishProcess(space, record, exit);
  else if (exit === undefined && index === 0) return false;
  return true;
}

/** How a process ended; `undefined` where it has not, as far as is known. */
export function exitCodeOf(space: Space, record: number): number | undefined {
  if (!hasProcessEnded(space, record)) return undefined;
  const { words } = space;
  if (load(words, record + EXIT_KNOWN) !== 0) return load(words, record + EXIT_CODE);
  // The starter's runtime has just taken note of its end and not passed it on yet. Before an exit the process would have said
  // its code, so it ended by a signal.
  return -(load(words, record + SIGNALLED) || SIGKILL);
}

/** Blocks until a process is gone, or until the deadline. Also where no event loop turns. */
export function waitForProcess(space: Space, record: number, until: () => number): boolean {
  const calls = loadProcessCalls("wait for processes");
  let descriptor = -1;
  try {
    for (;;) {
      if (hasProcessEnded(space, record)) return true;
      replenish();
      // What it sends is read meanwhile: else it would be kept from ending.
      const received = receive(record);
      const left = until();
      if (left <= 0) return false;
      if (descriptor < 0) {
        descriptor = calls.openProcess(load(space.words, record + PID));
        // It may have ended before, and another process have its number by now.
        if (hasProcessEnded(space, record)) return true;
      }
      if (descriptor >= 0) calls.waitForEnd(descriptor, Math.ceil(Math.min(left, SLICE_MS)), received);
      else space.memory.wait(record + POINT, load(space.words, record + POINT), Math.min(left, SHORT_SLICE_MS));
      seeToOthers();
      lookIfDue();
      space.endIfKilled();
    }
  } finally {
    if (descriptor >= 0) calls.close(descriptor);
  }
}

/** Puts a child on its parent's list, which brings the reference that the caller has added. */
export function addChild(space: Space, parent: number, child: number): void {
  const { words, memory, id } = space;
  lockMutex(memory, parent + CHILDREN_MUTEX, id);
  store(words, child + SIBLING, load(words, parent + CHILDREN));
  store(words, parent + CHILDREN, child);
  unlockMutex(memory, parent + CHILDREN_MUTEX);
}

/** The children of a process that it has not taken off the list, each with a reference that is the caller's. */
export function childrenOf(space: Space, parent: number): number[] {
  const { words, memory, id } = space;
  const children: number[] = [];
  lockMutex(memory, parent + CHILDREN_MUTEX, id);
  for (let child = load(words, parent + CHILDREN); child !== 0; child = load(words, child + SIBLING)) {
    addReference(space, objectOf(child));
    children.push(child);
  }
  unlockMutex(memory, parent + CHILDREN_MUTEX);
  return children;
}

/** Asks the system which children of this process have ended: where no event loop turns that would be told. */
export function noticeEnds(space: Space): void {
  const own = ownRecord();
  for (const child of own === 0 ? [] : childrenOf(space, own)) {
    hasProcessEnded(space, child);
    dropReference(space, objectOf(child));
  }
  // What was under way to processes whose starter is gone, too.
  reclaimTaken(space);
}

/** Takes a child off its parent's list. `true`: it was on it, and the reference that the list had is the caller's. */
export function removeChild(space: Space, parent: number, child: number): boolean {
  const { words, memory, id } = space;
  lockMutex(memory, parent + CHILDREN_MUTEX, id);
  let found = false;
  for (let at = parent + CHILDREN; load(words, at) !== 0; at = load(words, at) + SIBLING) {
    if (load(words, at) !== child) continue;
    store(words, at, load(words, child + SIBLING));
    found = true;
    break;
  }
  unlockMutex(memory, parent + CHILDREN_MUTEX);
  return found;
}

// The record of a process that this library did not start: the program's first.

/** The record of this process; made where there is none. */
export function ensureOwnRecord(space: Space): number {
  requireIdentity();
  const known = ownRecord();
  if (known !== 0) return known;
  const { words } = space;
  const at = space.allocate(OBJECT_HEADER + PROCESS_WORDS, "start process");
  const record = at + OBJECT_HEADER;
  store(words, at, PROCESS);
  // As long as this process lives.
  store(words, at + 1, 1);
  store(words, record + PID, pidOfThis());
  store(words, record + INDEX, (space.memory as ProcessMemory).region.index);
  store(words, record + FLAGS, FOREIGN);
  store(words, record + STATE, RUNNING);
  writeName(space, record, "MainProcess");
  // Another thread may have made one at the same time.
  if (!setOwnRecord(record)) {
    freeNames(space, record);
    space.free(at);
  }
  return ownRecord();
}
