/**
 * What two connections share: a ring of messages for each direction, and which threads hold which end.
 *
 * Words of a pipe, from the first cache line in its block:
 *
 * ```text
 *   line 0   one way?, references; for each end: state, changes, handles, its object
 *        1   which threads hold end 0: ids of participants; the last word leads to a block with more
 *        2   which threads hold end 1
 *        3…  ring of what end 0 sends: put line, get line, wait point of getters, of putters, messages
 *            ring of what end 1 sends, if it can
 * ```
 *
 * A ring is changed by one store: of its tail, when a message stands, or of its head, when one was copied out. Positions
 * go twice round the ring, so that a full one can be told from an empty one. A thread that is killed before that store has
 * changed nothing, and its mutex is taken over. A message stands in one piece; where the ring ends too early, SKIP sends
 * the reader to its beginning. What is large, or names shared objects, stands in a parcel (see ../queue/taken.ts), and
 * takes as many words of the ring as if it stood there, up to half of it: so the ring bounds what is under way, and a
 * sender can fill one parcel while the other is read.
 *
 * When an end is closed, by its holders or by their death: see {@linkcode isGone}.
 *
 * @module
 */

import { add, compareExchange, load, store } from "../atomics.ts";
import { firstLine, LINE } from "../memory/memory.ts";
import { isAlive, lockMutex, unlockMutex } from "../memory/participants.ts";
import { dropReference } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import { beginTaking, endTaking, mendTaking } from "../queue/taken.ts";
import { EVERYBODY, notify } from "../memory/wait_point.ts";
import { dropMessage, isParcel, sizeOf, SKIP } from "../queue/message.ts";

/** Words of a ring's messages: more than 64 KiB, and so many that what the allocator gives is used well. */
const RING = 20352;
/** Positions are below this. */
const SPAN = 2 * RING;
/** The most that one message takes of it. */
const LARGEST = RING / 2 - 8;

const REFERENCES = 1;
const END_STATE = 4;
const END_CHANGES = 5;
const END_HANDLES = 6;
const END_OBJECT = 7;
const END_WORDS = 4;
const HOLDERS = LINE;
/** The word of a line of holders that leads to the next. */
const MORE = LINE - 1;
const RINGS = 3 * LINE;

const PUT_MUTEX = 0;
const TAIL = 1;
/** 1: a sender was overtaken too often, and newcomers wait. */
export const PUT_BAR = 2;
const GET_MUTEX = LINE;
const HEAD = LINE + 1;
/** The same for receivers. */
export const GET_BAR = LINE + 2;
/** The parcel that is being taken. */
const TAKING = LINE + 3;
export const GET_POINT: number = 2 * LINE;
export const PUT_POINT: number = 3 * LINE;
const DATA = 4 * LINE;
const RING_WORDS = DATA + RING;

/** States of an end. */
const NEW = 0;
const HELD = 1;
const CLOSED = 2;

/** A pipe without connections. Returns the address of its block. */
export function createPipe(space: Space, duplex: boolean): number {
  const rings = duplex ? 2 : 1;
  const count = RINGS + rings * RING_WORDS + LINE - 1;
  // Only what is read before it was written need be zero.
  const pipe = space.tryAllocate(count, false) || space.allocate(count, "create pipe");
  const base = firstLine(pipe);
  space.words.fill(0, base, base + RINGS);
  for (let ring = 0; ring < rings; ring++) {
    const at = base + RINGS + ring * RING_WORDS;
    space.words.fill(0, at, at + DATA);
  }
  store(space.words, base, duplex ? 0 : 1);
  store(space.words, base + REFERENCES, 2);
  return pipe;
}

/** Whether messages go from end 1 to end 0 only. */
export function isOneWay(words: Int32Array, base: number): boolean {
  return words[base] === 1;
}

/** The ring of what that end sends. */
export function ringOf(words: Int32Array, base: number, end: number): number {
  return base + RINGS + (isOneWay(words, base) ? 0 : end * RING_WORDS);
}

/** Says which object an end is. */
export function setObject(words: Int32Array, base: number, end: number, object: number): void {
  store(words, base + END_OBJECT + end * END_WORDS, object);
}

/** Adds a reference to the pipe itself. */
export function pin(words: Int32Array, base: number): void {
  add(words, base + REFERENCES, 1);
}

