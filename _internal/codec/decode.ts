/**
 * Decodes bytes into values.
 *
 * The decoder trusts nothing that it reads. A count larger than the remaining bytes, a reference to an object that has not
 * come, and an unknown tag are errors, before anything is allocated for them.
 *
 * @module
 */

import { OBJECT_HEADER } from "../memory/memory.ts";
import { dropMessageReference, handleAt } from "../memory/shared_object.ts";
import { spaceOf } from "../memory/space.ts";
import { Later, putLater } from "./arrivals.ts";
import { completeError, define, giveProperties, makeError } from "./error_classes.ts";
import * as tag from "./format.ts";
import { ARRAY8, ASCII8, endOfValue, INT, KEYED, MAX_KEYED, MAX_SMALL, SHAPED } from "./format.ts";
import { type KeyData, keyOfData } from "./refusal.ts";
import { keysIn, noteKeys, slotOf } from "./shapes.ts";
import { ascii, recurring, utf16, utf8 } from "./text.ts";

type ResizableConstructor = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

let bytes: Uint8Array = new Uint8Array(0);
/** The same bytes as words, if the caller has them. */
let words: Int32Array | undefined;
let at = 0;
let end = 0;
// These lists are used again for the next message, because new lists cost as much as decoding a short message. Items at and
// after the count are undefined.
let objects: unknown[] = [];
let objectCount = 0;
let shapes: (readonly string[] | undefined)[] = [];
let shapeCount = 0;
let laterCount = 0;
let depth = 0;
let keep = false;
/** Whether a message is being decoded. */
export let isDecoding = false;

/** How a message is read. */
interface DecodeOptions {
  /** Whether the message will be read again, and so keeps its references to shared objects. */
  keep?: boolean;
}

// Floats are read byte by byte: a DataView for each message would cost more than the rest of the message.
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

/** Says that a value is an object. */
const NOT_SIMPLE = Symbol();
/** Longer lists are not kept. */
const MANY = 64;
/** Levels beyond the limit: one object may take several levels, like an error with its properties or a view with its buffer. */
const SLACK = 8;
const DEEPEST = tag.MAX_WHOLE_DEPTH + SLACK;
/** Longer arrays grow as their items are read, because the length may be wrong. */
const BELIEVED = 1024;

/**
 * Decodes the bytes that `encode` made. `data` must not change during the call. The value shares no memory with it.
 *
 * @throws {TypeError} If the bytes are not valid, or name a class that is not registered here.
 * @throws What the `deserialize` of a class throws.
 */
export function decode(data: Uint8Array, options?: DecodeOptions): unknown {
  return decodeFirst(data, data.length, options?.keep === true);
}

/** {@linkcode decode} of the first `length` bytes only. `itsWords` are the same bytes as words. */
export function decodeFirst(
  data: Uint8Array,
  length: number,
  keepReferences: boolean,
  itsWords?: Int32Array,
): unknown {
  if (isDecoding) return decodeNested(data, length, keepReferences, itsWords);
  isDecoding = true;
  keep = keepReferences;
  bytes = data;
  words = itsWords;
  at = 0;
  end = endOfValue(data, length);
  depth = 0;
  try {
    const value = read();
    if (laterCount > 0) {
      if (value instanceof Later) broken("the main value is itself deferred");
      readLater();
    }
    if (at !== end) broken("there are bytes after the value");
    return value;
  } finally {
    isDecoding = false;
    forget();
  }
}

// A message that was read must keep no object alive.
function forget(): void {
  if (objectCount > MANY || shapeCount > MANY) {
    objects = [];
    shapes = [];
  } else {
    for (let i = 0; i < objectCount; i++) objects[i] = undefined;
    for (let i = 0; i < shapeCount; i++) shapes[i] = undefined;
  }
  objectCount = 0;
  shapeCount = 0;
  laterCount = 0;
}

