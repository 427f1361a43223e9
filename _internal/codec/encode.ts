/**
 * Values into bytes.
 *
 * Written for small messages: no map of identities before there are many, no second walk for anything, keys of objects of
 * the same shape only once, lists of numbers without tags. The path of a value that cannot be sent is looked for only
 * after it was found.
 *
 * @module
 */

import { InvalidStateError } from "../errors.ts";
import { classOf, THREAD } from "../memory/kinds.ts";
import type { Scope } from "../memory/memory.ts";
import {
  addReference,
  type Attachment,
  dropReference,
  locate,
  SharedHandle,
  whyUnusable,
} from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import { hostClassOf, isPlainInside, keepsNamedOfCollections, mayHaveNamed, tagOf } from "../runtime/host_classes.ts";
import { AGGREGATE, HIDDEN, numberOf } from "./errors.ts";
import { trailerBytes, writeTrailer } from "./references.ts";
import { dataOfKey, hidesAll, isIndex, pathOf, REFUSAL, whyHidden, whyHost, withArticle } from "./refusal.ts";
import * as tag from "./tags.ts";
import { ofPrototype } from "./tags.ts";

/** What a message is for. */
export interface EncodeOptions {
  /** What the value is called in messages: `item`, `args`. Empty: the value's own keys are. */
  root: string;
  /** Where the message goes. */
  scope: Scope;
}

const INITIAL = 4096;
/** A scratch buffer larger than this is not kept. */
const KEEP = 1 << 21;
/** To make a new scratch buffer costs less than to copy so many bytes. */
const APART = 1 << 16;
/** Strings up to here are written by hand; a call of the encoder costs as much as this. */
const SHORT = 64;
/** Identities up to here are looked for one by one. */
const FEW = 12;
/** A list of more shapes is not kept. */
const MANY_SHAPES = 64;

let bytes = new Uint8Array(INITIAL);
let view = new DataView(bytes.buffer);
let at = 0;
let scope: Scope = "thread";
// Lists that are used again for the next message, since to make them anew costs as much as a short one. Only so many of
// their items count.
const objects: (object | undefined)[] = new Array(FEW + 1).fill(undefined);
let objectCount = 0;
let numbers: Map<object, number> | undefined;
let shapes: (string[] | undefined)[] = [];
let shapeCount = 0;
let references: Attachment[] = [];
let depth = 0;
let busy = false;
/** Instances whose serialize() was called and whose data is being written. */
let open: object[] = [];
/** Buffers of which a part went alone. */
let parted: ArrayBuffer[] = [];
/** What is nested too deeply, and stands behind the rest. */
let later: object[] = [];
let laterNumbers: Map<object, number> | undefined;
/** Whether all parts go with their whole buffers. */
let whole = false;

const encoder = new TextEncoder();

/** Thrown where a buffer turns up again of which a part went alone: the two must share it on the other side. */
const AGAIN: unique symbol = Symbol("again");

/** Says that a value cannot be sent; the path is found afterwards. */
class Unsendable {
  constructor(readonly value: unknown, readonly make: (path: string) => Error) {}
}

/** The bytes that {@linkcode encodeScratch} made, and what else is behind them. The same as words: {@linkcode scratchWords}. */
export let scratch: Uint8Array<ArrayBuffer> = bytes;
/** Whether they name shared objects. */
export let scratchNames = false;
/** {@linkcode scratch} as words. */
export let scratchWords: Int32Array<ArrayBuffer> = new Int32Array(bytes.buffer);

/**
 * The bytes of a value. They stay as they are until the next call: copy them at once.
 *
 * @throws {DOMException} `DataCloneError` with the path of what cannot be sent.
 * @throws {TypeError} If an object of the threads' scope is to go to another process.
 * @throws {RangeError} If the value is nested too deeply.
 */
export function encode(value: unknown, options: EncodeOptions): Uint8Array {
  const length = encodeScratch(value, options);
  const result = scratch.subarray(0, length);
  trimScratch();
  return result;
}

