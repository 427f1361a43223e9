/**
 * The word of a semaphore.
 *
 * Any thread changes the word, `permits << 1 | BARRED` (unsigned), by a compare-exchange. A wait point is behind it.
 *
 * ```text
 *                 acquire                        release n
 *   0 permits     wait                           + n, notify n
 *   some          - 1                            + n, notify n
 *   some, BARRED  - 1 and no longer barred,      + n, notify n
 *                 if it has waited; else wait
 * ```
 *
 * BARRED is the bar of an overtaken waiter: see `WOKEN_IN_VAIN`. It keeps off only callers that can wait for their turn: see
 * `PASSING`.
 *
 * @module
 */

import { and, compareExchange, load, or, peek } from "../_internal/atomics.ts";
import { BOUNDED_SEMAPHORE } from "../_internal/memory/kinds.ts";
import { OBJECT_HEADER } from "../_internal/memory/memory.ts";
import type { Space } from "../_internal/memory/space.ts";
import {
  ALL_SLEEPERS,
  isAwaited,
  LOOK,
  notify,
  WAIT_POINT_WORDS,
  WOKEN_IN_VAIN,
} from "../_internal/memory/wait_point.ts";

/** The most permits there can be. */
export const MAX_PERMITS = 2 ** 31 - 1;
/** Flag: only threads that have waited may take a permit. */
const BARRED = 1;
const ONE = 2;

/** Offset of the wait point from the word. */
export const POINT = 1;
/** How many words a semaphore has. */
export const PERMITS_WORDS = POINT + WAIT_POINT_WORDS;

/** How many permits there are. */
export function permitsAt(words: Int32Array, at: number): number {
  return load(words, at) >>> 1;
}

/** The most permits that this semaphore can have. */
export function mostPermits(words: Int32Array, at: number): number {
  const isBounded = (load(words, at - OBJECT_HEADER) & 0xff) === BOUNDED_SEMAPHORE;
  return isBounded ? load(words, at - OBJECT_HEADER + 2) : MAX_PERMITS;
}

/** The word of a semaphore with that many permits and no bar. */
export function wordOf(permits: number): number {
  return permits << 1;
}

/** Whether an attempt that does not wait would get a permit now. */
export function isAvailable(words: Int32Array, at: number): boolean {
  return load(words, at) >>> 1 > 0;
}

/** Takes a permit. `woken` is what `Wait.attempt` gets: 0 or less for a thread that has not waited. */
export function tryTakePermit(space: Space, at: number, woken: number): boolean {
  const words = space.fixed;
  for (;;) {
    const seen = peek(words, at);
    if (seen >>> 1 === 0 || (seen & BARRED) !== 0 && woken <= 0 && woken >= LOOK) return false;
    space.peekKill();
    const left = (seen - ONE) & ~BARRED;
    if (compareExchange(words, at, seen, left) !== seen) continue;
    if ((seen & BARRED) !== 0) notifyLeft(space, at, left);
    return true;
  }
}

/** As {@linkcode tryTakePermit} of a newcomer, but `false` also if another thread changes the permits meanwhile. */
export function takesPermit(space: Space, at: number): boolean {
  const words = space.fixed;
  const seen = peek(words, at);
  if (seen < ONE || (seen & BARRED) !== 0) return false;
  // Before the change: no other thread could give the permit of a thread back that ends here.
  space.peekKill();
  return compareExchange(words, at, seen, seen - ONE) === seen;
}

/** As {@linkcode tryTakePermit}, for a waiter. Puts up the bar if the waiter was overtaken too often. */
export function tryTakePermitWaiting(space: Space, at: number, woken: number): boolean {
  if (tryTakePermit(space, at, woken)) return true;
  if (woken >= WOKEN_IN_VAIN) or(space.words, at, BARRED);
  return false;
}

/** Takes the bar away, for a waiter that gives up, and wakes waiters that the bar may have kept off. */
export function unbarPermits(space: Space, at: number): void {
  const seen = and(space.words, at, ~BARRED);
  if ((seen & BARRED) !== 0) notifyLeft(space, at, seen);
}

/**
 * Adds permits and wakes as many waiters. Returns `false` and changes nothing if there would be more than `max`
 * permits.
 */
export function addPermits(space: Space, at: number, count: number, max: number): boolean {
  const words = space.fixed;
  for (;;) {
    const seen = peek(words, at);
    if ((seen >>> 1) + count > max) return false;
    // Wraps into the sign bit, which only `>>>` reads.
    if (compareExchange(words, at, seen, (seen + count * ONE) | 0) === seen) break;
  }
  if (isAwaited(words, at + POINT)) notify(space, at + POINT, Math.min(count, ALL_SLEEPERS));
  return true;
}

// Wakes waiters for the permits that are left. Newcomers that the bar kept off sleep although there are permits, and no
// release will notify them of these.
function notifyLeft(space: Space, at: number, seen: number): void {
  const permits = seen >>> 1;
  if (permits > 0) notify(space, at + POINT, Math.min(permits, ALL_SLEEPERS));
}
