/**
 * Where a pool's owner and its workers meet: a board of slots in shared memory.
 *
 * ```text
 *   board   0  CLOSED         the owner: workers return when there is nothing left to take
 *           1  FAILURE        address of the error that an initializer threw
 *           3  number of slots
 *           4  OWNER          the participant that the owner is: results are lent to it, and workers end with it
 *           5  NAMED          of the module that did not come up and was named last
 *          16  TASKS          wait point: a chunk was posted, or the board was closed
 *          32  DONE           wait point: a chunk is over, or the initializer failed
 *          48  SPINNER        the one worker that looks without sleeping
 *          64… addresses of the slots
 *
 *   slot    0  CLAIM          see below
 *           1  SEQUENCE       the order in which they were posted
 *           2  MODE
 *           3  FUNCTION       address of the function's description
 *           4  INPUT          address of the input, 0: in the slot; and its length in bytes
 *           6  RANGE          units begun << 16 | units in all
 *           7  OUTCOMES       entries of the output that can be read
 *           8  PROGRESS       items of the unit that runs which are over
 *           9  CANCELLED      number of the unit, from 1, that should give up; -1: all
 *          10  DURATION       microseconds that the chunk ran
 *          11  BEGUN          when it began, in tens of microseconds since the pool's beginning
 *          12  WORKER         who ran it
 *          13  ITEMS          how many there are, in all units
 *          14  UNITS          how many units the input has, whatever was taken back of them
 *          15  NEED           whether a result waits for room: 1, or 0
 *          16  PENDING        block of a result that is being written
 *          18… room for a short input
 *         128… the first block of the output
 *
 *   block   0  address of the next one    1  its bytes
 *           2… entries: length << 2 | kind, then 0 and the bytes with padding to a pair of words, or the address of a
 *              block with the bytes, which the owner gives back as soon as it has read them
 * ```
 *
 * ```text
 *   CLAIM     who may change it, into what
 *   FREE      owner: POSTED
 *   POSTED    a worker: its id.   owner: FREE (the chunk is taken back)
 *   an id     that worker: OVER, or POSTED (it is too large for it).  owner: GIVEN_UP (the worker is dead, or too late)
 *   OVER      owner: FREE
 *   GIVEN_UP  owner: FREE, once the worker cannot write any more
 * ```
 *
 * So a chunk belongs to exactly one at any time, and a worker that is killed anywhere between leaves its id behind. A
 * chunk is a row of units: a worker begins with the next one by a compare-exchange of RANGE, and the owner takes back what
 * was not begun by another. So it is known of each unit whether it was begun, and what stands behind a slow one can be
 * given to somebody else. An outcome counts from when OUTCOMES says so, and blocks of output are not given back before the
 * owner has read them: what a worker had finished is not lost with it. An input is the worker's from when it has it, so it
 * is given back by the worker once it is read.
 *
 * The owner is one thread; only it posts. Slots are not given back before the board is, so a worker that looks at a list
 * of yesterday sees a slot all the same.
 *
 * @module
 */

import { compareExchange, exchange, load, store } from "../atomics.ts";
import { kept } from "../memory/room.ts";
import { dropReferences } from "../codec/format.ts";
import { noRoom, type Space } from "../memory/space.ts";
import { notify } from "../memory/wait_point.ts";

const CLOSED = 0;
const FAILURE = 1;
const SLOT_COUNT = 3;
const NAMED = 5;
const OWNER = 4;
/** Offset of the wait point of workers. */
export const TASKS = 16;
/** Offset of the wait point of the owner. */
export const DONE = 32;
/** Offset of the word with the id of the spinning worker. */
export const SPINNER = 48;
const TABLE = 64;

const CLAIM = 0;
const SEQUENCE = 1;
const MODE = 2;
const FUNCTION = 3;
const INPUT = 4;
const RANGE = 6;
const OUTCOMES = 7;
const PROGRESS = 8;
const CANCELLED = 9;
const DURATION = 10;
const BEGUN = 11;
const WORKER = 12;
const ITEM_COUNT = 13;
const UNIT_COUNT = 14;
const NEED = 15;
const PENDING = 16;
const ROOM = 18;
const OUTPUT = 128;
const SLOT_WORDS = 256;
const ROOM_BYTES = (OUTPUT - ROOM) * 4;
const BLOCK_HEADER = 2;
const FIRST_BLOCK_BYTES = (SLOT_WORDS - OUTPUT - BLOCK_HEADER) * 4;

