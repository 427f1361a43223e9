/**
 * How a thread blocks at a pipe. It looks again and again for a while, and then it sleeps.
 *
 * Looking pays if the other side is at work: the answer of a partner on another processor takes one microsecond, and a wake-up
 * takes ten or more. It is in vain if the other side takes milliseconds. So a thread looks only if its last wait was short, and
 * otherwise sleeps at once.
 *
 * The system often puts a thread that is woken on the processor of the thread that wakes it. Then the partner cannot run while
 * this thread looks. So between looks, this thread yields to threads that are ready to run on its processor. If such a thread keeps
 * the processor for long, it is no partner, and this thread sleeps at once for some time: the system then runs it sooner.
 *
 * @module
 */

import { now, pause } from "../atomics.ts";
import type { Space } from "../memory/space.ts";
import type { Wait } from "../memory/wait.ts";
import { LOOK, register, requireBlocking, sleep, SLICE_MS, unregister } from "../memory/wait_point.ts";
import { deadlineOf } from "../options.ts";
import type { ProcessMemory } from "./process_memory.ts";

/** For how many milliseconds a thread looks before it sleeps. */
const LOOKING_MS = 0.05;
/** How many looks there are between two yields. */
const LOOKS = 8;
/** A wait is short if it takes less than so many milliseconds on the system clock, which is cheaper than `now`. */
const SHORT_MS = 2;
/** A thread that keeps the processor for so many milliseconds is no partner. */
const STOLEN_MS = 0.5;
/** For how many waits a thread sleeps at once after that. */
const RESTS = 100;

/** What a thread knows of its waits at one end of a pipe, in one direction. */
export class WaitHistory {
  /** Whether the last wait was short. */
  isQuick = true;
  /** For how many waits the thread sleeps at once, because it shares its processor. */
  rests = 0;
  /** The time on the system clock at which the last sleep ended. */
  until = 0;
}

/** Blocks this thread until it gets what it waits for, or `timeout` milliseconds have passed. */
export function blockAtPipe<T>(space: Space, wait: Wait<T>, timeout: number, history: WaitHistory): T {
  const deadline = deadlineOf(timeout);
  let result: T | undefined;
  if (history.rests > 0) history.rests--;
  else if (history.isQuick && space.spins > 0) result = look(space.memory as ProcessMemory, wait, history);
  if (result !== undefined) return result;
  requireBlocking();
  const { point } = wait;
  const begin = Date.now();
  for (let woken = 0;; woken++) {
    const registered = register(space, point);
    let notified = false;
    try {
      result = wait.attempt(woken);
      if (result !== undefined) break;
      const left = deadline === Infinity ? SLICE_MS : deadline - now();
      if (left <= 0) break;
      notified = sleep(space, point, registered, Math.min(left, SLICE_MS));
    } finally {
      if (!notified) unregister(space, point, registered);
    }
    if (!notified) continue;
    // Before the next registration, since most wake-ups are not in vain.
    result = wait.attempt(woken + 1);
    if (result !== undefined) break;
  }
  history.until = Date.now();
  history.isQuick = Math.abs(history.until - begin) < SHORT_MS;
  if (result !== undefined) return result;
  wait.abandoned?.();
  return wait.expired(timeout);
}

// The clock counts and not the looks: until the engine has compiled this loop, a look takes many times as long.
function look<T>(memory: ProcessMemory, wait: Wait<T>, history: WaitHistory): T | undefined {
  const begin = now();
  for (let time = begin; time - begin < LOOKING_MS;) {
    for (let i = 0; i < LOOKS; i++) {
      pause();
      const result = wait.attempt(LOOK);
      if (result !== undefined) return result;
    }
    memory.yield();
    const before = time;
    time = now();
    if (time - before > STOLEN_MS) history.rests = RESTS;
  }
  // The last yield may have run the partner.
  return wait.attempt(LOOK);
}
