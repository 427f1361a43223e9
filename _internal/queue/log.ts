/**
 * First in, first out: a list of segments. Puts write at one end, and gets read at the other.
 *
 * ```text
 *   put side   mutex, tail, head as last seen, 2 × (segment, position)
 *   get side   mutex, head, tail as last seen, 2 × (segment, position), oldest segment, parcel that is being taken
 *   both       spare segment
 *   segment    next segment (0: none yet), end, two words that only a stack uses, messages … SKIP
 * ```
 *
 * The words of a side are written only under the mutex of that side.
 *
 * `tail` is the number of messages put, and `head` the number of messages taken. A put or a get takes effect when it stores
 * its count. The place where a side continues is stored twice, in slot n & 1 for count n. So a thread writes the next place
 * while the current place stays valid, and the store of the count selects the new slot. A thread that is killed before that
 * store leaves a message that is not counted, and perhaps a new segment linked after the last. The next put overwrites the
 * message and uses the segment, so a thread that takes over the mutex of a dead holder has nothing to repair.
 *
 * Why a log and not a ring: a full ring must be copied to grow, while all other threads wait. A ring with slots of one size
 * wastes most of their memory, or needs a separate block for most items.
 *
 * Why two mutexes: puts and gets then contend only when the queue is nearly empty or nearly full. Each side keeps the other
 * side's count as last seen, and reads it again only if by that count there is nothing to take or no room. So the two sides do
 * not take each other's cache line away for each item.
 *
 * Why not compare-exchange instead of mutexes: it would save no atomic operation here. Messages of different sizes would have
 * to be reserved, filled and published in three steps, and a thread may die after any of them.
 *
 * Segments grow from 512 bytes, inside the queue's own block, to 64 KiB: a thousand empty queues are cheap, and a million
 * items take few segments. A drained segment becomes the spare segment, which a later put uses, and the spare segment before it
 * is freed.
 *
 * @module
 */

import { exchange, load, peek, post, store } from "../atomics.ts";
import { QUEUE } from "../memory/kinds.ts";
import { LINE } from "../memory/memory.ts";
import { lockFixed, lockMutex, unlockFixed, unlockMutex } from "../memory/participants.ts";
import type { Space } from "../memory/space.ts";
import { advance, type Batch } from "./many.ts";
import {
  CLOSED,
  CONTAINER,
  type Container,
  type ContainerType,
  DRAINED,
  EMPTY,
  FULL,
  NO_ROOM,
  OK,
  OPEN,
  SHUT,
  SHUT_AT_ONCE,
  STATE,
} from "./container.ts";
import { dropMessage, type Message, sizeOf, SKIP } from "./message.ts";
import * as segments from "./segments.ts";
import { beginTaking, endTaking, mendTaking } from "./taken.ts";

// Copies: V8 loads an imported constant at each use, and these are in the path of each item.
const { END, FIRST, NEXT } = segments;

const PUT_MUTEX = CONTAINER;
const TAIL = CONTAINER + 1;
const HEAD_SEEN = CONTAINER + 2;
const PUT_PLACES = CONTAINER + 4;

const GET_MUTEX = CONTAINER + LINE;
const HEAD = CONTAINER + LINE + 1;
const TAIL_SEEN = CONTAINER + LINE + 2;
const GET_PLACES = CONTAINER + LINE + 4;
const OLDEST = CONTAINER + LINE + 8;
/** The parcel that is being taken: see taken.ts. */
const TAKING = CONTAINER + LINE + 9;

/** Written by both sides, but rarely. */
const SPARE = CONTAINER + 2 * LINE;
const INLINE = CONTAINER + 3 * LINE;
const INLINE_WORDS = 128;

class Log implements Container {
  readonly #space: Space;
  /** `Space.fixed`, or what that was. The queue's own words are in it, and perhaps not all segments. */
  #words: Int32Array;
  readonly #base: number;
  readonly #limit: number;

  constructor(space: Space, base: number, limit: number) {
    this.#space = space;
    this.#words = space.fixed;
    this.#base = base;
    this.#limit = limit;
  }