export const FREE = 0;
export const POSTED = -1;
export const OVER = -2;
export const GIVEN_UP = -3;

/** A unit is an array of items: `fn(item)` for each. */
export const ITEMS = 1;
/** A unit is an array of arrays of arguments: `fn(...args)` for each. */
export const ARGS = 2;
/** A unit is one array of arguments. */
export const ONE = 3;

/** Kinds of outcomes: what the function returned. */
export const RESULT = 0;
/** An array of what it returned for each item. */
export const RESULTS = 1;
/** An error, and at which item. */
export const FAILED = 2;
/** The same as RESULTS for the first items of a unit: there is more of them. */
export const PART = 3;
const NEXT_BLOCK = 0xffffffff;

/** The most bytes of an outcome, whose length shares a word with its kind. */
const LONGEST = 2 ** 29 - 1;
/** The most units of a chunk. */
export const MAX_UNITS = 1024;
const ALL = -1;

/** Up to here bytes are copied by hand, into arrays that are used again: a new one takes longer than a small task. */
const SMALL = 64;
const scratch: Uint8Array[] = Array.from({ length: SMALL + 1 }, (_, length) => new Uint8Array(length));

/** More bytes are read where they are: to copy them first would be to copy them twice. And a result has a block of its own. */
const LARGE = 1 << 15;
/** Bytes of the blocks for results that have none of their own: each is twice as long as the one before, up to this. */
const LONGEST_BLOCK = 1 << 16;

/** A private copy, which stays as it is until the next call. */
export function copyOf(bytes: Uint8Array, from: number, length: number): Uint8Array {
  if (length > SMALL) return bytes.slice(from, from + length);
  const copy = scratch[length];
  for (let i = 0; i < length; i++) copy[i] = bytes[from + i];
  return copy;
}

/** A place in the output of a slot. */
export class Cursor {
  block = 0;
  offset = 0;
  /** Entries that were passed. */
  entries = 0;
  /** Units of which the outcome was passed. */
  count = 0;
  /** Where the address of the block is that was read last; 0: it was given back. */
  last = 0;
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

  /** A new board, whose slots are FREE. */
  static create(space: Space, slots: number): Board {
    const at = space.allocate(TABLE + slots, "create pool");
    store(space.words, at + SLOT_COUNT, slots);
    store(space.words, at + OWNER, space.id);
    const board = new Board(space, at);
    for (let i = 0; i < slots; i++) {
      const slot = board.tryCreateSlot();
      if (slot === 0) {
        const error = noRoom("create pool", SLOT_WORDS * 4, space.available());
        board.destroy([]);
        throw error;
      }
      store(space.words, at + TABLE + i, slot);
    }
    return board;
  }

  /** A slot that is not on the board yet; 0: there is no room. */
  tryCreateSlot(): number {
    const slot = this.space.tryAllocate(SLOT_WORDS, true);
    if (slot !== 0) this.words[slot + OUTPUT + 1] = FIRST_BLOCK_BYTES;
    return slot;
  }

  /** The slots on the board. */
  table(): number[] {
    return Array.from({ length: this.slots }, (_, i) => load(this.words, this.at + TABLE + i));
  }

  /** Owner: puts a slot on the board in the place of another, to which somebody may still write. */
  replace(slot: number, other: number): void {
    for (let i = this.at + TABLE; i < this.at + TABLE + this.slots; i++) {
      if (load(this.words, i) === slot) store(this.words, i, other);
    }
  }

  claimOf(slot: number): number {
    return load(this.words, slot + CLAIM);
  }

  /** The participant that the owner is. */
  get owner(): number {
    return load(this.words, this.at + OWNER);
  }

  get closed(): boolean {
    return load(this.words, this.at + CLOSED) !== 0;
  }

