/**
 * What stacks and heaps have in common: one mutex, and a snapshot of what the container is, in two places.
 *
 * ```text
 *   mutex, version, 2 × (size, puts, two words of the container's own), parcel that is being taken
 * ```
 *
 * What holds is the snapshot of the current version, in place `version & 1`. An operation writes the other snapshot and then stores
 * the version, which is what makes it happen. A thread that is killed before that store leaves a snapshot that does not count.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { LINE } from "../memory/memory.ts";
import { lockMutex, unlockMutex } from "../memory/participants.ts";
import type { Space } from "../memory/space.ts";
import { CLOSED, CONTAINER, type Container, DRAINED, EMPTY, OPEN, SHUT, SHUT_AT_ONCE, STATE } from "./container.ts";
import type { Message } from "./message.ts";
import { mendTaking } from "./taken.ts";

const MUTEX = CONTAINER;
/** Counts the operations that have happened. */
export const VERSION = CONTAINER + 1;
const SNAPSHOTS = CONTAINER + 4;
const SNAPSHOT_WORDS = 4;
/** See taken.ts. */
export const TAKING = CONTAINER + 12;
/** What follows is the container's own. */
export const BEHIND_SNAPSHOTS = CONTAINER + LINE;

/** In a snapshot: how many messages are in the container, and how many were ever put in. */
export const SIZE = 0;
export const PUTS = 1;
/** In a snapshot: the container's own two words. */
export const OWN = 2;

/** Where the snapshot of a version is. */
export function snapshotAt(base: number, version: number): number {
  return base + SNAPSHOTS + (version & 1) * SNAPSHOT_WORDS;
}

/**
 * Makes the operation happen that began at `version`, and whose own words are in the snapshot of the next already. Under the
 * mutex.
 */
export function commit(words: Int32Array, base: number, version: number, size: number, puts: number): void {
  const snapshot = snapshotAt(base, version + 1);
  words[snapshot + SIZE] = size;
  words[snapshot + PUTS] = puts;
  store(words, base + VERSION, (version + 1) | 0);
}

// Without the mutex. A snapshot is overwritten by the version after the next only.
function readSnapshot(words: Int32Array, base: number, field: number): number {
  for (;;) {
    const version = load(words, base + VERSION);
    const value = load(words, snapshotAt(base, version) + field);
    if (load(words, base + VERSION) === version) return value;
  }
}

/** A look without the mutex, so that threads that wait for room leave it to the others. `limit` is the most messages. */
export function seemsFull(words: Int32Array, base: number, limit: number): boolean {
  return load(words, base + STATE) === OPEN && readSnapshot(words, base, SIZE) >= limit;
}

/** A look without the mutex, as {@linkcode seemsFull}. */
export function seemsEmpty(words: Int32Array, base: number): boolean {
  return readSnapshot(words, base, SIZE) === 0;
}

/**
 * What a get comes to that finds nothing: {@linkcode EMPTY} or {@linkcode CLOSED}. The state is read before the size: once the
 * container is shut down nothing more comes in.
 */
export function whyEmpty(words: Int32Array, base: number): number {
  const state = load(words, base + STATE);
  if (state === OPEN) return EMPTY;
  return state === SHUT_AT_ONCE || readSnapshot(words, base, SIZE) === 0 ? CLOSED : EMPTY;
}

/** Takes the mutex. */
export function lockVersioned(space: Space, base: number): void {
  lockMutex(space.memory, base + MUTEX, space.id);
  if (space.words[base + TAKING] !== 0) mendTaking(space, base + TAKING);
}

/** Gives the mutex up. */
export function unlockVersioned(space: Space, base: number): void {
  unlockMutex(space.memory, base + MUTEX);
}

/** A container of which there are versions. */
export abstract class Versioned implements Container {
  protected readonly space: Space;
  protected readonly words: Int32Array;
  protected readonly base: number;
  /** The most messages; 0: no limit. */
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

  /** Takes all messages as a get would, and drops them. Under the mutex. */
  protected abstract drain(): void;

  /** Takes the mutex, and mends what a thread has left that died with it. */
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