/** Drops a reference to the pipe itself, and gives it back with the last one. */
export function unpin(space: Space, pipe: number): void {
  const { words } = space;
  const base = firstLine(pipe);
  if (add(words, base + REFERENCES, -1) !== 1) return;
  drain(space, ringOf(words, base, 1));
  if (!isOneWay(words, base)) drain(space, ringOf(words, base, 0));
  for (let end = 0; end < 2; end++) {
    let more = load(words, base + HOLDERS + end * LINE + MORE);
    while (more !== 0) {
      const next = load(words, more + MORE);
      space.free(more);
      more = next;
    }
  }
  space.free(pipe);
}

/** Notes that no thread can ever hold that end again, and wakes the other. */
export function closeEnd(space: Space, base: number, end: number): void {
  store(space.words, base + END_STATE + end * END_WORDS, CLOSED);
  tellOther(space, base, end);
}

/** Wakes the threads at the other end: the holders of this end have changed. */
export function tellOther(space: Space, base: number, end: number): void {
  const { words } = space;
  add(words, base + END_CHANGES + end * END_WORDS, 1);
  const oneWay = isOneWay(words, base);
  if (!oneWay || end === 1) notify(space, ringOf(words, base, end) + GET_POINT, EVERYBODY);
  if (!oneWay || end === 0) notify(space, ringOf(words, base, 1 - end) + PUT_POINT, EVERYBODY);
}

/** A number that is another after each change of that end's holders. */
export function changesOf(words: Int32Array, base: number, end: number): number {
  return load(words, base + END_CHANGES + end * END_WORDS);
}

/** Counts a thread's handle of that end in, or out. */
export function countHandle(words: Int32Array, base: number, end: number, change: number): void {
  add(words, base + END_HANDLES + end * END_WORDS, change);
}

/** Enters this thread as a holder of that end. */
export function hold(space: Space, base: number, end: number): void {
  const { words, id, memory } = space;
  for (let line = base + HOLDERS + end * LINE;;) {
    for (let i = 0; i < MORE; i++) {
      const holder = load(words, line + i);
      if (holder !== 0 && isAlive(memory, holder)) continue;
      if (compareExchange(words, line + i, holder, id) !== holder) continue;
      compareExchange(words, base + END_STATE + end * END_WORDS, NEW, HELD);
      return;
    }
    let more = load(words, line + MORE);
    if (more === 0) {
      const block = space.allocate(LINE, "hold connection");
      more = compareExchange(words, line + MORE, 0, block);
      if (more === 0) more = block;
      else space.free(block);
    }
    line = more;
  }
}

/** Notes that an end was sent to a thread or process that is gone, so that it was held by all that the other end can know. */
export function lose(space: Space, base: number, end: number): void {
  compareExchange(space.words, base + END_STATE + end * END_WORDS, NEW, HELD);
  tellOther(space, base, end);
}

/** Takes a thread off the holders of that end again. */
export function letGo(words: Int32Array, base: number, end: number, id: number): void {
  for (let line = base + HOLDERS + end * LINE; line !== 0; line = load(words, line + MORE)) {
    for (let i = 0; i < MORE; i++) {
      if (load(words, line + i) === id && compareExchange(words, line + i, id, 0) === id) return;
    }
  }
}

/** Whether a living thread has that end. */
export function isHeld(space: Space, base: number, end: number): boolean {
  const { words, memory } = space;
  for (let line = base + HOLDERS + end * LINE; line !== 0; line = load(words, line + MORE)) {
    for (let i = 0; i < MORE; i++) {
      const holder = load(words, line + i);
      if (holder !== 0 && isAlive(memory, holder)) return true;
    }
  }
  return false;
}

/**
 * Whether no thread holds that end any more: it was held, none of its holders lives and has it open, and no message under way
 * would give it to a thread.
 *
 * Messages under way are the references on its object that are no thread's: each handle has two. A thread that takes an end
 * from a message is entered as a holder before the message's reference is dropped, so the second look sees it.
 */
export function isGone(space: Space, base: number, end: number): boolean {
  const { words } = space;
  const at = base + END_STATE + end * END_WORDS;
  const state = load(words, at);
  if (state !== HELD) return state === CLOSED;
  if (isHeld(space, base, end)) return false;
  const references = load(words, load(words, base + END_OBJECT + end * END_WORDS) + 1);
  const handles = load(words, base + END_HANDLES + end * END_WORDS);
  // Of an object that is gone meanwhile the count is any number.
  if (load(words, at) === CLOSED) return true;
  return references - 2 * handles <= 0 && !isHeld(space, base, end);
}

/**
 * Between the beginning of a put or a get and its end, in which this thread does nothing else: the position behind the message
 * that is put, or of the message that is taken.
 */
let next = 0;

