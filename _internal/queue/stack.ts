/**
 * Last in, first out: a list of segments that pushes write upwards and gets read downwards.
 *
 * ```text
 *   mutex, version, 2 × (size, puts, segment, position), parcel that is being taken
 *   segment    next segment, end, previous segment and position in it, message, its size, message, its size …
 * ```
 *
 * The snapshot of the current version has the state of the stack: see versioned.ts. A push writes only after the current
 * position, where there are no messages. So a thread that is killed before it stores the version has changed nothing. The size
 * of a message is stored after it, because a get reads from the end.
 *
 * The segment above the current one is kept. So pushes and gets in turn at the end of a segment do not allocate and free a
 * segment each time.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { LIFO_QUEUE } from "../memory/kinds.ts";
import { LINE } from "../memory/memory.ts";
import type { Space } from "../memory/space.ts";
import { CLOSED, type ContainerType, FULL, NO_ROOM, OK, OPEN, SHUT_AT_ONCE, STATE } from "./container.ts";
import { dropMessage, type Message } from "./message.ts";
import { BELOW, END, FIRST, makeSegment, NEXT, PREVIOUS } from "./segments.ts";
import { beginTaking, endTaking } from "./taken.ts";
import { lockVersioned, seemsEmpty, seemsFull, snapshotAt, unlockVersioned, Versioned, whyEmpty } from "./versioned.ts";
import * as versioned from "./versioned.ts";

// Copied into constants of this module: V8 compiles those into the code, but loads an imported binding at each use.
const { BEHIND_SNAPSHOTS, OWN, PUTS, SIZE, TAKING, VERSION } = versioned;

/** In a snapshot. */
const SEGMENT = OWN;
const POSITION = OWN + 1;

const INLINE = BEHIND_SNAPSHOTS;
const INLINE_WORDS = 64;

function commit(
  words: Int32Array,
  base: number,
  version: number,
  segment: number,
  position: number,
  size: number,
  puts: number,
): void {
  const snapshot = snapshotAt(base, version + 1);
  words[snapshot + SEGMENT] = segment;
  words[snapshot + POSITION] = position;
  words[snapshot + SIZE] = size;
  words[snapshot + PUTS] = puts;
  store(words, base + VERSION, (version + 1) | 0);
}

class Stack extends Versioned {
  override push(message: Message): number {
    const { space, words, base, limit } = this;
    if (limit > 0 && seemsFull(words, base, limit)) return FULL;
    lockVersioned(space, base);
    const outcome = this.#push(message);
    unlockVersioned(space, base);
    return outcome;
  }

  #push(message: Message): number {
    const { space, words, base, limit } = this;
    const version = words[base + VERSION];
    const snapshot = snapshotAt(base, version);
    const size = words[snapshot + SIZE];
    if (load(words, base + STATE) !== OPEN) return CLOSED;
    if (limit > 0 && size >= limit) return FULL;
    const needed = message.size + 1;
    let segment = words[snapshot + SEGMENT];
    let at = words[snapshot + POSITION];
    if (at + needed > words[segment + END]) {
      segment = findRoom(space, segment, at, needed);
      if (segment === 0) return NO_ROOM;
      at = segment + FIRST;
    }
    message.writeTo(space, at);
    words[at + message.size] = message.size;
    commit(words, base, version, segment, at + needed, size + 1, (words[snapshot + PUTS] + 1) | 0);
    return OK;
  }

  override shift(message: Message): number {
    const { space, words, base } = this;
    if (seemsEmpty(words, base)) return whyEmpty(words, base);
    lockVersioned(space, base);
    const version = words[base + VERSION];
    const snapshot = snapshotAt(base, version);
    const size = words[snapshot + SIZE];
    if (size === 0 || load(words, base + STATE) === SHUT_AT_ONCE) {
      unlockVersioned(space, base);
      return whyEmpty(words, base);
    }
    findTop(words, words[snapshot + SEGMENT], words[snapshot + POSITION]);
    const { segment, at } = top;
    message.readFrom(space, at);
    const { parcel } = message;
    if (parcel !== 0) beginTaking(space, base + TAKING, base + VERSION, parcel);
    commit(words, base, version, segment, at, size - 1, words[snapshot + PUTS]);
    if (parcel !== 0) endTaking(space, base + TAKING, parcel);
    const next = words[segment + NEXT];
    const above = next === 0 ? 0 : words[next + NEXT];
    if (above !== 0) {
      words[next + NEXT] = 0;
      freeFrom(space, above);
    }
    unlockVersioned(space, base);
    return OK;
  }

  protected override lock(): void {
    lockVersioned(this.space, this.base);
  }

  protected override drain(): void {
    drain(this.space, this.base);
  }
}

// Returns a segment above the current one that has room for `needed` words, and makes it if there is none. 0: no memory.
function findRoom(space: Space, current: number, position: number, needed: number): number {
  const { words } = space;
  let segment = current;
  let at = position;
  while (at + needed > words[segment + END]) {
    let next = words[segment + NEXT];
    if (next !== 0 && next + FIRST + needed > words[next + END]) {
      // Too small for this message. Neither this segment nor those above it contain messages of the stack.
      words[segment + NEXT] = 0;
      freeFrom(space, next);
      next = 0;
    }
    if (next === 0) {
      next = makeSegment(space, words[segment + END] - segment, needed);
      if (next === 0) return 0;
      words[next + PREVIOUS] = segment;
      words[segment + NEXT] = next;
    }
    words[next + BELOW] = at;
    segment = next;
    at = segment + FIRST;
  }
  return segment;
}

const top = { segment: 0, at: 0 };

// Finds the uppermost message. An empty segment stays current until a message below it is taken.
function findTop(words: Int32Array, segment: number, position: number): void {
  while (position === segment + FIRST) {
    position = words[segment + BELOW];
    segment = words[segment + PREVIOUS];
  }
  top.segment = segment;
  top.at = position - 1 - words[position - 1];
}

// Takes all messages, in the way of a get, and drops them.
function drain(space: Space, base: number): void {
  const { words } = space;
  for (;;) {
    const version = words[base + VERSION];
    const snapshot = snapshotAt(base, version);
    const size = words[snapshot + SIZE];
    if (size === 0) return;
    findTop(words, words[snapshot + SEGMENT], words[snapshot + POSITION]);
    const { at } = top;
    commit(words, base, version, top.segment, at, size - 1, words[snapshot + PUTS]);
    dropMessage(space, at);
  }
}

function freeFrom(space: Space, segment: number): void {
  // A corrupted link may lead out of the memory, where reads give `undefined` instead of a 0 that ends the list.
  while (segment > 0) {
    const next = space.words[segment + NEXT];
    space.free(segment);
    segment = next;
  }
}

/** The container of LIFO queues. */
export const STACK: ContainerType = {
  kind: LIFO_QUEUE,
  label: "LIFO queue",
  words: LINE + INLINE_WORDS,
  initialize(words, base) {
    const segment = base + INLINE;
    words[segment + END] = segment + INLINE_WORDS;
    const snapshot = snapshotAt(base, words[base + VERSION]);
    words[snapshot + SEGMENT] = segment;
    words[snapshot + POSITION] = segment + FIRST;
  },
  attach: (space, base, limit) => new Stack(space, base, limit),
  destroy(space, base) {
    drain(space, base);
    freeFrom(space, space.words[base + INLINE + NEXT]);
  },
};
