/**
 * How a thread blocks at a pipe. It looks again and again for a while, and then it sleeps.
 *
 * To wake a thread takes as long as hundreds of looks, so looking pays if the other side is at work. It is in vain if the other
 * side takes milliseconds, and it slows down a thread that shares the processor core. So a thread looks for long only if its last
 * wait was short, and otherwise sleeps at once.
 *
 * @module
 */

import { now, pause } from "../atomics.ts";
import { deadlineOf } from "../options.ts";
import type { Space } from "../memory/space.ts";
import type { Wait } from "../memory/wait.ts";
import { LOOK, register, requireBlocking, sleep, SLICE_MS, unregister } from "../memory/wait_point.ts";

/** How long a thread looks before it sleeps, as a multiple of `Space.spins`. */
const LONG = 5;
/** The most pauses between two looks. */
const SLOWEST = 8;
/** A wait is short if it takes less than so many milliseconds on the system clock, which is cheaper than `now`. */
const SHORT_MS = 2;

/** What a thread knows of its waits at one end of a pipe, in one direction. */
export class Pace {
  /** Whether the last wait was short. */
  isQuick = true;
  /** The time on the system clock at which the last sleep ended. */
  until = 0;
}

/** Blocks this thread until it gets what it waits for, or `timeout` milliseconds have passed. */
export function blockAtPipe<T>(space: Space, wait: Wait<T>, timeout: number, pace: Pace): T {
  const deadline = deadlineOf(timeout);
  let result = pace.isQuick ? look(wait, space.spins * LONG) : undefined;
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
    // The attempt comes before the next registration: most wake-ups are not in vain.
    result = wait.attempt(woken + 1);
    if (result !== undefined) break;
  }
  pace.until = Date.now();
  pace.isQuick = Math.abs(pace.until - begin) < SHORT_MS;
  if (result !== undefined) return result;
  wait.abandoned?.();
  return wait.expired(timeout);
}

// Looks again and again, with longer and longer pauses.
function look<T>(wait: Wait<T>, spins: number): T | undefined {
  let gap = 1;
  for (let left = spins; left > 0; left -= gap) {
    for (let i = 0; i < gap; i++) pause();
    const result = wait.attempt(LOOK);
    if (result !== undefined) return result;
    if (gap < SLOWEST) gap++;
  }
  return undefined;
}
