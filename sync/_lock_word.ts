/**
 * The word of a lock, and what a thread may do in each of its states.
 *
 * Any thread changes the word, `holder << 4 | flags`, by a compare-exchange:
 *
 * ```text
 *   FREE             no thread holds it; 0
 *   holder << 4      that participant holds it. If it is dead, the next waiter gets the lock
 *   + ASYNC          an async task of the holder holds it, not the thread itself. Only an RLock makes the difference
 *   + BARRED         newcomers keep off: a waiter was overtaken too often
 *
 *              acquire                     release
 *   0          holder                      (error)
 *   BARRED     holder, if it has waited    (error)
 *   holder     wait                        0, notify a waiter
 *   dead       holder, abandoned           0, notify a waiter
 * ```
 *
 * BARRED is the bar of an overtaken waiter: see `WOKEN_IN_VAIN`. A release leaves it in place. It keeps off only callers that can
 * wait for their turn: see `PASSING`.
 *
 * Behind the word are a wait point, and a word with the number of the holder's acquisition, which only the holder reads
 * and writes.
 *
 * @module
 */

import { and, compareExchange, load, or, pause, peek } from "../_internal/atomics.ts";
import { TimeoutError } from "../_internal/errors.ts";
import type { Kind } from "../_internal/memory/kinds.ts";
import { isAlive, NO_PARTICIPANT } from "../_internal/memory/participants.ts";
import type { Space } from "../_internal/memory/space.ts";
import type { Wait } from "../_internal/memory/wait.ts";
import { LOOK, LOOKED, notify, WAIT_POINT_WORDS, WOKEN_IN_VAIN } from "../_internal/memory/wait_point.ts";

/** The word of a lock that no thread holds. */
export const FREE = 0;
/** Flag: only threads that have waited may take the lock. */
export const BARRED = 1;
/** Flag: an async task of the holder holds the lock. */
export const ASYNC = 2;
/** The bit at which the holder's id begins. */
export const HOLDER_SHIFT = 4;

/** Offset of the wait point from the word. */
export const POINT = 1;
/** Offset of the number of the acquisition. Only the holder reads and writes it, as plain memory. */
export const ACQUISITION = POINT + WAIT_POINT_WORDS;
/** How many words a lock has. */
export const LOCK_WORDS = ACQUISITION + 1;

/** What {@linkcode tryTake} returns if the caller did not get the lock. */
export const MISSED = 0;
/** What {@linkcode tryTake} returns if the lock was free and is now the caller's. */
export const TAKEN = 1;
/** What {@linkcode tryTake} returns if the lock's holder had died and the lock is now the caller's. */
export const TAKEN_OVER = 2;

/** Makes `tag` the holder unless a living thread is. `woken` is what {@linkcode Wait.attempt} gets. */
export function tryTake(space: Space, at: number, tag: number, woken: number): number {
  const words = space.words;
  for (;;) {
    const seen = peek(words, at);
    const holder = seen >>> HOLDER_SHIFT;
    if (holder === 0) {
      if (seen === BARRED && woken <= 0 && woken >= LOOK) return MISSED;
    } else if (holder === space.id || woken < 0 || isAlive(space.memory, holder)) {
      return MISSED;
    }
    space.peekKill();
    if (compareExchange(words, at, seen, tag) === seen) return holder === 0 ? TAKEN : TAKEN_OVER;
  }
}

/** How many looks a thread takes at a held lock before it prepares to wait. */
const QUICK_LOOKS = 2;
/** The pauses between these looks, in the beginning and at most. A pause takes some 20 ns. */
const FIRST_GAP = 8;
const LONGEST_GAP = 128;
/** After fewer acquisitions than this since it last found the lock held, a thread makes longer pauses. */
const OFTEN = 1000;

