/** The smallest programs without the library that lock, pass items and wake each other. Both sides of floors.ts use them. */

import { Buffer } from "node:buffer";
import { lock, unlock } from "../peers/bare/lock.ts";
import { ANSWERED, ASKED, COUNT, LOCK, PUT, standInLine, TAKEN } from "../peers/bare/words.ts";

/** The mutexes of a queue's two ends: words of lines that nothing else of {@linkcode PUT} and {@linkcode TAKEN} is on. */
const PUTTING = LOCK, TAKING = COUNT;
/** How many items there may be at once, as in the measured queues. */
export const MOST = 1024;
/** How often a lock is looked at before its waiter sleeps, and how long the waiter stays away in between. */
const LOOKS = 50;
const PAUSES = 100;

const pause = (Atomics as { pause?: () => void }).pause ?? (() => {});

/** Adds one so many times under a mutex. A waiter leaves the word alone for some microseconds, so that the holder runs on. */
export function incrementBackingOff(words: Int32Array, times: number): void {
  standInLine(words);
  for (let i = 0; i < times; i++) {
    if (Atomics.compareExchange(words, LOCK, 0, 1) !== 0) lockLater(words);
    words[COUNT]!++;
    unlock(words, LOCK);
  }
}

let acquisitions = 0;

/** What a lock returns: it gives one acquisition back, once. */
class Guard {
  readonly #words: Int32Array;
  readonly #acquisition: number;
  readonly #abandoned: boolean;

  constructor(words: Int32Array, acquisition: number, abandoned: boolean) {
    this.#words = words;
    this.#acquisition = acquisition;
    this.#abandoned = abandoned;
  }

  get abandoned(): boolean {
    return this.#abandoned;
  }

