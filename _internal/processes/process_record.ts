/**
 * The record of a process: what is known of the process, in words that all processes of the tree share.
 *
 * The words of work/record.ts have the same meaning here. Behind them are the words that only a process has. The states are
 *
 * ```text
 *   NEW -> BOOTING                   the starter, in start()
 *   BOOTING -> RUNNING               the process itself
 *   BOOTING or RUNNING -> FINISHED   a thread that has found that the process is gone, and knows how it ended
 * ```
 *
 * A process does not mark itself as ended, because it runs code until it is gone. The system knows that it has ended. It
 * reports to the parent how the process ended. Every process of the tree can see whether it is alive by the lock that it
 * holds on the byte of its index.
 *
 * A record has a reference for each thread that has a handle, a reference from each child (which knows its parent), and a
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
import { reclaimParcels } from "../queue/taken.ts";
import { ALL_SLEEPERS, notify } from "../memory/wait_point.ts";
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

/** Its pid. Written by its starter after the start. 0 before that. */
export const PID = PROCESS_ID;
/** Its index in the region. Written by the process itself when it has attached to the region. 0 before that. */
export const INDEX: number = THREAD_WORDS;
/** Whether its exit code is known, and how reliably: 0, SAID or CERTAIN. */
const EXIT_KNOWN: number = THREAD_WORDS + 1;
/** The record of its youngest child; 0: none. */
const CHILDREN: number = THREAD_WORDS + 2;
/** The record of the next older child of its parent; 0: none. */
const SIBLING: number = THREAD_WORDS + 3;
/** The mutex of the list of its children. */
const CHILDREN_MUTEX: number = THREAD_WORDS + 4;
/** The signal that terminate() or kill() sent last. */
export const SIGNALLED: number = THREAD_WORDS + 5;
/** If SIGKILL was sent in place of another signal: that other signal; 0: none. */
export const MEANT: number = THREAD_WORDS + 6;
/** How SIGTERM reaches the process: see signal.ts. */
export const HEEDS: number = THREAD_WORDS + 7;
export const PROCESS_WORDS: number = THREAD_WORDS + 8;

/** The process has said with which code it is about to exit. */
const SAID = 1;
/** The system has reported how the process ended. */
const CERTAIN = 2;

/**
 * How many milliseconds a thread that waits for a process sleeps at most before it checks whether the thread itself must
 * end.
 */
const SLICE_MS = 100;
/** The longest sleep if the system has no descriptors for processes: then the end of a process does not wake the thread. */
const SHORT_SLICE_MS = 5;

/** Whether this process started the process of the record. */
function isOwnChild(space: Space, record: number): boolean {
  const own = ownRecord();
  return own !== 0 && load(space.words, record + PARENT) === own;
}

/** The record of this process; 0: it has none yet. */
export function ownRecord(): number {
  const threads = existingSpace("thread");
  return threads === undefined ? 0 : load(threads.words, PROCESS_AT);
}

/** Sets the record of this process, for all its threads. `false`: another thread has already set a record. */
export function setOwnRecord(record: number): boolean {
  return compareExchange(spaceOf("thread").words, PROCESS_AT, 0, record) === 0;
}

/** In the process: notes with which code it is about to exit. */
export function sayExit(space: Space, record: number, code: number): void {
  store(space.words, record + EXIT_CODE, code);
  compareExchange(space.words, record + EXIT_KNOWN, 0, SAID);
}

/** Notes that a process is gone, and how it ended. Only the first call has an effect. */
export function finishProcess(space: Space, record: number, code: number): void {
  const { words } = space;
  // First read what it has sent, since no event loop may have done so yet. If its result is not there either, it is lost.
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
  // If the payload is still there, the process never read it. If it has ends of pipes, the other ends learn that these
  // are lost.
  const payload = readBytes(space, record + PAYLOAD);
  freeBytes(space, record + PAYLOAD);
  losePayload(payload);
  reclaimParcels(space);
  notify(space, record + POINT, ALL_SLEEPERS);
}

