/**
 * Signals that one process of the tree sends to another.
 *
 * A child leaves what is sent to the whole group to its starter, so that a pool's worker is not taken away in mid-task. So
 * SIGTERM does nothing in a child whose program has no handler for it, and `terminate()` takes another way:
 *
 * - On Bun the system knows whether there is a handler. Where there is none, the process is killed, and what it reports is
 *   the SIGTERM that was meant.
 * - On Deno nothing can tell from outside. The process is asked, and its event loop then has the SIGTERM do what it does in any
 *   program. A process that does not come to that in time computes, or is blocked, and no handler could run there either: it
 *   is killed as on Bun.
 *
 * Which of the two holds for a process is in the word HEEDS of its record:
 *
 * ```text
 *   0 -> ON_REQUEST          the process, on Deno, once SIGTERM does nothing there
 *   ON_REQUEST -> HEEDED     the process, which then sends itself the SIGTERM
 *   ON_REQUEST -> TOO_LATE   a process that has asked and waited in vain, which then kills it
 * ```
 *
 * A process that sends a signal writes SIGNALLED and then reads HEEDS; the process that it is for writes HEEDS and then reads
 * SIGNALLED. So what is sent too early for the process to be asked is seen by that process itself.
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

/** How long a process may take from being asked until its event loop has a turn: milliseconds. */
const PATIENCE = 100;
/** How often a thread that has to wait for that looks: milliseconds. */
const LOOK = 2;

/** The records of the processes that this thread has asked, and since when. */
const asked: Map<number, { space: Space; since: number }> = new Map();
/** Calls off that this thread sees to them while it is blocked. */
let attending: (() => void) | undefined;

/** Sends a signal to a process that runs. */
export function signalProcess(space: Space, record: number, signal: number): void {
  const { words } = space;
  if (load(words, record + STATE) === FINISHED || hasProcessEnded(space, record)) return;
  // No other process can have got its number between the two: its parent's runtime takes note of its end only in the event
  // loop.
  store(words, record + SIGNALLED, signal);
  const calls = loadProcessCalls("end process");
  const pid = load(words, record + PID);
  // It is about to be started, and will see that it is to end.
  if (pid === 0) return;
  if (signal !== SIGTERM) calls.signal(pid, signal);
  else if (load(words, record + HEEDS) === ON_REQUEST) ask(space, record);
  else if (calls.leavesTerminate(pid)) endInPlaceOf(space, record, pid, signal);
  else calls.signal(pid, signal);
}

/** In the thread that has started a process and noted its number: sends what was to be sent before there was a number. */
export function signalAgain(space: Space, record: number): void {
  const signal = load(space.words, record + SIGNALLED);
  if (signal !== 0) signalProcess(space, record, signal);
}

/** In a process that leaves its signals to its starter: heeds them from now on, and ends where it was told to before. */
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

/** Blocks until all processes that this thread asked have answered, or are killed. */
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

// Kills the processes that take too long. Takes no mutex, since a thread that waits for a mutex calls this. Returns whether any
// process may still answer.
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

// Kills a process that would not end by the signal, since it leaves that to its starter.
function endInPlaceOf(space: Space, record: number, pid: number, signal: number): void {
  compareExchange(space.words, record + MEANT, 0, signal);
  loadProcessCalls("end process").signal(pid, SIGKILL);
}
