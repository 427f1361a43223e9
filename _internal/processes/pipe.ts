/**
 * The memory of a pipe: a ring of messages for each direction, and the threads that hold each end.
 *
 * The words of a pipe begin at the first cache line in its block:
 *
 * ```text
 *   line 0   whether it is one-way; references; for each end: state, changes, its object
 *        1   the holders of end 0: ids of participants; the last word is the address of a block with more, or 0
 *        2   the holders of end 1
 *        3…  the ring for what end 0 sends (in a one-way pipe: what end 1 sends):
 *              a line for puts       mutex, TAIL, bar      written by the sender that has the mutex; the bar by any sender
 *              a line for gets       mutex, HEAD, bar, the parcel that is being taken        the same for receivers
 *              the wait points of receivers and of senders
 *              the messages
 *            the ring for what end 1 sends, unless the pipe is one-way
 * ```
 *
 * One store changes a ring: the store of TAIL after a message was written, or the store of HEAD after a message was
 * copied out. A thread that is killed before that store has changed nothing, and the next thread takes its mutex over.
 * Positions count to twice the size of the ring, so that a full ring differs from an empty ring.
 *
 * A message is not split. If it does not fit in front of the end of the ring, SKIP sends the receiver to the beginning. A
 * message that is large or names shared objects is in a parcel (see ../queue/taken.ts). A parcel takes as many words of
 * the ring as if its bytes were there, but at most half of the ring. So the ring bounds the memory that is under way, and
 * a sender can still write one large parcel while the receiver reads another.
 *
 * {@linkcode isGone} decides when an end is closed.
 *
 * @module
 */

import { add, compareExchange, load, peek, post, store } from "../atomics.ts";
import { CONNECTION_MESSAGES } from "../memory/kinds.ts";
import { firstLine, LINE, OBJECT_HEADER } from "../memory/memory.ts";
import { isAlive, lockMutex, unlockMutex } from "../memory/participants.ts";
import type { Space } from "../memory/space.ts";
import { beginTaking, endTaking, mendTaking } from "../queue/taken.ts";
import { ALL_SLEEPERS, notify } from "../memory/wait_point.ts";
import { dropMessage, isParcel, sizeOf, SKIP } from "../queue/message.ts";

/** How many words of messages a ring has: more than 64 KiB, and a number that wastes little of the allocator's block. */
const RING = 20352;
/** Positions are lower than this. */
const SPAN = 2 * RING;
/** The most words of the ring that a message takes. */
const LARGEST = RING / 2 - 8;

const REFERENCES = 1;
const END_STATE = 4;
const END_CHANGES = 5;
const END_OBJECT = 6;
const END_WORDS = 3;
const HOLDERS = LINE;
/** The word of a line of holders that has the address of the next line. */
const MORE = LINE - 1;
const RINGS = 3 * LINE;

const PUT_MUTEX = 0;
const TAIL = 1;
/** 1: a waiting sender was overtaken too often, and newcomers must wait. */
export const PUT_BAR = 2;
const GET_MUTEX = LINE;
const HEAD = LINE + 1;
/** 1: a waiting receiver was overtaken too often, and newcomers must wait. */
export const GET_BAR = LINE + 2;
/** The words of the parcel that is being taken: see ../queue/taken.ts. */
const TAKING = LINE + 3;
export const GET_POINT: number = 2 * LINE;
export const PUT_POINT: number = 3 * LINE;
const DATA = 4 * LINE;
const RING_WORDS = DATA + RING;

/** The states of an end: no thread has held it yet; a thread has held it; no thread can hold it any more. */
const NEW = 0;
const HELD = 1;
const CLOSED = 2;