/** Keeps no large buffer for the next message: to be called when the bytes of one were copied. */
export function trimScratch(): void {
  if (busy || bytes.length <= KEEP) return;
  bytes = new Uint8Array(INITIAL);
  view = new DataView(bytes.buffer);
  publish();
}

function publish(): void {
  scratch = bytes;
  scratchWords = new Int32Array(bytes.buffer);
}

/**
 * Makes the bytes of a value, as {@linkcode encode}, and returns how many: they are in {@linkcode scratch}, until the next
 * call.
 */
export function encodeScratch(value: unknown, options: EncodeOptions): number {
  if (busy) return encodeNested(value, options);
  busy = true;
  scope = options.scope;
  try {
    begin();
    try {
      writeAll(value);
    } catch (error) {
      if (error !== AGAIN) throw error;
      giveBack();
      forget();
      begin();
      whole = true;
      writeAll(value);
    }
    writeReferences();
    if (scratch !== bytes) publish();
    scratchNames = references.length > 0;
    return at;
  } catch (error) {
    giveBack();
    if (error instanceof Unsendable) throw error.make(pathOf(value, error.value, options.root));
    throw error;
  } finally {
    busy = false;
    whole = false;
    forget();
  }
}

/** A copy of the bytes of a value; long ones are not copied but given away. */
export function encodeApart(value: unknown, options: EncodeOptions): Uint8Array {
  const result = encode(value, options);
  if (result.length < APART) return result.slice();
  if (result.buffer === bytes.buffer) {
    bytes = new Uint8Array(INITIAL);
    view = new DataView(bytes.buffer);
  }
  return result;
}

function writeAll(value: unknown): void {
  write(value);
  // They may be nested too deeply in turn.
  for (let i = 0; i < later.length; i++) write(later[i]);
}

function begin(): void {
  at = 0;
  depth = 0;
}

// Nothing of the program is kept alive by a message that is written.
function forget(): void {
  for (let i = 0; i < objectCount; i++) objects[i] = undefined;
  objectCount = 0;
  numbers = undefined;
  if (shapeCount > MANY_SHAPES) shapes = [];
  for (let i = 0; i < shapes.length && i < shapeCount; i++) shapes[i] = undefined;
  shapeCount = 0;
  if (references.length > 0) references = [];
  if (open.length > 0) open = [];
  if (parted.length > 0) parted = [];
  if (later.length > 0) later = [];
  laterNumbers = undefined;
}

// Once more behind the value: see references.ts.
function writeReferences(): void {
  const count = references.length;
  if (count === 0) {
    reserve(1);
    bytes[at++] = 0;
    return;
  }
  const length = trailerBytes(count);
  reserve(length);
  writeTrailer(view, at, references);
  at += length;
}

function giveBack(): void {
  for (const { space, at } of references) dropReference(space, at);
  references = [];
}

// A getter or a serialize() of the program sends something itself.
function encodeNested(value: unknown, options: EncodeOptions): number {
  const known = objects.slice(0, objectCount);
  const state = [
    [bytes, view, at, scope, numbers, shapes, shapeCount, references] as const,
    [depth, open, parted, whole, later, laterNumbers] as const,
  ] as const;
  bytes = new Uint8Array(INITIAL);
  view = new DataView(bytes.buffer);
  objectCount = 0;
  numbers = undefined;
  shapes = [];
  shapeCount = 0;
  references = [];
  open = [];
  parted = [];
  whole = false;
  later = [];
  laterNumbers = undefined;
  busy = false;
  try {
    return encodeScratch(value, options);
  } finally {
    [bytes, view, at, scope, numbers, shapes, shapeCount, references] = state[0];
    [depth, open, parted, whole, later, laterNumbers] = state[1];
    objectCount = known.length;
    for (let i = 0; i < objectCount; i++) objects[i] = known[i];
    busy = true;
  }
}

function reserve(count: number): void {
  if (at + count <= bytes.length) return;
  const larger = new Uint8Array((Math.max(bytes.length * 2, at + count) + 7) & -8);
  larger.set(bytes.subarray(0, at));
  bytes = larger;
  view = new DataView(larger.buffer);
}

