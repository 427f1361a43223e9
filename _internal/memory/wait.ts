/**
 * Waiting, in whichever form: what is tried, where, and what the wait comes to when its time is up. A primitive says that once,
 * in a {@linkcode Wait}; a caller blocks with it, or gets a promise. And waiting for several things at once, of one memory or
 * of both.
 *
 * @module
 */

import { load, now, pause, store } from "../atomics.ts";
import { deadlineOf } from "../options.ts";
import { BELL_STRIDE, BELLS_AT } from "./memory.ts";
import { PARKED, seeToOthers } from "./participants.ts";
import type { Space } from "./space.ts";
import { arm, block, requireBlocking, SLICE_MS } from "./wait_point.ts";

/** What a thread or a promise waits for. */
export interface Wait<T> {
  /** The wait point that is notified when another attempt is worthwhile. */
  readonly point: number;
  /**
   * Tries to get it; `undefined`: not yet. A promise gives the number of attempts that were in vain, a thread that blocks what
   * `block` says: 0 or less mean a newcomer, which the bar keeps off.
   */
  attempt(woken: number): T | undefined;
  /** What the wait comes to after `timeout` ms: a value, or an error that is thrown. */
  expired(timeout: number): T;
  /** Takes back what a waiter has put up, before the wait is given up. */
  abandoned?(): void;
  /** Promises of a thread get it in the order of their calls. */
  readonly ordered?: boolean;
  /** How long a thread pauses between quick looks: `PROMPT`, if absent, or `CONTENDED`. */
  readonly pauses?: number;
}

/** Blocks this thread until it has what it waits for, or `timeout` ms have passed. */
export function waitSync<T>(space: Space, wait: Wait<T>, timeout: number): T {
  const result = block(space, wait.point, (woken) => wait.attempt(woken), deadlineOf(timeout), wait.pauses);
  if (result !== undefined) return result;
  wait.abandoned?.();
  return wait.expired(timeout);
}

/** A promise for what is waited for. It rejects with the signal's reason, if that is aborted first. */
export function waitAsync<T>(
  space: Space,
  wait: Wait<T>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  return space.async.wait<T>(wait.point, {
    attempt: (tries) => wait.attempt(tries),
    deadline: deadlineOf(timeout),
    expired: () => wait.expired(timeout),
    abandoned: () => wait.abandoned?.(),
    ordered: wait.ordered,
    signal,
  });
}

// Waits at several points.
//
// A thread can sleep on one word only, but a change at a wait point rings the doorbells of the threads that left their bits
// there. So the thread leaves its bit at all of the points and sleeps on its own bell. It reads the bell first, then leaves the
// bits, then looks: a change before the look is seen by it, and a change after it finds a bit and changes the bell.
//
// Bells, unlike sleepers, are all rung at every change: no wake-up is taken from another waiter.

/** How long a thread that waits in both memories sleeps in one before it looks at the other: milliseconds. */
const SHORT_SLICE_MS = 5;

/** Wait points by the memory they are in, as this thread sees it; at least one memory. */
type PointsBySpace = ReadonlyMap<Space, readonly number[]>;

/**
 * Blocks this thread until `attempt` returns something other than `undefined`, and returns that; `undefined` when the
 * deadline has passed. `attempt` is called for the last time after the deadline.
 *
 * Ends the thread where another thread asked for that.
 */
export function blockAtMany<T>(points: PointsBySpace, attempt: () => T | undefined, deadline: number): T | undefined {
  const spaces = [...points.keys()];
  let result = attempt();
  if (result !== undefined || deadline <= now()) return result;
  for (let i = 0; i < spaces[0].spins; i++) {
    pause();
    result = attempt();
    if (result !== undefined) return result;
  }
  // No word is changed by both memories. The threads' is the one to sleep in: it costs no call into the system.
  const bed = spaces.find((space) => space.memory.scope === "thread") ?? spaces[0];
  const bell = BELLS_AT + bed.bell * BELL_STRIDE;
  const slice = spaces.length > 1 ? SHORT_SLICE_MS : SLICE_MS;
  requireBlocking();
  store(bed.words, bed.entry + PARKED, bell);
  try {
    for (;;) {
      for (const space of spaces) {
        if (space.isKilled()) space.exit();
      }
      const rings = load(bed.words, bell);
      for (const [space, list] of points) {
        for (const point of list) arm(space, point);
      }
      result = attempt();
      if (result !== undefined) return result;
      const left = deadline - now();
      if (left <= 0) return undefined;
      bed.memory.wait(bell, rings, Math.min(left, slice));
      seeToOthers();
    }
  } finally {
    store(bed.words, bed.entry + PARKED, 0);
    // The promises of this thread may have missed that their points were notified, since their bits are back.
    for (const space of spaces) space.async.retry();
  }
}