  /** Owner: no more chunks will come. */
  close(): void {
    store(this.words, this.at + CLOSED, 1);
    notify(this.space, this.at + TASKS, 0xfff);
  }

  /**
   * Owner: posts a chunk in a slot that is FREE. `false`: there is no room for its input and `spare` words besides, and the
   * slot is as it was.
   */
  post(
    slot: number,
    sequence: number,
    mode: number,
    fn: number,
    units: readonly Uint8Array[],
    items: number,
    spare = 0,
  ): boolean {
    const { words, space } = this;
    const count = units.length;
    // Units begin at multiples of eight bytes: between shared memory and other memory V8 copies what is not aligned alike byte
    // by byte.
    const header = (count + 1) & ~1;
    let length = header * 4;
    for (let i = 0; i < count; i++) length += (units[i].length + 7) & ~7;
    let block = 0;
    if (length > ROOM_BYTES) {
      block = space.tryLend((length + 3) >> 2, space.id, spare);
      if (block === 0) return false;
    }
    // Plain writes: the store of CLAIM publishes them.
    const at = block || slot + ROOM;
    const { bytes } = space.memory;
    let end = (at + header) * 4;
    for (let i = 0; i < count; i++) {
      const unit = units[i];
      const { length } = unit;
      words[at + i] = length;
      if (length < 32) { for (let j = 0; j < length; j++) bytes[end + j] = unit[j]; }
      else bytes.set(unit, end);
      end += (length + 7) & ~7;
    }
    words[slot + SEQUENCE] = sequence;
    words[slot + MODE] = mode;
    words[slot + FUNCTION] = fn;
    words[slot + INPUT] = block;
    words[slot + INPUT + 1] = length;
    words[slot + ITEM_COUNT] = items;
    words[slot + UNIT_COUNT] = count;
    words[slot + OUTCOMES] = 0;
    words[slot + PROGRESS] = 0;
    words[slot + CANCELLED] = 0;
    words[slot + NEED] = 0;
    words[slot + RANGE] = count;
    store(words, slot + CLAIM, POSTED);
    return true;
  }

  /** Owner: wakes as many workers as there are chunks that nobody looks for. */
  wake(count: number): void {
    // A spinner takes one of them, and looks after the others when it does: see #next in worker.ts.
    const left = load(this.words, this.at + SPINNER) !== 0 ? count - 1 : count;
    if (left > 0) notify(this.space, this.at + TASKS, left);
  }

  /** Owner: takes a chunk back that no worker has claimed. */
  takeBack(slot: number): boolean {
    if (compareExchange(this.words, slot + CLAIM, POSTED, FREE) !== POSTED) return false;
    this.clear(slot);
    return true;
  }

  /** Owner: takes the units from `first` on back that were not begun. Returns where they begin, and where they end. */
  recall(slot: number, first: number): { begin: number; end: number } {
    for (;;) {
      const range = load(this.words, slot + RANGE);
      const end = range & 0xffff;
      const begin = Math.max(first, range >>> 16);
      if (begin >= end) return { begin: end, end };
      if (compareExchange(this.words, slot + RANGE, range, range & 0xffff0000 | begin) === range) return { begin, end };
    }
  }

  /** How many units were begun. */
  begunOf(slot: number): number {
    return load(this.words, slot + RANGE) >>> 16;
  }

  /** Owner: a worker is dead or too late; what it writes from now on does not count. */
  giveUp(slot: number, worker: number): boolean {
    return compareExchange(this.words, slot + CLAIM, worker, GIVEN_UP) === worker;
  }

  /** Whether the input of the slot takes room of its own. */
  holdsInput(slot: number): boolean {
    return load(this.words, slot + INPUT) !== 0;
  }

  /** Gives the input back: it was read, or no worker will read it. */
  dropInput(slot: number): void {
    const input = exchange(this.words, slot + INPUT, 0);
    if (input !== 0) this.space.free(input);
  }

  /** Worker: a result waits for room, or does so no more. */
  need(slot: number, isInNeed: boolean): void {
    store(this.words, slot + NEED, Number(isInNeed));
    if (isInNeed) notify(this.space, this.at + DONE, 1);
  }