// Called when the deserialize() of a class of the program receives a message itself.
function decodeNested(
  data: Uint8Array,
  length: number,
  keepReferences: boolean,
  itsWords: Int32Array | undefined,
): unknown {
  const state = [bytes, words, at, end, objects, objectCount, shapes, shapeCount, laterCount, depth, keep] as const;
  objects = [];
  objectCount = 0;
  shapes = [];
  shapeCount = 0;
  laterCount = 0;
  isDecoding = false;
  try {
    return decodeFirst(data, length, keepReferences, itsWords);
  } finally {
    [bytes, words, at, end, objects, objectCount, shapes, shapeCount, laterCount, depth, keep] = state;
    isDecoding = true;
  }
}

// Values that are nested too deeply come after the main value, in the order of their placeholders.
function readLater(): void {
  const values: unknown[] = [];
  while (values.length < laterCount) values.push(read());
  for (let i = 0; i < objectCount; i++) putLater(objects[i], values);
}

function broken(how: string): never {
  throw new TypeError(`Cannot read a message as ${how} at byte ${at}`);
}

function readInt(): number {
  if (at + 4 > end) broken("it ends too early");
  const value = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
  at += 4;
  return value;
}

function readNumber(): number {
  return readInt() >>> 0;
}

function readCount(size: number): number {
  const count = readNumber();
  if (count * size > end - at) broken("a count is larger than what is left");
  return count;
}

function readByte(): number {
  if (at >= end) broken("it ends too early");
  return bytes[at++];
}

function read(): unknown {
  if (at >= end) broken("it ends too early");
  const form = bytes[at++];
  // The most frequent ones first, because a runtime that has not compiled the `switch` yet tries one case after the other.
  if (form <= MAX_SMALL) return form;
  if (form === ASCII8) return readShort();
  if (form === INT) return readInt();
  if (form !== ARRAY8 && form !== KEYED && form !== SHAPED) {
    const value = readSimple(form);
    if (value !== NOT_SIMPLE) return value;
  }
  if (++depth > DEEPEST) broken("it is nested too deeply");
  const value = form === ARRAY8 ? readArray(readByte()) : readObject(form);
  depth--;
  return value;
}

// A value without an identity of its own, or a reference to one that has come.
function readSimple(form: number): unknown {
  switch (form) {
    case tag.FLOAT:
      return readFloat();
    case tag.UTF8:
    case tag.UTF16:
    case tag.ASCII:
      return readStringOf(form);
    case tag.UNDEFINED:
      return undefined;
    case tag.NULL:
      return null;
    case tag.TRUE:
      return true;
    case tag.FALSE:
      return false;
    case tag.BIGINT: {
      const digits = readString();
      if (!/^-?[0-9a-f]+$/.test(digits)) broken("a bigint has characters that are not digits");
      return digits[0] === "-" ? -BigInt("0x" + digits.slice(1)) : BigInt("0x" + digits);
    }
    case tag.REFERENCE: {
      const number = readNumber();
      // An object that is still being made is undefined, too: the encoder writes no reference to such an object.
      if (objects[number] === undefined) broken("a reference has no object before it");
      return objects[number];
    }
    case tag.LATER: {
      const number = readNumber();
      if (number > laterCount) broken("a deferred value has a wrong number");
      if (number === laterCount) laterCount++;
      return new Later(number);
    }
  }
  return NOT_SIMPLE;
}

function readFloat(): number {
  if (at + 8 > end) broken("it ends too early");
  for (let i = 0; i < 8; i++) doubleBytes[i] = bytes[at + i];
  at += 8;
  return double[0];
}

function readString(): string {
  return readStringOf(readByte());
}

function readShort(): string {
  if (at >= end) broken("it ends too early");
  const length = bytes[at];
  const start = at + 1;
  if (start + length > end) broken("it ends too early");
  at = start + length;
  return recurring(bytes, start, length);
}

function readStringOf(form: number): string {
  if (form === ASCII8) return readShort();
  if (form === tag.ASCII || form === tag.UTF8) {
    const length = readCount(1);
    at += length;
    return form === tag.ASCII ? ascii(bytes, at - length, length) : utf8(bytes, at - length, length);
  }
  if (form === tag.UTF16) {
    const length = readCount(2);
    at += length * 2;
    return utf16(bytes, at - length * 2, length);
  }
  return broken("a string was expected");
}

