/**
 * The waiters of a condition, in the order in which they came.
 *
 * ```text
 *   list   0  mutex
 *          1  first node, 0: none
 *          2  last node
 *          3  number of the next waiter to come
 *          4  how many nodes were notified and are still here
 *
 *   node   0  next node, 0: none      (a block of its own, for each waiter)
 *          1  participant that waits
 *          2  its number
 *          3  NOTIFIED, or 0
 *          4  word 3 of the list at the time of the notification
 *          5  wait point
 * ```
 *
 * All threads change the list under its mutex, and each waiter takes its own node out. So a notified node stays in the
 * list until its waiter has the lock back. If the waiter dies before that, another thread sees that the notification
 * had no effect and passes it on: to the next waiter that was already waiting when it was given, never to a later one.
 *
 * A change takes effect with one store, to a link or to the NOTIFIED word. The last node and the count can be derived
 * from those, and a thread that gets the mutex from a dead holder derives them again.
 *
 * Each node has a wait point of its own, so that a notification wakes the waiter that it is meant for. The wait point
 * is notified under the mutex: after that, the node may be gone.
 *
 * @module
 */

import { load, store } from "../_internal/atomics.ts";
import { entryOf, isAlive, KILL, lockMutex, unlockMutex } from "../_internal/memory/participants.ts";
import type { Space } from "../_internal/memory/space.ts";
import { notify as wake, WAIT_POINT_WORDS } from "../_internal/memory/wait_point.ts";

const MUTEX = 0;
const HEAD = 1;
const TAIL = 2;
const NEXT_NUMBER = 3;
const PENDING = 4;
/** How many words a list has. */
export const WAIT_LIST_WORDS = 5;

const NEXT = 0;
const WAITER = 1;
const NUMBER = 2;
const STATE = 3;
const BEFORE = 4;
/** Offset of a node's wait point. */
export const NODE_POINT = 5;
const NODE_WORDS = NODE_POINT + WAIT_POINT_WORDS;

const NOTIFIED = 1;

/** Whether this participant runs no more code of the program, or was asked to end. */
export function isGone(space: Space, id: number): boolean {
  return !isAlive(space.memory, id) || load(space.words, entryOf(id) + KILL) !== 0;
}

/** Adds a node for the caller at the end of the list, and returns it. */
export function join(space: Space, list: number): number {
  const { words } = space;
  const node = space.allocate(NODE_WORDS, "wait for condition");
  store(words, node + WAITER, space.id);
  enter(space, list);
  const number = load(words, list + NEXT_NUMBER);
  store(words, list + NEXT_NUMBER, (number + 1) | 0);
  store(words, node + NUMBER, number);
  const last = load(words, list + TAIL);
  store(words, last === 0 ? list + HEAD : last + NEXT, node);
  store(words, list + TAIL, node);
  unlockMutex(space.memory, list + MUTEX);
  return node;
}

/** Whether the node was notified. */
export function isNotified(space: Space, node: number): boolean {
  return load(space.words, node + STATE) === NOTIFIED;
}

/**
 * Takes the caller's node out and returns whether it was notified. With `passOn`, the notification passes to the next
 * waiter that was already waiting when it was given.
 */
export function leave(space: Space, list: number, node: number, passOn: boolean): boolean {
  const { words } = space;
  enter(space, list);
  const notified = isNotified(space, node);
  const before = load(words, node + BEFORE);
  // In this order: see `reap`.
  if (notified && passOn) notifyOne(space, list, before);
  unlink(space, list, node);
  unlockMutex(space.memory, list + MUTEX);
  space.free(node);
  return notified;
}

/** Notifies up to `count` of the waiters that have not been notified yet, first come first. */
export function notifyFirst(space: Space, list: number, count: number): void {
  const { words } = space;
  if (load(words, list + HEAD) === 0) return;
  enter(space, list);
  reap(space, list);
  const before = load(words, list + NEXT_NUMBER);
  while (count-- > 0 && notifyOne(space, list, before));
  unlockMutex(space.memory, list + MUTEX);
}

/**
 * Passes on the notifications of waiters that died before they had the lock back. Waiters call this from time to time.
 */
export function passOnOfTheDead(space: Space, list: number): void {
  if (load(space.words, list + PENDING) === 0) return;
  enter(space, list);
  reap(space, list);
  unlockMutex(space.memory, list + MUTEX);
}

/** Gives all nodes of a list back. No thread uses the list any more. */
export function freeNodes(space: Space, list: number): void {
  const { words } = space;
  for (let node = load(words, list + HEAD); node !== 0;) {
    const next = load(words, node + NEXT);
    space.free(node);
    node = next;
  }
}

// Takes the mutex. If its last holder died, repairs what that holder left behind.
function enter(space: Space, list: number): void {
  const { words } = space;
  if (!lockMutex(space.memory, list + MUTEX, space.id)) return;
  let last = 0;
  let pending = 0;
  for (let node = load(words, list + HEAD); node !== 0; node = load(words, node + NEXT)) {
    last = node;
    if (isNotified(space, node)) pending++;
  }
  store(words, list + TAIL, last);
  store(words, list + PENDING, pending);
}

function unlink(space: Space, list: number, node: number): void {
  const { words } = space;
  let previous = 0;
  for (let other = load(words, list + HEAD); other !== node; other = load(words, other + NEXT)) previous = other;
  store(words, previous === 0 ? list + HEAD : previous + NEXT, load(words, node + NEXT));
  if (load(words, list + TAIL) === node) store(words, list + TAIL, previous);
  if (isNotified(space, node)) store(words, list + PENDING, load(words, list + PENDING) - 1);
}

/** Passes on the notifications of dead waiters, and takes their nodes out. */
function reap(space: Space, list: number): void {
  const { words } = space;
  if (load(words, list + PENDING) === 0) return;
  for (let node = load(words, list + HEAD); node !== 0;) {
    if (!isNotified(space, node) || isAlive(space.memory, load(words, node + WAITER))) {
      node = load(words, node + NEXT);
      continue;
    }
    // In this order: if this thread dies in between, one waiter too many is notified, and not one too few.
    notifyOne(space, list, load(words, node + BEFORE));
    remove(space, list, node);
    node = load(words, list + HEAD);
  }
}

/**
 * Notifies the first waiter that can be notified and has a number below `before`. Returns whether there was one. Takes
 * out the nodes of dead waiters on the way, if they were not notified.
 */
function notifyOne(space: Space, list: number, before: number): boolean {
  const { words } = space;
  for (let node = load(words, list + HEAD); node !== 0;) {
    if (((load(words, node + NUMBER) - before) | 0) >= 0) return false;
    const next = load(words, node + NEXT);
    const waiter = load(words, node + WAITER);
    if (!isNotified(space, node)) {
      if (!isGone(space, waiter)) {
        store(words, node + BEFORE, before);
        store(words, list + PENDING, load(words, list + PENDING) + 1);
        store(words, node + STATE, NOTIFIED);
        wake(space, node + NODE_POINT, 1);
        return true;
      }
      // A waiter that was asked to end but is still alive may take its node out itself.
      if (!isAlive(space.memory, waiter)) remove(space, list, node);
    }
    node = next;
  }
  return false;
}

function remove(space: Space, list: number, node: number): void {
  unlink(space, list, node);
  space.free(node);
}
