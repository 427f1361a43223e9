/**
 * One thread's view of one memory: who it is there, what it waits for, which handles it has.
 *
 * @module
 */

import { load } from "../atomics.ts";
import { allocate, free, reach } from "./allocator.ts";
import { AsyncWaiters } from "./async_waiters.ts";
import { BELL_COUNT, ROOM_AT } from "./layout.ts";
import type { Memory } from "./memory.ts";
import { enter, entryOf, KILL } from "./participants.ts";
import { DEFAULT_SPINS, notify } from "./wait_point.ts";

/** One thread's view of one memory. */
export class Space {
  readonly memory: Memory;
  readonly words: Int32Array;
  /** This thread's id in the memory. */
  readonly id: number;
  /** Where its entry in the table of participants is. */
  readonly entry: number;
  /** The index of its doorbell. */
  readonly bell: number;
  /** How often it looks before it sleeps. */
  readonly spins: number;
  readonly async: AsyncWaiters;
  /** One handle an object, by address. */
  readonly handles: Map<number, WeakRef<object>> = new Map();
  /** Stops this thread at once; called when its kill word is set. */
  exit: () => never;

  constructor(memory: Memory, id: number, exit: () => never) {
    this.memory = memory;
    this.words = memory.words;
    this.id = id;
    this.entry = entryOf(id);
    this.bell = id % BELL_COUNT;
    this.spins = (globalThis.navigator?.hardwareConcurrency ?? 2) > 1 ? DEFAULT_SPINS : 0;
    this.async = new AsyncWaiters(this);
    this.exit = exit;
  }

  /** The view of a thread that the memory does not know yet. */
  static join(memory: Memory, process: number, exit: () => never): Space {
    return new Space(memory, enter(memory, process), exit);
  }

  /** Whether another asked this thread to end. */
  isKilled(): boolean {
    return load(this.words, this.entry + KILL) !== 0;
  }

  /** A zeroed block, or a `RangeError` that says what there was no room for. */
  allocate(words: number, action: string): number {
    const at = this.tryAllocate(words, true);
    if (at === 0) throw noRoom(action, words * 4, this.available());
    return at;
  }

  /** A block, or 0 when there is no room. */
  tryAllocate(words: number, zeroed: boolean): number {
    return allocate(this.memory, this.id, words, zeroed);
  }

  /** A block that `holder` will give back, or 0 when there is no room for it and `spare` words besides. */
  tryLend(words: number, holder: number, spare: number): number {
    return allocate(this.memory, this.id, words, false, holder, spare);
  }

  /** Bytes that can still be had in one piece. */
  available(): number {
    return reach(this.memory, this.id);
  }

  /** Gives a block back. */
  free(at: number): void {
    free(this.memory, this.id, at);
    // A worker may wait for room: see room.ts.
    notify(this, ROOM_AT, 0xfff);
  }
}

/** What an error says where there is no room for `what`. */
export function noRoomText(action: string, needed: number, available: number, what = "it"): string {
  return `Cannot ${action} as the shared memory has no room for ${what}: needed ${needed} bytes, available about ${available} (reserve more with configure({ memory }) before the first use)`;
}

/** What is thrown where there is no room: its properties say the same as its message. */
export function noRoom(action: string, needed: number, available: number, what?: string): RangeError {
  return Object.assign(new RangeError(noRoomText(action, needed, available, what)), { needed, available });
}
