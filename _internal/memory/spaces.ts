/**
 * This thread's views of the two memories.
 *
 * The thread view is made at first use in the main thread; a worker of the library gets its own before any of the
 * program's modules is imported. The process view is made by `multiprocessing`, which alone knows how.
 *
 * @module
 */

import { InvalidStateError } from "../../sync/errors.ts";
import { exitThread } from "../runtime/exit.ts";
import { isBun } from "../runtime/globals.ts";
import type { Memory, Scope } from "./memory.ts";
import { Space } from "./space.ts";
import { ThreadMemory } from "./thread_memory.ts";

const spaces: Record<Scope, Space | undefined> = { thread: undefined, process: undefined };
/**
 * Bytes reserved where nothing else was configured.
 *
 * JavaScriptCore's garbage collector counts the whole mapping of the processes' memory among the bytes in use, and waits
 * for as much garbage before it begins: so that is less there. See also thread_memory.ts.
 */
const DEFAULT_RESERVATION: Readonly<Record<Scope, number>> = { thread: 2 ** 32, process: isBun ? 2 ** 29 : 2 ** 32 };
const reservation: Record<Scope, number> = { ...DEFAULT_RESERVATION };
let makeProcessSpace: (() => Space) | undefined;

/** This thread's view of a memory. */
export function spaceOf(scope: Scope): Space {
  return spaces[scope] ??= scope === "thread" ? Space.join(reserve(), 0, exitThread) : processSpace();
}

/** This thread's view of a memory, where it has one already. */
export function existingSpace(scope: Scope): Space | undefined {
  return spaces[scope];
}

/** Gives this thread its view: a worker at its start, or at its first `adopt`. */
export function setSpace(space: Space): void {
  spaces[space.memory.scope] = space;
}

/** Says how a process view is made at its first use. */
export function setProcessSpaceFactory(make: () => Space): void {
  makeProcessSpace = make;
}

/** How many bytes a region gets. */
export function reservationOf(scope: Scope): number {
  return reservation[scope];
}

/** Whether the program has said how many bytes that are. */
export function isReservationConfigured(scope: Scope): boolean {
  return reservation[scope] !== DEFAULT_RESERVATION[scope];
}

/** Changes how many bytes the regions that are not there yet will get. */
export function setReservation(bytes: number): void {
  if (spaces.thread !== undefined || spaces.process !== undefined) {
    throw new InvalidStateError(
      "Cannot configure the shared memory as it is in use already: call configure() before the first object is made",
    );
  }
  reservation.thread = bytes;
  reservation.process = bytes;
}

function processSpace(): Space {
  if (makeProcessSpace === undefined) {
    throw new InvalidStateError("Cannot reach the processes' memory: import @weft/concurrent/multiprocessing first");
  }
  return makeProcessSpace();
}

/** Less where the system does not even reserve that much (strict overcommit). */
function reserve(): Memory {
  for (let bytes = reservation.thread;; bytes /= 2) {
    try {
      return ThreadMemory.reserve(bytes);
    } catch (error) {
      if (isReservationConfigured("thread") || bytes <= 2 ** 24) throw error;
    }
  }
}
