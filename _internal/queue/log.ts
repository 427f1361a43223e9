/**
 * First in, first out: a list of segments that puts write at one end and gets read at the other.
 *
 * ```text
 *   put side   mutex, tail, head as last seen, 2 × (segment, position)
 *   get side   mutex, head, tail as last seen, 2 × (segment, position), oldest segment, parcel that is being taken
 *   both       spare segment
 *   segment    next segment (0: none yet), end, two words that only a stack has a use for, messages … SKIP
 * ```
 *
 * A side's words are written under its mutex alone.
 *
 * `tail` counts what was put and `head` what was taken. Storing them is what makes a put or a get happen, and nothing
 * else does. Where a side goes on is written twice: the place for count n is in slot n & 1, so the next place can be
 * written while the current one still stands, and the store of the count chooses. A thread that is killed before that
 * store leaves messages that no count covers, and perhaps a segment linked behind the last: the next put overwrites and uses
 * them. Nothing has to be repaired by the thread that takes over the mutex of a dead holder.
 *
 * Why a log and not a ring: a ring that is full has to be copied to grow, while all others wait; and one with slots of
 * one size wastes most of them or sends most items through blocks of their own. Why two mutexes: puts and gets meet only
 * where the queue is nearly empty or full. Each side keeps the other's count as it last saw it, and looks again only when
 * by that one there is nothing to take (or no room), so that the two do not pull each other's cache line away with each
 * item. Compare-exchange instead of mutexes would save no atomic operation here, and messages of many sizes would have to
 * be reserved, filled and published in three steps of which each can be the last of a thread.
 *
 * Segments grow from 512 bytes, inside the queue's own block, to 64 KiB: a thousand empty queues are cheap, a million
 * items take few segments. A drained segment becomes the spare that the next put takes, or goes back to the heap.
 *
 * @module
 */

import { exchange, load, store } from "../atomics.ts";
import { QUEUE } from "../memory/kinds.ts";
import { LINE } from "../memory/memory.ts";
import { lockMutex, unlockMutex } from "../memory/participants.ts";
import type { Space } from "../memory/space.ts";
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
import { dropMessage, type Message, MESSAGE_WORDS, sizeOf, SKIP } from "./message.ts";
import { beginTaking, endTaking, mendTaking } from "./taken.ts";

/** In a segment: the next one, and where its words end. */
export const NEXT = 0;
export const END = 1;
/** Where a stack goes on below: segment and position. */
export const PREVIOUS = 2;
export const BELOW = 3;
/** Where the first message is. */
export const FIRST = 4;

/** 64 KiB, less what the allocator adds. */
const LARGEST = 16384 - 2;

/** A segment twice as large as the one before, with room for that many words of a message. 0: there is no memory. */
export function makeSegment(space: Space, before: number, size: number): number {
  const words = Math.max(Math.min(before * 2, LARGEST), Math.min(size, MESSAGE_WORDS) + FIRST + 2);
  // Nearly full memory: what the message needs is enough.
  let length = words;
  let segment = space.tryAllocate(length, false);
  if (segment === 0) segment = space.tryAllocate(length = size + FIRST + 2, false);
  if (segment === 0) return 0;
  space.words[segment + NEXT] = 0;
  space.words[segment + END] = segment + length;
  return segment;
}

const PUT_MUTEX = CONTAINER;
const TAIL = CONTAINER + 1;
const HEAD_SEEN = CONTAINER + 2;
const PUT_PLACES = CONTAINER + 4;

const GET_MUTEX = CONTAINER + LINE;
const HEAD = CONTAINER + LINE + 1;
const TAIL_SEEN = CONTAINER + LINE + 2;
const GET_PLACES = CONTAINER + LINE + 4;
const OLDEST = CONTAINER + LINE + 8;
/** See taken.ts. */
const TAKING = CONTAINER + LINE + 9;

/** Written by both sides, seldom. */
const SPARE = CONTAINER + 2 * LINE;
const INLINE = CONTAINER + 3 * LINE;
const INLINE_WORDS = 128;

class Log implements Container {
  readonly #space: Space;
  readonly #words: Int32Array;
  readonly #base: number;
  readonly #limit: number;

  constructor(space: Space, base: number, limit: number) {
    this.#space = space;
    this.#words = space.words;
    this.#base = base;
    this.#limit = limit;
  }

  get size(): number {
    const words = this.#words;
    const base = this.#base;
    if (load(words, base + STATE) === SHUT_AT_ONCE) return 0;
    // The head first: what is put in between makes the answer late, not negative.
    const head = load(words, base + HEAD);
    return (load(words, base + TAIL) - head) | 0;
  }

