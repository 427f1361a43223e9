/**
 * A number that threads share.
 *
 * ```text
 *   0, 1   the number, which any thread writes: at an even address, so that both words are one pair
 *   2      the lock, as _owned_lock.ts has it
 * ```
 *
 * What is no wider than 32 bits stands in the first word, as the number it is: an i8 of -1 is a word of -1. So a read is a read
 * of one word for most types, and only `add` and `sub` of the narrow types have to be brought back into range, with a
 * compare-exchange. Numbers of 64 bits are both words, read and written at once. A float stands as its bits, and an operation
 * that the engine does not have for it is a compare-exchange of these.
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

/** In place of the memory, where there is none. */
const NO_PAIRS = new BigInt64Array(0);

/**
 * One number, or boolean, in shared memory.
 *
 * Each of its operations is atomic: a read never sees half of a write, and of two threads that {@linkcode Value.add} at
 * once both count. A read and a write are two operations, however: `value.value += 1` loses additions of others, as in
 * Python. Use `add` for that, or {@linkcode Value.lock} around more.
 *
 * | type                                  | here      | operations                                         |
 * | ------------------------------------- | --------- | -------------------------------------------------- |
 * | `i8` `u8` `i16` `u16` `i32` `u32`     | `number`  | all                                                |
 * | `i64` `u64`                           | `bigint`  | all                                                |
 * | `f32` `f64`                           | `number`  | `add` `sub` `exchange` `compareExchange`           |
 * | `bool`                                | `boolean` | `and` `or` `xor` `exchange` `compareExchange`      |
 *
 * What is written must be a value of the type: `TypeError` for another kind, `RangeError` for one that does not fit, and
 * nothing is changed. The results of `add` and `sub` wrap. What was written to shared memory before an operation on the
 * value is visible to a thread that reads what the operation wrote.
 *
 * Python: `multiprocessing.Value`. Its `get_lock()` is {@linkcode Value.lock}.
 *
 * @example
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
   * @param initial What it is at first: `0`, `0n` or `false` where nothing is given.
   * @param options The name, for example.
   * @throws {TypeError} If `type` is none of the types, if `initial` is of another kind, or if the name belongs to something
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

  /** The name of the type. */
  get type(): K {
    if (this.#place.at < 0) unusable(this, "read value");
    return NAMES[this.#code] as K;
  }

  /**
   * What it is now. Writing throws `TypeError` for another kind and `RangeError` for what does not fit, and changes nothing
   * then.
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
   * Adds `amount`, wrapping around at the limits of the type. Floats do not wrap.
   *
   * @returns What it was before.
   * @throws {TypeError} If `amount` is of another kind, or the type is `bool`.
   * @throws {RangeError} If `amount` does not fit the type.
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
   * Subtracts `amount`, wrapping around at the limits of the type. Floats do not wrap.
   *
   * @returns What it was before.
   * @throws {TypeError} If `amount` is of another kind, or the type is `bool`.
   * @throws {RangeError} If `amount` does not fit the type.
   */
  sub(amount: Addend<K>): TypeOf<K> {
    if (this.#place.at < 0) unusable(this, "subtract from value");
    this.#validateAmount(amount, "subtract from value");
    return this.#add(this.#code, amount, -1);
  }

  /**
   * Clears the bits that are not in `mask`; for `bool` the logical operation.
   *
   * @returns What it was before.
   * @throws {TypeError} If `mask` is of another kind, or the type is `f32` or `f64`.
   * @throws {RangeError} If `mask` does not fit the type.
   */
  and(mask: Bits<K>): TypeOf<K> {
    const code = this.#validateBits(mask, "mask value");
    const { words, at } = this.#place;
    return isWide(code)
      ? fromWide(code, andWide(this.#pairs, at >> 1, toWide(code, mask))) as TypeOf<K>
      : fromWord(code, and(words, at, toWord(code, mask))) as TypeOf<K>;
  }

  /**
   * Sets the bits that are in `bits`; for `bool` the logical operation.
   *
   * @returns What it was before.
   * @throws {TypeError} If `bits` is of another kind, or the type is `f32` or `f64`.
   * @throws {RangeError} If `bits` does not fit the type.
   */
  or(bits: Bits<K>): TypeOf<K> {
    const code = this.#validateBits(bits, "set bits of value");
    const { words, at } = this.#place;
    return isWide(code)
      ? fromWide(code, orWide(this.#pairs, at >> 1, toWide(code, bits))) as TypeOf<K>
      : fromWord(code, or(words, at, toWord(code, bits))) as TypeOf<K>;
  }

  /**
   * Flips the bits that are set in `bits`; for `bool` the logical operation.
   *
   * @returns What it was before.
   * @throws {TypeError} If `bits` is of another kind, or the type is `f32` or `f64`.
   * @throws {RangeError} If `bits` does not fit the type.
   */
  xor(bits: Bits<K>): TypeOf<K> {
    const code = this.#validateBits(bits, "turn bits of value");
    const { words, at } = this.#place;
    return isWide(code)
      ? fromWide(code, xorWide(this.#pairs, at >> 1, toWide(code, bits))) as TypeOf<K>
      : fromWord(code, xor(words, at, toWord(code, bits))) as TypeOf<K>;
  }

  /**
   * Writes a value.
   *
   * @returns What it was before.
   * @throws {TypeError} If `value` is of another kind.
   * @throws {RangeError} If `value` does not fit the type.
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
   * Writes `replacement` if the value is `expected`. Floats are compared as by `Object.is`: `0` is not `-0`, and NaN is NaN.
   *
   * @returns What it was before: it was replaced if that is `expected`.
   * @throws {TypeError} If `expected` or `replacement` is of another kind.
   * @throws {RangeError} If `expected` or `replacement` does not fit the type.
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

  /** A lock of the value's own, for what takes several operations. The same for all threads that have the value. */
  get lock(): RLock {
    if (this.#place.at < 0) unusable(this, "get the lock of value");
    return this.#lock = ownedLock(this.#place.space, this.#place.at + LOCK, this.#lock);
  }

  #validateAmount(amount: unknown, action: string): void {
    if (this.#code === BOOL) {
      throw new TypeError(`Cannot ${action} of type "bool" as it is no number: use or(), and(), xor() or exchange()`);
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
