/**
 * Last in, first out: segments that are written upwards and read downwards.
 *
 * ```text
 *   mutex, version, 2 × (segment, position, size, puts), parcel that is being taken
 *   segment    next, end, where it goes on below, message, its size, message, its size …
 * ```
 *
 * What the stack is, is in the record of the current version, slot `version & 1`. An operation writes the other record
 * and then stores the version, which is what makes it happen. A push writes behind the current position only, where there
 * is nothing that counts, so who is killed before that store has changed nothing. Behind each message stands its size, for
 * the way down.
 *
 * One segment above the current one is kept, so that going up and down at the end of one does not allocate each time.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { LIFO_QUEUE } from "../memory/kinds.ts";
import { lockMutex, unlockMutex } from "../memory/participants.ts";
import type { Space } from "../memory/space.ts";
import { beginTaking, endTaking, mendTaking } from "./taken.ts";
import {
  CLOSED,
  CONTAINER,
  type Container,
  type ContainerType,
  DRAINED,
  EMPTY,
  FULL,
  LINE,
  NO_ROOM,
  OK,
  OPEN,
  SHUT,
  SHUT_AT_ONCE,
  STATE,
} from "./container.ts";
import { dropMessage, type Message } from "./message.ts";
import { BELOW, END, FIRST, makeSegment, NEXT, PREVIOUS } from "./log.ts";

const MUTEX = CONTAINER;
const VERSION = CONTAINER + 1;
const RECORDS = CONTAINER + 4;
const RECORD_WORDS = 4;
/** See taken.ts. */
const TAKING = CONTAINER + 12;
/** In a record. */
const SEGMENT = 0;
const POSITION = 1;
const SIZE = 2;
const PUTS = 3;

const INLINE = CONTAINER + LINE;
const INLINE_WORDS = 64;

function recordAt(base: number, version: number): number {
  return base + RECORDS + (version & 1) * RECORD_WORDS;
}

// A record is overwritten by the version after the next only.
function readRecord(words: Int32Array, base: number, field: number): number {
  for (;;) {
    const version = load(words, base + VERSION);
    const value = load(words, recordAt(base, version) + field);
    if (load(words, base + VERSION) === version) return value;
  }
}

function lock(space: Space, base: number): void {
  lockMutex(space.memory, base + MUTEX, space.id);
  if (space.words[base + TAKING] !== 0) mendTaking(space, base + TAKING);
}

function commit(
  words: Int32Array,
  base: number,
  segment: number,
  position: number,
  size: number,
  puts: number,
): void {
  const version = words[base + VERSION];
  const record = recordAt(base, version + 1);
  words[record + SEGMENT] = segment;
  words[record + POSITION] = position;
  words[record + SIZE] = size;
  words[record + PUTS] = puts;
  store(words, base + VERSION, (version + 1) | 0);
}

