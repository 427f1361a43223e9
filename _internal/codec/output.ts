/**
 * The bytes of the message that is being written, and the values that contain no other values: numbers, strings, dates,
 * buffers, shared objects, and references to earlier objects.
 *
 * There is one message at a time. If a getter or a serialize() of the program sends a message itself, the outer message is put
 * aside meanwhile.
 *
 * @module
 */

import { InvalidStateError } from "../errors.ts";
import type { Destination } from "../memory/memory.ts";
import {
  addMessageReference,
  type Attachment,
  dropMessageReference,
  locate,
  type SharedHandle,
  whyUnusable,
} from "../memory/shared_object.ts";
import { BY_HAND, writeUtf8 } from "../runtime/bytes.ts";
import * as tag from "./format.ts";
import { ASCII8, INT, KEYED, MAX_SMALL, trailerBytes, writeTrailer } from "./format.ts";
import { insteadOf, ofKind, Unsendable, unsendable } from "./refusal.ts";

const INITIAL = 4096;
/** A scratch buffer larger than this is not kept. */
const KEEP = 1 << 21;
/** The longest buffer that all engines can make. */
const LONGEST = 2 ** 32;
/** So many bytes are kept free, so that each number, tag or short string needs only one comparison to know that it has room. */
const SLACK = 256;
/** Up to this number of objects, identities are compared one by one. */
const FEW = 12;

let bytes = new Uint8Array(INITIAL);
let view = new DataView(bytes.buffer);
let words = new Int32Array(bytes.buffer);
/** Up to here, {@linkcode SLACK} bytes are free. */
let limit = INITIAL - SLACK;
let at = 0;
/** A large buffer that is used before a new one is made: the system must clear the pages of a new buffer. */
let spare: Uint8Array<ArrayBuffer> | undefined;
let scope: Destination = "thread";
// Used again for the next message, because a new list costs as much as a short message. Only the first `objectCount` items are
// valid.
const objects: (object | undefined)[] = new Array(FEW + 1).fill(undefined);
let objectCount = 0;
/** Whether there is anything in one of the variables below. */
let isSpecial = false;
let numbers: Map<object, number> | undefined;
let references: Attachment[] = [];
/** The instances whose serialize() was called and whose data is being written. */
let open: object[] = [];
/** The buffers of which only a part was written. */
let parted: ArrayBuffer[] = [];
/** The objects that are nested too deeply, and are written after the main value. */
let later: object[] = [];
let laterNumbers: Map<object, number> | undefined;

/** Thrown if a buffer comes again of which only a part was written: the receiver's views must share one buffer. */
export const AGAIN: unique symbol = Symbol("again");

/** A buffer that begins with the bytes of the last finished message. */
export let scratch: Uint8Array<ArrayBuffer> = bytes;
/** Whether the last finished message names shared objects. */
export let scratchNames = false;
/** {@linkcode scratch} as words. */
export let scratchWords: Int32Array<ArrayBuffer> = words;

/** Begins a message. */
export function begin(to: Destination): void {
  at = 0;
  scope = to;
}

/** Writes the list of references after the value, and returns the number of bytes in {@linkcode scratch}. */
export function finish(): number {
  scratchNames = isSpecial && references.length > 0;
  if (scratchNames) writeReferences();
  else writeTag(0);
  if (scratch !== bytes) publish();
  return at;
}

function writeReferences(): void {
  const length = trailerBytes(references.length);
  reserve(length);
  writeTrailer(view, at, references);
  at += length;
}

/** Drops the references of a message that will not be sent. */
export function giveBack(): void {
  for (const { space, at } of references) dropMessageReference(space, at);
  references = [];
}

/** Forgets the objects of a message that was written, so that it keeps none of them alive. */
export function forget(): void {
  for (let i = 0; i < objectCount; i++) objects[i] = undefined;
  objectCount = 0;
  if (isSpecial) forgetSpecial();
}

function forgetSpecial(): void {
  isSpecial = false;
  numbers = undefined;
  references = [];
  open = [];
  parted = [];
  later = [];
  laterNumbers = undefined;
}

/** Puts aside the message that is being written. Returns a function that continues it. */
export function putAside(): () => void {
  const known = objects.slice(0, objectCount);
  const state = [bytes, at, scope, isSpecial, numbers, references, open, parted, later, laterNumbers] as const;
  const handAgain = tag.putHandedAside();
  renew();
  objectCount = 0;
  forgetSpecial();
  return () => {
    [, at, scope, isSpecial, numbers, references, open, parted, later, laterNumbers] = state;
    use(state[0]);
    handAgain();
    objectCount = known.length;
    for (let i = 0; i < objectCount; i++) objects[i] = known[i];
  };
}

