/**
 * A number that threads share.
 *
 * ```text
 *   0, 1   the number, written by any thread; at an even address, because both words together are one 64-bit pair
 *   2      the lock: see _owned_lock.ts
 * ```
 *
 * A value of at most 32 bits is stored as a number in the first word: an i8 of -1 is a word of -1. So most types are read with
 * one load. Only `add` and `sub` of the types narrower than a word need a compare-exchange, to wrap the sum into the range of
 * the type. A value of 64 bits uses both words, which are read and written as one pair. A float is stored as its bits;
 * `add` and `sub` of floats are a compare-exchange of the bits, because engines have no atomic addition of floats.
 *
 * @module
 */

import {
  add,
  addWide,
  and,
  andWide,
  compareExchange,
  compareExchangeWide,
  exchange,
  exchangeWide,
  load,
  loadWide,
  or,
  orWide,
  store,
  storeWide,
  xor,
  xorWide,
} from "../_internal/atomics.ts";
import { defineKind, registerClass, VALUE } from "../_internal/memory/kinds.ts";
import { OBJECT_HEADER, pairsOf } from "../_internal/memory/memory.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { show } from "../_internal/options.ts";
import { dropOwnedLock, ownedLock } from "./_owned_lock.ts";
import {
  type Addend,
  type Bits,
  BOOL,
  codeOf,
  F32,
  F64,
  fromWide,
  fromWord,
  I16,
  I32,
  I64,
  I8,
  initialWords,
  isWide,
  NAMES,
  toWide,
  toWord,
  type TypeOf,
  U16,
  U32,
  U64,
  U8,
  validateElement,
  type ValueType,
  wrap,
} from "./_value_types.ts";
import type { RLock } from "./rlock.ts";

const LOCK = 2;
const WORDS = 3;

/** Used by a handle that cannot be used, which has no memory. */
const NO_PAIRS = new BigInt64Array(0);

/**
 * A number or boolean in shared memory that any thread reads and writes.
 *
 * Each operation is atomic: a read never sees half of a write, and if two threads {@linkcode Value.add} at the same time,
 * both additions count. `value.value += 1` is two operations, a read and a write: additions that other threads make in
 * between are lost, as in Python. Use `add` instead, or hold {@linkcode Value.lock} during several operations.
 *
 * | type                                  | values    | operations besides reading and writing             |
 * | ------------------------------------- | --------- | -------------------------------------------------- |
 * | `i8` `u8` `i16` `u16` `i32` `u32`     | `number`  | all                                                |
 * | `i64` `u64`                           | `bigint`  | all                                                |
 * | `f32` `f64`                           | `number`  | `add` `sub` `exchange` `compareExchange`           |
 * | `bool`                                | `boolean` | `and` `or` `xor` `exchange` `compareExchange`      |
 *
 * - **Checks.** Every argument must be a value of the type. A value of another kind is a `TypeError`, a value out of range is
 *   a `RangeError`, and the stored value is unchanged. The results of `add` and `sub` wrap around instead.
 * - **Visibility.** What a thread wrote to shared memory before it wrote the value is visible to a thread that reads what it
 *   wrote.
 *
 * Python: `multiprocessing.Value`. Its `get_lock()` is {@linkcode Value.lock}.
 *
 * @example Atomic operations
 * ```ts
 * import { Value } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const counter = new Value("i32", 5);
 * assertEquals(counter.add(2), 5);
 * assertEquals(counter.value, 7);
 * counter.value = 100;
 * assertEquals(counter.compareExchange(100, -1), 100);
 * assertEquals(counter.value, -1);
 * ```
 *
 * @example Several steps under the value's lock
 * ```ts
 * import { Value } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const highest = new Value("f64", 0);
 * function report(x: number): void {
 *   using _guard = highest.lock.acquireSync();
 *   if (x > highest.value) highest.value = x;
 * }
 * report(2.5);
 * report(1.5);
 * assertEquals(highest.value, 2.5);
 * ```
 *
 * @typeParam K The name of the type.
 */
export class Value<K extends ValueType = ValueType> extends SharedObject {
  readonly #place: Place = placeOf(this);
  readonly #code: number;
  readonly #pairs: BigInt64Array;
  #lock: RLock | undefined;

