/**
 * Lowest priority first, first in first out among equals: a heap of four children a node.
 *
 * ```text
 *   mutex, version, 2 × (size, puts), parcel that is being taken, chunks, journal
 *   entry      priority high, priority low, number of the put, message
 * ```
 *
 * Entries are in chunks, each twice as large as the one before, so that the heap grows without being copied. The message
 * of an entry is the word itself where one word is enough, else the address of a block with the message.
 *
 * A push or a pop moves entries along one path, which is more than one store. So each entry that is about to be
 * overwritten is first copied into the journal. The journal belongs to one version (see versioned.ts): storing the next version
 * makes the operation happen and the journal void at once. A thread that takes the mutex and finds a journal of the current
 * version with something in it comes after a thread that was killed half-way, and puts the entries back.
 *
 * Why not a structure of nodes that needs one store only: those that know their order (pairing, leftist, skew) change
 * several links in a meld, and copying the path would make garbage that could not be freed after a kill. A journal costs
 * four words for each moved entry and no more atomic operations.
 *
 * Numbers of puts wrap at 32 bits: equals come in order as long as fewer than 2^31 puts lie between them.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { PRIORITY_QUEUE } from "../memory/kinds.ts";
import { LINE } from "../memory/memory.ts";
import type { Space } from "../memory/space.ts";
import { CLOSED, CONTAINER, type ContainerType, FULL, NO_ROOM, OK, OPEN, SHUT_AT_ONCE, STATE } from "./container.ts";
import { dropMessage, type Message } from "./message.ts";
import { beginTaking, endTaking } from "./taken.ts";
import {
  commit,
  lockVersioned,
  seemsEmpty,
  seemsFull,
  snapshotAt,
  unlockVersioned,
  Versioned,
  whyEmpty,
} from "./versioned.ts";
import * as versioned from "./versioned.ts";

// V8 compiles a constant of the module itself into the code, and loads an imported one each time.
const { BEHIND_SNAPSHOTS, PUTS, SIZE, TAKING, VERSION } = versioned;

const CHUNKS = BEHIND_SNAPSHOTS;
/** The first chunk is part of the queue. */
const FIRST_CHUNK_ENTRIES = 8;
const CHUNK_COUNT = 28;

/** The version that the journal belongs to, then how many entries are in it, then index and entry each. */
const JOURNAL_VERSION = CONTAINER + 3 * LINE;
const JOURNAL_SIZE = JOURNAL_VERSION + 1;
const JOURNAL = JOURNAL_VERSION + 2;
const JOURNAL_WORDS = 5;
/** As many as a path of four children a node can have, and one. */
const JOURNAL_ENTRIES = 18;
/** Behind it, the entry that a push moves. */
const SPARE_ENTRY = JOURNAL + JOURNAL_ENTRIES * JOURNAL_WORDS;

const FIRST_CHUNK = CONTAINER + 9 * LINE;

const ENTRY = 4;
const HIGH = 0;
const LOW = 1;
const NUMBER = 2;
const MESSAGE = 3;

// Chunk k has 8 << k entries and begins with entry (8 << k) - 8.
function chunkOf(index: number): number {
  return 28 - Math.clz32(index + FIRST_CHUNK_ENTRIES);
}

function entryAt(words: Int32Array, base: number, index: number): number {
  const chunk = chunkOf(index);
  return words[base + CHUNKS + chunk] + (index + FIRST_CHUNK_ENTRIES - (FIRST_CHUNK_ENTRIES << chunk)) * ENTRY;
}

function isBefore(words: Int32Array, a: number, b: number): boolean {
  if (words[a] !== words[b]) return words[a] < words[b];
  const low = words[a + LOW];
  const otherLow = words[b + LOW];
  if (low !== otherLow) return low >>> 0 < otherLow >>> 0;
  return ((words[a + NUMBER] - words[b + NUMBER]) | 0) < 0;
}

function copyEntry(words: Int32Array, to: number, from: number): void {
  words[to] = words[from];
  words[to + LOW] = words[from + LOW];
  words[to + NUMBER] = words[from + NUMBER];
  words[to + MESSAGE] = words[from + MESSAGE];
}

