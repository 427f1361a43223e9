/**
 * What the bytes of a message mean: the tags, the kinds of view by their numbers, the registered classes by their names, and
 * the references to shared objects behind the value.
 *
 * A value is a tag and what the tag says follows. Numbers are little-endian. Lengths and counts are four bytes, or one in
 * the `…8` forms. Objects, arrays and everything else that has an identity is numbered in the order of its tags, and
 * `REFERENCE` stands for an object that came before. Behind the value stand the shared objects that it names: see the end of
 * this module.
 *
 * @module
 */

import { kindAt } from "../memory/kinds.ts";
import { OBJECT_HEADER } from "../memory/memory.ts";
import { addReference, type Attachment, dropReference, seemsObject } from "../memory/shared_object.ts";
import { existingSpace, type Space } from "../memory/space.ts";

/** 0 … 0x7f: that number. */
export const MAX_SMALL = 0x7f;

export const UNDEFINED = 0x80;
export const NULL = 0x81;
export const FALSE = 0x82;
export const TRUE = 0x83;
/** Four bytes. */
export const INT = 0x84;
/** Eight bytes. */
export const FLOAT = 0x85;
/** A length in one byte, then ASCII. */
export const ASCII8 = 0x86;
/** A length in bytes, then UTF-8. */
export const UTF8 = 0x87;
/** A number of units, then UTF-16: for strings with lone surrogates. */
export const UTF16 = 0x88;
/** A count, then that many values. */
export const ARRAY8 = 0x89;
export const ARRAY = 0x8a;
/** A length, a count, then that many pairs of index and value. */
export const SPARSE = 0x8b;
/** A count, padding to a multiple of four, then that many INTs without their tags. */
export const INTS = 0x8c;
/** A count, padding to a multiple of eight, then that many FLOATs without their tags. */
export const FLOATS = 0x8d;
/** A count of keys, the keys, then that many values. The keys get a number, for SHAPED. */
export const OBJECT = 0x8e;
/** The number of an OBJECT's keys, then the values. */
export const SHAPED = 0x8f;
/** As OBJECT, without a prototype. */
export const BARE_OBJECT = 0x90;
/** The number of what is meant. */
export const REFERENCE = 0x91;
export const MAP = 0x92;
export const SET = 0x93;
/** Eight bytes: milliseconds. */
export const DATE = 0x94;
/** Source and flags. */
export const REGEXP = 0x95;
/** The number in hexadecimal, as a string value. */
export const BIGINT = 0x96;
/** A length in bytes, padding to a multiple of eight, the bytes. */
export const BUFFER = 0x97;
/** The kind of view in one byte, then its buffer as a value, all of which it views. */
export const VIEW = 0x98;
/** Class in one byte; name, message, stack, and an object with the cause and its own properties, as values. */
export const ERROR = 0x99;
/** A primitive value in an object. */
export const BOXED = 0x9a;
/** Scope in one byte, address in four. */
export const SHARED = 0x9b;
/** The name of a registered class, then what it was made into. */
export const REGISTERED = 0x9c;
/** As BUFFER, after the size that it may grow to, as eight bytes. */
export const RESIZABLE = 0x9d;
/** As VIEW, with where it begins in bytes and its length in elements, eight bytes each; -1: to the end. */
export const PART = 0x9e;

/** A length, then ASCII. */
export const ASCII = 0x9f;
/** As REGISTERED, of an error: then its stack and its cause. */
export const REGISTERED_ERROR = 0xa0;
/** What has named properties besides its elements or entries, then as OBJECT: a count of keys, the keys, the values. */
export const NAMED = 0xa1;
/** A number, counted from 0: the value stands behind the whole, since it is nested too deeply to be read here. */
export const LATER = 0xa2;
/** A KeyObject or CryptoKey: an object with what it is made of. */
export const KEY = 0xa3;
/** A buffer that comes beside the message: its number. */
export const HANDED = 0xa4;

/** The largest size that a resizable buffer may be made for. */
export const MAX_RESERVED: number = 2 ** 33;

/** How deep values are written into each other; what is deeper stands behind the rest. */
export const MAX_DEPTH = 500;

/** How deep what a class serializes may be, which is needed whole: more could end the stack of the thread that reads it. */
export const MAX_WHOLE_DEPTH = 1500;

/** The kinds of view, by their number. */
export const VIEWS: readonly (new (buffer: ArrayBuffer, offset?: number, length?: number) => ArrayBufferView)[] = [
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  ...("Float16Array" in globalThis
    ? [(globalThis as unknown as { Float16Array: new (buffer: ArrayBuffer) => ArrayBufferView }).Float16Array]
    : []),
];

const kinds: Map<string | undefined, number> = new Map(VIEWS.map((type, index) => [type.name, index]));
const nameOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;

/** The number of a view's kind. Asked of the array itself, since classes of the program may extend these. */
export function kindOfView(view: ArrayBufferView): number | undefined {
  // A DataView has no such name.
  return kinds.get((nameOf.call(view) as string | undefined) ?? "DataView");
}

// Classes whose instances keep their class on the way.

/** How instances of a class are sent. */
interface Serialization {
  /** What its instances have as their prototype. */
  prototype: object;
  /** The class's name on the way: the same in every thread. */
  name: string;
  /** What is sent in place of the instance. */
  serialize: (value: never) => unknown;
  /** The instance again. */
  deserialize: (data: never) => object;
}