function write(value: unknown): void {
  switch (typeof value) {
    case "number":
      writeNumber(value);
      return;
    case "string":
      writeString(value);
      return;
    case "boolean":
      reserve(1);
      bytes[at++] = value ? tag.TRUE : tag.FALSE;
      return;
    case "undefined":
      reserve(1);
      bytes[at++] = tag.UNDEFINED;
      return;
    case "object":
      if (value === null) {
        reserve(1);
        bytes[at++] = tag.NULL;
      } else {
        writeObject(value);
      }
      return;
    case "bigint":
      reserve(1);
      bytes[at++] = tag.BIGINT;
      writeString(value.toString(16));
      return;
    default:
      throw new Unsendable(value, (path) =>
        new DOMException(
          `Cannot send ${path} as a ${typeof value} cannot be copied: pass data, and name functions as targets`,
          "DataCloneError",
        ));
  }
}

function writeNumber(value: number): void {
  reserve(9);
  if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
    if (value >= 0 && value <= tag.MAX_SMALL) {
      bytes[at++] = value;
      return;
    }
    bytes[at] = tag.INT;
    view.setInt32(at + 1, value, true);
    at += 5;
    return;
  }
  bytes[at] = tag.FLOAT;
  view.setFloat64(at + 1, value, true);
  at += 9;
}

function writeString(value: string): void {
  const { length } = value;
  if (length <= SHORT) {
    reserve(2 + length);
    bytes[at] = tag.ASCII8;
    bytes[at + 1] = length;
    let i = 0;
    for (let code; i < length && (code = value.charCodeAt(i)) < 0x80; i++) bytes[at + 2 + i] = code;
    if (i === length) {
      at += 2 + length;
      return;
    }
  }
  reserve(5 + length * 3);
  const { written } = encoder.encodeInto(value, bytes.subarray(at + 5));
  // As many bytes as units: each is ASCII, and none a surrogate that was replaced.
  if (written === length || value.isWellFormed()) {
    bytes[at] = written === length ? tag.ASCII : tag.UTF8;
    view.setUint32(at + 1, written, true);
    at += 5 + written;
    return;
  }
  bytes[at] = tag.UTF16;
  view.setUint32(at + 1, length, true);
  at += 5;
  for (let i = 0; i < length; i++, at += 2) view.setUint16(at, value.charCodeAt(i), true);
}

function writeCount(form: number, count: number): void {
  reserve(5);
  bytes[at] = form;
  view.setUint32(at + 1, count, true);
  at += 5;
}

// Returns whether the object was there before, and is now written as a reference to that.
function isKnown(value: object): boolean {
  let number: number | undefined;
  if (numbers !== undefined) {
    number = numbers.get(value);
    if (number === undefined) {
      numbers.set(value, numbers.size);
      return false;
    }
  } else {
    number = numberAmongFew(value);
    if (number < 0) {
      objects[objectCount++] = value;
      if (objectCount > FEW) {
        numbers = new Map();
        for (const object of objects) numbers.set(object!, numbers.size);
      }
      return false;
    }
  }
  if (open.length > 0 && open.includes(value)) {
    const { name } = ofPrototype(Object.getPrototypeOf(value))!;
    throw new Unsendable(value, (path) =>
      new DOMException(
        `Cannot send ${path} as what serialize() of "${name}" returns leads back to the same instance: leave that reference out`,
        "DataCloneError",
      ));
  }
  writeCount(tag.REFERENCE, number);
  return true;
}

function numberAmongFew(value: object): number {
  for (let i = 0; i < objectCount; i++) if (objects[i] === value) return i;
  return -1;
}

// Whether the object is left for later, or for its first place in what comes later. What a class serializes cannot be:
// it is needed as a whole.
function isLeft(value: object): boolean {
  if (numberOfObject(value) >= 0) return false;
  if (value instanceof ArrayBuffer) return false;
  if (open.length > 0) {
    if (depth < tag.MAX_WHOLE_DEPTH) return false;
    throw new RangeError(
      `Cannot send a value that serialize() nests more than ${tag.MAX_WHOLE_DEPTH} levels deep: flatten it`,
    );
  }
  laterNumbers ??= new Map();
  let number = laterNumbers.get(value);
  if (number === undefined) {
    number = later.push(value) - 1;
    laterNumbers.set(value, number);
  }
  writeCount(tag.LATER, number);
  return true;
}