/** Drops the scratch buffer if it is large. */
export function trim(): void {
  if (bytes.length <= KEEP) return;
  renew();
  publish();
}

/** Leaves a buffer to the caller: no other message is written into it. */
export function giveAway(buffer: ArrayBuffer): void {
  if (buffer === bytes.buffer) renew();
}

/** Takes back a buffer that was given away and is not needed any more: the next large message may be written into it. */
export function takeAgain(buffer: ArrayBuffer): void {
  if (buffer.byteLength <= KEEP && buffer.byteLength > (spare?.length ?? 0)) spare = new Uint8Array(buffer);
}

function renew(): void {
  use(new Uint8Array(INITIAL));
}

function use(buffer: Uint8Array<ArrayBuffer>): void {
  bytes = buffer;
  view = new DataView(buffer.buffer);
  words = new Int32Array(buffer.buffer);
  limit = buffer.length - SLACK;
}

function publish(): void {
  scratch = bytes;
  scratchWords = words;
}

// Makes room for so many bytes and for SLACK behind them.
function reserve(count: number): void {
  if (at + count > limit) grow(count);
}

function grow(count: number): void {
  const least = at + count + SLACK;
  const wanted = Math.max(Math.min(bytes.length * 2, LONGEST), least);
  const larger = takeSpare(least) ?? new Uint8Array(Math.ceil(wanted / 8) * 8);
  larger.set(bytes.subarray(0, at));
  use(larger);
}

function takeSpare(least: number): Uint8Array<ArrayBuffer> | undefined {
  if (spare === undefined || spare.length < least) return undefined;
  const taken = spare;
  spare = undefined;
  return taken;
}

/** One byte. */
export function writeTag(form: number): void {
  if (at > limit) grow(0);
  bytes[at++] = form;
}

/** Two bytes: a tag and a small number. */
export function writePair(form: number, number: number): void {
  if (at > limit) grow(0);
  bytes[at] = form;
  bytes[at + 1] = number;
  at += 2;
}

/** A tag, and a count or a number in four bytes. */
export function writeCount(form: number, count: number): void {
  if (at > limit) grow(0);
  bytes[at] = form;
  view.setUint32(at + 1, count, true);
  at += 5;
}

/** Four bytes. */
export function writeWord(value: number): void {
  if (at > limit) grow(0);
  view.setUint32(at, value, true);
  at += 4;
}

/** Eight bytes. */
export function writeFloat(value: number): void {
  if (at > limit) grow(0);
  view.setFloat64(at, value, true);
  at += 8;
}

/** A number. */
export function writeNumber(value: number): void {
  if (at > limit) grow(0);
  if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
    if (value >= 0 && value <= MAX_SMALL) {
      bytes[at++] = value;
      return;
    }
    bytes[at] = INT;
    view.setInt32(at + 1, value, true);
    at += 5;
    return;
  }
  bytes[at] = tag.FLOAT;
  view.setFloat64(at + 1, value, true);
  at += 9;
}

/** A string. */
export function writeString(value: string): void {
  const { length } = value;
  if (length <= BY_HAND) {
    if (at > limit) grow(0);
    const target = bytes;
    const begin = at;
    target[begin] = ASCII8;
    target[begin + 1] = length;
    let to = begin + 2;
    const end = to + length;
    for (let code; to < end && (code = value.charCodeAt(to - begin - 2)) < 0x80; to++) target[to] = code;
    if (to === end) {
      at = end;
      return;
    }
    if (writeShortUtf8(value)) return;
  }
  writeByRuntime(value);
}

function writeByRuntime(value: string): void {
  const { length } = value;
  reserve(5 + length * 3);
  const isShort = length < 256;
  const begin = at + (isShort ? 2 : 5);
  const count = writeUtf8(value, bytes, begin);
  // As many bytes as code units: all are ASCII, and no lone surrogate was replaced.
  if (count === length && isShort) {
    bytes[at] = tag.ASCII8;
    bytes[at + 1] = length;
    at = begin + length;
    return;
  }
  if (count === length || value.isWellFormed()) {
    if (isShort) bytes.copyWithin(at + 5, begin, begin + count);
    bytes[at] = count === length ? tag.ASCII : tag.UTF8;
    view.setUint32(at + 1, count, true);
    at += 5 + count;
    return;
  }
  writeUtf16(value);
}

