/**
 * A number that programs on many machines share.
 *
 * @module
 */

import { validateWait, type WaitOptions } from "../_internal/options.ts";
import {
  type Addend,
  type Bits,
  BOOL,
  codeOf,
  F32,
  F64,
  I32,
  I64,
  isWide,
  NAMES,
  type TypeOf,
  U32,
  U64,
  validateElement,
  type ValueType,
  wrap,
} from "../sync/_value_types.ts";
import { Document } from "./_document.ts";
import { namedBy, type NamedOptions, sendByName, within } from "./_line.ts";

export type { Addend, Bits, TypeOf, ValueType };

/** What the server keeps. */
interface Kept {
  /** The name of the type; empty if nothing was written yet. */
  type: string;
  value: number | bigint | boolean;
}

/**
 * A number or boolean that programs on many machines share by its name.
 *
 * Each operation is atomic: if two programs {@linkcode Value.add} at once, both additions count. Types, ranges and
 * wrapping are those of `Value` in `@weft/concurrent/sync`. Each operation is a round trip to the server, and is tried
 * again if another program has changed the value meanwhile. A write is visible to all programs when its promise has
 * resolved. Operations of one object run in the order of their calls, also if they are not awaited.
 *
 * Python: `distributed.Variable` of Dask, which has no atomic changes.
 *
 * @typeParam K The name of the type.
 *
 * @example
 * ```ts
 * import { devServer, Value } from "@weft/concurrent/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await devServer();
 * const counter = new Value("i32", 5, { name: "counter", connect: server.url });
 * assertEquals(await counter.add(2), 5);
 * assertEquals(await counter.get(), 7);
 * assertEquals(await counter.compareExchange(7, -1), 7);
 * ```
 */
export class Value<K extends ValueType = ValueType> {
  /** The name by which all programs share it. */
  readonly name: string;
  readonly #what: string;
  readonly #code: number;
  readonly #initial: TypeOf<K>;
  readonly #kept: Document<Kept>;

  /**
   * Creates a value, or opens the value of this name. It connects with its first operation.
   *
   * @param type The name of the type. All programs use the same: with another type, the methods reject with
   * `TypeError`.
   * @param initial What the value is until it is first written. Default: `0`, `0n` or `false`.
   * @param options See {@linkcode NamedOptions}.
   * @throws {TypeError} If an argument is of the wrong kind, or there is no name or address.
   * @throws {RangeError} If a number, a name or an address is out of range.
   */
  constructor(type: K, initial: TypeOf<K> | undefined, options: NamedOptions) {
    const action = "create value";
    const code = this.#code = codeOf(type, action);
    if (initial !== undefined) validateElement(code, initial, "'initial'", action);
    const { name, asking } = namedBy(options, action);
    this.name = name;
    this.#what = `value "${name}"`;
    this.#initial = initial ?? zeroOf(code) as TypeOf<K>;
    this.#kept = new Document(asking, `value.${name}`, () => ({ type: "", value: 0 }));
  }