function writeObject(value: object): void {
  if (depth >= tag.MAX_DEPTH && isLeft(value)) return;
  if (isKnown(value)) return;
  depth++;
  if (Array.isArray(value)) {
    writeArray(value);
  } else {
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === Object.prototype) writePlain(value as Record<string, unknown>);
    else if (prototype === null) writeBare(value as Record<string, unknown>);
    else writeInstance(value, prototype);
  }
  depth--;
}

function writeArray(array: unknown[]): void {
  // Holes may be as many as named properties, where values are counted.
  if (!mayHaveNamed(array)) {
    if (writeNumbers(array)) return;
    if (!isSparse(array)) return writeDense(array);
  }
  const keys = Object.keys(array);
  const named = namedOf(keys);
  if (named.length === 0) writeElements(array, keys);
  else writeNamed(array, named, () => writeElements(array, keys.slice(0, -named.length)));
}

function writeElements(array: unknown[], indexes: string[]): void {
  if (writeNumbers(array)) return;
  if (isSparse(array)) writeSparse(array, indexes);
  else writeDense(array);
}

// Indexes are listed first.
function namedOf(keys: string[]): string[] {
  let count = keys.length;
  while (count > 0 && !isIndex(keys[count - 1])) count--;
  return count === keys.length ? NONE : keys.slice(count);
}

function writeNamed(object: object, keys: string[], writeItself: () => void): void {
  reserve(1);
  bytes[at++] = tag.NAMED;
  depth++;
  writeItself();
  reserve(4);
  view.setUint32(at, keys.length, true);
  at += 4;
  for (const key of keys) writeString(key);
  for (const key of keys) write((object as Record<string, unknown>)[key]);
  depth--;
}

function writeDense(array: unknown[]): void {
  const { length } = array;
  if (length < 256) {
    reserve(2);
    bytes[at] = tag.ARRAY8;
    bytes[at + 1] = length;
    at += 2;
  } else {
    writeCount(tag.ARRAY, length);
  }
  for (let i = 0; i < length; i++) write(array[i]);
}

function writeSparse(array: unknown[], keys: string[]): void {
  writeCount(tag.SPARSE, array.length);
  reserve(4);
  view.setUint32(at, keys.length, true);
  at += 4;
  for (const key of keys) {
    reserve(4);
    view.setUint32(at, Number(key), true);
    at += 4;
    write(array[Number(key)]);
  }
}

function isSparse(array: unknown[]): boolean {
  for (let i = 0; i < array.length; i++) if (array[i] === undefined && !(i in array)) return true;
  return false;
}

