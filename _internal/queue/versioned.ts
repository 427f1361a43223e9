/**
 * The common part of stacks and heaps: one mutex, a version, and two snapshots of the container's state.
 *
 * ```text
 *   mutex, version, 2 × (size, puts, two words of the container's own), parcel that is being taken
 * ```
 *
 * The current state is the snapshot in place `version & 1`. An operation writes the other snapshot and then stores the next
 * version. That store makes the operation take effect. A thread that is killed before it leaves a snapshot that is not
 * current, and the next operation overwrites it.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { LINE } from "../memory/memory.ts";
import { lockMutex, unlockMutex } from "../memory/participants.ts";
import type { Space } from "../memory/space.ts";
import type { Batch } from "./many.ts";
import {
  CLOSED,
  CONTAINER,
  type Container,
  DRAINED,
  EMPTY,
  FULL,
  OK,
  OPEN,
  SHUT,
  SHUT_AT_ONCE,
  STATE,
} from "./container.ts";
import type { Message } from "./message.ts";
import { mendTaking } from "./taken.ts";

const MUTEX = CONTAINER;
/** The number of operations that have taken effect. */
export const VERSION = CONTAINER + 1;
const SNAPSHOTS = CONTAINER + 4;
const SNAPSHOT_WORDS = 4;
/** The parcel that is being taken: see taken.ts. */
export const TAKING = CONTAINER + 12;
/** Where the container's own words begin. */
export const BEHIND_SNAPSHOTS = CONTAINER + LINE;

/** In a snapshot: the number of messages in the container, and the number of messages ever put in. */
export const SIZE = 0;
export const PUTS = 1;
/** In a snapshot: the container's own two words. */
export const OWN = 2;

/** Where the snapshot of a version is. */
export function snapshotAt(base: number, version: number): number {
  return base + SNAPSHOTS + (version & 1) * SNAPSHOT_WORDS;
}

/**
 * Makes an operation that began at `version` take effect. The container must have written its own words into the snapshot of
 * the next version. Called under the mutex.
 */
export function commit(words: Int32Array, base: number, version: number, size: number, puts: number): void {
  const snapshot = snapshotAt(base, version + 1);
  words[snapshot + SIZE] = size;
  words[snapshot + PUTS] = puts;
  store(words, base + VERSION, (version + 1) | 0);
}

// Reads without the mutex. The version is checked again after the read: the snapshot of a version is overwritten only by the
// operation that begins at the next version, so it was intact if the version has not changed.
function readSnapshot(words: Int32Array, base: number, field: number): number {
  for (;;) {
    const version = load(words, base + VERSION);
    const value = load(words, snapshotAt(base, version) + field);
    if (load(words, base + VERSION) === version) return value;
  }
}

/**
 * Whether the container has `limit` messages and is open. Looks without the mutex, so that threads that wait for room do not
 * contend for it.
 */
export function seemsFull(words: Int32Array, base: number, limit: number): boolean {
  return load(words, base + STATE) === OPEN && readSnapshot(words, base, SIZE) >= limit;
}

/** Whether the container is empty. Looks without the mutex, like {@linkcode seemsFull}. */
export function seemsEmpty(words: Int32Array, base: number): boolean {
  return readSnapshot(words, base, SIZE) === 0;
}

/**
 * The result of a get that found no message: {@linkcode EMPTY} or {@linkcode CLOSED}. It reads the state before the size. After
 * a shutdown nothing is put any more, so a size of 0 that is read then is final.
 */
export function whyEmpty(words: Int32Array, base: number): number {
  const state = load(words, base + STATE);
  if (state === OPEN) return EMPTY;
  return state === SHUT_AT_ONCE || readSnapshot(words, base, SIZE) === 0 ? CLOSED : EMPTY;
}

/** Takes the mutex, and repairs what a dead holder left in {@linkcode TAKING}. */
export function lockVersioned(space: Space, base: number): void {
  lockMutex(space.memory, base + MUTEX, space.id);
  if (space.words[base + TAKING] !== 0) mendTaking(space, base + TAKING);
}

/** Releases the mutex. */
export function unlockVersioned(space: Space, base: number): void {
  unlockMutex(space.memory, base + MUTEX);
}

/** A container whose state is in versioned snapshots. */
export abstract class Versioned implements Container {
  protected readonly space: Space;
  protected readonly words: Int32Array;
  protected readonly base: number;
  /** The largest number of messages; 0: no limit. */
  protected readonly limit: number;

  constructor(space: Space, base: number, limit: number) {
    this.space = space;
    this.words = space.words;
    this.base = base;
    this.limit = limit;
  }

  get size(): number {
    if (load(this.words, this.base + STATE) === SHUT_AT_ONCE) return 0;
    return readSnapshot(this.words, this.base, SIZE);
  }

  get puts(): number {
    return readSnapshot(this.words, this.base, PUTS);
  }

  abstract push(message: Message): number;

  abstract shift(message: Message): number;

  // One by one: each message is an operation with a version of its own.
  pushMany(batch: Batch, most: number): number {
    for (; most > 0; most--) {
      const outcome = this.push(batch.loadNext());
      if (outcome !== OK) return outcome;
      batch.skipNext();
    }
    return batch.left > 0 ? FULL : OK;
  }

  shiftMany(batch: Batch, max: number): number {
    const { message } = batch;
    let outcome = OK;
    while (batch.left < max && !batch.isFull) {
      outcome = this.shift(message);
      if (outcome !== OK) break;
      batch.stageTaken(message);
      // The next message could be in a parcel, too.
      if (message.parcel !== 0) break;
    }
    return batch.left > 0 ? OK : outcome;
  }

  /** Takes all messages, in the way of a get, and drops them. Called under the mutex. */
  protected abstract drain(): void;

  /** Takes the mutex, and repairs what a dead holder left behind. */
  protected abstract lock(): void;

  shutDown(atOnce: boolean): void {
    const { words, base } = this;
    this.lock();
    const state = load(words, base + STATE);
    if (!atOnce) {
      if (state === OPEN) store(words, base + STATE, SHUT);
    } else {
      if (state !== SHUT_AT_ONCE) {
        const snapshot = snapshotAt(base, words[base + VERSION]);
        store(words, base + DRAINED, (words[snapshot + PUTS] - words[snapshot + SIZE]) | 0);
        store(words, base + STATE, SHUT_AT_ONCE);
      }
      this.drain();
    }
    unlockVersioned(this.space, base);
  }
}