  // Returns an array of a fixed length that has all words before `end` that the memory has.
  #fix(end: number): Int32Array {
    this.#space.fix(end);
    return this.#words = this.#space.fixed;
  }

  get size(): number {
    const words = this.#words;
    const base = this.#base;
    if (load(words, base + STATE) === SHUT_AT_ONCE) return 0;
    // The head first: other puts and gets in between make the difference too large, but never negative.
    const head = load(words, base + HEAD);
    return (load(words, base + TAIL) - head) | 0;
  }

  get puts(): number {
    return load(this.#words, this.#base + TAIL);
  }

  push(message: Message): number {
    const space = this.#space;
    let words = this.#words;
    const base = this.#base;
    const limit = this.#limit;
    // A plain read is enough for a hint, and calls take most of the time of code that is not compiled yet.
    if (limit > 0 && ((words[base + TAIL] - words[base + HEAD_SEEN]) | 0) >= limit && this.#seemsFull()) return FULL;
    lockFixed(words, space.memory, base + PUT_MUTEX, space.id);
    const tail = words[base + TAIL];
    // A plain read: the state is written under this mutex, and so is `SHUT_AT_ONCE` under that of gets.
    if (words[base + STATE] !== OPEN) {
      unlockFixed(words, space.memory, base + PUT_MUTEX);
      return CLOSED;
    }
    if (limit > 0 && ((tail - words[base + HEAD_SEEN]) | 0) >= limit) {
      const head = words[base + HEAD_SEEN] = peek(words, base + HEAD);
      if (((tail - head) | 0) >= limit) {
        unlockFixed(words, space.memory, base + PUT_MUTEX);
        return FULL;
      }
    }
    const place = base + PUT_PLACES + (tail & 1) * 2;
    let segment = words[place];
    let position = words[place + 1];
    const { size } = message;
    if (position + size > words.length) words = this.#fix(position + size);
    // One word always remains for SKIP.
    if (position + size >= words[segment + END]) {
      segment = this.#nextSegment(segment, position, size);
      if (segment === 0) {
        unlockFixed(words, space.memory, base + PUT_MUTEX);
        return NO_ROOM;
      }
      position = segment + FIRST;
      words = this.#fix(position + size);
    }
    if (size === 1) words[position] = message.header;
    else message.writeTo(space, position);
    const next = base + PUT_PLACES + ((tail + 1) & 1) * 2;
    words[next] = segment;
    words[next + 1] = position + size;
    post(words, base + TAIL, (tail + 1) | 0);
    unlockFixed(words, space.memory, base + PUT_MUTEX);
    return OK;
  }

  // Looks without the mutex, so that threads that wait for room do not contend for it. Called if the queue is full by the head as
  // last seen: the line of the head belongs to the threads that get.
  #seemsFull(): boolean {
    const words = this.#words;
    const base = this.#base;
    // The tail first: if the queue is full by these counts, it was full when the head was read, as the tail only grows.
    const tail = peek(words, base + TAIL);
    return ((tail - peek(words, base + HEAD)) | 0) >= this.#limit && peek(words, base + STATE) === OPEN;
  }

  pushMany(batch: Batch, most: number): number {
    const space = this.#space;
    const words = this.#words;
    const base = this.#base;
    const limit = this.#limit;
    if (limit > 0 && ((words[base + TAIL] - words[base + HEAD_SEEN]) | 0) >= limit && this.#seemsFull()) return FULL;
    // Not `lockFixed`: a batch takes long enough.
    lockMutex(space.memory, base + PUT_MUTEX, space.id);
    const tail = words[base + TAIL];
    const outcome = words[base + STATE] === OPEN ? this.#pushAll(batch, most, tail) : CLOSED;
    unlockMutex(space.memory, base + PUT_MUTEX);
    return outcome;
  }

  #pushAll(batch: Batch, most: number, tail: number): number {
    const { words } = this.#space;
    const base = this.#base;
    const limit = this.#limit;
    let count = most;
    let outcome = most < batch.left ? FULL : OK;
    if (limit > 0) {
      let room = limit - ((tail - words[base + HEAD_SEEN]) | 0);
      if (room < count) {
        const head = words[base + HEAD_SEEN] = peek(words, base + HEAD);
        room = limit - ((tail - head) | 0);
      }
      if (room < count) {
        if (room <= 0) return FULL;
        count = room;
        outcome = FULL;
      }
    }
    const place = base + PUT_PLACES + (tail & 1) * 2;
    let segment = words[place];
    let position = words[place + 1];
    // The segment in which the last message is.
    let lastSegment = segment;
    let put = 0;
    while (put < count) {
      const before = batch.done;
      position = batch.write(words, position, words[segment + END], count - put);
      if (batch.done !== before) lastSegment = segment;
      put += batch.done - before;
      if (put === count) break;
      const next = this.#nextSegment(segment, position, batch.nextSize);
      if (next === 0) {
        outcome = NO_ROOM;
        break;
      }
      segment = next;
      position = segment + FIRST;
    }
    if (put > 0) advance(words, base + TAIL, base + PUT_PLACES, put, segment, position, lastSegment, batch.last);
    return outcome;
  }

  // Returns a segment with room for a message of `size` words, which has no room at `position`, and links the two. 0: no memory.
  #nextSegment(segment: number, position: number, size: number): number {
    const space = this.#space;
    const { words } = space;
    const spare = this.#base + SPARE;
    for (;;) {
      words[position] = SKIP;
      // A thread that was killed in a put may have linked the segment already.
      let next = words[segment + NEXT];
      // The segment's address was corrupted and leads out of the memory.
      if (next === undefined) return 0;
      if (next === 0) {
        const length = words[segment + END] - segment;
        next = exchange(words, spare, 0);
        const room = next === 0 ? 0 : words[next + END] - next;
        // A spare segment that is much smaller is left from a time when the queue was short.
        if (room <= FIRST + size || room * 2 < length) {
          if (next !== 0 && next !== this.#base + INLINE) space.free(next);
          next = segments.makeSegment(space, length, size);
          if (next === 0) return 0;
        }
        words[next + NEXT] = 0;
        words[segment + NEXT] = next;
      }
      if (next + FIRST + size < words[next + END]) return next;
      segment = next;
      position = next + FIRST;
    }
  }

  shift(message: Message): number {
    const space = this.#space;
    let words = this.#words;
    const base = this.#base;
    // Looks without the mutex, so that threads that wait for an item do not contend for it.
    const seen = words[base + HEAD];
    if (seen === words[base + TAIL_SEEN] && peek(words, base + TAIL) === seen) return whyEmpty(words, base);
    lockFixed(words, space.memory, base + GET_MUTEX, space.id);
    if (words[base + TAKING] !== 0) mendTaking(space, base + TAKING);
    const head = words[base + HEAD];
    if (head === words[base + TAIL_SEEN]) {
      const tail = peek(words, base + TAIL);
      if (head === tail) {
        unlockFixed(words, space.memory, base + GET_MUTEX);
        return whyEmpty(words, base);
      }
      words[base + TAIL_SEEN] = tail;
    }
    if (words[base + STATE] === SHUT_AT_ONCE) {
      unlockFixed(words, space.memory, base + GET_MUTEX);
      return CLOSED;
    }
    const place = base + GET_PLACES + (head & 1) * 2;
    let segment = words[place];
    let position = words[place + 1];
    if (position >= words.length) words = this.#fix(position + 1);
    const moved = words[position] === SKIP;
    while (words[position] === SKIP) {
      segment = words[segment + NEXT];
      position = segment + FIRST;
      if (position >= words.length) words = this.#fix(position + 1);
    }
    message.readFrom(space, position);
    const next = base + GET_PLACES + ((head + 1) & 1) * 2;
    words[next] = segment;
    words[next + 1] = position + message.size;
    const parcel = message.size === 1 ? 0 : message.parcel;
    if (parcel === 0) {
      post(words, base + HEAD, (head + 1) | 0);
    } else {
      beginTaking(space, base + TAKING, base + HEAD, parcel);
      store(words, base + HEAD, (head + 1) | 0);
      endTaking(space, base + TAKING, parcel);
    }
    if (moved) this.#giveUpBefore(segment);
    unlockFixed(words, space.memory, base + GET_MUTEX);
    return OK;
  }

  shiftMany(batch: Batch, max: number): number {
    const space = this.#space;
    const words = this.#words;
    const base = this.#base;
    const seen = peek(words, base + HEAD);
    if (seen === words[base + TAIL_SEEN] && peek(words, base + TAIL) === seen) return whyEmpty(words, base);
    // As in `pushMany`.
    lockMutex(space.memory, base + GET_MUTEX, space.id);
    if (words[base + TAKING] !== 0) mendTaking(space, base + TAKING);
    const head = words[base + HEAD];
    let count = (words[base + TAIL_SEEN] - head) | 0;
    if (count < max) {
      const tail = words[base + TAIL_SEEN] = peek(words, base + TAIL);
      count = Math.min((tail - head) | 0, max);
    } else {
      count = max;
    }
    const isClosed = peek(words, base + STATE) === SHUT_AT_ONCE;
    if (count > 0 && !isClosed) this.#shiftAll(batch, head, count);
    unlockMutex(space.memory, base + GET_MUTEX);
    return isClosed ? CLOSED : count > 0 ? OK : whyEmpty(words, base);
  }

  #shiftAll(batch: Batch, head: number, count: number): void {
    const { words } = this.#space;
    const base = this.#base;
    const place = base + GET_PLACES + (head & 1) * 2;
    let segment = words[place];
    let position = words[place + 1];
    let moved = false;
    let lastSegment = segment;
    while (batch.left < count) {
      while (words[position] === SKIP) {
        segment = words[segment + NEXT];
        position = segment + FIRST;
        moved = true;
      }
      const before = batch.left;
      position = batch.read(words, position, count - before);
      if (batch.left === before) break;
      lastSegment = segment;
    }
    const taken = batch.left;
    if (taken > 0) advance(words, base + HEAD, base + GET_PLACES, taken, segment, position, lastSegment, batch.last);
    else this.#shiftParcel(batch, head, segment, position);
    if (moved) this.#giveUpBefore(segment);
  }

  // Takes the message at this place, which is in a parcel.
  #shiftParcel(batch: Batch, head: number, segment: number, position: number): void {
    const space = this.#space;
    const words = this.#words;
    const base = this.#base;
    const { message } = batch;
    message.readFrom(space, position);
    batch.stageTaken(message);
    const next = base + GET_PLACES + ((head + 1) & 1) * 2;
    words[next] = segment;
    words[next + 1] = position + message.size;
    beginTaking(space, base + TAKING, base + HEAD, message.parcel);
    store(words, base + HEAD, (head + 1) | 0);
    endTaking(space, base + TAKING, message.parcel);
  }

  // Gives back the segments before `segment`. These are several if a thread was killed after its get had moved on.
  #giveUpBefore(segment: number): void {
    const { words } = this.#space;
    const oldest = this.#base + OLDEST;
    // A corrupted link may lead out of the memory, where reads give `undefined` instead of the end of the list.
    for (let old = words[oldest]; old !== segment && old > 0; old = words[oldest]) {
      words[oldest] = words[old + NEXT];
      recycle(this.#space, this.#base, old);
    }
  }

  shutDown(atOnce: boolean): void {
    const space = this.#space;
    const { memory, id } = space;
    const words = this.#words;
    const base = this.#base;
    lockMutex(memory, base + PUT_MUTEX, id);
    if (!atOnce) {
      if (load(words, base + STATE) === OPEN) store(words, base + STATE, SHUT);
      unlockMutex(memory, base + PUT_MUTEX);
      return;
    }
    lockMutex(memory, base + GET_MUTEX, id);
    if (load(words, base + STATE) !== SHUT_AT_ONCE) {
      store(words, base + DRAINED, load(words, base + HEAD));
      store(words, base + STATE, SHUT_AT_ONCE);
    }
    unlockMutex(memory, base + PUT_MUTEX);
    drain(space, base);
    unlockMutex(memory, base + GET_MUTEX);
  }
}