class Stack implements Container {
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
    if (load(this.#words, this.#base + STATE) === SHUT_AT_ONCE) return 0;
    return readRecord(this.#words, this.#base, SIZE);
  }

  get puts(): number {
    return readRecord(this.#words, this.#base, PUTS);
  }

  push(message: Message): number {
    const space = this.#space;
    const words = this.#words;
    const base = this.#base;
    const limit = this.#limit;
    if (limit > 0 && load(words, base + STATE) === OPEN && readRecord(words, base, SIZE) >= limit) return FULL;
    lock(space, base);
    const outcome = this.#push(message);
    unlockMutex(space.memory, base + MUTEX);
    return outcome;
  }

  #push(message: Message): number {
    const space = this.#space;
    const words = this.#words;
    const base = this.#base;
    if (load(words, base + STATE) !== OPEN) return CLOSED;
    const record = recordAt(base, words[base + VERSION]);
    const size = words[record + SIZE];
    if (this.#limit > 0 && size >= this.#limit) return FULL;
    let segment = words[record + SEGMENT];
    let position = words[record + POSITION];
    const needed = message.size + 1;
    while (position + needed > words[segment + END]) {
      let next = words[segment + NEXT];
      if (next !== 0 && next + FIRST + needed > words[next + END]) {
        // Too small for this one, and nothing in it or above it counts.
        words[segment + NEXT] = 0;
        freeFrom(space, next);
        next = 0;
      }
      if (next === 0) {
        next = makeSegment(space, words[segment + END] - segment, needed);
        if (next === 0) return NO_ROOM;
        words[next + PREVIOUS] = segment;
        words[segment + NEXT] = next;
      }
      words[next + BELOW] = position;
      segment = next;
      position = segment + FIRST;
    }
    message.store(space, position);
    words[position + message.size] = message.size;
    commit(words, base, segment, position + needed, size + 1, (words[record + PUTS] + 1) | 0);
    return OK;
  }

  shift(message: Message): number {
    const space = this.#space;
    const words = this.#words;
    const base = this.#base;
    if (readRecord(words, base, SIZE) === 0) return this.#whyEmpty();
    lock(space, base);
    const record = recordAt(base, words[base + VERSION]);
    const size = words[record + SIZE];
    if (size === 0 || load(words, base + STATE) === SHUT_AT_ONCE) {
      unlockMutex(space.memory, base + MUTEX);
      return this.#whyEmpty();
    }
    findTop(words, words[record + SEGMENT], words[record + POSITION]);
    const { segment, at } = top;
    message.load(space, at);
    const { parcel } = message;
    if (parcel !== 0) beginTaking(space, base + TAKING, base + VERSION, parcel);
    commit(words, base, segment, at, size - 1, words[record + PUTS]);
    if (parcel !== 0) endTaking(space, base + TAKING, parcel);
    const next = words[segment + NEXT];
    const above = next === 0 ? 0 : words[next + NEXT];
    if (above !== 0) {
      words[next + NEXT] = 0;
      freeFrom(space, above);
    }
    unlockMutex(space.memory, base + MUTEX);
    return OK;
  }

  #whyEmpty(): number {
    const state = load(this.#words, this.#base + STATE);
    if (state === OPEN) return EMPTY;
    return state === SHUT_AT_ONCE || readRecord(this.#words, this.#base, SIZE) === 0 ? CLOSED : EMPTY;
  }

  shutDown(atOnce: boolean): void {
    const space = this.#space;
    const words = this.#words;
    const base = this.#base;
    lock(space, base);
    const state = load(words, base + STATE);
    if (!atOnce) {
      if (state === OPEN) store(words, base + STATE, SHUT);
    } else {
      if (state !== SHUT_AT_ONCE) {
        const record = recordAt(base, words[base + VERSION]);
        store(words, base + DRAINED, (words[record + PUTS] - words[record + SIZE]) | 0);
        store(words, base + STATE, SHUT_AT_ONCE);
      }
      drain(space, base);
    }
    unlockMutex(space.memory, base + MUTEX);
  }
}

const top = { segment: 0, at: 0 };

// Finds the uppermost message. A segment stays current while it is empty, until something below it is taken.
function findTop(words: Int32Array, segment: number, position: number): void {
  while (position === segment + FIRST) {
    position = words[segment + BELOW];
    segment = words[segment + PREVIOUS];
  }
  top.segment = segment;
  top.at = position - 1 - words[position - 1];
}

// Takes what is in it as a get would, and drops it.
function drain(space: Space, base: number): void {
  const { words } = space;
  for (;;) {
    const record = recordAt(base, words[base + VERSION]);
    const size = words[record + SIZE];
    if (size === 0) return;
    findTop(words, words[record + SEGMENT], words[record + POSITION]);
    const { at } = top;
    commit(words, base, top.segment, at, size - 1, words[record + PUTS]);
    dropMessage(space, at);
  }
}

function freeFrom(space: Space, segment: number): void {
  // A link that was scribbled over may lead out of the memory, where there is nothing, and no 0 either.
  while (segment > 0) {
    const next = space.words[segment + NEXT];
    space.free(segment);
    segment = next;
  }
}

/** Stacks. */
export const STACK: ContainerType = {
  kind: LIFO_QUEUE,
  label: "LIFO queue",
  words: LINE + INLINE_WORDS,
  initialize(words, base) {
    const segment = base + INLINE;
    words[segment + END] = segment + INLINE_WORDS;
    words[base + RECORDS + SEGMENT] = segment;
    words[base + RECORDS + POSITION] = segment + FIRST;
  },
  attach: (space, base, limit) => new Stack(space, base, limit),
  destroy(space, base) {
    drain(space, base);
    freeFrom(space, space.words[base + INLINE + NEXT]);
  },
};