  /** Whether a result waits for room. */
  isInNeed(slot: number): boolean {
    return load(this.words, slot + NEED) !== 0;
  }

  /** Owner: the slot can be used again. What is behind the cursor is not read any more. */
  clear(slot: number, cursor?: Cursor): void {
    const { words, space } = this;
    this.dropInput(slot);
    if (cursor !== undefined) {
      for (let next; (next = this.read(slot, cursor)) !== undefined;) dropReferences(next.data);
    }
    const pending = exchange(words, slot + PENDING, 0);
    if (pending !== 0) space.free(pending);
    let block = load(words, slot + OUTPUT);
    words[slot + OUTPUT] = 0;
    while (block !== 0) {
      const next = words[block];
      space.free(block);
      block = next;
    }
    store(words, slot + CLAIM, FREE);
  }

  /** Owner: tells a unit to give up if it runs; `undefined`: all of them. */
  cancel(slot: number, unit: number | undefined): void {
    store(this.words, slot + CANCELLED, unit === undefined ? ALL : unit + 1);
  }

  isCancelled(slot: number, unit: number): boolean {
    const cancelled = load(this.words, slot + CANCELLED);
    return cancelled === unit + 1 || cancelled === ALL;
  }

  progressOf(slot: number): number {
    return load(this.words, slot + PROGRESS);
  }

  /** Milliseconds that the chunk ran. */
  durationOf(slot: number): number {
    return load(this.words, slot + DURATION) / 1000;
  }

  /** Worker: claims the chunk that was posted first. 0: there is none. `room`: items that it may have at most, 0: any. */
  claim(worker: number, room: number): number {
    const { words } = this;
    for (;;) {
      const found = this.#oldest();
      if (found === 0) return 0;
      // One that was posted earlier may be in a slot that was looked at before it was there. As this one was seen, that one
      // is seen now.
      const oldest = this.#oldest() || found;
      if (room !== 0 && words[oldest + ITEM_COUNT] > room) return TOO_LARGE;
      if (compareExchange(words, oldest + CLAIM, POSTED, worker) !== POSTED) continue;
      if (room === 0 || words[oldest + ITEM_COUNT] <= room) return oldest;
      // What was looked at was taken back, and a larger one posted in its place. Others may have looked in vain meanwhile.
      if (compareExchange(words, oldest + CLAIM, worker, POSTED) === worker) notify(this.space, this.at + TASKS, 1);
      return TOO_LARGE;
    }
  }

