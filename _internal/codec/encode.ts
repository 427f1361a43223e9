/**
 * Encodes values into bytes: the values that contain other values, and the beginning and end of a message. The values that
 * contain no others are in output.ts.
 *
 * It is optimized for small messages. It makes no map of identities before there are many objects, writes the keys of
 * objects of the same shape once, and writes lists of numbers without tags. A second pass over the value is made only if a
 * buffer was written in part and comes again (see `AGAIN`), or to find the path to a value that cannot be sent.
 *
 * @module
 */

import type { Destination } from "../memory/memory.ts";
import { SharedHandle } from "../memory/shared_object.ts";
import { hostClassOf, isPlainInside, keepsNamedOfCollections, mayHaveNamed, tagOf } from "../runtime/host_classes.ts";
import { numberOf, propertiesOf } from "./error_classes.ts";
import * as tag from "./format.ts";
import { ARRAY8, MAX_DEPTH, SHAPED } from "./format.ts";
import {
  AGAIN,
  begin,
  beginWhole,
  endWhole,
  finish,
  forget,
  giveAway,
  giveBack,
  hasCome,
  isKnown,
  isLeft,
  leftAt,
  putAside,
  scratch,
  trim,
  writeBlock,
  writeBuffer,
  writeCount,
  writeDate,
  writeFloat,
  writeNumber,
  writeNumbers,
  writePair,
  writePart,
  writeRegExp,
  writeShared,
  writeString,
  writeTag,
  writeWord,
  written,
  writtenFrom,
} from "./output.ts";
import {
  checkPlain,
  dataOfKey,
  hidesAll,
  isIndex,
  ofKind,
  pathOf,
  REFUSAL,
  Unsendable,
  unsendable,
  whyHidden,
  whyHost,
} from "./refusal.ts";
import { BLOCK_BYTES, forgetShape, makeBlock, type Shape, shapeOf } from "./shapes.ts";

/** The purpose of a message. */
export interface EncodeOptions {
  /** The name of the value in error messages: `item`, `args`. If it is empty, paths begin with the value's own keys. */
  root: string;
  /** Where the message goes. */
  scope: Destination;
}

/** From this number of bytes on, a new scratch buffer costs less than a copy. */
const APART = 1 << 16;
/** A longer list of shapes is not kept. */
const MANY_SHAPES = 64;

/** The shapes of the message, by number. Used again for the next message: only the first `shapeCount` items are valid. */
let shapes: Shape[] = [];
let shapeCount = 0;
/** The shapes of the message whose keys are too long to be kept. */
let passing: Shape[] = [];
let depth = 0;
let busy = false;
/** Whether every view of a part of a buffer is sent with its whole buffer. */
let whole = false;

// The built-in methods, because classes of the program may override them.
const eachOfMap = Map.prototype.forEach;
const setValues = Set.prototype.values;
const NONE: string[] = [];
const NO_SHAPE: Shape = { keys: NONE, place: 0, number: 0, block: undefined };

/**
 * Encodes a value. The bytes are valid until the next call: copy them at once.
 *
 * @throws {DOMException} `DataCloneError` with the path to a value that cannot be sent.
 * @throws {TypeError} If an object that only threads share would go to another process, or any shared object to another
 * machine.
 * @throws {RangeError} If the value is nested too deeply.
 */
export function encode(value: unknown, options: EncodeOptions): Uint8Array {
  const length = encodeScratch(value, options);
  const result = scratch.subarray(0, length);
  trimScratch();
  return result;
}

/** Drops the scratch buffer if it is large. Call it when the bytes of a message have been copied. */
export function trimScratch(): void {
  if (!busy) trim();
}

/**
 * Encodes a value, like {@linkcode encode}, and returns the number of bytes. They are in {@linkcode scratch} until the next
 * call.
 */
export function encodeScratch(value: unknown, options: EncodeOptions): number {
  if (busy) return encodeNested(value, options);
  busy = true;
  try {
    writeAll(value, options.scope);
    return finish();
  } catch (error) {
    return mend(error, value, options);
  } finally {
    busy = false;
    whole = false;
    forgetAll();
  }
}

// Tries again with whole buffers if that is what was wrong, or throws the error for the program.
function mend(thrown: unknown, value: unknown, options: EncodeOptions): number {
  let error = thrown;
  giveBack();
  if (error === AGAIN) {
    forgetAll();
    whole = true;
    try {
      writeAll(value, options.scope);
      return finish();
    } catch (second) {
      giveBack();
      error = second;
    }
  }
  throw error instanceof Unsendable ? error.make(pathOf(value, error.value, options.root)) : error;
}