function readObject(form: number): unknown {
  if (form === KEYED) {
    const object: Record<string, unknown> = {};
    remember(object);
    return fill(object, shapes[shapeCount++] = readBlock());
  }
  if (form === SHAPED) {
    const object: Record<string, unknown> = {};
    remember(object);
    const keys = shapes[readNumber()];
    if (keys === undefined) broken("a reference to keys has no keys before it");
    return fill(object, keys);
  }
  return readOther(form);
}

function readOther(form: number): unknown {
  switch (form) {
    case tag.ARRAY:
      return readArray(readCount(1));
    case tag.OBJECT: {
      const object: Record<string, unknown> = {};
      remember(object);
      const keys = readKeys();
      shapes[shapeCount++] = keys;
      return fill(object, keys);
    }
    case tag.BARE_OBJECT: {
      const object = Object.create(null) as Record<string, unknown>;
      remember(object);
      return fill(object, readKeys());
    }
    case tag.INTS:
      return readNumbers(4);
    case tag.FLOATS:
      return readNumbers(8);
    case tag.SPARSE:
      return readSparse();
    case tag.MAP: {
      const map = new Map();
      remember(map);
      for (let count = readCount(2); count > 0; count--) {
        const key = read();
        map.set(key, read());
      }
      return map;
    }
    case tag.SET: {
      const set = new Set();
      remember(set);
      for (let count = readCount(1); count > 0; count--) set.add(read());
      return set;
    }
    case tag.DATE:
      return remember(new Date(readFloat()));
    case tag.REGEXP: {
      const source = readString();
      return remember(new RegExp(source, readString()));
    }
    case tag.BUFFER:
      return remember(readBytes(readCount(1)));
    case tag.HANDED:
      return remember(tag.handedAt(readCount(0)) ?? broken("a buffer did not come with it"));
    case tag.RESIZABLE: {
      const max = readFloat();
      const data = readBytes(readCount(1));
      if (!(max >= data.byteLength && max <= tag.MAX_RESERVED)) broken("a buffer is larger than it may become");
      const buffer = new (ArrayBuffer as ResizableConstructor)(data.byteLength, { maxByteLength: max });
      new Uint8Array(buffer).set(new Uint8Array(data));
      return remember(buffer);
    }
    case tag.VIEW:
    case tag.PART: {
      const kind = readByte();
      const offset = form === tag.PART ? readFloat() : 0;
      // -1: the view tracks the length of its buffer.
      const length = form === tag.PART ? readFloat() : -1;
      const number = place();
      const buffer = read();
      const type = tag.VIEWS[kind];
      if (type === undefined || !(buffer instanceof ArrayBuffer)) broken("a view has no buffer");
      return objects[number] = length < 0 ? new type(buffer, offset) : new type(buffer, offset, length);
    }
    case tag.ERROR:
      return readError();
    case tag.BOXED: {
      const number = place();
      return objects[number] = Object(read());
    }
    case tag.NAMED: {
      const value = read();
      if (typeof value !== "object" || value === null) broken("named properties have no object");
      return fill(value as Record<string, unknown>, readKeys());
    }
    case tag.KEY: {
      const number = place();
      const data = read();
      try {
        return objects[number] = keyOfData(data as KeyData);
      } catch {
        return broken("the data of a key is invalid");
      }
    }
    case tag.SHARED:
      return remember(readShared());
    case tag.REGISTERED:
    case tag.REGISTERED_ERROR: {
      const number = place();
      const name = readString();
      const data = read();
      const serialization = tag.ofName(name);
      if (serialization === undefined) {
        throw new TypeError(
          `Cannot receive an instance of "${name}" as this thread has no such class: call registerSerializable() in a module that it imports`,
        );
      }
      const instance = objects[number] = serialization.deserialize(data as never);
      if (form === tag.REGISTERED_ERROR) completeError(instance, read(), read());
      return instance;
    }
  }
  return broken(`there is an unknown tag ${form}`);
}

function remember<T>(value: T): T {
  objects[objectCount++] = value;
  return value;
}