  #oldest(): number {
    const { words } = this;
    let oldest = 0;
    let sequence = 0;
    for (let i = this.at + TABLE, end = i + this.slots; i < end; i++) {
      const slot = words[i];
      if (load(words, slot + CLAIM) !== POSTED) continue;
      const its = words[slot + SEQUENCE];
      if (oldest === 0 || ((its - sequence) | 0) < 0) {
        oldest = slot;
        sequence = its;
      }
    }
    return oldest;
  }

  /** Whether a chunk waits for a worker. */
  hasPosted(): boolean {
    const { words } = this;
    for (let i = this.at + TABLE, end = i + this.slots; i < end; i++) {
      if (load(words, words[i] + CLAIM) === POSTED) return true;
    }
    return false;
  }

  /** Worker: begins with the next unit; -1: there is none. */
  nextUnit(slot: number): number {
    for (;;) {
      const range = load(this.words, slot + RANGE);
      const begun = range >>> 16;
      if (begun >= (range & 0xffff)) return -1;
      if (compareExchange(this.words, slot + RANGE, range, range + 0x10000) === range) return begun;
    }
  }

  modeOf(slot: number): number {
    return this.words[slot + MODE];
  }

  functionOf(slot: number): number {
    return this.words[slot + FUNCTION];
  }

  /**
   * Worker: the chunk's units, each at a multiple of eight bytes, and their lengths. A private copy; or, of a large unit that
   * is alone, the shared bytes: until {@linkcode Board.dropInput}, which is then to be called soon.
   */
  input(slot: number): { bytes: Uint8Array; lengths: number[]; shared: boolean } {
    const { words } = this;
    const count = words[slot + UNIT_COUNT];
    const at = words[slot + INPUT] || slot + ROOM;
    const from = (at + ((count + 1) & ~1)) * 4;
    const to = at * 4 + words[slot + INPUT + 1];
    const all = this.space.memory.bytes;
    const shared = count === 1 && to - from > LARGE;
    const bytes = shared ? all.subarray(from, to) : all.slice(from, to);
    const lengths: number[] = new Array(count);
    for (let i = 0; i < count; i++) lengths[i] = words[at + i];
    if (!shared) this.dropInput(slot);
    return { bytes, lengths, shared };
  }

  /** Worker: so many items of the unit are over. */
  progress(slot: number, items: number): void {
    store(this.words, slot + PROGRESS, items);
  }

  /** Worker: adds the outcome of a unit. `false`: there is no room now, and nothing was added. */
  append(slot: number, cursor: Cursor, kind: number, data: Uint8Array): boolean {
    const { words, space } = this;
    const { bytes } = space.memory;
    const { length } = data;
    if (cursor.block === 0) {
      cursor.block = slot + OUTPUT;
      cursor.offset = 0;
    }
    if (length > LONGEST) {
      throw new RangeError(
        `Cannot return the result of a task as it may have ${LONGEST} bytes at most: received ${length}`,
      );
    }
    const isLarge = length > LARGE;
    const size = 8 + (isLarge ? 0 : (length + 7) & ~7);
    if (!this.#hasRoom(cursor, size)) return false;
    const at = cursor.block + BLOCK_HEADER + (cursor.offset >> 2);
    if (isLarge) {
      const block = space.tryLend((length + 3) >> 2, this.owner, kept(space));
      if (block === 0) return false;
      // If this worker is killed before it is done, the owner gives the block back.
      store(words, slot + PENDING, block);
      bytes.set(data, block * 4);
      words[at + 1] = block;
    } else {
      words[at + 1] = 0;
      if (length < 32) { for (let j = 0, to = (at + 2) * 4; j < length; j++) bytes[to + j] = data[j]; }
      else bytes.set(data, (at + 2) * 4);
    }
    words[at] = length << 2 | kind;
    cursor.offset += size;
    cursor.entries++;
    if (kind !== PART) {
      cursor.count++;
      store(words, slot + PROGRESS, 0);
    }
    store(words, slot + OUTCOMES, cursor.entries);
    if (isLarge) store(words, slot + PENDING, 0);
    return true;
  }

  // Moves the cursor to the next block if it has to.
  #hasRoom(cursor: Cursor, size: number): boolean {
    const { words, space } = this;
    const before = cursor.block;
    if (cursor.offset + size <= words[before + 1]) return true;
    let capacity = Math.max(size, Math.min(LONGEST_BLOCK, words[before + 1] * 2));
    let block = space.tryLend(BLOCK_HEADER + (capacity >> 2), 0, kept(space));
    if (block === 0) {
      capacity = size;
      block = space.tryLend(BLOCK_HEADER + (size >> 2), 0, 0);
      if (block === 0) return false;
    }
    words[block] = 0;
    words[block + 1] = capacity;
    if (cursor.offset < words[before + 1]) words[before + BLOCK_HEADER + (cursor.offset >> 2)] = NEXT_BLOCK | 0;
    words[before] = block;
    cursor.block = block;
    cursor.offset = 0;
    return true;
  }

  /**
   * Owner: the outcome behind the cursor, if it is there. Its data stay as they are until the next call: many bytes are the
   * shared ones, to which no worker writes any more, and their room is given back then.
   */
  read(slot: number, cursor: Cursor): { kind: number; data: Uint8Array } | undefined {
    const { words } = this;
    if (cursor.last !== 0) this.#dropLast(slot, cursor);
    if (cursor.entries >= load(words, slot + OUTCOMES)) return undefined;
    if (cursor.block === 0) {
      cursor.block = slot + OUTPUT;
      cursor.offset = 0;
    }
    while (
      cursor.offset >= words[cursor.block + 1] ||
      words[cursor.block + BLOCK_HEADER + (cursor.offset >> 2)] >>> 0 === NEXT_BLOCK
    ) {
      const passed = cursor.block;
      cursor.block = words[passed];
      cursor.offset = 0;
      // The worker is behind it as well. The first block is part of the slot.
      if (passed === slot + OUTPUT) continue;
      words[slot + OUTPUT] = cursor.block;
      this.space.free(passed);
    }
    const at = cursor.block + BLOCK_HEADER + (cursor.offset >> 2);
    const length = words[at] >>> 2;
    const kind = words[at] & 3;
    const block = words[at + 1];
    const { bytes } = this.space.memory;
    const from = (block || at + 2) * 4;
    const data = block !== 0 ? bytes.subarray(from, from + length) : copyOf(bytes, from, length);
    cursor.offset += 8 + (block !== 0 ? 0 : (length + 7) & ~7);
    cursor.entries++;
    if (kind !== PART) cursor.count++;
    if (block !== 0) cursor.last = at + 1;
    return { kind, data };
  }

  #dropLast(slot: number, cursor: Cursor): void {
    const { words, space } = this;
    const block = words[cursor.last];
    words[cursor.last] = 0;
    cursor.last = 0;
    // The worker may have died, or be, between the two words.
    compareExchange(words, slot + PENDING, block, 0);
    space.free(block);
  }

  /** Worker: begins with the chunk; `time` in milliseconds since the pool's beginning. */
  begin(slot: number, worker: number, time: number): void {
    this.words[slot + BEGUN] = Math.round(time * 100) | 0;
    this.words[slot + WORKER] = worker;
  }

  /** Owner: who began with it and when, in milliseconds since the pool's beginning. */
  begunBy(slot: number): { worker: number; time: number } {
    return { worker: this.words[slot + WORKER], time: this.words[slot + BEGUN] / 100 };
  }

  /** Owner: for how many milliseconds a worker had the chunk at a time since the pool's beginning, which the word may have outrun. */
  ageOf(slot: number, time: number): number {
    return (Math.round(time * 100) - this.words[slot + BEGUN] | 0) / 100;
  }

  /** Worker: the chunk is over. `false`: it was taken from this worker. */
  finish(slot: number, worker: number, ms: number): boolean {
    this.words[slot + DURATION] = Math.min(0x7fffffff, Math.round(ms * 1000));
    const mine = compareExchange(this.words, slot + CLAIM, worker, OVER) === worker;
    if (mine) notify(this.space, this.at + DONE, 1);
    return mine;
  }

  /** Worker: its initializer threw. */
  fail(error: Uint8Array): void {
    const block = this.space.writeBlock(error, "report an error");
    // Of several errors one is as good as another.
    if (compareExchange(this.words, this.at + FAILURE, 0, block) !== 0) this.space.free(block);
    notify(this.space, this.at + DONE, 1);
  }

  /** Owner: what the initializer threw. */
  failure(): Uint8Array | undefined {
    const block = load(this.words, this.at + FAILURE);
    return block === 0 ? undefined : this.space.readBlock(block);
  }

  /** Whether the caller is the one that names this module, which does not come up. */
  mayName(module: string): boolean {
    let hash = 1;
    for (let i = 0; i < module.length; i++) hash = Math.imul(hash, 31) + module.charCodeAt(i) | 0;
    return exchange(this.words, this.at + NAMED, hash) !== hash;
  }

  /** Worker: it looks for chunks without sleeping, if no other does. */
  beginSpinning(worker: number): boolean {
    return compareExchange(this.words, this.at + SPINNER, 0, worker) === 0;
  }

  /** That worker does so no more. */
  endSpinning(worker: number): void {
    compareExchange(this.words, this.at + SPINNER, worker, 0);
  }

  /** Owner: gives everything back; no worker may be left. `others`: slots that are not on the board. */
  destroy(others: readonly number[]): void {
    for (const slot of [...this.table(), ...others]) {
      if (slot === 0) continue;
      this.clear(slot);
      this.space.free(slot);
    }
    const failure = load(this.words, this.at + FAILURE);
    if (failure !== 0) this.space.free(failure);
    this.space.free(this.at);
  }
}

/** What {@linkcode Board.claim} returns for a chunk that is too large for the worker. */
export const TOO_LARGE = -1;