  get puts(): number {
    return load(this.#words, this.#base + TAIL);
  }

  push(message: Message): number {
    const space = this.#space;
    const words = this.#words;
    const base = this.#base;
    const limit = this.#limit;
    // A look from outside, so that threads that wait for room leave the mutex to the others.
    if (limit > 0) {
      // The tail first: if it is full by this, it was when the head was read.
      const tail = load(words, base + TAIL);
      if (((tail - load(words, base + HEAD)) | 0) >= limit && load(words, base + STATE) === OPEN) return FULL;
    }
    lockMutex(space.memory, base + PUT_MUTEX, space.id);
    const tail = words[base + TAIL];
    if (load(words, base + STATE) !== OPEN) {
      unlockMutex(space.memory, base + PUT_MUTEX);
      return CLOSED;
    }
    if (limit > 0 && ((tail - words[base + HEAD_SEEN]) | 0) >= limit) {
      const head = words[base + HEAD_SEEN] = load(words, base + HEAD);
      if (((tail - head) | 0) >= limit) {
        unlockMutex(space.memory, base + PUT_MUTEX);
        return FULL;
      }
    }
    const place = base + PUT_PLACES + (tail & 1) * 2;
    let segment = words[place];
    let position = words[place + 1];
    const { size } = message;
    // One word always stays for SKIP.
    if (position + size >= words[segment + END]) {
      segment = this.#nextSegment(segment, position, size);
      if (segment === 0) {
        unlockMutex(space.memory, base + PUT_MUTEX);
        return NO_ROOM;
      }
      position = segment + FIRST;
    }
    message.writeTo(space, position);
    const next = base + PUT_PLACES + ((tail + 1) & 1) * 2;
    words[next] = segment;
    words[next + 1] = position + size;
    store(words, base + TAIL, (tail + 1) | 0);
    unlockMutex(space.memory, base + PUT_MUTEX);
    return OK;
  }

  // Where a message of that size can go that had no room any more at `position`.
  #nextSegment(segment: number, position: number, size: number): number {
    const space = this.#space;
    const words = this.#words;
    const spare = this.#base + SPARE;
    for (;;) {
      words[position] = SKIP;
      // A thread that was killed in a put may have linked the segment already.
      let next = words[segment + NEXT];
      // Out of the memory, where there is nothing and no end: it was scribbled over.
      if (next === undefined) return 0;
      if (next === 0) {
        const length = words[segment + END] - segment;
        next = exchange(words, spare, 0);
        const room = next === 0 ? 0 : words[next + END] - next;
        // One that is much smaller is of the time when the queue was.
        if (room <= FIRST + size || room * 2 < length) {
          if (next !== 0 && next !== this.#base + INLINE) space.free(next);
          next = makeSegment(space, length, size);
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
    const words = this.#words;
    const base = this.#base;
    // A look from outside, so that threads that wait for an item leave the mutex to the others.
    const seen = load(words, base + HEAD);
    if (seen === words[base + TAIL_SEEN] && load(words, base + TAIL) === seen) return this.#whyEmpty();
    lockMutex(space.memory, base + GET_MUTEX, space.id);
    if (words[base + TAKING] !== 0) mendTaking(space, base + TAKING);
    const head = words[base + HEAD];
    if (head === words[base + TAIL_SEEN]) {
      const tail = load(words, base + TAIL);
      if (head === tail) {
        unlockMutex(space.memory, base + GET_MUTEX);
        return this.#whyEmpty();
      }
      words[base + TAIL_SEEN] = tail;
    }
    if (load(words, base + STATE) === SHUT_AT_ONCE) {
      unlockMutex(space.memory, base + GET_MUTEX);
      return CLOSED;
    }
    const place = base + GET_PLACES + (head & 1) * 2;
    let segment = words[place];
    let position = words[place + 1];
    const moved = words[position] === SKIP;
    while (words[position] === SKIP) {
      segment = words[segment + NEXT];
      position = segment + FIRST;
    }
    message.readFrom(space, position);
    const next = base + GET_PLACES + ((head + 1) & 1) * 2;
    words[next] = segment;
    words[next + 1] = position + message.size;
    const { parcel } = message;
    if (parcel !== 0) beginTaking(space, base + TAKING, base + HEAD, parcel);
    store(words, base + HEAD, (head + 1) | 0);
    if (parcel !== 0) endTaking(space, base + TAKING, parcel);
    if (moved) this.#giveUpBefore(segment);
    unlockMutex(space.memory, base + GET_MUTEX);
    return OK;
  }

  // The state is read before the tail: once the queue is shut down the tail stands still.
  #whyEmpty(): number {
    const words = this.#words;
    const base = this.#base;
    const state = load(words, base + STATE);
    if (state === OPEN) return EMPTY;
    return state === SHUT_AT_ONCE || load(words, base + HEAD) === load(words, base + TAIL) ? CLOSED : EMPTY;
  }

  // More than the last segment, where a thread was killed after its get had moved on.
  #giveUpBefore(segment: number): void {
    const words = this.#words;
    const oldest = this.#base + OLDEST;
    // A link that was scribbled over may lead out of the memory, where there is nothing, and no end of the list either.
    for (let old = words[oldest]; old !== segment && old > 0; old = words[oldest]) {
      words[oldest] = words[old + NEXT];
      this.#recycle(old);
    }
  }

  #recycle(segment: number): void {
    const replaced = exchange(this.#words, this.#base + SPARE, segment);
    // The first segment is part of the queue.
    if (replaced !== 0 && replaced !== this.#base + INLINE) this.#space.free(replaced);
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

// Takes what is in it as a get would, and drops it.
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

/** Queues proper. */
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