  #checked({ type, value }: Kept): TypeOf<K> {
    if (type === "") return this.#initial;
    if (type === NAMES[this.#code]) return value as TypeOf<K>;
    throw new TypeError(
      `Cannot use ${this.#what} as a "${
        NAMES[this.#code]
      }" as it is a "${type}": use the same type everywhere, or unlink() it`,
    );
  }

  /**
   * Reads the value.
   *
   * Python: `distributed.Variable.get` of Dask.
   *
   * @returns The value as the server has it, after this object's earlier writes.
   * @throws {TypeError} If the value has another type.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const limit = new Value("f64", 0.5, { name: "limit", connect: server.url });
   * assertEquals(await limit.get(), 0.5);
   * ```
   */
  async get(): Promise<TypeOf<K>> {
    return this.#checked(await this.#kept.read(`read ${this.#what}`));
  }

  /**
   * Writes the value.
   *
   * Python: `distributed.Variable.set` of Dask.
   *
   * @param value The new value.
   * @throws {TypeError} If the value is of another kind.
   * @throws {RangeError} If the value does not fit into the type.
   * @throws {EngineError} If the engine cannot be reached. The value may be written nevertheless.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const isOpen = new Value("bool", false, { name: "is-open", connect: server.url });
   * await isOpen.set(true);
   * assertEquals(await isOpen.get(), true);
   * ```
   */
  async set(value: TypeOf<K>): Promise<void> {
    await this.exchange(value);
  }

  /**
   * Changes the value by a function. The function is called again if another program has changed the value meanwhile,
   * so it must have no side effects.
   *
   * Python has no equivalent.
   *
   * @param step Gets the current value and returns the new value.
   * @returns The value before the change.
   * @throws {TypeError} If the new value is of another kind.
   * @throws {RangeError} If the new value does not fit into the type.
   * @throws {EngineError} If the engine cannot be reached. The change may be made nevertheless.
   * @throws What the function throws. Nothing is changed then.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const highest = new Value("f64", 1.5, { name: "highest", connect: server.url });
   * await highest.update((value) => Math.max(value, 2.5));
   * assertEquals(await highest.get(), 2.5);
   * ```
   */
  async update(step: (value: TypeOf<K>) => TypeOf<K>): Promise<TypeOf<K>> {
    const action = `write ${this.#what}`;
    if (typeof step !== "function") throw new TypeError(`Cannot ${action} as 'step' must be a function`);
    return await this.#kept.change(action, (kept) => {
      const before = this.#checked(kept);
      const value = step(before);
      validateElement(this.#code, value, "the new value", action);
      return { next: { type: NAMES[this.#code], value: rounded(this.#code, value) }, result: before };
    });
  }

  /**
   * Writes a value and returns the value before it, in one atomic step.
   *
   * Python has no equivalent.
   *
   * @param value The new value.
   * @returns The value before it.
   * @throws {TypeError} If the value is of another kind.
   * @throws {RangeError} If the value does not fit into the type.
   * @throws {EngineError} If the engine cannot be reached. The value may be written nevertheless.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const errors = new Value("u32", 12, { name: "errors", connect: server.url });
   * assertEquals(await errors.exchange(0), 12);
   * assertEquals(await errors.get(), 0);
   * ```
   */
  async exchange(value: TypeOf<K>): Promise<TypeOf<K>> {
    validateElement(this.#code, value, "'value'", `write ${this.#what}`);
    return await this.update(() => value);
  }

  /**
   * Writes a value if the current value is the expected one, in one atomic step. Values are compared by their bits: NaN
   * equals NaN, and of a float `-0` is not `0`.
   *
   * Python has no equivalent.
   *
   * @param expected The value to be replaced.
   * @param replacement The new value.
   * @returns The value before. If that is `expected`, the replacement was written.
   * @throws {TypeError} If a value is of another kind.
   * @throws {RangeError} If a value does not fit into the type.
   * @throws {EngineError} If the engine cannot be reached. The replacement may be written nevertheless.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const leader = new Value("i32", 0, { name: "leader", connect: server.url });
   * assertEquals(await leader.compareExchange(0, 17), 0);
   * assertEquals(await leader.compareExchange(0, 18), 17);
   * ```
   */
  async compareExchange(expected: TypeOf<K>, replacement: TypeOf<K>): Promise<TypeOf<K>> {
    const action = `write ${this.#what}`;
    const code = this.#code;
    validateElement(code, expected, "'expected'", action);
    validateElement(code, replacement, "'replacement'", action);
    return await this.#kept.change(action, (kept) => {
      const before = this.#checked(kept);
      // `Object.is` compares as bits do: NaN is NaN, and -0 is not 0.
      if (!Object.is(before, rounded(code, expected))) return { result: before };
      return { next: { type: NAMES[code], value: rounded(code, replacement) }, result: before };
    });
  }

  /**
   * Adds a number and returns the value before, in one atomic step. Integers wrap around at the limits of their type;
   * floats do not wrap.
   *
   * Python has no equivalent.
   *
   * @param n The number to add. It must fit into the type.
   * @returns The value before.
   * @throws {TypeError} If the number is of another kind, or the value is a boolean.
   * @throws {RangeError} If the number does not fit into the type.
   * @throws {EngineError} If the engine cannot be reached. The number may be added nevertheless.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const tickets = new Value("u8", 254, { name: "tickets", connect: server.url });
   * assertEquals(await tickets.add(1), 254);
   * assertEquals(await tickets.add(1), 255);
   * assertEquals(await tickets.get(), 0);
   * ```
   */
  add(n: Addend<K>): Promise<TypeOf<K>> {
    return this.#combine("add", n, (a, b) => a + b, (a, b) => a + b);
  }

  /**
   * Subtracts a number and returns the value before, in one atomic step. Integers wrap around at the limits of their
   * type; floats do not wrap.
   *
   * Python has no equivalent.
   *
   * @param n The number to subtract. It must fit into the type.
   * @returns The value before.
   * @throws {TypeError} If the number is of another kind, or the value is a boolean.
   * @throws {RangeError} If the number does not fit into the type.
   * @throws {EngineError} If the engine cannot be reached. The number may be subtracted nevertheless.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const left = new Value("u64", 10n, { name: "left", connect: server.url });
   * assertEquals(await left.sub(3n), 10n);
   * assertEquals(await left.get(), 7n);
   * ```
   */
  sub(n: Addend<K>): Promise<TypeOf<K>> {
    return this.#combine("sub", n, (a, b) => a - b, (a, b) => a - b);
  }

  /**
   * Keeps only the bits that are set in `bits`, and returns the value before, in one atomic step.
   *
   * Python has no equivalent.
   *
   * @param bits The bits to keep.
   * @returns The value before.
   * @throws {TypeError} If `bits` is of another kind, or the value is a float.
   * @throws {RangeError} If `bits` does not fit into the type.
   * @throws {EngineError} If the engine cannot be reached. The bits may be changed nevertheless.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const flags = new Value("u8", 0b0111, { name: "flags", connect: server.url });
   * assertEquals(await flags.and(0b0110), 0b0111);
   * assertEquals(await flags.get(), 0b0110);
   * ```
   */
  and(bits: Bits<K>): Promise<TypeOf<K>> {
    return this.#combine("and", bits, (a, b) => a & b, (a, b) => a & b);
  }

  /**
   * Sets the bits that are set in `bits`, and returns the value before, in one atomic step.
   *
   * Python has no equivalent.
   *
   * @param bits The bits to set.
   * @returns The value before.
   * @throws {TypeError} If `bits` is of another kind, or the value is a float.
   * @throws {RangeError} If `bits` does not fit into the type.
   * @throws {EngineError} If the engine cannot be reached. The bits may be changed nevertheless.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const flags = new Value("u8", 0b0001, { name: "flags", connect: server.url });
   * assertEquals(await flags.or(0b0100), 0b0001);
   * assertEquals(await flags.get(), 0b0101);
   * ```
   */
  or(bits: Bits<K>): Promise<TypeOf<K>> {
    return this.#combine("or", bits, (a, b) => a | b, (a, b) => a | b);
  }

  /**
   * Flips the bits that are set in `bits`, and returns the value before, in one atomic step.
   *
   * Python has no equivalent.
   *
   * @param bits The bits to flip.
   * @returns The value before.
   * @throws {TypeError} If `bits` is of another kind, or the value is a float.
   * @throws {RangeError} If `bits` does not fit into the type.
   * @throws {EngineError} If the engine cannot be reached. The bits may be changed nevertheless.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const isOn = new Value("bool", true, { name: "is-on", connect: server.url });
   * assertEquals(await isOn.xor(true), true);
   * assertEquals(await isOn.get(), false);
   * ```
   */
  xor(bits: Bits<K>): Promise<TypeOf<K>> {
    return this.#combine("xor", bits, (a, b) => a ^ b, (a, b) => a ^ b);
  }

  async #combine(
    name: string,
    operand: unknown,
    narrow: (a: number, b: number) => number,
    wide: (a: bigint, b: bigint) => bigint,
  ): Promise<TypeOf<K>> {
    const code = this.#code;
    const action = `${name} to ${this.#what}`;
    const isSum = name === "add" || name === "sub";
    if (isSum ? code === BOOL : code === F32 || code === F64) {
      throw new TypeError(`Cannot ${action} as a value of type "${NAMES[code]}" has no ${name}()`);
    }
    validateElement(code, operand, "the operand", action);
    return await this.update((value) => {
      if (code === I64) return BigInt.asIntN(64, wide(value as bigint, operand as bigint)) as TypeOf<K>;
      if (code === U64) return BigInt.asUintN(64, wide(value as bigint, operand as bigint)) as TypeOf<K>;
      const result = narrow(Number(value), Number(operand));
      if (code === BOOL) return (result !== 0) as TypeOf<K>;
      if (code === F64) return result as TypeOf<K>;
      if (code === F32) return Math.fround(result) as TypeOf<K>;
      if (code === I32) return (result | 0) as TypeOf<K>;
      if (code === U32) return (result >>> 0) as TypeOf<K>;
      return wrap(code, result) as TypeOf<K>;
    });
  }

  /**
   * Watches the value: yields the current value, then each new value. If the value changes faster than the loop reads,
   * only the latest is yielded.
   *
   * Python has no equivalent.
   *
   * @param options `timeout`: how many milliseconds the whole loop may take, after which it ends; `signal`: makes the
   * loop throw when it is aborted. Default: no end.
   * @returns The values, in the order of the changes.
   * @throws {TypeError} If the value has another type.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws The signal's reason, if the signal is aborted first.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const stage = new Value("u8", 0, { name: "stage", connect: server.url });
   * for await (const value of stage.watch()) {
   *   if (value === 2) break;
   *   assertEquals(await stage.add(1), value);
   * }
   * ```
   */
  async *watch(options?: WaitOptions): AsyncGenerator<TypeOf<K>, void, undefined> {
    const action = `watch ${this.#what}`;
    const until = performance.now() + validateWait(options, action);
    let last: TypeOf<K> | undefined;
    for (;;) {
      const found = await within(Math.max(0, until - performance.now()), options?.signal, (end) => {
        return this.#kept.until(action, (kept) => {
          const value = this.#checked(kept);
          return last !== undefined && Object.is(value, last) ? undefined : { value };
        }, end);
      });
      if (found === undefined) return;
      last = found.result.value;
      yield last;
    }
  }

  /**
   * Removes the value from the server. After that, the name stands for a new value, which has the initial value of the
   * program that reads it and may have another type.
   *
   * Python: `distributed.Variable.delete` of Dask.
   *
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Value } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const counter = new Value("i32", 5, { name: "counter", connect: server.url });
   * await counter.add(1);
   * await counter.unlink();
   * assertEquals(await counter.get(), 5);
   * ```
   */
  async unlink(): Promise<void> {
    await this.#kept.remove(`unlink ${this.#what}`);
  }
}

function zeroOf(code: number): number | bigint | boolean {
  if (code === BOOL) return false;
  return isWide(code) && code !== F64 ? 0n : 0;
}

sendByName(Value);

// The value as the server keeps it: -0 of an integer type becomes 0.
function rounded(code: number, value: number | bigint | boolean): number | bigint | boolean {
  if (code === F32) return Math.fround(value as number);
  return typeof value === "number" && code !== F64 ? value + 0 : value;
}