const byPrototype: Map<object, Serialization> = new Map();
const byName: Map<string, Serialization> = new Map();

/** Registers a class. */
export function register(serialization: Serialization): void {
  byPrototype.set(serialization.prototype, serialization);
  byName.set(serialization.name, serialization);
}

/** How instances with this prototype are sent, if that was said. */
export function ofPrototype(prototype: object): Serialization | undefined {
  return byPrototype.get(prototype);
}

/** How to read an instance. */
export function ofName(name: string): Serialization | undefined {
  return byName.get(name);
}

// The references that a message has on the shared objects it names.
//
// `encode` adds one for each, so that an object outlives its handles while it is under way, and `decode` makes them the
// receiver's. A message that no thread will ever receive has to give them back without being decoded, since decoding runs
// code of the program. So they stand once more behind the value:
//
// ```text
//   value │ scope and address of each: 1 + 4 bytes │ how many: one byte, or four and a byte of 255
// ```
//
// Nothing that is read is believed: what leads out of the message, out of the memory, or to no object is passed over.

const REFERENCE_BYTES = 5;
/** As the last byte: the count is in the four before. */
const MANY = 255;
const MANY_BYTES = 5;

/** How many bytes stand behind a value that names so many objects. */
export function trailerBytes(count: number): number {
  return count * REFERENCE_BYTES + (count < MANY ? 1 : MANY_BYTES);
}

/** Writes them there. */
export function writeTrailer(view: DataView, start: number, references: readonly Attachment[]): void {
  const { length } = references;
  let at = start;
  for (const { space, at: address } of references) {
    view.setUint8(at, space.memory.scope === "thread" ? 0 : 1);
    view.setUint32(at + 1, address, true);
    at += REFERENCE_BYTES;
  }
  if (length >= MANY) {
    view.setUint32(at, length, true);
    at += 4;
  }
  view.setUint8(at, Math.min(length, MANY));
}

// Buffers that go beside a message and not in it: the message has their numbers. While messages are written, those that go so if
// they are in a message, and those that were; while one is read, those that came.

let handable: ReadonlySet<ArrayBuffer> | undefined;
let handed: ArrayBuffer[] = [];
let given: readonly ArrayBuffer[] = [];

/** Has these buffers, where they are in messages, go beside them: until {@linkcode takeHanded}. */
export function handOver(buffers: ReadonlySet<ArrayBuffer>): void {
  handable = buffers;
  handed = [];
}

/** The buffers that go beside what was written since {@linkcode handOver}. */
export function takeHanded(): ArrayBuffer[] {
  const taken = handed;
  handable = undefined;
  handed = [];
  return taken;
}

/** Whether a buffer goes beside the message. */
export function isHanded(buffer: ArrayBuffer): boolean {
  return handable !== undefined && handable.has(buffer);
}

/** The number of such a buffer. */
export function handedNumber(buffer: ArrayBuffer): number {
  const number = handed.indexOf(buffer);
  return number >= 0 ? number : handed.push(buffer) - 1;
}

/** Has all buffers go in the messages that are written now. Returns how to go on as before. */
export function putHandedAside(): () => void {
  const state = [handable, handed] as const;
  handable = undefined;
  return () => {
    [handable, handed] = state;
  };
}

/** Says which buffers come beside the message that is read next. */
export function setHanded(buffers: readonly ArrayBuffer[]): void {
  given = buffers;
}

/** The buffer of that number; `undefined`: there is none. */
export function handedAt(number: number): ArrayBuffer | undefined {
  return given[number];
}

/** Where the value ends in the first `length` bytes of a message; below 0: there is no message. */
export function endOfValue(message: Uint8Array, length: number): number {
  const last = message[length - 1];
  if (last === 0) return length - 1;
  return length - (last === MANY ? MANY_BYTES : 1) - countIn(message, length) * REFERENCE_BYTES;
}

/** Whether a message names shared objects. */
export function hasReferences(message: Uint8Array): boolean {
  return countIn(message, message.length) > 0;
}

/** Takes references of its own for a message that is sent once more. */
export function addReferences(message: Uint8Array): void {
  if (hasReferences(message)) visitReferences(message, addReference);
}

/** Gives back the references of a message that will not be received. */
export function dropReferences(message: Uint8Array): void {
  if (hasReferences(message)) visitReferences(message, dropReference);
}

/** As {@linkcode dropReferences}, of a message that was sent: the thread or process that was to receive it is gone. */
export function loseReferences(message: Uint8Array): void {
  if (hasReferences(message)) visitReferences(message, loseReference);
}

function loseReference(space: Space, address: number): void {
  kindAt(space, address)?.lost?.(space, address + OBJECT_HEADER);
  dropReference(space, address);
}

function visitReferences(message: Uint8Array, visit: (space: Space, address: number) => void): void {
  const { length } = message;
  const start = endOfValue(message, length);
  if (start < 0) return;
  const end = start + countIn(message, length) * REFERENCE_BYTES;
  for (let at = start; at < end; at += REFERENCE_BYTES) {
    const space = existingSpace(message[at] === 0 ? "thread" : "process");
    const address = readWord(message, at + 1);
    if (space !== undefined && address < space.words.length && seemsObject(space, address)) visit(space, address);
  }
}

// Before the first byte there is nothing: bytes there count as 0.
function countIn(message: Uint8Array, length: number): number {
  const last = length === 0 ? 0 : message[length - 1];
  return last < MANY ? last : readWord(message, length - MANY_BYTES);
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
}
