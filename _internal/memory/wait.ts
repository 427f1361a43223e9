/**
 * Waiting in all its forms. A primitive describes a wait once, in a {@linkcode Wait}: what is tried, at which wait
 * point, and what happens when the time is up. A caller can block with it, or get a promise. This module also waits for
 * several things at once, of one memory or of both.
 *
 * @module
 */

import { load, now, pause, store } from "../atomics.ts";
import { deadlineOf } from "../options.ts";
import { mayBlock } from "../runtime/runtime.ts";
import { BELL_STRIDE, BELLS_AT } from "./memory.ts";
import { PARKED, seeToOthers } from "./participants.ts";
import type { Space } from "./space.ts";
import { arm, block, LOOK, PASSING, requireBlocking, SLICE_MS } from "./wait_point.ts";

/** What a thread or a promise waits for. */
export interface Wait<T> {
  /** The wait point that is notified when another attempt makes sense. */
  readonly point: number;
  /**
   * Tries to get it; `undefined`: not yet. `woken` is the number of attempts that were in vain for a promise, and what
   * `block` passes for a thread that blocks. 0 or less is a newcomer, which the bar keeps off.
   */
  attempt(woken: number): T | undefined;
  /** How the wait ends after `timeout` milliseconds: with a value, or with an error that is thrown. */
  expired(timeout: number): T;
  /** Undoes what the waiter has begun: takes its bar away, drops its message, breaks its barrier. Called before it gives up. */
  abandoned?(): void;
  /** Whether promises of a thread get it in the order of their calls. */
  readonly ordered?: boolean;
  /** How long a thread pauses between quick looks: `PROMPT` (the default), `CONTENDED` or `LOOKED`. */
  readonly pauses?: number;
}

/** Blocks this thread until it gets what it waits for, or `timeout` milliseconds have passed. */
export function waitSync<T>(space: Space, wait: Wait<T>, timeout: number): T {
  if (!mayBlock) return lookOnce(wait, timeout);
  const result = block(space, wait.point, (woken) => wait.attempt(woken), deadlineOf(timeout), wait.pauses);
  if (result !== undefined) return result;
  // A thread that waits for moments only, again and again, never sleeps for so long that it would learn of it there.
  space.endIfKilled();
  wait.abandoned?.();
  return wait.expired(timeout);
}

// In a thread that may not block: gets what is there, or undoes what the caller has begun and throws.
function lookOnce<T>(wait: Wait<T>, timeout: number): T {
  const result = wait.attempt(timeout === 0 ? PASSING : LOOK);
  if (result !== undefined) return result;
  wait.abandoned?.();
  if (timeout > 0) requireBlocking();
  return wait.expired(timeout);
}

/**
 * Returns a promise for what is waited for. It rejects with the signal's reason if the signal is aborted first.
 *
 * @param place The place of the handle through which it waits: if that handle is disposed of, it rejects.
 */
export function waitAsync<T>(
  place: { readonly space: Space },
  wait: Wait<T>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  return place.space.async.wait<T>(wait.point, {
    attempt: (tries) => wait.attempt(tries),
    deadline: deadlineOf(timeout),
    expired: () => wait.expired(timeout),
    abandoned: () => wait.abandoned?.(),
    ordered: wait.ordered,
    place,
    signal,
  });
}

// Waits at several points.
//
// A thread can sleep on one word only. But a change at a wait point rings the doorbells of the threads that left their
// bits there. So the thread leaves its bit at all of the points and sleeps on its own bell. It reads the bell, then
// leaves the bits, then looks. It sees a change before the look, and a change after the look finds a bit and changes
// the bell.
//
// A change rings all bells, while it wakes only some of the sleepers. So a thread that waits here takes no wake-up from
// another waiter.

/** How many milliseconds a thread that waits in both memories sleeps in one before it looks at the other. */
const SHORT_SLICE_MS = 5;

/** Wait points by the memory they are in, as this thread sees it; at least one memory. */
type PointsBySpace = ReadonlyMap<Space, readonly number[]>;

/**
 * Blocks this thread until `attempt` returns something other than `undefined`, and returns that; `undefined` if the
 * deadline has passed. The last attempt is made after the deadline.
 *
 * Ends the thread if another thread asked it to end.
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
  // No word belongs to both memories. The thread sleeps in the threads' memory, which needs no system call.
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
    // This thread has put its bits back, so its promises may have missed a notification of their points.
    for (const space of spaces) space.async.retry();
  }
}
