/**
 * The format of messages: the tags, the numbers of the kinds of view, the names of registered classes, and the references to
 * shared objects after the value.
 *
 * A value is a tag and the content that belongs to the tag. Numbers are little-endian. Lengths and counts are four bytes, or
 * one byte in the `…8` forms. Objects, arrays and all other values with an identity are numbered in the order of their tags.
 * `REFERENCE` stands for an object that came before. After the value comes a list of the shared objects that it names: see
 * the end of this module.
 *
 * @module
 */

import {
  addMessageReference,
  type Attachment,
  dropMessageReference,
  loseMessageReference,
  seemsObject,
} from "../memory/shared_object.ts";
import { existingSpace, type Space } from "../memory/space.ts";

/** A tag from 0 to 0x7f is that number. */
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
/** A number of code units, then UTF-16: for strings with lone surrogates. */
export const UTF16 = 0x88;
/** A count, then that many values. */
export const ARRAY8 = 0x89;
export const ARRAY = 0x8a;
/** The length of an array with holes, a count, then that many pairs of index and value. */
export const SPARSE = 0x8b;
/** A count, padding to a multiple of four, then that many INTs without their tags. */
export const INTS = 0x8c;
/** A count, padding to a multiple of eight, then that many FLOATs without their tags. */
export const FLOATS = 0x8d;
/** A count of keys, the keys, then that many values. The keys get a number, for SHAPED. */
export const OBJECT = 0x8e;
/** The number of the keys of an OBJECT or a KEYED, then the values. */
export const SHAPED = 0x8f;
/** As OBJECT, without a prototype. */
export const BARE_OBJECT = 0x90;
/** The number of an object that came before. */
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
/** The kind of view in one byte, then its buffer as a value. The view covers the whole buffer. */
export const VIEW = 0x98;
/** The class in one byte. Then, as values, name, message, stack, and an object with the cause and the own properties. */
export const ERROR = 0x99;
/** A primitive value in an object. */
export const BOXED = 0x9a;
/** A shared object: its scope in one byte, its address in four. */
export const SHARED = 0x9b;
/** The name of a registered class, then the value that its `serialize` returned. */
export const REGISTERED = 0x9c;
/** The largest size of the buffer in eight bytes, then as BUFFER. */
export const RESIZABLE = 0x9d;
/** As VIEW, after the kind: the offset in bytes and the length in elements, eight bytes each. Length -1: tracks the buffer. */
export const PART = 0x9e;

/** A length, then ASCII. */
export const ASCII = 0x9f;
/** An error of a registered class: as REGISTERED, then its stack and its cause. */
export const REGISTERED_ERROR = 0xa0;
/** An array, map or set that has named properties, then as OBJECT: a count of keys, the keys, the values. */
export const NAMED = 0xa1;
/** A number, counted from 0: the value is nested too deeply to be written here, and comes after the main value. */
export const LATER = 0xa2;
/** A KeyObject or CryptoKey: an object with its data. */
export const KEY = 0xa3;
/** The number of a buffer that is sent beside the message. */
export const HANDED = 0xa4;
/**
 * As OBJECT, for keys that come in many messages. A number of words in one byte, padding to a multiple of four, and so many
 * words: a count in one byte, the keys, padding with zeros. The receiver compares the words with those that it has read before.
 */
export const KEYED = 0xa5;
/** The largest number of words of a KEYED. */
export const MAX_KEYED = 63;

/** The largest maximum size of a resizable buffer. */
export const MAX_RESERVED: number = 2 ** 33;

/** The largest depth of nesting. Values that are nested more deeply come after the main value. */
export const MAX_DEPTH = 500;

/**
 * The largest depth of a value that a class serializes. No part of it can come later, and with more levels the receiver could
 * exceed its stack.
 */
export const MAX_WHOLE_DEPTH = 1500;

/** The kinds of view, by number. */
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

/** The number of a view's kind. It reads the built-in name, because classes of the program may extend the classes of views. */
export function kindOfView(view: ArrayBufferView): number | undefined {
  // A DataView has no such name.
  return kinds.get((nameOf.call(view) as string | undefined) ?? "DataView");
}

// Registered classes: their instances keep their class when they are sent.

/** How instances of a class are sent. */
interface Serialization {
  /** The prototype of the instances. */
  prototype: object;
  /** The name of the class in messages: the same in every thread. */
  name: string;
  /** Returns the value that is sent in place of an instance. */
  serialize: (value: never) => unknown;
  /** Makes the instance again from that value. */
  deserialize: (data: never) => object;
}

