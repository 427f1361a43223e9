/**
 * Where a pool's owner and its workers meet: a board of slots in shared memory.
 *
 * ```text
 *   board   0  CLOSED         the owner: workers return when there is nothing left to take
 *           1  TASKS          wait point: a chunk was posted, or the board was closed
 *           3  DONE           wait point: a chunk is done, or the initializer failed
 *           5  number of slots
 *           6  SPINNER        the one worker that looks without sleeping
 *           7  FAILURE        where the initializer's error is, and its length in bytes
 *          16… slots
 *
 *   slot    0  CLAIM          see below
 *           1  SEQUENCE       the order in which they were posted
 *           2  MODE
 *           3  FUNCTION       address of the function's description
 *           4  INPUT          address of the input, 0: in the slot; and its length in bytes
 *           6  OUTPUT         the same for the output
 *           8  PROGRESS       items of the chunk that are over
 *           9  CANCELLED      the running task should give up
 *          10  DURATION       microseconds that the chunk ran
 *          11  BEGUN          when it began, in tens of microseconds since the pool's first worker was started
 *          12  WORKER         who ran it, for the trace
 *          16… room for short inputs and outputs
 * ```
 *
 * ```text
 *   CLAIM     who may change it, into what
 *   FREE      owner: POSTED
 *   POSTED    a worker: its id.   owner: FREE (the chunk is taken back)
 *   an id     that worker: OVER.  owner: GIVEN_UP (the worker is dead, or too late)
 *   OVER      owner: FREE
 *   GIVEN_UP  owner: FREE, once the worker can not write any more
 * ```
 *
 * So a chunk belongs to exactly one at any time, and a worker that is killed anywhere between leaves its id behind:
 * whoever owned the chunk is known. The owner is one thread; only it posts.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import type { Space } from "../memory/space.ts";
import { notify } from "../memory/wait_point.ts";

const CLOSED = 0;
/** Offset of the wait point of workers. */
export const TASKS = 1;
/** Offset of the wait point of the owner. */
export const DONE = 3;
const SLOT_COUNT = 5;
/** Offset of the word with the id of the spinning worker. */
export const SPINNER = 6;
const FAILURE = 7;
const SLOTS = 16;

const CLAIM = 0;
const SEQUENCE = 1;
const MODE = 2;
const FUNCTION = 3;
const INPUT = 4;
const OUTPUT = 6;
const PROGRESS = 8;
const CANCELLED = 9;
const DURATION = 10;
const BEGUN = 11;
const WORKER = 12;
const ROOM = 16;
const SLOT_WORDS = 128;
const ROOM_BYTES = (SLOT_WORDS - ROOM) * 4;

export const FREE = 0;
export const POSTED = -1;
export const OVER = -2;
export const GIVEN_UP = -3;

/** One value for each item: `fn(item)`; all results come as one array. */
export const ITEMS = 1;
/** An array of arguments for each item: `fn(...args)`; all results come as one array. */
export const ARGS = 2;
/** As ARGS, but each result is on its own, so that what was finished is not lost with its worker. */
export const EACH = 3;

/** Words of a board. */
export function boardWords(slots: number): number {
  return SLOTS + slots * SLOT_WORDS;
}

/** A board, from either side. */
export class Board {
  readonly space: Space;
  readonly words: Int32Array;
  readonly at: number;
  readonly slots: number;

  constructor(space: Space, at: number) {
    this.space = space;
    this.words = space.words;
    this.at = at;
    this.slots = load(space.words, at + SLOT_COUNT);
  }

  /** A new board. */
  static create(space: Space, slots: number): Board {
    const at = space.allocate(boardWords(slots), "create pool");
    store(space.words, at + SLOT_COUNT, slots);
    return new Board(space, at);
  }

  /** Where a slot is. */
  slot(index: number): number {
    return this.at + SLOTS + index * SLOT_WORDS;
  }

  claimOf(slot: number): number {
    return load(this.words, slot + CLAIM);
  }