function writeNumbers(array: unknown[]): boolean {
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
  at = (at + 5 + width - 1) & -width;
  // Not by set(), which asks each item what it is.
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

function writePlain(object: Record<string, unknown>): void {
  const keys = Object.keys(object);
  const { length } = keys;
  // Few plain objects are so, and what is not what it seems is.
  if (length === 0 || keys[0] === "0") checkPlain(object);
  for (let i = shapeCount - 1, last = Math.max(0, i - 7); i >= last; i--) {
    const shape = shapes[i]!;
    if (shape.length !== length) continue;
    let same = true;
    for (let k = 0; k < length && same; k++) same = shape[k] === keys[k];
    if (!same) continue;
    writeCount(tag.SHAPED, i);
    for (let k = 0; k < length; k++) write(object[keys[k]]);
    return;
  }
  shapes[shapeCount++] = keys;
  writeKeys(tag.OBJECT, keys);
  for (let k = 0; k < length; k++) write(object[keys[k]]);
}

function writeBare(object: Record<string, unknown>): void {
  if (Symbol.toStringTag in object) checkPlain(object);
  else if (toString.call(object) === "[object Error]") return writeError(object as unknown as Error);
  const keys = Object.keys(object);
  writeKeys(tag.BARE_OBJECT, keys);
  for (const key of keys) write(object[key]);
}

function writeKeys(form: number, keys: string[]): void {
  writeCount(form, keys.length);
  for (const key of keys) writeString(key);
}

function writeInstance(value: object, prototype: object): void {
  const serialization = ofPrototype(prototype);
  if (serialization !== undefined) {
    const isError = value instanceof Error;
    reserve(1);
    bytes[at++] = isError ? tag.REGISTERED_ERROR : tag.REGISTERED;
    writeString(serialization.name);
    open.push(value);
    write(serialization.serialize(value as never));
    open.pop();
    // What every error has, so that no class needs to think of it.
    if (isError) {
      write(typeof value.stack === "string" ? value.stack : undefined);
      write(Object.hasOwn(value, "cause") ? value.cause : undefined);
    }
  } else if (value instanceof SharedHandle) {
    writeShared(value);
  } else if (ArrayBuffer.isView(value)) {
    writeView(value);
  } else if (value instanceof Map) {
    writeMap(value, prototype);
  } else if (value instanceof Set) {
    writeSet(value, prototype);
  } else if (value instanceof Date) {
    writeDate(value);
  } else if (value instanceof Error || typeof DOMException !== "undefined" && value instanceof DOMException) {
    writeError(value);
  } else if (value instanceof ArrayBuffer) {
    writeBuffer(value);
  } else if (value instanceof RegExp) {
    writeRegExp(value);
  } else if (
    value instanceof Number || value instanceof String || value instanceof Boolean || value instanceof BigInt
  ) {
    writeBoxed(value);
  } else if (REFUSAL in value) {
    throw unsendable(value, String(value[REFUSAL]));
  } else {
    const hostClass = hostClassOf(prototype);
    if (hostClass !== "" || hidesAll(value, prototype)) writeHost(value, hostClass, prototype);
    else writePlain(value as Record<string, unknown>);
  }
}

function writeMap(map: Map<unknown, unknown>, prototype: object | null): void {
  const entries = ofKind(map, "Map", () => prototype === Map.prototype ? [...map] : [...mapEntries.call(map)]);
  const named = keepsNamedOfCollections ? Object.keys(map) : NONE;
  if (named.length > 0) writeNamed(map, named, () => writeEntries(entries));
  else writeEntries(entries);
}

function writeEntries(entries: [unknown, unknown][]): void {
  writeCount(tag.MAP, entries.length);
  for (const [key, item] of entries) {
    write(key);
    write(item);
  }
}

function writeSet(set: Set<unknown>, prototype: object | null): void {
  const items = ofKind(set, "Set", () => prototype === Set.prototype ? [...set] : [...setValues.call(set)]);
  const named = keepsNamedOfCollections ? Object.keys(set) : NONE;
  if (named.length > 0) writeNamed(set, named, () => writeItems(items));
  else writeItems(items);
}

function writeItems(items: unknown[]): void {
  writeCount(tag.SET, items.length);
  for (const item of items) write(item);
}

function writeDate(date: Date): void {
  const time = ofKind(date, "Date", () => dateTime.call(date));
  reserve(9);
  bytes[at] = tag.DATE;
  view.setFloat64(at + 1, time, true);
  at += 9;
}

function writeRegExp(regexp: RegExp): void {
  const source = ofKind(regexp, "RegExp", () => regexpSource.call(regexp) as string);
  reserve(1);
  bytes[at++] = tag.REGEXP;
  writeString(source);
  writeString(regexpFlags.call(regexp) as string);
}

function writeBoxed(boxed: object): void {
  const value = ofKind(boxed, "boxed primitive", () => primitiveOf(boxed));
  reserve(1);
  bytes[at++] = tag.BOXED;
  write(value);
}

function primitiveOf(boxed: object): unknown {
  const type = boxed instanceof Number
    ? Number
    : boxed instanceof String
    ? String
    : boxed instanceof Boolean
    ? Boolean
    : BigInt;
  return (type.prototype.valueOf as () => unknown).call(boxed);
}

// Asked of the objects' insides, since classes of the program may extend these and answer something else.
const mapEntries = Map.prototype.entries;
const setValues = Set.prototype.values;
const dateTime = Date.prototype.getTime;
const regexpSource = getterOf(RegExp.prototype, "source");
const regexpFlags = getterOf(RegExp.prototype, "flags");
const bufferLength = getterOf(ArrayBuffer.prototype, "byteLength");
const NONE: string[] = [];

function getterOf(prototype: object, key: string): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, key)!.get!;
}