// Notes an entry that is about to be overwritten. It counts once the size says so, and only then the entry may change.
function note(words: Int32Array, base: number, index: number, entry: number): void {
  const count = words[base + JOURNAL_SIZE];
  const at = base + JOURNAL + count * JOURNAL_WORDS;
  words[at] = index;
  copyEntry(words, at + 1, entry);
  store(words, base + JOURNAL_SIZE, count + 1);
}

function begin(words: Int32Array, base: number): void {
  store(words, base + JOURNAL_SIZE, 0);
  store(words, base + JOURNAL_VERSION, words[base + VERSION]);
}

// Puts back what a thread had moved that was killed half-way. Doing this twice, or being killed meanwhile, does no harm: the
// journal stays until all is back.
function repair(words: Int32Array, base: number): void {
  for (let i = Math.min(words[base + JOURNAL_SIZE], JOURNAL_ENTRIES) - 1; i >= 0; i--) {
    const at = base + JOURNAL + i * JOURNAL_WORDS;
    copyEntry(words, entryAt(words, base, words[at]), at + 1);
  }
  store(words, base + JOURNAL_SIZE, 0);
}

// Moves the entry at the end of `size` entries, which is new there, to its place.
function siftUp(words: Int32Array, base: number, size: number, fresh: number): void {
  let index = size;
  let entry = fresh;
  copyEntry(words, base + SPARE_ENTRY, fresh);
  while (index > 0) {
    const parentIndex = (index - 1) >> 2;
    const parent = entryAt(words, base, parentIndex);
    if (!isBefore(words, base + SPARE_ENTRY, parent)) break;
    note(words, base, parentIndex, parent);
    copyEntry(words, entry, parent);
    index = parentIndex;
    entry = parent;
  }
  copyEntry(words, entry, base + SPARE_ENTRY);
}

// Fills the hole at the root with what was last, so that `size` entries remain.
function siftDown(words: Int32Array, base: number, size: number): void {
  const last = entryAt(words, base, size);
  let index = 0;
  let entry = entryAt(words, base, 0);
  note(words, base, 0, entry);
  for (;;) {
    const first = index * 4 + 1;
    if (first >= size) break;
    let childIndex = first;
    let child = entryAt(words, base, first);
    for (let i = first + 1, end = Math.min(first + 4, size); i < end; i++) {
      const other = entryAt(words, base, i);
      if (isBefore(words, other, child)) {
        childIndex = i;
        child = other;
      }
    }
    if (!isBefore(words, child, last)) break;
    note(words, base, childIndex, child);
    copyEntry(words, entry, child);
    index = childIndex;
    entry = child;
  }
  copyEntry(words, entry, last);
}

// Takes the mutex, and puts back what a thread has left half-way.
function lock(space: Space, base: number): void {
  const { words } = space;
  lockVersioned(space, base);
  if (words[base + JOURNAL_VERSION] === words[base + VERSION]) repair(words, base);
}

class Heap extends Versioned {
  override push(message: Message): number {
    const { space, words, base, limit } = this;
    if (limit > 0 && seemsFull(words, base, limit)) return FULL;
    let body = message.header;
    if (message.size > 1) {
      body = space.tryAllocate(message.size, false);
      if (body === 0) return NO_ROOM;
      message.writeTo(space, body);
    }
    lock(space, base);
    const outcome = this.#push(message, body);
    unlockVersioned(space, base);
    if (outcome !== OK && message.size > 1) space.free(body);
    return outcome;
  }