function writeUtf16(value: string): void {
  const { length } = value;
  bytes[at] = tag.UTF16;
  view.setUint32(at + 1, length, true);
  at += 5;
  for (let i = 0; i < length; i++, at += 2) view.setUint16(at, value.charCodeAt(i), true);
}

// Returns `false` if there are surrogates.
function writeShortUtf8(value: string): boolean {
  const begin = at + 5;
  let to = begin;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x80) {
      bytes[to++] = code;
    } else if (code < 0x800) {
      bytes[to++] = 0xc0 | code >> 6;
      bytes[to++] = 0x80 | code & 0x3f;
    } else if (code < 0xd800 || code >= 0xe000) {
      bytes[to++] = 0xe0 | code >> 12;
      bytes[to++] = 0x80 | code >> 6 & 0x3f;
      bytes[to++] = 0x80 | code & 0x3f;
    } else {
      return false;
    }
  }
  bytes[at] = tag.UTF8;
  view.setUint32(at + 1, to - begin, true);
  at = to;
  return true;
}

/** Keys that come in many messages, as {@linkcode tag.KEYED}. */
export function writeBlock(block: Int32Array): void {
  const { length } = block;
  reserve(5 + length * 4);
  const begin = at;
  bytes[begin] = KEYED;
  bytes[begin + 1] = length;
  // What is in the padding must not depend on the messages before. The rest of these bytes is overwritten.
  bytes[begin + 2] = bytes[begin + 3] = bytes[begin + 4] = 0;
  const target = words;
  const first = (begin + 2 + 3) >>> 2;
  for (let i = 0; i < length; i++) target[first + i] = block[i];
  at = (first + length) * 4;
}

/** How many bytes are written so far. */
export function written(): number {
  return at;
}

/** The bytes from `begin` on, until something is written. */
export function writtenFrom(begin: number): Uint8Array {
  return bytes.subarray(begin, at);
}

/** A list of four numbers or more. `false`: the array has other content, and nothing was written. */
export function writeNumbers(array: unknown[]): boolean {
  const { length } = array;
  if (length < 4 || typeof array[0] !== "number") return false;
  let integers = true;
  for (let i = 0; i < length; i++) {
    const item = array[i];
    if (typeof item !== "number") return false;
    if ((item | 0) !== item || item === 0 && 1 / item < 0) integers = false;
  }
  const width = integers ? 4 : 8;
  reserve(13 + length * width);
  bytes[at] = integers ? tag.INTS : tag.FLOATS;
  view.setUint32(at + 1, length, true);
  at += 5;
  at += (width - at) & (width - 1);
  // Loops instead of set(), which checks the type of each item.
  if (integers) {
    const target = new Int32Array(bytes.buffer, at, length);
    for (let i = 0; i < length; i++) target[i] = array[i] as number;
  } else {
    const target = new Float64Array(bytes.buffer, at, length);
    for (let i = 0; i < length; i++) target[i] = array[i] as number;
  }
  at += length * width;
  return true;
}

// The built-in methods, because classes of the program may override them.
const dateTime = Date.prototype.getTime;
const regexpSource = getterOf(RegExp.prototype, "source");
const regexpFlags = getterOf(RegExp.prototype, "flags");
const bufferLength = getterOf(ArrayBuffer.prototype, "byteLength");

function getterOf(prototype: object, key: string): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, key)!.get!;
}

/** A date. */
export function writeDate(date: Date): void {
  const time = ofKind(date, "Date", () => dateTime.call(date));
  writeTag(tag.DATE);
  writeFloat(time);
}

/** A regular expression. */
export function writeRegExp(regexp: RegExp): void {
  const source = ofKind(regexp, "RegExp", () => regexpSource.call(regexp) as string);
  writeTag(tag.REGEXP);
  writeString(source);
  writeString(regexpFlags.call(regexp) as string);
}

/** A whole buffer. */
export function writeBuffer(buffer: ArrayBuffer): void {
  ofKind(buffer, "ArrayBuffer", () => bufferLength.call(buffer));
  if (buffer.detached) throw unsendable(buffer, "it is detached");
  if (tag.isHanded(buffer)) return writeCount(tag.HANDED, tag.handedNumber(buffer));
  if (parted.length > 0 && parted.includes(buffer)) throw AGAIN;
  if (!buffer.resizable) {
    writeTag(tag.BUFFER);
  } else {
    writeTag(tag.RESIZABLE);
    writeFloat(buffer.maxByteLength);
  }
  writeBytes(new Uint8Array(buffer));
}