  [Symbol.dispose](): void {
    if (this.#acquisition === acquisitions) unlock(this.#words, LOCK);
  }
}

function acquire(words: Int32Array): Guard {
  lock(words, LOCK);
  return new Guard(words, ++acquisitions, false);
}

/** As `increment` of bare/lock.ts, but the lock returns a guard, which the caller does not use. */
export function incrementGuarded(words: Int32Array, times: number): void {
  standInLine(words);
  for (let i = 0; i < times; i++) {
    acquire(words);
    words[COUNT]!++;
    unlock(words, LOCK);
  }
}

function lockLater(words: Int32Array): void {
  for (let look = 0; look < LOOKS; look++) {
    for (let i = 0; i < PAUSES; i++) pause();
    if (Atomics.compareExchange(words, LOCK, 0, 1) === 0) return;
  }
  while (Atomics.exchange(words, LOCK, 2) !== 0) Atomics.wait(words, LOCK, 2);
}

/** A ring whose ends any number of threads may use: a mutex at each end. */
function putNumber(words: Int32Array, slots: Int32Array, item: number): void {
  lock(words, PUTTING);
  const put = words[PUT]!;
  for (let taken = words[TAKEN]!; put - taken === MOST; taken = Atomics.load(words, TAKEN)) {
    Atomics.wait(words, TAKEN, taken);
  }
  slots[put % MOST] = item;
  Atomics.store(words, PUT, put + 1);
  unlock(words, PUTTING);
  // The ring was empty: a consumer may sleep.
  if (Atomics.load(words, TAKEN) === put) Atomics.notify(words, PUT);
}

/** The other end. */
function takeNumber(words: Int32Array, slots: Int32Array): number {
  lock(words, TAKING);
  const taken = words[TAKEN]!;
  while (Atomics.load(words, PUT) === taken) Atomics.wait(words, PUT, taken);
  const item = slots[taken % MOST]!;
  Atomics.store(words, TAKEN, taken + 1);
  unlock(words, TAKING);
  // The ring was full: a producer may sleep.
  if (Atomics.load(words, PUT) - taken === MOST) Atomics.notify(words, TAKEN);
  return item;
}

/** Whether a side sleeps, or is about to: words of lines that change seldom. */
const PRODUCER_SLEEPS = ASKED, CONSUMER_SLEEPS = ANSWERED;

/** Sleeps until the count at `at` differs. The other side sees the word at `flag` after it has changed the count. */
function sleepAnnounced(words: Int32Array, at: number, seen: number, flag: number): void {
  Atomics.store(words, flag, 1);
  Atomics.wait(words, at, seen);
  Atomics.store(words, flag, 0);
}

/** Puts so many numbers into a ring of one producer and one consumer. */
export function fillAnnounced(words: Int32Array, slots: Int32Array, times: number): void {
  standInLine(words);
  let taken = 0;
  for (let put = 0; put < times; put++) {
    while (put - taken === MOST) {
      taken = Atomics.load(words, TAKEN);
      if (put - taken === MOST) sleepAnnounced(words, TAKEN, taken, PRODUCER_SLEEPS);
    }
    slots[put % MOST] = put;
    Atomics.store(words, PUT, put + 1);
    if (words[CONSUMER_SLEEPS] === 1) Atomics.notify(words, PUT);
  }
}

/** Takes them out. Returns how many were not the next one. */
export function drainAnnounced(words: Int32Array, slots: Int32Array, times: number): number {
  standInLine(words);
  let wrong = 0;
  let put = 0;
  for (let taken = 0; taken < times; taken++) {
    while (put === taken) {
      put = Atomics.load(words, PUT);
      if (put === taken) sleepAnnounced(words, PUT, put, CONSUMER_SLEEPS);
    }
    if (slots[taken % MOST] !== taken) wrong++;
    Atomics.store(words, TAKEN, taken + 1);
    if (words[PRODUCER_SLEEPS] === 1) Atomics.notify(words, TAKEN);
  }
  return wrong;
}

/** Puts one number. */
function putAnnounced(words: Int32Array, slots: Int32Array, item: number): void {
  const put = words[PUT]!;
  for (let taken = words[TAKEN]!; put - taken === MOST; taken = Atomics.load(words, TAKEN)) {
    sleepAnnounced(words, TAKEN, taken, PRODUCER_SLEEPS);
  }
  slots[put % MOST] = item;
  Atomics.store(words, PUT, put + 1);
  if (words[CONSUMER_SLEEPS] === 1) Atomics.notify(words, PUT);
}

/** Takes a number. */
function takeAnnounced(words: Int32Array, slots: Int32Array): number {
  const taken = words[TAKEN]!;
  while (Atomics.load(words, PUT) === taken) sleepAnnounced(words, PUT, taken, CONSUMER_SLEEPS);
  const item = slots[taken % MOST]!;
  Atomics.store(words, TAKEN, taken + 1);
  if (words[PRODUCER_SLEEPS] === 1) Atomics.notify(words, TAKEN);
  return item;
}

/** Takes a number, and awaits it. */
async function takeAnnouncedAwaiting(words: Int32Array, slots: Int32Array): Promise<number> {
  const taken = words[TAKEN]!;
  while (Atomics.load(words, PUT) === taken) {
    Atomics.store(words, CONSUMER_SLEEPS, 1);
    await Atomics.waitAsync(words, PUT, taken).value;
    Atomics.store(words, CONSUMER_SLEEPS, 0);
  }
  return takeAnnounced(words, slots);
}

/** The end of {@linkcode takeNumber}, but an empty ring is awaited, without the mutex. */
async function takeNumberAwaiting(words: Int32Array, slots: Int32Array): Promise<number> {
  for (let put = Atomics.load(words, PUT); put === Atomics.load(words, TAKEN); put = Atomics.load(words, PUT)) {
    await Atomics.waitAsync(words, PUT, put).value;
  }
  return takeNumber(words, slots);
}

/** The rings, by what keeps their ends apart. */
export const RINGS = {
  mutexes: { put: putNumber, take: takeNumber, takeAwaiting: takeNumberAwaiting },
  announced: { put: putAnnounced, take: takeAnnounced, takeAwaiting: takeAnnouncedAwaiting },
} as const;
/** The name of a ring. */
export type Ring = keyof typeof RINGS;

/** What the objects of the rows look like. */
interface Item {
  readonly id: number;
  readonly name: string;
  readonly tags: readonly string[];
}

/** What `Buffer` has for one-byte characters on both runtimes, which the types do not know. */
type Bytes = Buffer & {
  latin1Write(text: string, at: number): number;
  latin1Slice(begin: number, end: number): string;
};

/** How an object becomes bytes at a place, and an object again. `write` returns where the bytes end. */
interface Code {
  write(bytes: Bytes, at: number, item: Item): number;
  read(bytes: Bytes, at: number, end: number): Item;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** For texts: the engine's functions for them do not take shared memory everywhere. */
const own = new Uint8Array(4096);
/** Longer texts are left to the runtime: on Bun to its `Buffer`, on Deno to an encoder, whichever is faster there. */
const SHORT = 32;
const isBun = "Bun" in globalThis;

/** For this shape and one-byte characters only. */
const BY_HAND: Code = {
  write(bytes, at, { id, name, tags }) {
    bytes[at] = id & 255;
    bytes[at + 1] = id >> 8 & 255;
    bytes[at + 2] = id >> 16 & 255;
    bytes[at + 3] = id >> 24;
    let end = writeText(bytes, at + 4, name);
    bytes[end++] = tags.length;
    for (let i = 0; i < tags.length; i++) end = writeText(bytes, end, tags[i]!);
    return end;
  },
  read(bytes, at) {
    const id = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
    let next = at + 6 + lengthAt(bytes, at + 4);
    const name = readText(bytes, at + 6, next);
    const tags: string[] = [];
    for (let left = bytes[next++]!; left > 0; left--) {
      const end = next + 2 + lengthAt(bytes, next);
      tags.push(readText(bytes, next + 2, end));
      next = end;
    }
    return { id, name, tags };
  },
};

function lengthAt(bytes: Bytes, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8;
}

function writeText(bytes: Bytes, at: number, text: string): number {
  const { length } = text;
  const begin = at + 2;
  bytes[at] = length & 255;
  bytes[at + 1] = length >> 8;
  if (length <= SHORT) { for (let i = 0; i < length; i++) bytes[begin + i] = text.charCodeAt(i); }
  else if (isBun) bytes.latin1Write(text, begin);
  else {
    encoder.encodeInto(text, own);
    bytes.set(own.subarray(0, length), begin);
  }
  return begin + length;
}

function readText(bytes: Bytes, begin: number, end: number): string {
  if (end - begin > SHORT) {
    if (isBun) return bytes.latin1Slice(begin, end);
    own.set(bytes.subarray(begin, end));
    return decoder.decode(own.subarray(0, end - begin));
  }
  let text = "";
  for (let i = begin; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** The fastest code for any object that is not JavaScript itself: the engine's. */
const JSON_TEXT: Code = {
  write(bytes, at, item) {
    const { written } = encoder.encodeInto(JSON.stringify(item), own);
    bytes.set(own.subarray(0, written), at);
    return at + written;
  },
  read(bytes, at, end) {
    own.set(bytes.subarray(at, end));
    return JSON.parse(decoder.decode(own.subarray(0, end - at)));
  },
};

const CODES = { hand: BY_HAND, JSON: JSON_TEXT } as const;
/** The name of a code. */
export type CodeName = keyof typeof CODES;

/** Bytes of a slot: its length, and an object. */
const slotOf = (padding: number): number => padding === 0 ? 64 : 2048;
const HEAD = 4;

/** New slots for objects whose names have so much padding. */
export function makeByteSlots(padding: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(MOST * slotOf(padding)));
}

/** Puts so many objects into a ring that has one producer and one consumer. */
export function fillObjects(
  words: Int32Array,
  slots: Uint8Array,
  code: CodeName,
  padding: number,
  times: number,
): void {
  standInLine(words);
  const { write } = CODES[code];
  const bytes = Buffer.from(slots.buffer) as Buffer as Bytes;
  const size = slotOf(padding);
  const text = "x".repeat(padding);
  let taken = 0;
  for (let put = 0; put < times; put++) {
    while (put - taken === MOST) {
      taken = Atomics.load(words, TAKEN);
      if (put - taken === MOST) Atomics.wait(words, TAKEN, taken);
    }
    const at = put % MOST * size;
    const end = write(bytes, at + HEAD, { id: put, name: `item ${put}${text}`, tags: ["a", "b"] });
    bytes[at] = end - at & 255;
    bytes[at + 1] = end - at >> 8;
    Atomics.store(words, PUT, put + 1);
    if (Atomics.load(words, TAKEN) === put) Atomics.notify(words, PUT);
  }
}

/** Takes them out. Returns how many were not the next one. */
export function drainObjects(
  words: Int32Array,
  slots: Uint8Array,
  code: CodeName,
  padding: number,
  times: number,
): number {
  standInLine(words);
  const { read } = CODES[code];
  const bytes = Buffer.from(slots.buffer) as Buffer as Bytes;
  const size = slotOf(padding);
  let wrong = 0;
  let put = 0;
  for (let taken = 0; taken < times; taken++) {
    while (put === taken) {
      put = Atomics.load(words, PUT);
      if (put === taken) Atomics.wait(words, PUT, put);
    }
    const at = taken % MOST * size;
    const item = read(bytes, at + HEAD, at + bytes[at]! + bytes[at + 1]! * 256);
    if (item.id !== taken || item.tags.length !== 2) wrong++;
    Atomics.store(words, TAKEN, taken + 1);
    if (Atomics.load(words, PUT) - taken === MOST) Atomics.notify(words, TAKEN);
  }
  return wrong;
}

/** Bytes of a large message, and how many may be underway. */
export const MIB = 2 ** 20;
export const BUFFERS = 2;

/** Copies one more message into shared memory. */
export function sendLarge(words: Int32Array, shared: Uint8Array, bytes: Uint8Array, place: number): void {
  while (place - Atomics.load(words, TAKEN) === BUFFERS) Atomics.wait(words, TAKEN, place - BUFFERS);
  shared.set(bytes, place % BUFFERS * MIB);
  Atomics.store(words, PUT, place + 1);
  Atomics.notify(words, PUT);
}

/** Copies so many messages out of it: each into an array of its own, or all into one. */
export function takeLarge(words: Int32Array, shared: Uint8Array, isFresh: boolean, times: number): number {
  standInLine(words);
  const one = new Uint8Array(MIB);
  let sum = 0;
  for (let taken = 0; taken < times; taken++) {
    while (Atomics.load(words, PUT) === taken) Atomics.wait(words, PUT, taken);
    const begin = taken % BUFFERS * MIB;
    const part = shared.subarray(begin, begin + MIB);
    // The engines do not zero the memory of a copy that is made like this.
    const bytes = isFresh ? part.slice() : one;
    if (!isFresh) bytes.set(part);
    sum += bytes[MIB - 1]!;
    Atomics.store(words, TAKEN, taken + 1);
    Atomics.notify(words, TAKEN);
  }
  return times - sum;
}

/** Straight code that computes something: so many statements, each of which is some five bytecodes. */
export function makeCold(statements: number): (x: number) => number {
  const text = Array.from({ length: statements }, (_, i) => `x = x * 3 + ${i + 200} | 0;`).join("\n");
  return new Function("x", `${text}\nreturn x;`) as (x: number) => number;
}

/** Ends those that answer. */
export const END = -1;

/** Answers each number with itself, after so many cold statements, until the {@linkcode END}. */
export async function echoCold(words: Int32Array, statements: number, isAwaiting: boolean): Promise<void> {
  const cold = makeCold(statements);
  for (let last = 0;;) {
    if (isAwaiting) await Atomics.waitAsync(words, ASKED, last).value;
    else Atomics.wait(words, ASKED, last);
    const asked = Atomics.load(words, ASKED);
    if (asked === END) return;
    if (asked === last) continue;
    last = asked;
    if (statements > 0) cold(asked);
    Atomics.store(words, ANSWERED, asked);
    Atomics.notify(words, ANSWERED);
  }
}