  get closed(): boolean {
    return load(this.words, this.at + CLOSED) !== 0;
  }

  /** Owner: no more chunks will come. */
  close(): void {
    store(this.words, this.at + CLOSED, 1);
    notify(this.space, this.at + TASKS, 0xfff);
  }

  /** Owner: posts a chunk in a slot that is FREE. */
  post(slot: number, sequence: number, mode: number, fn: number, input: Uint8Array): void {
    const { words } = this;
    store(words, slot + SEQUENCE, sequence);
    store(words, slot + MODE, mode);
    store(words, slot + FUNCTION, fn);
    store(words, slot + PROGRESS, 0);
    store(words, slot + CANCELLED, 0);
    store(words, slot + OUTPUT, 0);
    store(words, slot + OUTPUT + 1, 0);
    this.#write(slot + INPUT, slot, input, "give a task to the pool");
    store(words, slot + CLAIM, POSTED);
  }

  /** Owner: wakes as many workers as there are chunks that nobody looks for. */
  wake(count: number): void {
    notify(this.space, this.at + TASKS, load(this.words, this.at + SPINNER) !== 0 ? count - 1 : count);
  }

  /** Owner: takes a chunk back that no worker has begun. */
  takeBack(slot: number): boolean {
    if (compareExchange(this.words, slot + CLAIM, POSTED, FREE) !== POSTED) return false;
    this.#free(slot + INPUT);
    return true;
  }

  /** Owner: a worker is dead or too late; what it writes from now on does not count. */
  giveUp(slot: number, worker: number): boolean {
    return compareExchange(this.words, slot + CLAIM, worker, GIVEN_UP) === worker;
  }

  /** Owner: the slot can be used again. */
  clear(slot: number): void {
    this.#free(slot + INPUT);
    this.#free(slot + OUTPUT);
    store(this.words, slot + CLAIM, FREE);
  }

  /** Owner: tells the running task to give up. */
  cancel(slot: number): void {
    store(this.words, slot + CANCELLED, 1);
  }

  isCancelled(slot: number): boolean {
    return load(this.words, slot + CANCELLED) !== 0;
  }

  progressOf(slot: number): number {
    return load(this.words, slot + PROGRESS);
  }

  durationOf(slot: number): number {
    return load(this.words, slot + DURATION) / 1000;
  }

  /** Worker: claims the chunk that was posted first. 0: there is none. */
  claim(worker: number): number {
    const { words } = this;
    for (;;) {
      let oldest = 0;
      let sequence = 0;
      for (let slot = this.slot(0), end = this.slot(this.slots); slot < end; slot += SLOT_WORDS) {
        if (load(words, slot + CLAIM) !== POSTED) continue;
        const its = load(words, slot + SEQUENCE);
        if (oldest === 0 || ((its - sequence) | 0) < 0) {
          oldest = slot;
          sequence = its;
        }
      }
      if (oldest === 0) return 0;
      if (compareExchange(words, oldest + CLAIM, POSTED, worker) === POSTED) return oldest;
    }
  }

  modeOf(slot: number): number {
    return load(this.words, slot + MODE);
  }

  functionOf(slot: number): number {
    return load(this.words, slot + FUNCTION);
  }

  /** Worker: a private copy of the chunk's input. */
  input(slot: number): Uint8Array {
    return this.#read(slot + INPUT, slot);
  }

  /** Worker: so many items are over. */
  progress(slot: number, items: number): void {
    store(this.words, slot + PROGRESS, items);
  }

  /** Worker: the whole output. It is the owner's with {@linkcode finish}. */
  output(slot: number, output: Uint8Array): void {
    this.#write(slot + OUTPUT, slot, output, "return the results of a task");
  }

