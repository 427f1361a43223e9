/**
 * Signals that one process of the tree sends to another.
 *
 * A child ignores signals that a whole group of processes gets, and leaves them to its starter. Otherwise a signal from
 * the terminal would end a pool's workers in the middle of a task. So SIGTERM does nothing in a child whose program has
 * no handler for it, and `terminate()` cannot simply send it:
 *
 * - On Bun the system shows whether the child has a handler. If it has none, it is killed, and its exit code names SIGTERM,
 *   the signal that was meant.
 * - On Deno the system does not show that. So the sender asks the child, whose event loop then stops ignoring SIGTERM and
 *   sends it to the child itself. If the event loop does not answer in time, the child is computing or blocked, and a handler
 *   could not run there anyway. Then the child is killed, as on Bun.
 *
 * The word HEEDS in the record of a child says which of the two applies:
 *
 * ```text
 *   0                        the child is not asked: it is on Bun, or does not ignore SIGTERM yet
 *   0 -> ON_REQUEST          written by the child, on Deno, once it ignores SIGTERM
 *   ON_REQUEST -> HEEDED     written by the child, which then sends itself SIGTERM
 *   ON_REQUEST -> TOO_LATE   written by a process that has asked and waited in vain, and that then kills the child
 * ```
 *
 * A sender writes SIGNALLED and then reads HEEDS. The child writes HEEDS and then reads SIGNALLED. So if the signal comes
 * too early for the sender to ask, the child sees it.
 *
 * @module
 */

import { compareExchange, load, now, store } from "../atomics.ts";
import { onBlocked } from "../memory/participants.ts";
import { addReference, dropReference, onRelease } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import { later, pidOfThis } from "../runtime/runtime.ts";
import { heedTerminate, onAsked } from "../runtime/spawn.ts";
import { SIGKILL, SIGTERM } from "../system/calls.ts";
import { loadProcessCalls } from "../system/system.ts";
import { FINISHED, objectOf, POINT, STATE } from "../work/record.ts";
import { hasProcessEnded, HEEDS, INDEX, MEANT, PID, SIGNALLED } from "./process_record.ts";

const ON_REQUEST = 1;
const HEEDED = 2;
const TOO_LATE = 3;

/** How many milliseconds the event loop of an asked process may take to answer. */
const PATIENCE = 100;
/** How many milliseconds a thread that waits for the answer sleeps at a time. */
const LOOK = 2;

/** The records of the processes that this thread has asked, and since when. */
const asked: Map<number, { space: Space; since: number }> = new Map();
/** Ends the checks that this thread makes for these processes while it is blocked. */
let attending: (() => void) | undefined;

/** Sends a signal to a process. Does nothing if it has ended. */
export function signalProcess(space: Space, record: number, signal: number): void {
  const { words } = space;
  if (load(words, record + STATE) === FINISHED || hasProcessEnded(space, record)) return;
  // The pid cannot belong to another process by now: if the process has just ended, the system keeps its pid until its parent's
  // runtime takes note of the end, in a turn of the event loop.
  store(words, record + SIGNALLED, signal);
  const calls = loadProcessCalls("end process");
  const pid = load(words, record + PID);
  // It is about to be started. Its starter sends the signal again then: see signalAgain().
  if (pid === 0) return;
  if (signal !== SIGTERM) calls.signal(pid, signal);
  else if (load(words, record + HEEDS) === ON_REQUEST) ask(space, record);
  else if (calls.leavesTerminate(pid)) endInPlaceOf(space, record, pid, signal);
  else calls.signal(pid, signal);
}

/** In the thread that has started a process and written its pid: sends the signal that was sent before there was a pid. */
export function signalAgain(space: Space, record: number): void {
  const signal = load(space.words, record + SIGNALLED);
  if (signal !== 0) signalProcess(space, record, signal);
}

/** In a child that ignores signals: answers other processes from now on. Ends the child if a signal was sent before this. */
export function heedSignals(space: Space, record: number): void {
  const { words } = space;
  const isDeno = onAsked(() => {
    if (load(words, record + SIGNALLED) !== SIGTERM) return;
    if (compareExchange(words, record + HEEDS, ON_REQUEST, HEEDED) !== ON_REQUEST) return;
    heedTerminate();
    loadProcessCalls("end process").signal(pidOfThis(), SIGTERM);
  });
  if (isDeno) store(words, record + HEEDS, ON_REQUEST);
  const signal = load(words, record + SIGNALLED);
  if (signal !== 0) endInPlaceOf(space, record, pidOfThis(), signal);
}

/** Blocks until all processes that this thread has asked have answered, or were killed. */
export function untilAnswered(): void {
  while (insist()) {
    const [[record, { space }]] = asked;
    space.memory.wait(record + POINT, load(space.words, record + POINT), LOOK);
  }
}

function ask(space: Space, record: number): void {
  const calls = loadProcessCalls("end process");
  calls.signal(load(space.words, record + PID), calls.urgent);
  if (asked.has(record)) return;
  addReference(space, objectOf(record));
  asked.set(record, { space, since: now() });
  attending ??= onBlocked(insist);
  later(settle, PATIENCE);
}

// Kills the asked processes that take too long. Returns whether a process may still answer. It must not take a mutex, because a
// thread calls it while it waits for a mutex.
function insist(): boolean {
  let remain = false;
  for (const [record, { space, since }] of asked) {
    const { words, memory } = space;
    if (load(words, record + HEEDS) !== ON_REQUEST || !memory.isProcessAlive(load(words, record + INDEX))) continue;
    if (now() - since < PATIENCE) remain = true;
    else if (compareExchange(words, record + HEEDS, ON_REQUEST, TOO_LATE) === ON_REQUEST) {
      endInPlaceOf(space, record, load(words, record + PID), SIGTERM);
    }
  }
  return remain;
}

function settle(): void {
  if (insist()) later(settle, LOOK);
  else release();
}

function release(of?: Space): void {
  for (const [record, { space }] of [...asked]) {
    if (of !== undefined && of !== space) continue;
    asked.delete(record);
    dropReference(space, objectOf(record));
  }
  if (asked.size > 0) return;
  attending?.();
  attending = undefined;
}

onRelease(release);

// Kills a process that ignores the signal, and notes which signal was meant.
function endInPlaceOf(space: Space, record: number, pid: number, signal: number): void {
  compareExchange(space.words, record + MEANT, 0, signal);
  loadProcessCalls("end process").signal(pid, SIGKILL);
}
