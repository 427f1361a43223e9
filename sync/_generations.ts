/**
 * The waiters of a barrier, one generation at a time.
 *
 * ```text
 *   barrier   0  mutex
 *             1  0: whole, 1: broken
 *             2  the generation that fills, 0: there are no waiters
 *             3  a block that the next generation may have
 *             4… see barrier.ts
 *
 *   generation   0  fate: FILLING → PASSED or BROKEN, with an action FILLING → RUNNING → PASSED or BROKEN
 *                1  how many have come
 *                2  how many of them have left
 *                3  the participant that runs the action
 *                4  wait point
 *                6… the participants that have come
 * ```
 *
 * Each generation has a block of its own, so a waiter can read the fate of its generation however late it looks and
 * whatever has happened to the barrier meanwhile. The last waiter to leave gives the block back. (With one word for all
 * generations, a waiter that slept through a pass, a break and a reset could not tell which of them was its own. Python
 * instead keeps newcomers out until all have left, and so a slow thread delays the others.)
 *
 * Any thread may change these words, but only under the mutex, and the fate with one store. A thread that dies while it
 * waits leaves a generation that is still FILLING and has a dead participant. The other participants detect that and
 * break the generation.
 *
 * @module
 */

import { load, store } from "../_internal/atomics.ts";
import { PARTICIPANT_COUNT } from "../_internal/memory/memory.ts";
import { lockMutex, unlockMutex } from "../_internal/memory/participants.ts";
import type { Space } from "../_internal/memory/space.ts";
import { ALL_SLEEPERS, notify, WAIT_POINT_WORDS } from "../_internal/memory/wait_point.ts";
import { isGone } from "./_wait_list.ts";

const MUTEX = 0;
const IS_BROKEN = 1;
const CURRENT = 2;
const SPARE = 3;
/** How many words of a barrier belong to its generations. */
export const GENERATIONS_WORDS = 4;

const FATE = 0;
const COME = 1;
const LEFT = 2;
const RUNNER = 3;
/** Where a generation's wait point is. */
export const GENERATION_POINT = 4;
const PARTICIPANTS = GENERATION_POINT + WAIT_POINT_WORDS;

const FILLING = 0;
const RUNNING = 1;
const PASSED = 2;
const BROKEN = 3;

/** What {@linkcode arrive} returns if the caller was not added: the barrier is broken. */
export const NO_PLACE = -1;
/** What {@linkcode arrive} returns if the caller was not added: the shared memory is full. */
export const NO_ROOM = -2;

/** The generation to which {@linkcode arrive} has just added the caller. */
export let arrived = 0;

/**
 * Adds the caller to the generation that fills, and returns its index. The last party to come lets all pass. With
 * `hasAction` it must run the action first and then call {@linkcode pass}.
 */
export function arrive(space: Space, at: number, parties: number, hasAction: boolean): number {
  const { words } = space;
  space.endIfKilled();
  lock(space, at);
  let index = NO_PLACE;
  if (load(words, at + IS_BROKEN) === 0) {
    const generation = load(words, at + CURRENT) || begin(space, at, parties);
    index = generation === 0 ? NO_ROOM : load(words, generation + COME);
    // `index === parties`: the last party died before it could decide the fate. There is no word for another party.
    if (index >= parties - 1 && hasDead(space, generation)) {
      breakAll(space, at, generation);
      index = NO_PLACE;
    } else if (index >= 0) {
      arrived = generation;
      store(words, generation + PARTICIPANTS + index, space.id);
      store(words, generation + COME, index + 1);
      if (index === parties - 1) {
        store(words, generation + RUNNER, space.id);
        store(words, generation + FATE, hasAction ? RUNNING : PASSED);
        store(words, at + CURRENT, 0);
        if (!hasAction) notify(space, generation + GENERATION_POINT, ALL_SLEEPERS);
      }
    }
  }
  unlock(space, at);
  return index;
}

/** Lets a generation pass after its action. `false`: it was broken meanwhile. */
export function pass(space: Space, at: number, generation: number): boolean {
  const { words } = space;
  lock(space, at);
  const passes = load(words, generation + FATE) === RUNNING;
  if (passes) {
    store(words, generation + FATE, PASSED);
    notify(space, generation + GENERATION_POINT, ALL_SLEEPERS);
  }
  unlock(space, at);
  return passes;
}

/** Whether a generation has passed or was broken; `undefined`: neither. */
export function fateOf(space: Space, generation: number): boolean | undefined {
  const fate = load(space.words, generation + FATE);
  return fate === PASSED ? true : fate === BROKEN ? false : undefined;
}

/**
 * Takes the caller out of a generation whose fate is decided. The last to leave keeps the block for the next generation
 * or gives it back.
 */