/** Whether the process was started and is gone. This asks the system, so it is right even if no event loop turns. */
export function hasProcessEnded(space: Space, record: number): boolean {
  const { words, memory } = space;
  const state = load(words, record + STATE);
  if (state === FINISHED) return true;
  if (state === NEW || record === ownRecord()) return false;
  const pid = load(words, record + PID);
  // Its starter is about to start it.
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
  // A dead child stays in the system's list until the event loop of its starter takes note of its end. Until then every
  // process can read there how it ended.
  const exit = calls.exitOfOther(pid);
  if (typeof exit === "number") finishProcess(space, record, exit);
  else if (exit === undefined && index === 0) return false;
  return true;
}

/** How a process ended: its exit code, or the negative number of a signal; `undefined` if it has not ended. */
export function exitCodeOf(space: Space, record: number): number | undefined {
  if (!hasProcessEnded(space, record)) return undefined;
  const { words } = space;
  if (load(words, record + EXIT_KNOWN) !== 0) return load(words, record + EXIT_CODE);
  // The runtime of its starter has taken note of its end, but the starter has not written it here yet. The process has
  // not said a code, as it does before an exit. So a signal ended it.
  return -(load(words, record + SIGNALLED) || SIGKILL);
}

/**
 * Blocks until a process is gone (`true`), or `until` returns 0 or less (`false`). `until` returns how many milliseconds
 * are left. No event loop needs to turn for this, in this process or another.
 */
export function waitForProcess(space: Space, record: number, until: () => number): boolean {
  const calls = loadProcessCalls("wait for processes");
  let descriptor = -1;
  try {
    for (;;) {
      if (hasProcessEnded(space, record)) return true;
      replenish();
      // Read what it sends meanwhile. It cannot end while the socket is full.
      const received = receive(record);
      const left = until();
      if (left <= 0) return false;
      if (descriptor < 0) {
        descriptor = calls.openProcess(load(space.words, record + PID));
        // It may have ended before the descriptor was opened, which may then stand for another process with the same pid.
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

/** Adds a child to its parent's list. The caller has added a reference, which now belongs to the list. */
export function addChild(space: Space, parent: number, child: number): void {
  const { words, memory, id } = space;
  lockMutex(memory, parent + CHILDREN_MUTEX, id);
  store(words, child + SIBLING, load(words, parent + CHILDREN));
  store(words, parent + CHILDREN, child);
  unlockMutex(memory, parent + CHILDREN_MUTEX);
}

/** The children on the list of a process, the youngest first. Each has a new reference, which the caller must drop. */
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

/** Asks the system which children of this process have ended, for a thread whose event loop does not turn. */
export function noticeEnds(space: Space): void {
  const own = ownRecord();
  for (const child of own === 0 ? [] : childrenOf(space, own)) {
    hasProcessEnded(space, child);
    dropReference(space, objectOf(child));
  }
  // Also give up messages that were under way to processes whose starter is gone.
  reclaimParcels(space);
}

/** Removes a child from its parent's list. `true`: it was on the list, and the caller must drop the reference of the list. */
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

// The first process of the program, which this library did not start, has no record at first.

/** The record of this process. Makes the record if there is none. */
export function ensureOwnRecord(space: Space): number {
  requireIdentity();
  const known = ownRecord();
  if (known !== 0) return known;
  const { words } = space;
  const at = space.allocate(OBJECT_HEADER + PROCESS_WORDS, "start process");
  const record = at + OBJECT_HEADER;
  store(words, at, PROCESS);
  // This one reference lasts as long as the process.
  store(words, at + 1, 1);
  store(words, record + PID, pidOfThis());
  store(words, record + INDEX, (space.memory as ProcessMemory).region.index);
  store(words, record + FLAGS, FOREIGN);
  store(words, record + STATE, RUNNING);
  writeName(space, record, "MainProcess");
  // Another thread may have made a record at the same time.
  if (!setOwnRecord(record)) {
    freeNames(space, record);
    space.free(at);
  }
  return ownRecord();
}