/** Encodes a value into bytes that stay valid: a copy, or for long values the scratch buffer itself, which is replaced. */
export function encodeApart(value: unknown, options: EncodeOptions): Uint8Array {
  const result = encode(value, options);
  if (result.length < APART) return result.slice();
  giveAway(result.buffer as ArrayBuffer);
  return result;
}

function writeAll(value: unknown, scope: Destination): void {
  begin(scope);
  depth = 0;
  write(value);
  if (leftAt(0) !== undefined) writeLeft();
}

// A deferred value may defer other values in turn.
function writeLeft(): void {
  for (let i = 0, left = leftAt(i); left !== undefined; left = leftAt(++i)) write(left);
}

// A message that was written must keep no object of the program alive.
function forgetAll(): void {
  forget();
  if (shapeCount > MANY_SHAPES) shapes = [];
  shapeCount = 0;
  if (passing.length > 0) forgetPassing();
}

function forgetPassing(): void {
  passing.forEach(forgetShape);
  passing = [];
  shapes = [];
}

// Called when a getter or a serialize() of the program sends a message itself.
function encodeNested(value: unknown, options: EncodeOptions): number {
  const state = [shapes, shapeCount, passing, depth, whole] as const;
  const goOn = putAside();
  shapes = [];
  shapeCount = 0;
  passing = [];
  whole = false;
  busy = false;
  try {
    return encodeScratch(value, options);
  } finally {
    [shapes, shapeCount, passing, depth, whole] = state;
    goOn();
    busy = true;
  }
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
      writeTag(value ? tag.TRUE : tag.FALSE);
      return;
    case "undefined":
      writeTag(tag.UNDEFINED);
      return;
    case "object":
      if (value === null) writeTag(tag.NULL);
      else writeObject(value);
      return;
    default:
      writeRare(value);
  }
}

function writeRare(value: unknown): void {
  if (typeof value !== "bigint") {
    throw unsendable(value, `a ${typeof value} cannot be copied: pass data, and name functions as targets`);
  }
  writeTag(tag.BIGINT);
  writeString(value.toString(16));
}