  /**
   * Worker: adds to the output, which the owner may read up to there from then on, also if this worker dies. Returns
   * where the output is now, and how much fits there, for the next call.
   */
  append(slot: number, data: Uint8Array, room: { block: number; capacity: number }): void {
    const { words, space } = this;
    const { bytes } = space.memory;
    const length = load(words, slot + OUTPUT + 1);
    if (room.capacity === 0) room.capacity = ROOM_BYTES;
    if (length + 4 + data.length > room.capacity) {
      const before = room.block;
      room.capacity = (length + 4 + data.length) * 2;
      room.block = space.allocate((room.capacity + 3) >> 2, "return the results of a task");
      const old = (before || slot + ROOM) * 4;
      bytes.copyWithin(room.block * 4, old, old + length);
      store(words, slot + OUTPUT, room.block);
      if (before !== 0) space.free(before);
    }
    const start = (room.block || slot + ROOM) * 4 + length;
    bytes[start] = data.length;
    bytes[start + 1] = data.length >>> 8;
    bytes[start + 2] = data.length >>> 16;
    bytes[start + 3] = data.length >>> 24;
    bytes.set(data, start + 4);
    store(words, slot + OUTPUT + 1, length + 4 + data.length);
  }

  /** Worker: begins with the chunk; `time` in milliseconds since the pool's beginning. */
  begin(slot: number, worker: number, time: number): void {
    store(this.words, slot + BEGUN, Math.round(time * 100) | 0);
    store(this.words, slot + WORKER, worker);
  }

  /** Owner: who began with it and when, in milliseconds since the pool's beginning. */
  begunBy(slot: number): { worker: number; time: number } {
    return { worker: load(this.words, slot + WORKER), time: load(this.words, slot + BEGUN) / 100 };
  }

  /** Worker: the chunk is over. `false`: it was taken from this worker. */
  finish(slot: number, worker: number, ms: number): boolean {
    store(this.words, slot + DURATION, Math.min(0x7fffffff, Math.round(ms * 1000)));
    const mine = compareExchange(this.words, slot + CLAIM, worker, OVER) === worker;
    if (mine) notify(this.space, this.at + DONE, 1);
    return mine;
  }

  /** Owner: the output, as far as it was committed. */
  result(slot: number): Uint8Array {
    return this.#read(slot + OUTPUT, slot);
  }

  /** Worker: its initializer threw. */
  fail(error: Uint8Array): void {
    const block = this.space.allocate((error.length + 3) >> 2, "report an error");
    this.space.memory.bytes.set(error, block * 4);
    store(this.words, this.at + FAILURE + 1, error.length);
    if (compareExchange(this.words, this.at + FAILURE, 0, block) !== 0) this.space.free(block);
    notify(this.space, this.at + DONE, 1);
  }

  /** Owner: what the initializer threw. */
  failure(): Uint8Array | undefined {
    const block = load(this.words, this.at + FAILURE);
    if (block === 0) return undefined;
    return this.space.memory.bytes.slice(block * 4, block * 4 + load(this.words, this.at + FAILURE + 1));
  }

  /** Owner: gives everything back; no worker may be left. */
  destroy(): void {
    for (let i = 0; i < this.slots; i++) this.clear(this.slot(i));
    const failure = load(this.words, this.at + FAILURE);
    if (failure !== 0) this.space.free(failure);
    this.space.free(this.at);
  }

  #write(field: number, slot: number, data: Uint8Array, action: string): void {
    const { words, space } = this;
    const { bytes } = space.memory;
    let block = 0;
    if (data.length > ROOM_BYTES) {
      block = space.allocate((data.length + 3) >> 2, action);
      bytes.set(data, block * 4);
    } else {
      bytes.set(data, (slot + ROOM) * 4);
    }
    store(words, field + 1, data.length);
    store(words, field, block);
  }

  #read(field: number, slot: number): Uint8Array {
    const { words } = this;
    const start = (load(words, field) || slot + ROOM) * 4;
    return this.space.memory.bytes.slice(start, start + load(words, field + 1));
  }

  #free(field: number): void {
    const block = load(this.words, field);
    if (block === 0) return;
    store(this.words, field, 0);
    this.space.free(block);
  }
}