// Reserves the number of an object that can be made only after its content is read.
function place(): number {
  objects[objectCount] = undefined;
  return objectCount++;
}

function readArray(length: number): unknown[] {
  if (length > end - at) broken("a count is larger than what is left");
  const array: unknown[] = length <= BELIEVED ? new Array(length) : [];
  remember(array);
  if (length <= BELIEVED) { for (let i = 0; i < length; i++) array[i] = read(); }
  else for (let i = 0; i < length; i++) array.push(read());
  return array;
}

function readBytes(length: number): ArrayBuffer {
  // Not rounded by bits, which would make a place behind 2 GiB negative.
  at += (8 - at) & 7;
  if (at + length > end) broken("it ends too early");
  at += length;
  // Not a slice of the buffer, which may be a SharedArrayBuffer.
  return bytes.slice(at - length, at).buffer as ArrayBuffer;
}

function readSparse(): unknown[] {
  const length = readNumber();
  const array: unknown[] = [];
  array.length = length;
  remember(array);
  for (let count = readCount(5); count > 0; count--) {
    const index = readNumber();
    if (index >= length) broken("an index is larger than its array");
    array[index] = read();
  }
  return array;
}

function readNumbers(width: 4 | 8): number[] {
  const length = readCount(width);
  at += (width - at) & (width - 1);
  if (at + length * width > end) broken("it ends too early");
  const array: number[] = new Array(length);
  remember(array);
  const start = bytes.byteOffset + at;
  const buffer = start % width === 0 ? bytes.buffer : bytes.slice(at, at + length * width).buffer;
  const from = start % width === 0 ? start : 0;
  if (width === 4) {
    const numbers = new Int32Array(buffer, from, length);
    for (let i = 0; i < length; i++) array[i] = numbers[i];
  } else {
    const numbers = new Float64Array(buffer, from, length);
    for (let i = 0; i < length; i++) array[i] = numbers[i];
  }
  at += length * width;
  return array;
}

function readKeys(): string[] {
  const keys: string[] = new Array(readCount(2));
  for (let i = 0; i < keys.length; i++) keys[i] = readString();
  return keys;
}

function readBlock(): readonly string[] {
  const size = readByte();
  at += (4 - at) & 3;
  const begin = at;
  const stop = at + size * 4;
  if (size === 0 || size > MAX_KEYED || stop > end) broken("keys have a wrong length");
  let slot = 0;
  if (words !== undefined) {
    slot = slotOf(words, begin >> 2, size);
    const keys = keysIn(slot, words, begin >> 2, size);
    if (keys !== undefined) {
      at = stop;
      return keys;
    }
  }
  return readNewBlock(slot, begin, size);
}

function readNewBlock(slot: number, begin: number, size: number): readonly string[] {
  const stop = begin + size * 4;
  const keys: string[] = new Array(readByte());
  for (let i = 0; i < keys.length; i++) keys[i] = readString();
  if (at > stop || at + 4 <= stop) broken("keys have a wrong length");
  at = stop;
  return words === undefined ? keys : noteKeys(slot, words, begin >> 2, size, keys);
}

function fill(object: Record<string, unknown>, keys: readonly string[]): object {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    const value = read();
    if (key === "__proto__") {
      Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
    } else {
      object[key] = value;
    }
  }
  return object;
}

function readError(): Error {
  const number = readByte();
  const index = place();
  const name = readString();
  const message = readString();
  const error = makeError(number, name, message);
  objects[index] = error;
  const stack = read();
  if (error.name !== name) define(error, "name", name);
  if (typeof stack === "string") define(error, "stack", stack);
  const properties = read() as Record<string, unknown>;
  if (typeof properties !== "object" || properties === null) broken("an error has no properties");
  giveProperties(error, properties);
  return error;
}

function readShared(): object {
  const space = spaceOf(readByte() === 0 ? "thread" : "process");
  const address = readNumber();
  if (address < OBJECT_HEADER || address >= space.words.length) broken("an object is outside of the shared memory");
  const handle = handleAt(space, address);
  // The handle has taken a reference of its own, so that of the message is dropped.
  if (!keep) dropMessageReference(space, address);
  return handle;
}
