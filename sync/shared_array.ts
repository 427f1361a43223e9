/**
 * An array that threads share.
 *
 * ```text
 *   0      the lock, as _owned_lock.ts has it
 *   …      the elements, from the first cache line (64 bytes) behind that on. The creator writes the initial values before
 *          any other thread can see the array; then the program decides which thread writes which element
 * ```
 *
 * The header has the length, and a number for the initial values, since a second creator must name the same.
 *
 * @module
 */

import { load } from "../_internal/atomics.ts";
import { defineKind, registerClass, SHARED_ARRAY } from "../_internal/memory/kinds.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { firstLine, LINE, OBJECT_HEADER } from "../_internal/memory/memory.ts";
import { show, validateInteger } from "../_internal/options.ts";
import { dropOwnedLock, ownedLock } from "./_owned_lock.ts";
import {
  type ArrayOf,
  BOOL,
  codeOf,
  F32,
  F64,
  I16,
  I32,
  I64,
  I8,
  NAMES,
  type TypeOf,
  U16,
  U32,
  U64,
  U8,
  validateElement,
  type ValueType,
} from "./_value_types.ts";
import type { RLock } from "./rlock.ts";

const LOCK = 0;
const OWN = 1;
/** Words that are there for the elements to begin at a cache line wherever the block is. */
const LEAD = OWN + LINE - 1;

/** Bytes of an element, by the number of the type. */
const SIZES = [1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8];

const ARRAYS = {
  [BOOL]: Uint8Array,
  [I8]: Int8Array,
  [U8]: Uint8Array,
  [I16]: Int16Array,
  [U16]: Uint16Array,
  [I32]: Int32Array,
  [U32]: Uint32Array,
  [I64]: BigInt64Array,
  [U64]: BigUint64Array,
  [F32]: Float32Array,
  [F64]: Float64Array,
} as Record<number, new (buffer: ArrayBufferLike, offset: number, length: number) => ArrayOf<ValueType>>;

// The typed array must keep the memory, also where nothing else of the object is left.
const owners = new WeakMap<object, SharedArray>();

/**
 * An array of numbers in shared memory, as an ordinary typed array over it: reading and writing elements copies nothing
 * and costs what it costs anywhere.
 *
 * Its elements are plain memory: threads that write to the same place, or read what another writes, have to agree on when
 * they do, by the {@linkcode SharedArray.lock} or any other object of this module. What was written before a release, a
 * `set`, a `put` or the end of a thread is visible after the acquire, wait, get or join that follows it. `Atomics` works on
 * {@linkcode SharedArray.array}, too, for the types it knows.
 *
 * The elements begin at a multiple of 64 bytes. A large array is one piece and made in constant time, as far as it is of
 * memory that was not used before.
 *
 * Python: `multiprocessing.Array`. Its `get_lock()` is {@linkcode SharedArray.lock}.
 *
 * @example
 * ```ts
 * import { SharedArray } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const squares = new SharedArray("f64", 5);
 * for (let i = 0; i < squares.length; i++) squares.array[i] = i * i;
 * assertEquals([...squares], [0, 1, 4, 9, 16]);
 *
 * const words = new SharedArray("i64", [1n, 2n]);
 * assertEquals(words.array[1], 2n);
 * ```
 *
 * @typeParam K The name of the elements' type.
 */
export class SharedArray<K extends ValueType = ValueType> extends SharedObject implements Iterable<TypeOf<K>> {
  readonly #place: Place = placeOf(this);
  readonly #code: number;
  readonly #length: number;
  #array: WeakRef<ArrayOf<K>> | undefined;
  #lock: RLock | undefined;

