/**
 * Items that go to a worker as one task: where they are numbers and a call takes less than a microsecond, as much as all
 * that a task of its own costs.
 *
 * ```text
 *   0  NEXT       the item that the worker comes to next, 1 before it has begun: to begin with the task is to come to the first;
 *                 from TAKEN on: the owner has taken the rest
 *   1  COUNT      items
 *   2  STOPPED    1: the item that the worker came to last returned no number, or threw; its outcome is in the task
 *   4… VALUES     of each item its number, and then what it returned: 64 bits each
 * ```
 *
 * The worker of the task comes to one item after the other by adding to NEXT, and writes what the item returned in its place
 * before it comes to the next. The owner takes all to which the worker has not come, at any time, by exchanging NEXT: what
 * stands behind a slow item, what no caller wants, what a dead worker leaves. So each item is called once, and of a worker that
 * dies one item is lost, as if each were a task: what NEXT has passed is done, but for the last.
 *
 * The block is the owner's, which fills it again when the task is back.
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

/** The most items of a batch. */
export const BATCH_ITEMS = 256;
/** In NEXT: the owner has taken the rest. A worker adds no more to it than its items, and one. */
const TAKEN = 1 << 30;

/** Worker: where the number of the first item is, among the doubles of the memory. A worker that has begun with the task has come to it. */
export function firstItem(batch: number): number {
  return batch + VALUES >> 1;
}

/** Worker: comes to the next item; -1: there is none. */
export function nextItem(words: Int32Array, batch: number): number {
  const count = words[batch + COUNT];
  const item = add(words, batch + NEXT, 1);
  return item < count ? firstItem(batch) + item : -1;
}

/** Worker: the outcome of the item to which it came last is in the task. */
export function stop(words: Int32Array, batch: number): void {
  words[batch + STOPPED] = 1;
}

/** A batch, as its owner sees it. */
export class Batch {
  readonly #space: Space;
  /** What {@linkcode Space.free} takes. */
  readonly #block: number;
  /** Where its words are: at an even address, as its numbers are 64 bits wide. */
  readonly at: number;
  /** All numbers of the memory. */
  readonly values: Float64Array;
  /** Which of these are its own. */
  readonly from: number;
  /** Items that are the task's: all, or as many as the worker had come to when the rest was taken. */
  count = 0;
  /** How far the worker was when that was asked last. */
  seen = 0;
  #isTaken = false;
  #isThrough = false;

  /** `block`: of {@linkcode BATCH_WORDS}. `values`: all numbers of the memory. */
  constructor(space: Space, block: number, values: Float64Array) {
    this.#space = space;
    this.#block = block;
    this.at = block + 1 & ~1;
    this.values = values;
    this.from = firstItem(this.at);
  }

  /** Puts other items in. */
  fill(numbers: Float64Array): void {
    const { words } = this.#space;
    // Plain, as all of a task before END is moved.
    words[this.at + NEXT] = 1;
    words[this.at + COUNT] = this.count = numbers.length;
    words[this.at + STOPPED] = 0;
    this.values.set(numbers, this.from);
    this.seen = 0;
    this.#isTaken = this.#isThrough = false;
  }

  /** Takes the items to which no worker has come. How many these are: the last ones. */
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

  /** How many of its items a worker has come to, if a worker has begun with it. */
  get reached(): number {
    return Math.min(load(this.#space.words, this.at + NEXT), this.count);
  }

  /** Of a task that is over: how many items are done, and have a number. With one less than {@linkcode Batch.count} it stopped. */
  get done(): number {
    return this.count - this.#space.words[this.at + STOPPED];
  }

  /** The same of a task whose worker has ended, and of which the rest was taken: what it came to last may be lost. */
  get doneForSure(): number {
    return this.#isThrough ? this.count : this.count - 1;
  }

  /** Whether the worker is where it was when this was asked last, and has more items to come to. */
  get isStuck(): boolean {
    const next = load(this.#space.words, this.at + NEXT);
    const isStuck = next === this.seen && next < this.count;
    this.seen = next;
    return isStuck;
  }

  /** Gives the block back. */
  destroy(): void {
    this.#space.free(this.#block);
  }
}

/** Words of a batch's block. */
const BATCH_WORDS = VALUES + 2 * BATCH_ITEMS + 1;

/** The batches of an owner. */
export class Batches {
  readonly #space: Space;
  readonly #all: Batch[] = [];
  readonly #free: Batch[] = [];
  readonly #most: number;
  readonly #values: Float64Array;

  /** `most`: so many there are at most. */
  constructor(space: Space, most: number) {
    this.#space = space;
    this.#most = most;
    this.#values = doublesOf(space.memory);
  }

  /** Whether there is one that can be filled, or room for one more. */
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

  /** One that can be filled: there must be one. */
  take(): Batch {
    return this.#free.pop()!;
  }

  /** No worker will write to it any more. */
  back(batch: Batch): void {
    this.#free.push(batch);
  }

  /** Gives all blocks back; no worker may be left. */
  destroy(): void {
    for (const batch of this.#all) batch.destroy();
  }
}