// A proxy of one, or what was made with its prototype, has no insides.
function ofKind<T>(value: object, kind: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw unsendable(
      value,
      `it only has the prototype of ${withArticle(kind)}, or is a proxy of one: send the ${kind} itself`,
    );
  }
}

// The key is asked for first: whatever it is a class of, it can be copied.
function writeHost(value: object, hostClass: string, prototype: object): void {
  const kind = tagOf(value);
  const key = dataOfKey(value, kind);
  if (key !== undefined) {
    reserve(1);
    bytes[at++] = tag.KEY;
    // The receiver makes the key at once, so nothing of it may come later.
    open.push(value);
    write(key);
    open.pop();
    return;
  }
  // Of another realm: its class is not the one of this realm.
  if (kind === "Map") return writeMap(value as Map<unknown, unknown>, prototype);
  if (kind === "Set") return writeSet(value as Set<unknown>, prototype);
  if (kind === "Date") return writeDate(value as Date);
  if (kind === "RegExp") return writeRegExp(value as RegExp);
  if (kind === "Error") return writeError(value as Error);
  if (kind === "ArrayBuffer") return writeBuffer(value as ArrayBuffer);
  if (hostClass !== "" && !hidesAll(value, prototype) && isPlainInside(value)) {
    return writePlain(value as Record<string, unknown>);
  }
  throw unsendable(value, hostClass === "" ? whyHidden(prototype) : whyHost(hostClass, kind));
}

const { toString } = Object.prototype;

// Of a plain object that would arrive empty, or like a list: whether that is what it is.
function checkPlain(object: object): void {
  if (toString.call(object) === "[object Object]") return;
  const kind = tagOf(object);
  const own = Object.getOwnPropertyDescriptor(object, Symbol.toStringTag);
  // A program writes such a name in another way than a runtime.
  if (own === undefined ? Symbol.toStringTag in object : own.enumerable || own.writable) return;
  if (isPlainInside(object)) return;
  throw unsendable(object, whyHost(kind, kind));
}

function unsendable(value: unknown, reason: string): Unsendable {
  return new Unsendable(value, (path) => new DOMException(`Cannot send ${path} as ${reason}`, "DataCloneError"));
}

function writeShared(handle: SharedHandle): void {
  const located = locate(handle);
  if (located === undefined) {
    throw new Unsendable(handle, (path) => {
      return new InvalidStateError(`Cannot send ${path} as ${whyUnusable(handle)}`);
    });
  }
  const its = located.space.memory.scope;
  if (its === "thread" && scope === "process") {
    throw new Unsendable(
      handle,
      (path) => new TypeError(`Cannot send ${path} to another process as ${insteadOf(located.space, located.at)}`),
    );
  }
  addReference(located.space, located.at);
  references.push(located);
  reserve(6);
  bytes[at] = tag.SHARED;
  bytes[at + 1] = its === "thread" ? 0 : 1;
  view.setUint32(at + 2, located.at, true);
  at += 6;
}

// By what the object is: a class of the program that extends one of these has another name.
function insteadOf(space: Space, at: number): string {
  const kind = space.words[at] & 0xff;
  if (kind === THREAD) {
    return "a thread belongs to its process: send its name, or start a Process of @weft/concurrent/multiprocessing";
  }
  return `it is shared between threads only: use ${classOf("thread", kind)!.name} of @weft/concurrent/multiprocessing`;
}

const kindOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;
const kinds: Map<string | undefined, number> = new Map(tag.VIEWS.map((type, index) => [type.name, index]));