  #push(message: Message, body: number): number {
    const { space, words, base, limit } = this;
    const version = words[base + VERSION];
    const snapshot = snapshotAt(base, version);
    const size = words[snapshot + SIZE];
    if (load(words, base + STATE) !== OPEN) return CLOSED;
    if (limit > 0 && size >= limit) return FULL;
    const puts = words[snapshot + PUTS];
    const chunk = chunkOf(size);
    if (words[base + CHUNKS + chunk] === 0) {
      const at = chunk >= CHUNK_COUNT ? 0 : space.tryAllocate((FIRST_CHUNK_ENTRIES << chunk) * ENTRY, false);
      if (at === 0) return NO_ROOM;
      words[base + CHUNKS + chunk] = at;
    }
    begin(words, base);
    const entry = entryAt(words, base, size);
    words[entry + HIGH] = message.rankHigh;
    words[entry + LOW] = message.rankLow;
    words[entry + NUMBER] = puts;
    words[entry + MESSAGE] = body;
    siftUp(words, base, size, entry);
    commit(words, base, version, size + 1, (puts + 1) | 0);
    return OK;
  }

  override shift(message: Message): number {
    const { space, words, base } = this;
    if (seemsEmpty(words, base)) return whyEmpty(words, base);
    lock(space, base);
    const version = words[base + VERSION];
    const snapshot = snapshotAt(base, version);
    const size = words[snapshot + SIZE];
    if (size === 0 || load(words, base + STATE) === SHUT_AT_ONCE) {
      unlockVersioned(space, base);
      return whyEmpty(words, base);
    }
    const root = entryAt(words, base, 0);
    const body = words[root + MESSAGE];
    message.readFrom(space, isAddress(body) ? body : root + MESSAGE);
    const { parcel } = message;
    if (parcel !== 0) beginTaking(space, base + TAKING, base + VERSION, parcel);
    begin(words, base);
    siftDown(words, base, size - 1);
    commit(words, base, version, size - 1, words[snapshot + PUTS]);
    if (parcel !== 0) endTaking(space, base + TAKING, parcel);
    const emptied = chunkOf(size) + 1;
    const chunk = emptied < CHUNK_COUNT ? words[base + CHUNKS + emptied] : 0;
    if (chunk !== 0) words[base + CHUNKS + emptied] = 0;
    unlockVersioned(space, base);
    if (isAddress(body)) space.free(body);
    if (chunk !== 0) space.free(chunk);
    return OK;
  }

  protected override lock(): void {
    lock(this.space, this.base);
  }

  protected override drain(): void {
    drain(this.space, this.base);
  }
}

function isAddress(body: number): boolean {
  return (body & 1) === 0;
}

// Takes the last entry each time: the order does not matter, and nothing has to move.
function drain(space: Space, base: number): void {
  const { words } = space;
  for (;;) {
    const version = words[base + VERSION];
    const snapshot = snapshotAt(base, version);
    const size = words[snapshot + SIZE];
    if (size === 0) return;
    const body = words[entryAt(words, base, size - 1) + MESSAGE];
    begin(words, base);
    commit(words, base, version, size - 1, words[snapshot + PUTS]);
    if (isAddress(body)) {
      dropMessage(space, body);
      space.free(body);
    }
  }
}

const double = new Float64Array(1);
const doubleWords = new Int32Array(double.buffer);

/** Heaps. */
export const HEAP: ContainerType = {
  kind: PRIORITY_QUEUE,
  label: "priority queue",
  words: 9 * LINE + FIRST_CHUNK_ENTRIES * ENTRY,
  initialize(words, base) {
    words[base + CHUNKS] = base + FIRST_CHUNK;
    words[base + JOURNAL_VERSION] = -1;
  },
  attach: (space, base, limit) => new Heap(space, base, limit),
  rank(message, priority) {
    // Adding 0 makes -0 an ordinary 0.
    double[0] = priority + 0;
    const [low, high] = doubleWords;
    // Larger magnitudes of negative numbers come first, so all bits but the sign turn round.
    message.rankHigh = high < 0 ? high ^ 0x7fffffff : high;
    message.rankLow = high < 0 ? ~low : low;
  },
  destroy(space, base) {
    const { words } = space;
    drain(space, base);
    for (let chunk = 1; chunk < CHUNK_COUNT; chunk++) {
      const at = words[base + CHUNKS + chunk];
      if (at !== 0) space.free(at);
    }
  },
};