/** Makes a pipe that has no connections yet. Returns the address of its block. */
export function createPipe(space: Space, duplex: boolean): number {
  const rings = duplex ? 2 : 1;
  const count = RINGS + rings * RING_WORDS + LINE - 1;
  // The words of messages need not be zero, since none is read before it was written.
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

/** The ring for what that end sends. */
export function ringOf(words: Int32Array, base: number, end: number): number {
  return base + RINGS + (isOneWay(words, base) ? 0 : end * RING_WORDS);
}

/** Sets the object of an end: its connection. */
export function setObject(words: Int32Array, base: number, end: number, object: number): void {
  store(words, base + END_OBJECT + end * END_WORDS, object);
}

/** Adds a reference to the pipe itself. */
export function pin(words: Int32Array, base: number): void {
  add(words, base + REFERENCES, 1);
}

/** Drops a reference to the pipe itself. The last reference gives back its memory and drops its messages. */
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

/** Notes that no thread can hold that end any more, and wakes the threads at the other end. */
export function closeEnd(space: Space, base: number, end: number): void {
  store(space.words, base + END_STATE + end * END_WORDS, CLOSED);
  tellOther(space, base, end);
}

/** Wakes the threads at the other end, after a change of the holders of this end. */
export function tellOther(space: Space, base: number, end: number): void {
  const { words } = space;
  add(words, base + END_CHANGES + end * END_WORDS, 1);
  const oneWay = isOneWay(words, base);
  if (!oneWay || end === 1) notify(space, ringOf(words, base, end) + GET_POINT, ALL_SLEEPERS);
  if (!oneWay || end === 0) notify(space, ringOf(words, base, 1 - end) + PUT_POINT, ALL_SLEEPERS);
}

/** A number that changes with every change of that end's holders. */
export function changesOf(words: Int32Array, base: number, end: number): number {
  return peek(words, base + END_CHANGES + end * END_WORDS);
}

/** Makes this thread a holder of that end. Takes a free word of the list of holders, or the word of a dead holder. */
export function hold(space: Space, base: number, end: number): void {
  const { words, id, memory } = space;
  for (let line = base + HOLDERS + end * LINE;;) {
    for (let i = 0; i < MORE; i++) {
      const holder = load(words, line + i);
      if (holder !== 0 && isAlive(memory, holder)) continue;
      if (compareExchange(words, line + i, holder, id) !== holder) continue;
      compareExchange(words, base + END_STATE + end * END_WORDS, NEW, HELD);
      add(words, base + END_CHANGES + end * END_WORDS, 1);
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

/**
 * Notes that an end was sent to a thread or process that is gone. For the other end that is the same as if a holder had
 * ended: it must not wait for a holder that will never come.
 */
export function lose(space: Space, base: number, end: number): void {
  compareExchange(space.words, base + END_STATE + end * END_WORDS, NEW, HELD);
  tellOther(space, base, end);
}

/** Removes a thread from the holders of that end. */
export function letGo(words: Int32Array, base: number, end: number, id: number): void {
  for (let line = base + HOLDERS + end * LINE; line !== 0; line = load(words, line + MORE)) {
    for (let i = 0; i < MORE; i++) {
      if (load(words, line + i) === id && compareExchange(words, line + i, id, 0) === id) return;
    }
  }
}

/** Whether a living thread holds that end. */
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
 * Whether that end is closed for good. That is so if it was held, no living thread holds it now, and no message that is under
 * way names it.
 *
 * A thread that receives the end in a message is or becomes a holder, which changes the number of changes, before it no longer
 * counts the message. A thread that sends the end counts the message before it gives the end up. So if the end was on its way through
 * any number of threads during these looks, there is a holder, a message, or another number of changes. Then the threads that
 * wait are told once more by the thread that gives the end up. If it is killed, or if a message is dropped that only its sender
 * had, they find that after their slices.
 */
export function isGone(space: Space, base: number, end: number): boolean {
  const { words } = space;
  const at = base + END_STATE + end * END_WORDS;
  const state = load(words, at);
  if (state !== HELD) return state === CLOSED;
  const changes = load(words, at + END_CHANGES - END_STATE);
  if (isHeld(space, base, end)) return false;
  const object = load(words, base + END_OBJECT + end * END_WORDS);
  const messages = load(words, object + OBJECT_HEADER + CONNECTION_MESSAGES);
  // The object may have been freed meanwhile. Then its count is a meaningless number, but the state is CLOSED.
  if (load(words, at) === CLOSED) return true;
  return messages <= 0 && load(words, at + END_CHANGES - END_STATE) === changes;
}

/**
 * The position behind the message that is being put, or the position of the message that is being taken. It holds from the
 * beginning of a put or get to its end. A thread does nothing else in between, so one variable is enough.
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
 * Returns where to write a message of `count` words, which takes `taken` words of the ring. The caller then has the mutex of
 * puts until it calls {@linkcode publish}. 0: the ring is full.
 */
export function beginPut(space: Space, ring: number, count: number, taken: number): number {
  const { words } = space;
  if (used(peek(words, ring + TAIL), load(words, ring + HEAD)) + taken > RING) return 0;
  lockMutex(space.memory, ring + PUT_MUTEX, space.id);
  const tail = peek(words, ring + TAIL);
  const left = RING - indexOf(tail);
  const skipped = count > left ? left : 0;
  if (used(tail, peek(words, ring + HEAD)) + skipped + taken > RING) {
    unlockMutex(space.memory, ring + PUT_MUTEX);
    return 0;
  }
  if (skipped > 0) words[ring + DATA + indexOf(tail)] = SKIP;
  const start = advance(tail, skipped);
  next = advance(start, taken);
  return ring + DATA + indexOf(start);
}

/** Makes the message that was written visible to receivers, and wakes a receiver. */
export function publish(space: Space, ring: number): void {
  post(space.words, ring + TAIL, next);
  unlockMutex(space.memory, ring + PUT_MUTEX);
  notify(space, ring + GET_POINT, 1);
}

/** Whether there is no message. One read is atomic, so a loop may look again and again. */
export function isEmpty(words: Int32Array, ring: number): boolean {
  return peek(words, ring + HEAD) === load(words, ring + TAIL);
}

/** How many words of messages there are: at least as many as there are messages. */
export function countWords(words: Int32Array, ring: number): number {
  return used(load(words, ring + TAIL), load(words, ring + HEAD));
}

/** How many words of messages there is room for. */
export function countRoom(words: Int32Array, ring: number): number {
  return RING - countWords(words, ring);
}

/** Whether there is room for a message of any size. The answer may be out of date as soon as it is returned. */
export function hasRoom(words: Int32Array, ring: number): boolean {
  return countWords(words, ring) < RING - LARGEST;
}

/**
 * Returns where the next message is. The caller then has the mutex of gets until it calls {@linkcode endGet}. 0: no
 * message.
 */
export function beginGet(space: Space, ring: number): number {
  const { words } = space;
  // Look without the mutex first, so that waiting threads do not take it in vain from threads that receive.
  if (isEmpty(words, ring)) return 0;
  lockMutex(space.memory, ring + GET_MUTEX, space.id);
  if (words[ring + TAKING] !== 0) mendTaking(space, ring + TAKING);
  let head = peek(words, ring + HEAD);
  if (head === peek(words, ring + TAIL)) {
    unlockMutex(space.memory, ring + GET_MUTEX);
    return 0;
  }
  if (words[ring + DATA + indexOf(head)] === SKIP) head = advance(head, RING - indexOf(head));
  next = head;
  return ring + DATA + indexOf(head);
}

/** Ends a get. With `take`, removes the message from the ring and wakes a sender; otherwise the message stays. */
export function endGet(space: Space, ring: number, position: number, take: boolean): void {
  const { words } = space;
  if (take) {
    const parcel = isParcel(words[position]) ? words[position + 1] : 0;
    if (parcel !== 0) beginTaking(space, ring + TAKING, ring + HEAD, parcel);
    post(words, ring + HEAD, advance(next, takenBy(words, position)));
    if (parcel !== 0) endTaking(space, ring + TAKING, parcel);
  }
  unlockMutex(space.memory, ring + GET_MUTEX);
  if (take) notify(space, ring + PUT_POINT, 1);
}

/** How many words of the ring a parcel of that many bytes takes. */
export function wordsForParcel(bytes: number): number {
  return Math.max(3, Math.min(LARGEST, (bytes + 3) >>> 2));
}

function takenBy(words: Int32Array, position: number): number {
  const header = words[position];
  return isParcel(header) ? wordsForParcel(words[position + 2] >>> 0) : sizeOf(header);
}

// Drops the messages of a ring. Called when no thread can use the ring any more.
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
