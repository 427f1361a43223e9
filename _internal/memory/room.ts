/**
 * How pools share the room of a memory that is too small for all they have to say.
 *
 * What a pool has in a memory is lent: inputs until a worker has read them, results until the owner has. The owner is
 * noted as the holder of an input's block and of a large result's, so that it can be told what will be given back from
 * what will not. Inputs take half of the room at most, and a little stays for what every thread needs: objects, threads,
 * queues.
 *
 * A worker whose result finds no room waits for it, and says so; meanwhile no owner lends anything for inputs, and those
 * that no worker has claimed are taken back. So only results that were not read yet are in the way, and their owners read them
 * without waiting for room: in the end there is all the room that there can be. What does not fit even then is refused.
 *
 * @module
 */

import { load, now, store } from "../atomics.ts";
import { reach } from "./allocator.ts";
import { FREED_AT, HEAP_AT, ROOM_AT, USED_AT, WANTED_AT } from "./memory.ts";
import type { Space } from "./space.ts";
import { register, sleep, unregister } from "./wait_point.ts";

/** What others have may be given back, too. So many milliseconds after the last such time nothing more is hoped for. */
const HOPE = 5000;
/** Words of WANTED_AT are of so many milliseconds of the clock on the wall, which all processes have. */
const TICK = 64;
/** What a worker said of missing room holds for so many of them. */
const TICKS = 8;
/** How long a worker sleeps between looks: milliseconds. */
const SLICE_MS = 50;

/** Words that are not lent, so that there is always room for what is small. */
export function kept(space: Space): number {
  return Math.min(2 ** 18, space.memory.capacity >> 5);
}

/** Words that must be free beside an input: as many as all inputs have. `lent`: what this owner's have by now. */
export function keptForResults(space: Space, lent: number): number {
  if (lent === 0) return kept(space);
  const free = space.memory.capacity - HEAP_AT - load(space.words, USED_AT);
  return Math.max(kept(space), (free + lent) >> 1);
}

/** A worker has a result and no room for it. */
function sayWanted(space: Space): void {
  store(space.words, WANTED_AT, Math.trunc(Date.now() / TICK) | 1);
}

/** Whether room is wanted for a result, in all of the memory. A worker that died waiting is forgotten soon. */
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

  /** Whether to try again makes sense: something was given back, or the last look is long ago. */
  get isTime(): boolean {
    return load(this.#space.words, FREED_AT) !== this.#freed || now() - this.#looked > SLICE_MS;
  }

  /**
   * After a try in vain. The bytes that can be had at most, if these are less than needed and nothing more is to be hoped
   * for; else `undefined`.
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

  /** Blocks until something was given back, or for a moment. `true`: it did not, as `attempt` succeeded. */
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

  /** It has its room. Other workers that wait say so again. */
  end(): void {
    store(this.#space.words, WANTED_AT, 0);
  }
}