/**
 * The quick looks of a blocking acquisition.
 *
 * Each look takes the cache line away from the holder, and each hand-over costs both threads more than a dozen free
 * acquisitions. So a thread that finds the lock held again and again makes longer and longer pauses: the lock then changes
 * hands after hundreds of acquisitions and not after a few. A thread that rarely finds it held looks again at once.
 */
export class Spinning {
  #gap = FIRST_GAP;
  #last = 0;

  /** Takes the lock as `tag` if a look finds it free. `acquisitions`: how many this thread has made by now. */
  take(space: Space, at: number, tag: number, acquisitions: number): boolean {
    if (space.spins === 0) return false;
    const gap = this.#gap = (acquisitions - this.#last | 0) < OFTEN ? Math.min(this.#gap * 2, LONGEST_GAP) : FIRST_GAP;
    this.#last = acquisitions;
    for (let looks = 0; looks < QUICK_LOOKS; looks++) {
      for (let i = 0; i < gap; i++) pause();
      if (load(space.words, at) !== FREE) continue;
      space.peekKill();
      if (compareExchange(space.words, at, FREE, tag) === FREE) return true;
    }
    return false;
  }
}

/** Whether an attempt that does not wait would get the lock now. */
function isAcquirable(space: Space, at: number): boolean {
  const holder = load(space.words, at) >>> HOLDER_SHIFT;
  return holder === 0 || holder !== space.id && !isAlive(space.memory, holder);
}

/** As {@linkcode tryTake}, for a waiter. Puts up the bar if the waiter was overtaken too often. */
export function tryTakeWaiting(space: Space, at: number, tag: number, woken: number): number {
  const outcome = tryTake(space, at, tag, woken);
  if (outcome === MISSED && woken >= WOKEN_IN_VAIN) or(space.words, at, BARRED);
  return outcome;
}

/** Takes the bar away, for a waiter that gives up, and wakes a waiter that the bar may have kept off. */
function unbar(space: Space, at: number): void {
  if ((and(space.words, at, ~BARRED) & BARRED) !== 0) notify(space, at + POINT, 1);
}

/**
 * The wait to become the holder as `tag`. `begin` makes what the caller gets; `abandoned` is whether the last holder
 * had died.
 */
export function turnOf<T>(space: Space, at: number, tag: number, begin: (abandoned: boolean) => T): Wait<T> {
  return {
    point: at + POINT,
    attempt: (woken) => {
      const outcome = tryTakeWaiting(space, at, tag, woken);
      return outcome === MISSED ? undefined : begin(outcome === TAKEN_OVER);
    },
    expired: (timeout) => {
      throw new TimeoutError(`Cannot acquire lock as it was held for all of the ${timeout} ms of 'timeout'`);
    },
    abandoned: () => unbar(space, at),
    ordered: true,
    pauses: LOOKED,
  };
}

/** Releases the lock and wakes a waiter, if this thread still holds the lock. It does not if it was presumed dead. */
export function giveUp(space: Space, at: number): void {
  const words = space.words;
  for (;;) {
    const seen = peek(words, at);
    if (seen >>> HOLDER_SHIFT !== space.id) return;
    if (compareExchange(words, at, seen, seen & BARRED) === seen) break;
  }
  notify(space, at + POINT, 1);
}

function isHeld(space: Space, at: number): boolean {
  return load(space.words, at) >>> HOLDER_SHIFT === space.id;
}

// Leaves the lock locked with a holder that is dead, as if this thread had ended.
function abandon(space: Space, at: number): void {
  for (;;) {
    const seen = load(space.words, at);
    if (seen >>> HOLDER_SHIFT !== space.id) return;
    if (compareExchange(space.words, at, seen, NO_PARTICIPANT << HOLDER_SHIFT | seen & BARRED) === seen) break;
  }
  notify(space, at + POINT, 1);
}

/** What can be done with the kinds of objects that have such a word. */
export const LOCK_KIND: Kind = {
  isHeld,
  abandon,
  readiness: (space, at) => ({ points: [at + POINT], isReady: () => isAcquirable(space, at) }),
};