  /**
   * Creates a value, or opens the value of the given name.
   *
   * @param type The name of the type.
   * @param initial The initial value. Default: `0`, `0n` or `false`, depending on the type.
   * @param options Options: `name` and `local`, see {@linkcode SharedOptions}.
   * @throws {TypeError} If `type` is not the name of a type, if `initial` is of another kind, or if the name belongs to something
   * else or to a value with another type or initial value.
   * @throws {RangeError} If `initial` is out of range, or the shared memory is full.
   */
  constructor(type: K, initial?: TypeOf<K>, options?: SharedOptions) {
    super(new.target, options, () => {
      const action = "create value";
      const code = codeOf(type, action);
      if (initial !== undefined) validateElement(code, initial, "'initial'", action);
      const [first, second] = initialWords(code, initial);
      return {
        action,
        kind: VALUE,
        subtype: code,
        words: WORDS,
        first,
        second,
        initialize: (words, at) => {
          store(words, at, first);
          store(words, at + 1, second);
        },
      };
    });
    const { at } = this.#place;
    this.#code = at < 0 ? 0 : load(this.#place.words, at - OBJECT_HEADER) >>> 8;
    this.#pairs = at < 0 ? NO_PAIRS : pairsOf(this.#place.space.memory);
  }

  /**
   * The name of the type.
   *
   * Python has no equivalent.
   */
  get type(): K {
    if (this.#place.at < 0) unusable(this, "read value");
    return NAMES[this.#code] as K;
  }

  /**
   * The current value.
   *
   * Setting it throws `TypeError` for a value of another kind and `RangeError` for a value that does not fit the type. The
   * stored value is then unchanged.
   *
   * Python: `Value.value`.
   */
  get value(): TypeOf<K> {
    const { words, at } = this.#place;
    if (at < 0) unusable(this, "read value");
    switch (this.#code) {
      case I32:
      case I8:
      case U8:
      case I16:
      case U16:
        return load(words, at) as TypeOf<K>;
      case F64:
        return fromWide(F64, loadWide(this.#pairs, at >> 1)) as TypeOf<K>;
      case U32:
        return (load(words, at) >>> 0) as TypeOf<K>;
      case BOOL:
        return (load(words, at) !== 0) as TypeOf<K>;
      case F32:
        return fromWord(F32, load(words, at)) as TypeOf<K>;
      case I64:
        return loadWide(this.#pairs, at >> 1) as TypeOf<K>;
    }
    return BigInt.asUintN(64, loadWide(this.#pairs, at >> 1)) as TypeOf<K>;
  }

  set value(value: TypeOf<K>) {
    const { words, at } = this.#place;
    if (at < 0) unusable(this, "write value");
    const code = this.#code;
    if (code === I32 && isInt32(value)) {
      store(words, at, value);
      return;
    }
    validateElement(code, value, "what is written", "write value");
    if (isWide(code)) storeWide(this.#pairs, at >> 1, toWide(code, value));
    else store(words, at, toWord(code, value));
  }

  /**
   * Adds `amount` atomically, wrapping around at the limits of the type. Floats do not wrap.
   *
   * Python has no equivalent: there, an addition needs the value's lock.
   *
   * @param amount The number to add: a value of the type.
   * @returns The value before the addition.
   * @throws {TypeError} If `amount` is of another kind, or the type is `bool`.
   * @throws {RangeError} If `amount` does not fit the type.
   *
   * @example Wraps around
   * ```ts
   * import { Value } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const byte = new Value("u8", 250);
   * assertEquals(byte.add(10), 250);
   * assertEquals(byte.value, 4);
   * ```
   */
  add(amount: Addend<K>): TypeOf<K> {
    const { words, at } = this.#place;
    if (at < 0) unusable(this, "add to value");
    const code = this.#code;
    if (code === I32 && isInt32(amount)) {
      return add(words, at, amount as number) as TypeOf<K>;
    }
    this.#validateAmount(amount, "add to value");
    return this.#add(code, amount, 1);
  }

  /**
   * Subtracts `amount` atomically, wrapping around at the limits of the type. Floats do not wrap.
   *
   * Python has no equivalent: there, a subtraction needs the value's lock.
   *
   * @param amount The number to subtract: a value of the type.
   * @returns The value before the subtraction.
   * @throws {TypeError} If `amount` is of another kind, or the type is `bool`.
   * @throws {RangeError} If `amount` does not fit the type.
   *
   * @example Count down
   * ```ts
   * import { Value } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const remaining = new Value("i64", 3n);
   * const isLast = remaining.sub(1n) === 1n;
   * assertEquals(isLast, false);
   * assertEquals(remaining.value, 2n);
   * ```
   */
  sub(amount: Addend<K>): TypeOf<K> {
    if (this.#place.at < 0) unusable(this, "subtract from value");
    this.#validateAmount(amount, "subtract from value");
    return this.#add(this.#code, amount, -1);
  }

  /**
   * Clears the bits that are not set in `mask`. For `bool`, it is the logical and.
   *
   * Python has no equivalent: there, such a change needs the value's lock.
   *
   * @param mask The bits to keep: a value of the type.
   * @returns The value before the operation.
   * @throws {TypeError} If `mask` is of another kind, or the type is `f32` or `f64`.
   * @throws {RangeError} If `mask` does not fit the type.
   *
   * @example Clear a flag
   * ```ts
   * import { Value } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const flags = new Value("u8", 0b0111);
   * flags.and(0b1101);
   * assertEquals(flags.value, 0b0101);
   * ```
   */
  and(mask: Bits<K>): TypeOf<K> {
    const code = this.#validateBits(mask, "mask value");
    const { words, at } = this.#place;
    return isWide(code)
      ? fromWide(code, andWide(this.#pairs, at >> 1, toWide(code, mask))) as TypeOf<K>
      : fromWord(code, and(words, at, toWord(code, mask))) as TypeOf<K>;
  }

  /**
   * Sets the bits that are set in `bits`. For `bool`, it is the logical or.
   *
   * Python has no equivalent: there, such a change needs the value's lock.
   *
   * @param bits The bits to set: a value of the type.
   * @returns The value before the operation.
   * @throws {TypeError} If `bits` is of another kind, or the type is `f32` or `f64`.
   * @throws {RangeError} If `bits` does not fit the type.
   *
   * @example Set a flag, and see whether it was set
   * ```ts
   * import { Value } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const done = new Value("bool");
   * assertEquals(done.or(true), false);
   * assertEquals(done.or(true), true);
   * ```
   */
  or(bits: Bits<K>): TypeOf<K> {
    const code = this.#validateBits(bits, "set bits of value");
    const { words, at } = this.#place;
    return isWide(code)
      ? fromWide(code, orWide(this.#pairs, at >> 1, toWide(code, bits))) as TypeOf<K>
      : fromWord(code, or(words, at, toWord(code, bits))) as TypeOf<K>;
  }

  /**
   * Flips the bits that are set in `bits`. For `bool`, it is the logical exclusive or.
   *
   * Python has no equivalent: there, such a change needs the value's lock.
   *
   * @param bits The bits to flip: a value of the type.
   * @returns The value before the operation.
   * @throws {TypeError} If `bits` is of another kind, or the type is `f32` or `f64`.
   * @throws {RangeError} If `bits` does not fit the type.
   *
   * @example Toggle a flag
   * ```ts
   * import { Value } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const flags = new Value("u8", 0b0011);
   * flags.xor(0b0110);
   * assertEquals(flags.value, 0b0101);
   * ```
   */
  xor(bits: Bits<K>): TypeOf<K> {
    const code = this.#validateBits(bits, "flip bits of value");
    const { words, at } = this.#place;
    return isWide(code)
      ? fromWide(code, xorWide(this.#pairs, at >> 1, toWide(code, bits))) as TypeOf<K>
      : fromWord(code, xor(words, at, toWord(code, bits))) as TypeOf<K>;
  }

  /**
   * Writes a value and returns the value before it, in one atomic step.
   *
   * Python has no equivalent: there, such a change needs the value's lock.
   *
   * @param value The new value.
   * @returns The value before the write.
   * @throws {TypeError} If `value` is of another kind.
   * @throws {RangeError} If `value` does not fit the type.
   *
   * @example Take what others have counted
   * ```ts
   * import { Value } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const requests = new Value("u32");
   * requests.add(3);
   * assertEquals(requests.exchange(0), 3);
   * assertEquals(requests.value, 0);
   * ```
   */
  exchange(value: TypeOf<K>): TypeOf<K> {
    const { words, at } = this.#place;
    if (at < 0) unusable(this, "exchange value");
    const code = this.#code;
    validateElement(code, value, "what is written", "exchange value");
    return isWide(code)
      ? fromWide(code, exchangeWide(this.#pairs, at >> 1, toWide(code, value))) as TypeOf<K>
      : fromWord(code, exchange(words, at, toWord(code, value))) as TypeOf<K>;
  }

  /**
   * Writes `replacement` if the value is `expected`, in one atomic step.
   *
   * Floats are compared as by `Object.is`: `0` differs from `-0`, and NaN equals NaN.
   *
   * Python has no equivalent: there, such a change needs the value's lock.
   *
   * @param expected The value that is replaced.
   * @param replacement The new value.
   * @returns The value before the operation. If it is `expected`, it was replaced.
   * @throws {TypeError} If `expected` or `replacement` is of another kind.
   * @throws {RangeError} If `expected` or `replacement` does not fit the type.
   *
   * @example Any operation, as a loop
   * ```ts
   * import { Value } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const product = new Value("f64", 21);
   * let seen = product.value;
   * for (let found; (found = product.compareExchange(seen, seen * 2)) !== seen;) seen = found;
   * assertEquals(product.value, 42);
   * ```
   */
  compareExchange(expected: TypeOf<K>, replacement: TypeOf<K>): TypeOf<K> {
    const { words, at } = this.#place;
    if (at < 0) unusable(this, "exchange value");
    const code = this.#code;
    validateElement(code, expected, "'expected'", "exchange value");
    validateElement(code, replacement, "'replacement'", "exchange value");
    return isWide(code)
      ? fromWide(
        code,
        compareExchangeWide(this.#pairs, at >> 1, toWide(code, expected), toWide(code, replacement)),
      ) as TypeOf<K>
      : fromWord(code, compareExchange(words, at, toWord(code, expected), toWord(code, replacement))) as TypeOf<K>;
  }

  /**
   * The value's own lock, for work that takes several operations. All threads that have the value get the same lock. The other
   * members do not acquire it.
   *
   * Python: `Value.get_lock()`.
   */
  get lock(): RLock {
    if (this.#place.at < 0) unusable(this, "get the lock of value");
    return this.#lock = ownedLock(this.#place.space, this.#place.at + LOCK, this.#lock);
  }

  #validateAmount(amount: unknown, action: string): void {
    if (this.#code === BOOL) {
      throw new TypeError(
        `Cannot ${action} of type "bool" as a boolean is not a number: use or(), and(), xor() or exchange()`,
      );
    }
    validateElement(this.#code, amount, "the amount", action);
  }

  #validateBits(bits: unknown, action: string): number {
    if (this.#place.at < 0) unusable(this, action);
    const code = this.#code;
    if (code === F32 || code === F64) {
      throw new TypeError(
        `Cannot ${action} of type "${NAMES[code]}" as floats have no bits to combine: received ${show(bits)}`,
      );
    }
    validateElement(code, bits, "what it is combined with", action);
    return code;
  }

  #add(code: number, amount: unknown, sign: number): TypeOf<K> {
    const { words, at } = this.#place;
    const pairs = this.#pairs;
    switch (code) {
      case I32:
        return add(words, at, sign * (amount as number) | 0) as TypeOf<K>;
      case U32:
        return (add(words, at, sign * (amount as number) | 0) >>> 0) as TypeOf<K>;
      case I64:
      case U64:
        return fromWide(
          code,
          addWide(pairs, at >> 1, BigInt.asIntN(64, sign < 0 ? -(amount as bigint) : amount as bigint)),
        ) as TypeOf<K>;
      case F32:
        for (;;) {
          const seen = load(words, at);
          const before = fromWord(F32, seen) as number;
          if (compareExchange(words, at, seen, toWord(F32, before + sign * (amount as number))) === seen) {
            return before as TypeOf<K>;
          }
        }
      case F64:
        for (;;) {
          const seen = loadWide(pairs, at >> 1);
          const before = fromWide(F64, seen) as number;
          if (compareExchangeWide(pairs, at >> 1, seen, toWide(F64, before + sign * (amount as number))) === seen) {
            return before as TypeOf<K>;
          }
        }
      default:
        for (;;) {
          const seen = load(words, at);
          if (compareExchange(words, at, seen, wrap(code, seen + sign * (amount as number))) === seen) {
            return seen as TypeOf<K>;
          }
        }
    }
  }
}

// Most values are i32: skip the general checks.
function isInt32(value: unknown): value is number {
  return typeof value === "number" && (value | 0) === value;
}

registerClass("thread", VALUE, Value);
defineKind(VALUE, { destroy: (space, at) => dropOwnedLock(space, at + LOCK) });