function writeObject(value: object): void {
  if (depth >= MAX_DEPTH && isLeft(value, depth)) return;
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
  // `mayHaveNamed` counts values, so it overlooks named properties if the array has as many holes.
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

// The keys that are not indexes, which come last in the list.
function namedOf(keys: string[]): string[] {
  let count = keys.length;
  while (count > 0 && !isIndex(keys[count - 1])) count--;
  return count === keys.length ? NONE : keys.slice(count);
}

function writeNamed(object: object, keys: string[], writeItself: () => void): void {
  writeTag(tag.NAMED);
  depth++;
  writeItself();
  writeWord(keys.length);
  for (const key of keys) writeString(key);
  for (const key of keys) write((object as Record<string, unknown>)[key]);
  depth--;
}

function writeDense(array: unknown[]): void {
  const { length } = array;
  if (length < 256) writePair(ARRAY8, length);
  else writeCount(tag.ARRAY, length);
  for (let i = 0; i < length; i++) write(array[i]);
}

function writeSparse(array: unknown[], keys: string[]): void {
  writeCount(tag.SPARSE, array.length);
  writeWord(keys.length);
  for (const key of keys) {
    writeWord(Number(key));
    write(array[Number(key)]);
  }
}

function isSparse(array: unknown[]): boolean {
  for (let i = 0; i < array.length; i++) if (array[i] === undefined && !(i in array)) return true;
  return false;
}

function writePlain(object: Record<string, unknown>): void {
  const keys = Object.keys(object);
  const { length } = keys;
  // Objects of the runtime that only look plain have no keys, or begin with an index. Few plain objects do, so the check is rare.
  if (length === 0 || keys[0] === "0") checkPlain(object);
  if (length === 0) {
    // No other object refers to the shape by its number.
    shapes[shapeCount++] = NO_SHAPE;
    writeCount(tag.OBJECT, 0);
    return;
  }
  const shape = shapeOf(keys);
  const { number } = shape;
  if (number >= 0 && number < shapeCount && shapes[number] === shape) writeCount(SHAPED, number);
  else writeShape(shape);
  for (let k = 0; k < length; k++) write(object[keys[k]]);
}

function writeShape(shape: Shape): void {
  const { block, number } = shape;
  shape.number = shapeCount;
  shapes[shapeCount++] = shape;
  if (block !== undefined) writeBlock(block);
  else writeNewShape(shape, number >= 0);
}

function writeNewShape(shape: Shape, cameBefore: boolean): void {
  const { keys } = shape;
  writeCount(tag.OBJECT, keys.length);
  const begin = written();
  for (const key of keys) writeString(key);
  if (written() - begin > BLOCK_BYTES) passing.push(shape);
  else if (cameBefore) makeBlock(shape, writtenFrom(begin));
}

function writeBare(object: Record<string, unknown>): void {
  if (Symbol.toStringTag in object) checkPlain(object);
  else if (Object.prototype.toString.call(object) === "[object Error]") return writeError(object as unknown as Error);
  const keys = Object.keys(object);
  writeKeys(tag.BARE_OBJECT, keys);
  for (const key of keys) write(object[key]);
}

function writeKeys(form: number, keys: string[]): void {
  writeCount(form, keys.length);
  for (const key of keys) writeString(key);
}

function writeInstance(value: object, prototype: object): void {
  const serialization = tag.ofPrototype(prototype);
  if (serialization !== undefined) {
    const isError = value instanceof Error;
    writeTag(isError ? tag.REGISTERED_ERROR : tag.REGISTERED);
    writeString(serialization.name);
    beginWhole(value);
    write(serialization.serialize(value as never));
    endWhole();
    // Sent for every error, so that no class has to serialize them itself.
    if (isError) {
      write(typeof value.stack === "string" ? value.stack : undefined);
      write(Object.hasOwn(value, "cause") ? value.cause : undefined);
    }
  } else if (prototype === Map.prototype) {
    writeMap(value as Map<unknown, unknown>);
  } else if (value instanceof SharedHandle) {
    writeShared(value);
  } else if (ArrayBuffer.isView(value)) {
    writeView(value);
  } else if (value instanceof Map) {
    writeMap(value);
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

function writeMap(map: Map<unknown, unknown>): void {
  const entries = ofKind(map, "Map", () => entriesOf(map));
  const named = keepsNamedOfCollections ? Object.keys(map) : NONE;
  if (named.length > 0) writeNamed(map, named, () => writeEntries(entries));
  else writeEntries(entries);
}

// Keys and values in turn. They are listed first, because a getter or a serialize() of the program may change the map.
function entriesOf(map: Map<unknown, unknown>): unknown[] {
  const entries: unknown[] = [];
  eachOfMap.call(map, (item, key) => void entries.push(key, item));
  return entries;
}

function writeEntries(entries: unknown[]): void {
  writeCount(tag.MAP, entries.length / 2);
  for (let i = 0; i < entries.length; i++) write(entries[i]);
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

function writeBoxed(boxed: object): void {
  const type = [Number, String, Boolean].find((type) => boxed instanceof type) ?? BigInt;
  const value = ofKind(boxed, "boxed primitive", () => (type.prototype.valueOf as () => unknown).call(boxed));
  writeTag(tag.BOXED);
  write(value);
}

// Keys first: they can be copied, whatever their class.
function writeHost(value: object, hostClass: string, prototype: object): void {
  const kind = tagOf(value);
  const key = dataOfKey(value, kind);
  if (key !== undefined) {
    writeTag(tag.KEY);
    // The receiver makes the key at once, so no part of it may be deferred.
    beginWhole(value);
    write(key);
    endWhole();
    return;
  }
  // Objects of another realm: `instanceof` does not recognize them.
  if (kind === "Map") return writeMap(value as Map<unknown, unknown>);
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

function writeView(value: ArrayBufferView): void {
  const kind = tag.kindOfView(value);
  const { buffer } = value;
  if (kind === undefined || !(buffer instanceof ArrayBuffer)) {
    throw unsendable(value, "a view of a SharedArrayBuffer cannot be copied into a message: use SharedArray");
  }
  if (buffer.detached) throw unsendable(value, "its buffer is detached");
  const { byteOffset, byteLength } = value;
  // A `Buffer` of node is a part of a pool. The rest of the pool must not be sent.
  const isOfPool = Object.getPrototypeOf(value) !== tag.VIEWS[kind].prototype;
  const tracks = buffer.resizable && byteOffset + byteLength === buffer.byteLength;
  if (byteLength === buffer.byteLength) {
    writePair(tag.VIEW, kind);
    write(buffer);
  } else if (tag.isHanded(buffer) || !isOfPool && (whole || buffer.resizable || hasCome(buffer))) {
    writePair(tag.PART, kind);
    writeFloat(byteOffset);
    const size = (value as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
    writeFloat(tracks ? -1 : byteLength / size);
    write(buffer);
  } else {
    writePart(kind, buffer, byteOffset, byteLength, isOfPool);
  }
}

function writeError(error: Error): void {
  const number = numberOf(error);
  writePair(tag.ERROR, number);
  // An error without a prototype may have neither a name nor a message.
  const { name = "Error", message = "" } = error as { name?: unknown; message?: unknown };
  writeString(String(name));
  writeString(String(message));
  write(typeof error.stack === "string" ? error.stack : undefined);
  const properties = propertiesOf(error, number);
  // The decoder numbers it like any other object, so it must be numbered here.
  isKnown(properties);
  depth++;
  writePlain(properties);
  depth--;
}