// The state is read before the tail: after a shutdown the tail does not change any more.
function whyEmpty(words: Int32Array, base: number): number {
  const state = peek(words, base + STATE);
  if (state === OPEN) return EMPTY;
  return state === SHUT_AT_ONCE || peek(words, base + HEAD) === peek(words, base + TAIL) ? CLOSED : EMPTY;
}

function recycle(space: Space, base: number, segment: number): void {
  const replaced = exchange(space.words, base + SPARE, segment);
  // The first segment is part of the queue.
  if (replaced !== 0 && replaced !== base + INLINE) space.free(replaced);
}

// Takes all messages, in the way of a get, and drops them.
function drain(space: Space, base: number): void {
  const { words } = space;
  if (words[base + TAKING] !== 0) mendTaking(space, base + TAKING);
  const tail = load(words, base + TAIL);
  for (let head = words[base + HEAD]; head !== tail; head = (head + 1) | 0) {
    const place = base + GET_PLACES + (head & 1) * 2;
    let segment = words[place];
    let position = words[place + 1];
    while (words[position] === SKIP) {
      segment = words[segment + NEXT];
      position = segment + FIRST;
    }
    const next = base + GET_PLACES + ((head + 1) & 1) * 2;
    words[next] = segment;
    words[next + 1] = position + sizeOf(words[position]);
    store(words, base + HEAD, (head + 1) | 0);
    dropMessage(space, position);
  }
}

/** The container of first-in, first-out queues. */
export const LOG: ContainerType = {
  kind: QUEUE,
  label: "queue",
  words: 3 * LINE + INLINE_WORDS,
  initialize(words, base) {
    const segment = base + INLINE;
    words[segment + END] = segment + INLINE_WORDS;
    words[base + PUT_PLACES] = words[base + GET_PLACES] = segment;
    words[base + PUT_PLACES + 1] = words[base + GET_PLACES + 1] = segment + FIRST;
    words[base + OLDEST] = segment;
  },
  attach: (space, base, limit) => new Log(space, base, limit),
  destroy(space, base) {
    const { words } = space;
    drain(space, base);
    for (let segment = words[base + OLDEST]; segment > 0;) {
      const next = words[segment + NEXT];
      if (segment !== base + INLINE) space.free(segment);
      segment = next;
    }
    const spare = words[base + SPARE];
    if (spare !== 0 && spare !== base + INLINE) space.free(spare);
  },
};
