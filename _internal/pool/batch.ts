/**
 * Batches: several items that go to a worker as one task. Items of a map go in batches if they are numbers and a call takes
 * less than a microsecond, since a task of its own would cost as much as the call.
 *
 * ```text
 *   0  NEXT       index of the item that the worker claims next. It is 1 before the worker begins, since a worker that begins
 *                 with the task has claimed item 0. From TAKEN on: the owner has taken the rest
 *   1  COUNT      the number of items
 *   2  STOPPED    1: the last item that the worker claimed returned something other than a number, or threw. Its outcome is
 *                 in the task
 *   4… VALUES     for each item its number, which the worker replaces by what the call returned: 64 bits each
 * ```
 *
 * The worker claims one item after the other by adding to NEXT, and writes the result of an item before it claims the next.
 * At any time the owner can take all items that are not claimed, by exchanging NEXT: items behind a slow one, items that no
 * caller wants, and items that a dead worker leaves. So each item is called once, and a worker that dies loses one item, as if
 * each item were a task: all items before NEXT are done except the last.
 *
 * The block belongs to the owner, which fills it again when the task is back.
 *
 * @module
 */

import { add, exchange, load } from "../atomics.ts";
import { doublesOf } from "../memory/memory.ts";
import type { Space } from "../memory/space.ts";

const NEXT = 0;
const COUNT = 1;
const STOPPED = 2;
const VALUES = 4;

/** The maximum number of items of a batch. */
export const BATCH_ITEMS = 256;
/** In NEXT: the owner has taken the rest. The worker then adds 1 at most, after it has finished the item that it has claimed. */
const TAKEN = 1 << 30;

/** The index of the first item's number among the doubles of the memory. A worker that begins with the task has claimed it. */
export function firstItem(batch: number): number {
  return batch + VALUES >> 1;
}

/** Worker: claims the next item. Returns the index of its number; -1: there is none. */
export function nextItem(words: Int32Array, batch: number): number {
  const count = words[batch + COUNT];
  const item = add(words, batch + NEXT, 1);
  return item < count ? firstItem(batch) + item : -1;
}

/** Worker: notes that the outcome of the item that it claimed last is in the task. */
export function stop(words: Int32Array, batch: number): void {
  words[batch + STOPPED] = 1;
}

/** A batch, as used by its owner. */
export class Batch {
  readonly #space: Space;
  /** The address for {@linkcode Space.free}. */
  readonly #block: number;
  /** The address of its words. It is even, as its numbers are 64 bits wide. */
  readonly at: number;
  /** The memory as doubles. */
  readonly values: Float64Array;
  /** The index of its first number in these. */
  readonly from: number;
  /** The number of items that belong to the task: all, or those that were claimed when the rest was taken. */
  count = 0;
  /** NEXT, as {@linkcode Batch.isStuck} saw it last. */
  seen = 0;
  #isTaken = false;
  #isThrough = false;

  /** `block`: a block of {@linkcode BATCH_WORDS} words. `values`: the memory as doubles. */
  constructor(space: Space, block: number, values: Float64Array) {
    this.#space = space;
    this.#block = block;
    this.at = block + 1 & ~1;
    this.values = values;
    this.from = firstItem(this.at);
  }

  /** Fills the batch with new items. */
  fill(numbers: Float64Array): void {
    const { words } = this.#space;
    // Plain writes, as for all of a task: moving END publishes them.
    words[this.at + NEXT] = 1;
    words[this.at + COUNT] = this.count = numbers.length;
    words[this.at + STOPPED] = 0;
    this.values.set(numbers, this.from);
    this.seen = 0;
    this.#isTaken = this.#isThrough = false;
  }

  /** Takes the items that no worker has claimed, which are the last ones. Returns how many. */
  takeRest(): number {
    const { words } = this.#space;
    const seen = exchange(words, this.at + NEXT, TAKEN);
    if (this.#isTaken) {
      if (seen > TAKEN) this.#isThrough = true;
      return 0;
    }
    this.#isTaken = true;
    const { count } = this;
    this.#isThrough = seen > count;
    this.count = Math.min(seen, count);
    return count - this.count;
  }

  /** The number of its items that a worker has claimed, if a worker has begun with the task. */
  get reached(): number {
    return Math.min(load(this.#space.words, this.at + NEXT), this.count);
  }

  /**
   * For a task that is over: the number of items that returned a number. It is one less than {@linkcode Batch.count} if the
   * worker stopped at an item.
   */
  get done(): number {
    return this.count - this.#space.words[this.at + STOPPED];
  }

  /** The same for a task whose worker has ended and whose rest was taken: the last claimed item may be lost. */
  get doneForSure(): number {
    return this.#isThrough ? this.count : this.count - 1;
  }

  /** Whether the worker has claimed no item since this was read last, although there are more. */
  get isStuck(): boolean {
    const next = load(this.#space.words, this.at + NEXT);
    const isStuck = next === this.seen && next < this.count;
    this.seen = next;
    return isStuck;
  }

  /** Frees the block. */
  destroy(): void {
    this.#space.free(this.#block);
  }
}

/** The number of words of a batch's block, one of them to align it. */
const BATCH_WORDS = VALUES + 2 * BATCH_ITEMS + 1;

/** The batches of an owner. */
export class Batches {
  readonly #space: Space;
  readonly #all: Batch[] = [];
  readonly #free: Batch[] = [];
  readonly #most: number;
  readonly #values: Float64Array;

  /** `most`: the maximum number of batches. */
  constructor(space: Space, most: number) {
    this.#space = space;
    this.#most = most;
    this.#values = doublesOf(space.memory);
  }

  /** Whether there is a free batch, or room for one more. */
  canTake(): boolean {
    if (this.#free.length > 0) return true;
    if (this.#all.length >= this.#most) return false;
    const block = this.#space.tryAllocate(BATCH_WORDS, true);
    if (block === 0) return false;
    const batch = new Batch(this.#space, block, this.#values);
    this.#all.push(batch);
    this.#free.push(batch);
    return true;
  }

  /** Returns a free batch. There must be one: see {@linkcode Batches.canTake}. */
  take(): Batch {
    return this.#free.pop()!;
  }

  /** Makes a batch free again. No worker may write to it any more. */
  back(batch: Batch): void {
    this.#free.push(batch);
  }

  /** Frees all blocks. No worker may be left. */
  destroy(): void {
    for (const batch of this.#all) batch.destroy();
  }
}