export function depart(space: Space, at: number, generation: number): void {
  const { words } = space;
  let spare = 0;
  lock(space, at);
  const left = load(words, generation + LEFT) + 1;
  store(words, generation + LEFT, left);
  if (left === load(words, generation + COME)) {
    if (load(words, at + CURRENT) === generation) store(words, at + CURRENT, 0);
    if (load(words, at + SPARE) === 0) store(words, at + SPARE, generation);
    else spare = generation;
  }
  unlock(space, at);
  if (spare !== 0) space.free(spare);
}

/**
 * Breaks the barrier, the generation that fills, and `generation` (0: none). Does nothing if the fate of `generation`
 * is decided already.
 */
export function breakBarrier(space: Space, at: number, generation: number): void {
  lock(space, at);
  if (generation === 0 || fateOf(space, generation) === undefined) breakAll(space, at, generation);
  unlock(space, at);
}

/** Breaks the generation that fills, if there is one, and makes the barrier whole again. */
export function resetBarrier(space: Space, at: number): void {
  lock(space, at);
  breakGeneration(space, load(space.words, at + CURRENT));
  store(space.words, at + CURRENT, 0);
  store(space.words, at + IS_BROKEN, 0);
  unlock(space, at);
}

/** Breaks the barrier if a thread that waits in that generation, or runs its action, is dead. */
export function breakIfDead(space: Space, at: number, generation: number): void {
  lock(space, at);
  checkDead(space, at, generation);
  unlock(space, at);
}

/** Whether the barrier is broken. Detects a death that no thread has noticed yet. */
export function isBroken(space: Space, at: number): boolean {
  countWaiting(space, at);
  return load(space.words, at + IS_BROKEN) !== 0;
}

/** How many participants wait in the generation that fills. */
export function countWaiting(space: Space, at: number): number {
  const { words } = space;
  if (load(words, at + CURRENT) === 0) return 0;
  lock(space, at);
  checkDead(space, at, load(words, at + CURRENT));
  const generation = load(words, at + CURRENT);
  const count = generation === 0 ? 0 : load(words, generation + COME);
  unlock(space, at);
  return count;
}

/** Gives the blocks of a barrier back. No thread uses the barrier any more. */
export function freeGenerations(space: Space, at: number): void {
  for (const word of [CURRENT, SPARE]) {
    const generation = load(space.words, at + word);
    if (generation !== 0) space.free(generation);
  }
}

function lock(space: Space, at: number): void {
  if (!lockMutex(space.memory, at + MUTEX, space.id)) return;
  // The last holder of the mutex died after it decided a fate, and before it let the next generation begin.
  const current = load(space.words, at + CURRENT);
  if (current !== 0 && load(space.words, current + FATE) !== FILLING) store(space.words, at + CURRENT, 0);
}

function unlock(space: Space, at: number): void {
  unlockMutex(space.memory, at + MUTEX);
}

/** An empty generation; 0: there is no room. */
function begin(space: Space, at: number, parties: number): number {
  const { words } = space;
  let generation = load(words, at + SPARE);
  if (generation === 0) {
    generation = space.tryAllocate(PARTICIPANTS + parties, false);
    if (generation === 0) return 0;
    words.fill(0, generation, generation + PARTICIPANTS);
  } else {
    store(words, at + SPARE, 0);
    // The wait point stays as it is: stale registrations in it cause no wrong wake-up.
    store(words, generation + FATE, FILLING);
    store(words, generation + COME, 0);
    store(words, generation + LEFT, 0);
  }
  store(words, at + CURRENT, generation);
  return generation;
}

function hasDead(space: Space, generation: number): boolean {
  const { words } = space;
  for (let index = Math.min(load(words, generation + COME), PARTICIPANT_COUNT) - 1; index >= 0; index--) {
    if (isGone(space, load(words, generation + PARTICIPANTS + index))) return true;
  }
  return false;
}

function checkDead(space: Space, at: number, generation: number): void {
  if (generation === 0) return;
  const { words } = space;
  const fate = load(words, generation + FATE);
  const isDead = fate === FILLING
    // The barrier is broken, but the thread that broke it died before it got to this generation.
    ? load(words, at + IS_BROKEN) !== 0 || hasDead(space, generation)
    : fate === RUNNING && isGone(space, load(words, generation + RUNNER));
  if (isDead) breakAll(space, at, generation);
}

function breakAll(space: Space, at: number, generation: number): void {
  const { words } = space;
  store(words, at + IS_BROKEN, 1);
  breakGeneration(space, generation);
  breakGeneration(space, load(words, at + CURRENT));
  store(words, at + CURRENT, 0);
}

function breakGeneration(space: Space, generation: number): void {
  if (generation === 0 || fateOf(space, generation) !== undefined) return;
  store(space.words, generation + FATE, BROKEN);
  notify(space, generation + GENERATION_POINT, ALL_SLEEPERS);
}
