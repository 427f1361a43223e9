/**
 * Lowest priority first, first in, first out among equals: a heap in which each node has four children.
 *
 * ```text
 *   mutex, version, 2 × (size, puts), parcel that is being taken, chunks, journal
 *   entry      priority high, priority low, number of the put, message
 * ```
 *
 * Entries are stored in chunks, each twice as large as the previous chunk, so the heap grows without copying. The message word
 * of an entry is the message itself if one word is enough, else the address of a block with the message.
 *
 * A push or a pop moves entries along one path of the heap, which takes more than one store. So each entry is copied into the
 * journal before it is overwritten. The journal belongs to one version (see versioned.ts): storing the next version makes the
 * operation take effect and the journal void, in one step. If a thread takes the mutex and finds a journal of the current
 * version with entries in it, its predecessor was killed in the middle of an operation, and the thread puts the entries back.
 *
 * Why not a structure of nodes that needs only one store: pairing, leftist and skew heaps change several links in a meld, and
 * copying the path instead would leave garbage that could not be freed after a kill. The journal costs five words for each
 * moved entry, and one atomic store.
 *
 * The numbers of puts wrap at 32 bits: equals are taken in order as long as fewer than 2^31 puts lie between them.
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

// Copied into constants of this module: V8 compiles those into the code, but loads an imported binding at each use.
const { BEHIND_SNAPSHOTS, PUTS, SIZE, TAKING, VERSION } = versioned;

const CHUNKS = BEHIND_SNAPSHOTS;
/** The first chunk is part of the queue. */
const FIRST_CHUNK_ENTRIES = 8;
const CHUNK_COUNT = 28;

/** The journal: the version that it belongs to, the number of its entries, then an index and a copy of the entry for each. */
const JOURNAL_VERSION = CONTAINER + 3 * LINE;
const JOURNAL_SIZE = JOURNAL_VERSION + 1;
const JOURNAL = JOURNAL_VERSION + 2;
const JOURNAL_WORDS = 5;
/** The length of the longest path, with four children for each node, plus one. */
const JOURNAL_ENTRIES = 18;
/** After the journal: a copy of the entry that a push moves. */
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

// Copies an entry that is about to be overwritten into the journal. The entry may change only after the store of the size,
// which makes the copy part of the journal.
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

// Puts back the entries that a thread had moved when it was killed. If this thread is killed in the middle of it, the next
// thread does it again: the journal stays until all entries are back.
function repair(words: Int32Array, base: number): void {
  for (let i = Math.min(words[base + JOURNAL_SIZE], JOURNAL_ENTRIES) - 1; i >= 0; i--) {
    const at = base + JOURNAL + i * JOURNAL_WORDS;
    copyEntry(words, entryAt(words, base, words[at]), at + 1);
  }
  store(words, base + JOURNAL_SIZE, 0);
}

// Moves the new entry `fresh`, at index `size`, up to its place.
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

// Moves the last entry into the hole at the root and down to its place, so that `size` entries remain.
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

// Takes the mutex, and undoes an operation that its dead holder left unfinished.
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

// Drops all messages. Each time it takes the last entry: the order does not matter here, and no entry has to move.
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

/** The container of priority queues. */
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
    // Negative numbers of larger magnitude come first, so all their bits except the sign are inverted.
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
