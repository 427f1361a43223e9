/**
 * How pools share a memory that is too small for everything that they want to send.
 *
 * Blocks of a pool are lent: those of inputs until a worker has read them, those of results until the owner has. An
 * input's block and the block of a large result name the owner as their holder, so that a thread can tell which blocks
 * will be given back. Inputs take at most half of the room. A little is kept free for what every thread needs: objects,
 * threads and queues.
 *
 * A worker that has no room for its result waits, and reports that it does. Meanwhile no owner lends blocks for inputs,
 * and inputs that no worker has claimed are taken back. So only unread results take up room, and their owners can read
 * them without waiting for room. In the end all room is free that can become free. A result that does not fit even then
 * is refused.
 *
 * @module
 */

import { load, now, store } from "../atomics.ts";
import { reach } from "./allocator.ts";
import { FREED_AT, HEAP_AT, ROOM_AT, USED_AT, WANTED_AT } from "./memory.ts";
import type { Space } from "./space.ts";
import { register, sleep, unregister } from "./wait_point.ts";

/**
 * Blocks that were not lent may be given back, too. When nothing has been given back for this many milliseconds, a
 * worker gives up.
 */
const HOPE = 5000;
/** WANTED_AT counts ticks of this many milliseconds on the system clock, which all processes share. */
const TICK = 64;
/** For how many ticks a worker's report of missing room is valid. */
const TICKS = 8;
/** How long a worker sleeps between attempts, in milliseconds. */
const SLICE_MS = 50;

/** How many words are not lent, so that there is always room for small things. */
export function kept(space: Space): number {
  return Math.min(2 ** 18, space.memory.capacity >> 5);
}

/**
 * How many words must stay free besides an input: as many as all inputs take. `lent`: how many words this owner's
 * inputs take now.
 */
export function keptForResults(space: Space, lent: number): number {
  if (lent === 0) return kept(space);
  const free = space.memory.capacity - HEAP_AT - load(space.words, USED_AT);
  return Math.max(kept(space), (free + lent) >> 1);
}

/** Reports that a worker has no room for its result. */
function sayWanted(space: Space): void {
  store(space.words, WANTED_AT, Math.trunc(Date.now() / TICK) | 1);
}

/** Whether any worker in this memory waits for room. A worker that died while it waited is soon forgotten. */
export function isRoomWanted(space: Space): boolean {
  const since = load(space.words, WANTED_AT);
  if (since === 0) return false;
  const ticks = (Math.trunc(Date.now() / TICK) - since) | 0;
  return ticks >= -1 && ticks < TICKS;
}

/** One thread's wait for room. */
export class RoomWait {
  readonly #space: Space;
  #freed: number;
  #changed: number = now();
  #looked = 0;

  constructor(space: Space) {
    this.#space = space;
    this.#freed = load(space.words, FREED_AT);
  }

  /** Whether another attempt makes sense: a block was given back, or the last look was long ago. */
  get isTime(): boolean {
    return load(this.#space.words, FREED_AT) !== this.#freed || now() - this.#looked > SLICE_MS;
  }

  /**
   * Judges a failed attempt. Returns how many bytes can be had at most if that is too little and no more can be
   * expected; else `undefined`.
   */
  judge(bytes: number): number | undefined {
    const space = this.#space;
    const { memory } = space;
    this.#looked = now();
    const freed = load(space.words, FREED_AT);
    if (freed !== this.#freed) this.#changed = this.#looked;
    this.#freed = freed;
    const most = reach(memory, space.id, true, kept(space));
    if (most >= bytes) return undefined;
    const never = bytes > (memory.capacity - HEAP_AT - kept(space)) * 4;
    return never || this.#looked - this.#changed > HOPE ? most : undefined;
  }

  /** Blocks until a block is given back, or for a moment. `true`: it did not block, since `attempt` succeeded. */
  sleep(attempt: () => boolean): boolean {
    const space = this.#space;
    sayWanted(space);
    const registered = register(space, ROOM_AT);
    let notified = false;
    try {
      if (attempt()) return true;
      notified = sleep(space, ROOM_AT, registered, SLICE_MS);
    } finally {
      if (!notified) unregister(space, ROOM_AT, registered);
    }
    return false;
  }

  /** Ends the wait: the room was found. Other workers that wait report again. */
  end(): void {
    store(this.#space.words, WANTED_AT, 0);
  }
}