  /**
   * Creates an array, or opens the array of the given name.
   *
   * @param type The name of the elements' type.
   * @param lengthOrValues How many elements, which are zero at first, or their values.
   * @param options The name, for example.
   * @throws {TypeError} If `type` is none of the types, if `lengthOrValues` is neither a number nor iterable, if a value is of
   * another kind, or if the name belongs to something else or to an array with another type, length or values.
   * @throws {RangeError} If the length is negative or not a whole number, if a value is out of range, or if the shared memory
   * has no room.
   */
  constructor(type: K, lengthOrValues: number | Iterable<TypeOf<K>>, options?: SharedOptions) {
    super(new.target, options, () => {
      const action = "create array";
      const code = codeOf(type, action);
      const values = typeof lengthOrValues === "number" ? undefined : collect(code, lengthOrValues, action);
      const length = values === undefined ? lengthOrValues as number : values.length;
      validateInteger(length, "'length'", 0, 2 ** 32, action);
      return {
        action,
        kind: SHARED_ARRAY,
        subtype: code,
        words: LEAD + Math.ceil(length * SIZES[code] / 4),
        first: length | 0,
        second: values === undefined ? 0 : digest(values),
        initialize: values === undefined ? undefined : (words, at) => {
          const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
          new Uint8Array(words.buffer, words.byteOffset + offsetOf(at), bytes.length).set(bytes);
        },
      };
    });
    const { at } = this.#place;
    this.#code = at < 0 ? 0 : load(this.#place.words, at - OBJECT_HEADER) >>> 8;
    this.#length = at < 0 ? 0 : load(this.#place.words, at - OBJECT_HEADER + 2) >>> 0;
  }

  /** The name of the elements' type. */
  get type(): K {
    if (this.#place.at < 0) unusable(this, "read array");
    return NAMES[this.#code] as K;
  }

  /** How many elements there are. */
  get length(): number {
    if (this.#place.at < 0) unusable(this, "read array");
    return this.#length;
  }

  /**
   * The elements, as a typed array over the shared memory. `bool`: a `Uint8Array` of bytes that are 0 or 1.
   *
   * The array keeps the memory, but views that are made of its `buffer` or with `subarray()` do not: keep the object or this
   * array while they are used. After `[Symbol.dispose]()` neither must be used, since the memory may belong to
   * another object by then.
   */
  get array(): ArrayOf<K> {
    return this.#elements;
  }

  /** A lock of the array's own. The same for all threads that have the array. */
  get lock(): RLock {
    if (this.#place.at < 0) unusable(this, "get the lock of array");
    return this.#lock = ownedLock(this.#place.space, this.#place.at + LOCK, this.#lock);
  }

  /** The elements' values, as they are when their turn comes. */
  *[Symbol.iterator](): Generator<TypeOf<K>, void, void> {
    const array = this.#elements;
    for (let i = 0; i < array.length; i++) {
      if (this.#place.at < 0) unusable(this, "read array");
      yield (this.#code === BOOL ? array[i] !== 0 : array[i]) as TypeOf<K>;
    }
  }

  get #elements(): ArrayOf<K> {
    if (this.#place.at < 0) unusable(this, "read array");
    return this.#array?.deref() ?? this.#view();
  }

  #view(): ArrayOf<K> {
    const { words, at } = this.#place;
    const array = new ARRAYS[this.#code](words.buffer, words.byteOffset + offsetOf(at), this.#length) as ArrayOf<K>;
    owners.set(array, this as unknown as SharedArray);
    this.#array = new WeakRef(array);
    return array;
  }
}

// Where the elements begin, in bytes.
function offsetOf(at: number): number {
  return firstLine(at + OWN) * 4;
}

// The values as an array of the type, each of them checked.
function collect(code: number, values: unknown, action: string): ArrayOf<ValueType> {
  const type = ARRAYS[code] as unknown as { from(values: ArrayLike<unknown>): ArrayOf<ValueType> };
  // In an array that is of the type already every element fits, unless the type is `bool`.
  if (code !== BOOL && values instanceof ARRAYS[code]) return type.from(values);
  if (values === null || values === undefined || typeof (values as Iterable<unknown>)[Symbol.iterator] !== "function") {
    throw new TypeError(
      `Cannot ${action} as 'lengthOrValues' must be a number or something to iterate over: received ${show(values)}`,
    );
  }
  const list = Array.isArray(values) ? values.slice() : [...values as Iterable<unknown>];
  for (let i = 0; i < list.length; i++) validateElement(code, list[i], `the value at ${i}`, action);
  return type.from(list);
}

// A number that tells one list of values from another, and from none: a caller that opens a name has to give the same values.
function digest(values: ArrayOf<ValueType>): number {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash | 1;
}

registerClass("thread", SHARED_ARRAY, SharedArray);
defineKind(SHARED_ARRAY, { destroy: (space, at) => dropOwnedLock(space, at + LOCK) });