function advance(position: number, count: number): number {
  const sum = position + count;
  return sum >= SPAN ? sum - SPAN : sum;
}

function indexOf(position: number): number {
  return position >= RING ? position - RING : position;
}

function used(tail: number, head: number): number {
  return tail >= head ? tail - head : tail - head + SPAN;
}

/**
 * Where a message of `count` words can be written, which takes `taken` of the ring; 0: it is full. Else {@linkcode publish}
 * must follow.
 */
export function beginPut(space: Space, ring: number, count: number, taken: number): number {
  const { words } = space;
  if (used(load(words, ring + TAIL), load(words, ring + HEAD)) + taken > RING) return 0;
  lockMutex(space.memory, ring + PUT_MUTEX, space.id);
  const tail = load(words, ring + TAIL);
  const left = RING - indexOf(tail);
  const skipped = count > left ? left : 0;
  if (used(tail, load(words, ring + HEAD)) + skipped + taken > RING) {
    unlockMutex(space.memory, ring + PUT_MUTEX);
    return 0;
  }
  if (skipped > 0) words[ring + DATA + indexOf(tail)] = SKIP;
  const start = advance(tail, skipped);
  next = advance(start, taken);
  return ring + DATA + indexOf(start);
}

/** Makes the message that was written a part of the ring, and wakes a receiver. */
export function publish(space: Space, ring: number): void {
  store(space.words, ring + TAIL, next);
  unlockMutex(space.memory, ring + PUT_MUTEX);
  notify(space, ring + GET_POINT, 1);
}

/** Whether there is no message. */
export function isEmpty(words: Int32Array, ring: number): boolean {
  return load(words, ring + HEAD) === load(words, ring + TAIL);
}

/** Whether any message would find room, about. */
export function hasRoom(words: Int32Array, ring: number): boolean {
  return used(load(words, ring + TAIL), load(words, ring + HEAD)) < RING - LARGEST;
}

/** Where the next message stands; 0: there is none. Else {@linkcode endGet} must follow. */
export function beginGet(space: Space, ring: number): number {
  const { words } = space;
  // A look from outside, so that threads that wait leave the mutex to the others.
  if (isEmpty(words, ring)) return 0;
  lockMutex(space.memory, ring + GET_MUTEX, space.id);
  if (words[ring + TAKING] !== 0) mendTaking(space, ring + TAKING);
  let head = load(words, ring + HEAD);
  if (head === load(words, ring + TAIL)) {
    unlockMutex(space.memory, ring + GET_MUTEX);
    return 0;
  }
  if (words[ring + DATA + indexOf(head)] === SKIP) head = advance(head, RING - indexOf(head));
  next = head;
  return ring + DATA + indexOf(head);
}

/** Takes the message there off the ring, and wakes a sender; or leaves it. */
export function endGet(space: Space, ring: number, position: number, take: boolean): void {
  const { words } = space;
  if (take) {
    const parcel = isParcel(words[position]) ? words[position + 1] : 0;
    if (parcel !== 0) beginTaking(space, ring + TAKING, ring + HEAD, parcel);
    store(words, ring + HEAD, advance(next, takenBy(words, position)));
    if (parcel !== 0) endTaking(space, ring + TAKING, parcel);
  }
  unlockMutex(space.memory, ring + GET_MUTEX);
  if (take) notify(space, ring + PUT_POINT, 1);
}

/** Words of the ring that a parcel of so many bytes takes. */
export function wordsForParcel(bytes: number): number {
  return Math.max(3, Math.min(LARGEST, (bytes + 3) >>> 2));
}

function takenBy(words: Int32Array, position: number): number {
  const header = words[position];
  return isParcel(header) ? wordsForParcel(words[position + 2] >>> 0) : sizeOf(header);
}

// Drops the messages of a ring that no thread can reach any more.
function drain(space: Space, ring: number): void {
  const { words } = space;
  if (words[ring + TAKING] !== 0) mendTaking(space, ring + TAKING);
  const tail = load(words, ring + TAIL);
  let head = load(words, ring + HEAD);
  while (head !== tail) {
    const position = ring + DATA + indexOf(head);
    if (words[position] === SKIP) {
      head = advance(head, RING - indexOf(head));
      continue;
    }
    head = advance(head, takenBy(words, position));
    dropMessage(space, position);
  }
}

/** Gives up one thread's handle: its hold, its count, and its second reference on the object. */
export function dropHandle(space: Space, base: number, end: number, object: number, held: boolean): void {
  const { words } = space;
  if (held) letGo(words, base, end, space.id);
  countHandle(words, base, end, -1);
  dropReference(space, object);
}
