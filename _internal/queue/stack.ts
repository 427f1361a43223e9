/**
 * Last in, first out: segments that are written upwards and read downwards.
 *
 * ```text
 *   mutex, version, 2 × (size, puts, segment, position), parcel that is being taken
 *   segment    next, end, where it goes on below, message, its size, message, its size …
 * ```
 *
 * What the stack is, is in the snapshot of the current version: see versioned.ts. A push writes behind the current position only,
 * where there is nothing that counts, so a thread that is killed before its version counts has changed nothing. Behind each
 * message stands its size, for the way down.
 *
 * One segment above the current one is kept, so that going up and down at the end of one does not allocate each time.
 *
 * @module
 */

import { LIFO_QUEUE } from "../memory/kinds.ts";
import { LINE } from "../memory/memory.ts";
import type { Space } from "../memory/space.ts";
import { type ContainerType, FULL, NO_ROOM, OK } from "./container.ts";
import { BELOW, END, FIRST, makeSegment, NEXT, PREVIOUS } from "./log.ts";
import { dropMessage, type Message } from "./message.ts";
import { beginTaking, endTaking } from "./taken.ts";
import {
  BEHIND_SNAPSHOTS,
  commit,
  currentSnapshot,
  nextSnapshot,
  OWN,
  PUTS,
  SIZE,
  TAKING,
  VERSION,
  Versioned,
} from "./versioned.ts";

/** In a snapshot. */
const SEGMENT = OWN;
const POSITION = OWN + 1;

const INLINE = BEHIND_SNAPSHOTS;
const INLINE_WORDS = 64;

function commitAt(
  words: Int32Array,
  base: number,
  segment: number,
  position: number,
  size: number,
  puts: number,
): void {
  const snapshot = nextSnapshot(words, base);
  words[snapshot + SEGMENT] = segment;
  words[snapshot + POSITION] = position;
  commit(words, base, size, puts);
}

class Stack extends Versioned {
  override push(message: Message): number {
    if (this.seemsFull()) return FULL;
    const outcome = this.beginPush();
    if (outcome !== OK) return outcome;
    const { space, words, base } = this;
    const snapshot = currentSnapshot(words, base);
    const needed = message.size + 1;
    findRoom(space, words[snapshot + SEGMENT], words[snapshot + POSITION], needed);
    const { segment, at } = room;
    if (segment === 0) {
      this.unlock();
      return NO_ROOM;
    }
    message.writeTo(space, at);
    words[at + message.size] = message.size;
    commitAt(words, base, segment, at + needed, words[snapshot + SIZE] + 1, (words[snapshot + PUTS] + 1) | 0);
    this.unlock();
    return OK;
  }

  override shift(message: Message): number {
    const outcome = this.beginShift();
    if (outcome !== OK) return outcome;
    const { space, words, base } = this;
    const snapshot = currentSnapshot(words, base);
    findTop(words, words[snapshot + SEGMENT], words[snapshot + POSITION]);
    const { segment, at } = top;
    message.readFrom(space, at);
    const { parcel } = message;
    if (parcel !== 0) beginTaking(space, base + TAKING, base + VERSION, parcel);
    commitAt(words, base, segment, at, words[snapshot + SIZE] - 1, words[snapshot + PUTS]);
    if (parcel !== 0) endTaking(space, base + TAKING, parcel);
    const next = words[segment + NEXT];
    const above = next === 0 ? 0 : words[next + NEXT];
    if (above !== 0) {
      words[next + NEXT] = 0;
      freeFrom(space, above);
    }
    this.unlock();
    return OK;
  }

  protected override drain(): void {
    drain(this.space, this.base);
  }
}

const room = { segment: 0, at: 0 };

// Finds where so many words can be written, in segments that may be new; segment 0: there is no memory.
function findRoom(space: Space, current: number, position: number, needed: number): void {
  const { words } = space;
  let segment = current;
  let at = position;
  while (at + needed > words[segment + END]) {
    let next = words[segment + NEXT];
    if (next !== 0 && next + FIRST + needed > words[next + END]) {
      // Too small for this one, and nothing in it or above it counts.
      words[segment + NEXT] = 0;
      freeFrom(space, next);
      next = 0;
    }
    if (next === 0) {
      next = makeSegment(space, words[segment + END] - segment, needed);
      if (next === 0) {
        room.segment = 0;
        return;
      }
      words[next + PREVIOUS] = segment;
      words[segment + NEXT] = next;
    }
    words[next + BELOW] = at;
    segment = next;
    at = segment + FIRST;
  }
  room.segment = segment;
  room.at = at;
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
    const snapshot = currentSnapshot(words, base);
    const size = words[snapshot + SIZE];
    if (size === 0) return;
    findTop(words, words[snapshot + SEGMENT], words[snapshot + POSITION]);
    const { at } = top;
    commitAt(words, base, top.segment, at, size - 1, words[snapshot + PUTS]);
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
    const snapshot = currentSnapshot(words, base);
    words[snapshot + SEGMENT] = segment;
    words[snapshot + POSITION] = segment + FIRST;
  },
  attach: (space, base, limit) => new Stack(space, base, limit),
  destroy(space, base) {
    drain(space, base);
    freeFrom(space, space.words[base + INLINE + NEXT]);
  },
};