const byPrototype: Map<object, Serialization> = new Map();
const byName: Map<string, Serialization> = new Map();

/** Registers a class. */
export function register(serialization: Serialization): void {
  byPrototype.set(serialization.prototype, serialization);
  byName.set(serialization.name, serialization);
}

/** How instances with this prototype are sent; `undefined`: the class is not registered. */
export function ofPrototype(prototype: object): Serialization | undefined {
  return byPrototype.get(prototype);
}

/** How to read instances of the class with this name; `undefined`: no such class is registered. */
export function ofName(name: string): Serialization | undefined {
  return byName.get(name);
}

// The references of a message to the shared objects that it names.
//
// `encode` adds a reference for each, which keeps the object alive while the message is on its way, even if the sender drops its
// handles. `decode` passes the references to the receiver. If no thread will receive a message, its references must be dropped
// without decoding it, because decoding runs code of the program. So the objects are listed again after the value:
//
// ```text
//   value │ scope and address of each: 1 + 4 bytes │ how many: one byte, or four and a byte of 255
// ```
//
// Nothing that is read here is trusted: addresses outside of the message or the memory, or without an object, are skipped.

const REFERENCE_BYTES = 5;
/** As the last byte, it means that the count is in the four bytes before. */
const MANY = 255;
const MANY_BYTES = 5;

/** The number of bytes after a value that names `count` objects. */
export function trailerBytes(count: number): number {
  return count * REFERENCE_BYTES + (count < MANY ? 1 : MANY_BYTES);
}

/** Writes the list of references after a value. */
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

// Buffers that are sent beside a message, not in it. The message has only their numbers.

/** While messages are written: the buffers to send beside them. */
let handable: ReadonlySet<ArrayBuffer> | undefined;
/** While messages are written: the buffers that a message contains so far. */
let handed: ArrayBuffer[] = [];
/** While a message is read: the buffers that came beside it. */
let given: readonly ArrayBuffer[] = [];

/** Sends these buffers beside the messages that contain them, until {@linkcode takeHanded}. */
export function handOver(buffers: ReadonlySet<ArrayBuffer>): void {
  handable = buffers;
  handed = [];
}

/** Returns the buffers to send beside the messages written since {@linkcode handOver}. */
export function takeHanded(): ArrayBuffer[] {
  const taken = handed;
  handable = undefined;
  handed = [];
  return taken;
}

/** Whether a buffer is sent beside the message. */
export function isHanded(buffer: ArrayBuffer): boolean {
  return handable !== undefined && handable.has(buffer);
}

/** The number of a buffer that is sent beside the message. */
export function handedNumber(buffer: ArrayBuffer): number {
  const number = handed.indexOf(buffer);
  return number >= 0 ? number : handed.push(buffer) - 1;
}

/** Writes all buffers into the messages from now on. Returns a function that restores the state before. */
export function putHandedAside(): () => void {
  const state = [handable, handed] as const;
  handable = undefined;
  return () => {
    [handable, handed] = state;
  };
}

/** Sets the buffers that came beside the message that is read next. */
export function setHanded(buffers: readonly ArrayBuffer[]): void {
  given = buffers;
}

/** The buffer with this number that came beside the message; `undefined`: there is none. */
export function handedAt(number: number): ArrayBuffer | undefined {
  return given[number];
}

/** Where the value ends in the first `length` bytes of a message. Negative: the bytes are not a message. */
export function endOfValue(message: Uint8Array, length: number): number {
  const last = message[length - 1];
  if (last === 0) return length - 1;
  return length - (last === MANY ? MANY_BYTES : 1) - countIn(message, length) * REFERENCE_BYTES;
}

/** Whether a message names shared objects. */
export function hasReferences(message: Uint8Array): boolean {
  return countIn(message, message.length) > 0;
}

/** Adds references for another copy of a message. */
export function addReferences(message: Uint8Array): void {
  if (hasReferences(message)) visitReferences(message, addMessageReference);
}

/** Drops the references of a message that no thread will receive. */
export function dropReferences(message: Uint8Array): void {
  if (hasReferences(message)) visitReferences(message, dropMessageReference);
}

/** Like {@linkcode dropReferences}, for a message whose sender or receiver may be gone. */
export function loseReferences(message: Uint8Array): void {
  if (hasReferences(message)) visitReferences(message, loseMessageReference);
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

// Bytes before the first read as 0.
function countIn(message: Uint8Array, length: number): number {
  const last = length === 0 ? 0 : message[length - 1];
  return last < MANY ? last : readWord(message, length - MANY_BYTES);
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
}