function writeView(value: ArrayBufferView): void {
  // Asked of the array itself, since classes of the program may extend these. A DataView has no such name.
  const kind = kinds.get((kindOf.call(value) as string | undefined) ?? "DataView");
  const { buffer } = value;
  if (kind === undefined || !(buffer instanceof ArrayBuffer)) {
    throw unsendable(value, "a view of a SharedArrayBuffer cannot be copied into a message: use SharedArray");
  }
  if (buffer.detached) throw unsendable(value, "its buffer is detached");
  const { byteOffset, byteLength } = value;
  // A `Buffer` of node: what else is in its pool is none of the receiver's business.
  const isOfPool = Object.getPrototypeOf(value) !== tag.VIEWS[kind].prototype;
  const tracks = buffer.resizable && byteOffset + byteLength === buffer.byteLength;
  if (byteLength === buffer.byteLength) {
    writeKind(tag.VIEW, kind);
    write(buffer);
  } else if (!isOfPool && (whole || buffer.resizable || numberOfObject(buffer) >= 0)) {
    writeKind(tag.PART, kind);
    writeFloat(byteOffset);
    const size = (value as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
    writeFloat(tracks ? -1 : byteLength / size);
    write(buffer);
  } else {
    // Alone: nobody else in the message has the buffer, so far.
    if (!isOfPool) {
      if (parted.includes(buffer)) throw AGAIN;
      parted.push(buffer);
    }
    writeKind(tag.VIEW, kind);
    isKnown({});
    writeBytes(new Uint8Array(buffer, byteOffset, byteLength));
  }
}

function numberOfObject(value: object): number {
  return numbers !== undefined ? numbers.get(value) ?? -1 : numberAmongFew(value);
}

function writeKind(form: number, kind: number): void {
  reserve(2);
  bytes[at] = form;
  bytes[at + 1] = kind;
  at += 2;
}

function writeFloat(value: number): void {
  reserve(8);
  view.setFloat64(at, value, true);
  at += 8;
}

function writeBuffer(buffer: ArrayBuffer): void {
  ofKind(buffer, "ArrayBuffer", () => bufferLength.call(buffer));
  if (buffer.detached) throw unsendable(buffer, "it is detached");
  if (parted.length > 0 && parted.includes(buffer)) throw AGAIN;
  if (!buffer.resizable) {
    writeBytes(new Uint8Array(buffer));
    return;
  }
  reserve(1);
  bytes[at++] = tag.RESIZABLE;
  writeFloat(buffer.maxByteLength);
  writeLength(new Uint8Array(buffer));
}

function writeBytes(data: Uint8Array): void {
  reserve(1);
  bytes[at++] = tag.BUFFER;
  writeLength(data);
}

function writeLength(data: Uint8Array): void {
  reserve(12 + data.length);
  view.setUint32(at, data.length, true);
  at = (at + 4 + 7) & -8;
  bytes.set(data, at);
  at += data.length;
}

const ERROR_KEYS = new Set(["name", "message", "stack", "cause", "errors"]);

function writeError(error: Error): void {
  const number = numberOf(error);
  reserve(2);
  bytes[at] = tag.ERROR;
  bytes[at + 1] = number;
  at += 2;
  // One without a prototype has none of its own.
  const { name = "Error", message = "" } = error as { name?: unknown; message?: unknown };
  writeString(String(name));
  writeString(String(message));
  write(typeof error.stack === "string" ? error.stack : undefined);
  const properties: Record<string, unknown> = {};
  // Own and not enumerable, so it has to be asked for.
  if (Object.hasOwn(error, "cause")) properties.cause = error.cause;
  if (number === AGGREGATE) properties.errors = (error as AggregateError).errors;
  if (typeof SuppressedError === "function" && error instanceof SuppressedError) {
    for (const key of HIDDEN) properties[key] = (error as unknown as Record<string, unknown>)[key];
  }
  for (const key of Object.keys(error)) {
    if (ERROR_KEYS.has(key)) continue;
    const value = (error as unknown as Record<string, unknown>)[key];
    // Also what objects have anyway, like `__proto__`.
    Object.defineProperty(properties, key, { value, configurable: true, enumerable: true, writable: true });
  }
  // Bun's errors of node's kind have it from their prototypes.
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && !Object.hasOwn(error, "code")) properties.code = code;
  // An object like any other, to the reader.
  isKnown(properties);
  depth++;
  writePlain(properties);
  depth--;
}