/**
 * A view, with only the part of its buffer that it covers. Nothing else in the message so far has the buffer. The rest of the
 * pool of a node `Buffer` is never sent.
 */
export function writePart(kind: number, buffer: ArrayBuffer, offset: number, length: number, isOfPool: boolean): void {
  if (!isOfPool) {
    if (parted.includes(buffer)) throw AGAIN;
    isSpecial = true;
    parted.push(buffer);
  }
  writePair(tag.VIEW, kind);
  isKnown({});
  writeTag(tag.BUFFER);
  writeBytes(new Uint8Array(buffer, offset, length));
}

function writeBytes(data: Uint8Array): void {
  reserve(12 + data.length);
  view.setUint32(at, data.length, true);
  at += 4;
  at += (8 - at) & 7;
  bytes.set(data, at);
  at += data.length;
}

/** A shared object: its address. The message gets a reference of its own to the object. */
export function writeShared(handle: SharedHandle): void {
  const located = locate(handle);
  if (located === undefined) {
    throw new Unsendable(handle, (path) => {
      return new InvalidStateError(`Cannot send ${path} as ${whyUnusable(handle)}`);
    });
  }
  const its = located.space.memory.scope;
  if (scope === "network") {
    throw new Unsendable(handle, (path) => {
      return new TypeError(
        `Cannot send ${path} to another machine as it is in the memory of this one: send its value`,
      );
    });
  }
  if (its === "thread" && scope === "process") {
    throw new Unsendable(
      handle,
      (path) => new TypeError(`Cannot send ${path} to another process as ${insteadOf(located.space, located.at)}`),
    );
  }
  addMessageReference(located.space, located.at);
  isSpecial = true;
  references.push(located);
  writePair(tag.SHARED, its === "thread" ? 0 : 1);
  writeWord(located.at);
}

/** If the object has come before, writes a reference to it and returns `true`. If not, gives the object its number. */
export function isKnown(value: object): boolean {
  if (numbers === undefined) {
    for (let i = 0; i < objectCount; i++) if (objects[i] === value) return writeReference(value, i);
    objects[objectCount++] = value;
    if (objectCount > FEW) beginMap();
    return false;
  }
  const number = numbers.get(value);
  if (number !== undefined) return writeReference(value, number);
  numbers.set(value, numbers.size);
  return false;
}

function beginMap(): void {
  isSpecial = true;
  numbers = new Map();
  for (const object of objects) numbers.set(object!, numbers.size);
}

function writeReference(value: object, number: number): true {
  if (open.length > 0 && open.includes(value)) {
    const { name } = tag.ofPrototype(Object.getPrototypeOf(value))!;
    throw unsendable(
      value,
      `what serialize() of "${name}" returns leads back to the same instance: leave that reference out`,
    );
  }
  writeCount(tag.REFERENCE, number);
  return true;
}

/** Whether the object has come before. */
export function hasCome(value: object): boolean {
  if (numbers !== undefined) return numbers.has(value);
  for (let i = 0; i < objectCount; i++) if (objects[i] === value) return true;
  return false;
}

/** Begins the data of `value`, up to {@linkcode endWhole}. The receiver needs all of it to make `value`. */
export function beginWhole(value: object): void {
  isSpecial = true;
  open.push(value);
}

/** Ends the data that {@linkcode beginWhole} began. */
export function endWhole(): void {
  open.pop();
}

/**
 * Defers an object that is nested too deeply: it writes a placeholder, and returns `true`. The object is written after the
 * main value. Returns `false` if the object has come before, or if it is in data that a class serializes: the receiver needs
 * that as a whole.
 */
export function isLeft(value: object, depth: number): boolean {
  if (hasCome(value) || value instanceof ArrayBuffer) return false;
  if (open.length > 0) {
    if (depth < tag.MAX_WHOLE_DEPTH) return false;
    throw new RangeError(
      `Cannot send a value that serialize() nests more than ${tag.MAX_WHOLE_DEPTH} levels deep: flatten it`,
    );
  }
  isSpecial = true;
  laterNumbers ??= new Map();
  let number = laterNumbers.get(value);
  if (number === undefined) {
    number = later.push(value) - 1;
    laterNumbers.set(value, number);
  }
  writeCount(tag.LATER, number);
  return true;
}

/** The deferred object with this number; `undefined` after the last. */
export function leftAt(index: number): object | undefined {
  return later[index];
}
