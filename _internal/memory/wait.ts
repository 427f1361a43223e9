/**
 * Blocks at several wait points, of one memory or of both.
 *
 * A thread can sleep on one word only, but a change at a wait point rings the doorbells of those who left their bit there.
 * So the thread leaves its bit at all of the points and sleeps on its own bell. It reads the bell first, then leaves the
 * bits, then looks: a change before the look is seen by it, and one after it finds a bit and changes the bell.
 *
 * Bells, unlike sleepers, are all rung at every change: no wake-up is taken from somebody else.
 *
 * @module
 */

import { load, now, pause, store } from "../atomics.ts";
import { BELL_STRIDE, BELLS_AT } from "./memory.ts";
import { PARKED, seeToOthers } from "./participants.ts";
import type { Space } from "./space.ts";
import { arm, requireBlocking, SLICE } from "./wait_point.ts";

/** How long a thread that waits in both memories sleeps in one before it looks at the other: milliseconds. */
const SHORT_SLICE = 5;

/** Wait points by the memory they are in, as this thread sees it; at least one memory. */
export type PointsBySpace = ReadonlyMap<Space, readonly number[]>;

/**
 * Blocks this thread until `attempt` returns something other than `undefined`, and returns that; `undefined` when the
 * deadline has passed. It is called for the last time after the deadline.
 *
 * Ends the thread where another asked for that.
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
  const slice = spaces.length > 1 ? SHORT_SLICE : SLICE;
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
