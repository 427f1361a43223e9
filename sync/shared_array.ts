/**
 * An array that threads share.
 *
 * ```text
 *   0      the lock: see _owned_lock.ts
 *   …      the elements, beginning at the first cache line (64 bytes) after the lock. The creator writes the initial values
 *          before any other thread can see the array. Then the program decides which thread writes which element
 * ```
 *
 * The header has the length and a digest of the initial values, because a thread that opens a named array must give the same
 * length and values as its creator.
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
/** Words before the elements. They suffice for the elements to begin at a cache line wherever the block is. */
const LEAD = OWN + LINE - 1;

/** The bytes of an element, by the number of its type. */
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

// The typed array must keep the memory in use even if the program keeps nothing else of the object.
const owners = new WeakMap<object, SharedArray>();

/**
 * An array of numbers or booleans in shared memory, accessed through an ordinary typed array. Reading and writing elements
 * copies nothing and costs the same as for any typed array.
 *
 * - **Synchronization.** Access to elements is not synchronized. If several threads use the same element and at least one
 *   of them writes it, use {@linkcode SharedArray.lock} or any other object of this module to order the accesses. `Atomics`
 *   also works on {@linkcode SharedArray.array}, for integer types.
 * - **Visibility.** What a thread wrote before a release, a `set`, a `put` or its end is visible after the acquire, wait, get
 *   or join that follows it.
 * - **Memory.** The elements begin at a multiple of 64 bytes and are contiguous. Creating a large array takes constant time if
 *   its memory was not used before; memory that is used again is cleared first.
 *
 * Python: `multiprocessing.Array`. Its `get_lock()` is {@linkcode SharedArray.lock}.
 *
 * @example Elements and initial values
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
   * @param lengthOrValues The number of elements, which are then zero or `false`, or the initial values.
   * @param options Options: `name` and `local`, see {@linkcode SharedOptions}.
   * @throws {TypeError} If `type` is not the name of a type, if `lengthOrValues` is neither a number nor iterable, if a value is
   * of another kind, or if the name belongs to something else or to an array with another type, length or values.
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

  /**
   * The name of the elements' type.
   *
   * Python has no equivalent.
   */
  get type(): K {
    if (this.#place.at < 0) unusable(this, "read array");
    return NAMES[this.#code] as K;
  }

  /**
   * The number of elements.
   *
   * Python: `len(array)`.
   */
  get length(): number {
    if (this.#place.at < 0) unusable(this, "read array");
    return this.#length;
  }

  /**
   * The elements, as a typed array over the shared memory. For `bool`, it is a `Uint8Array` of bytes that are 0 or 1.
   *
   * This array keeps the memory in use. Views of its `buffer` and views made by `subarray()` do not: keep the `SharedArray` or
   * this array as long as they are used. After `[Symbol.dispose]()`, do not use the array or its views: the memory may
   * belong to another object.
   *
   * Python: `Array.get_obj()`.
   */
  get array(): ArrayOf<K> {
    return this.#elements;
  }

  /**
   * The array's own lock. All threads that have the array get the same lock. Reading and writing elements does not acquire it.
   *
   * Python: `Array.get_lock()`.
   */
  get lock(): RLock {
    if (this.#place.at < 0) unusable(this, "get the lock of array");
    return this.#lock = ownedLock(this.#place.space, this.#place.at + LOCK, this.#lock);
  }

  /**
   * Iterates over the values of the elements. Each element is read when the iteration reaches it.
   *
   * Python: `for value in array`.
   */
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

// Checks the values, and copies them into a typed array.
function collect(code: number, values: unknown, action: string): ArrayOf<ValueType> {
  const type = ARRAYS[code] as unknown as { from(values: ArrayLike<unknown>): ArrayOf<ValueType> };
  // Every element of a typed array of the same type fits. For `bool`, a byte may be other than 0 or 1.
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

// A hash of the values, never 0, which means no values. A caller that opens a name must give the same values as the creator.
function digest(values: ArrayOf<ValueType>): number {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash | 1;
}

registerClass("thread", SHARED_ARRAY, SharedArray);
defineKind(SHARED_ARRAY, { destroy: (space, at) => dropOwnedLock(space, at + LOCK) });
