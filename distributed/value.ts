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

/** What is kept. */
interface Kept {
  /** The name of the type; empty: nothing was written yet. */
  type: string;
  value: number | bigint | boolean;
}

/**
 * One number, or boolean, that programs on many machines share, by its name.
 *
 * Each of its operations is atomic: of two programs that {@linkcode Value.add} at once both count. Types, ranges and wrapping are
 * those of `Value` in `@weft/concurrent/sync`. An operation goes to the server and back, and again where another program was first.
 *
 * Python has no equivalent; `distributed.Variable` of Dask is alike.
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
  /** What all programs call it. */
  readonly name: string;
  readonly #what: string;
  readonly #code: number;
  readonly #initial: TypeOf<K>;
  readonly #kept: Document<Kept>;

  /**
   * Makes a value, or opens that of the name. Nothing is connected before it is used.
   *
   * @param type The name of the type; the same in all programs: where it differs, what is asked of it rejects with `TypeError`.
   * @param initial What it is until it is written: `0`, `0n` or `false` where nothing is given.
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
      }" as it is a "${type}": say the same everywhere, or unlink() it`,
    );
  }

  /**
   * Reads it.
   *
   * @throws {EngineError} If the engine cannot be reached.
   */
  async get(): Promise<TypeOf<K>> {
    return this.#checked(await this.#kept.read(`read ${this.#what}`));
  }

  /**
   * Writes it.
   *
   * @throws {TypeError} If the value is of another kind.
   * @throws {RangeError} If it does not fit.
   * @throws {EngineError} If the engine cannot be reached.
   */
  async set(value: TypeOf<K>): Promise<void> {
    await this.exchange(value);
  }

  /**
   * Changes it by a function of what it is. The function is called again where another program was first, so it must do nothing else.
   *
   * @param step Gets what it is; returns what it is to be.
   * @returns What it was.
   * @throws {TypeError} If the new value is of another kind.
   * @throws {RangeError} If it does not fit.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws What the function throws: then nothing is changed.
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

  /** Writes a value. Returns what was there. Throws as {@linkcode Value.set}. */
  async exchange(value: TypeOf<K>): Promise<TypeOf<K>> {
    validateElement(this.#code, value, "'value'", `write ${this.#what}`);
    return await this.update(() => value);
  }

  /**
   * Writes a value, if there is the one that is expected.
   *
   * @returns What was there: if that is `expected`, the replacement is written.
   * @throws As {@linkcode Value.set}.
   */
  async compareExchange(expected: TypeOf<K>, replacement: TypeOf<K>): Promise<TypeOf<K>> {
    const action = `write ${this.#what}`;
    const code = this.#code;
    validateElement(code, expected, "'expected'", action);
    validateElement(code, replacement, "'replacement'", action);
    return await this.#kept.change(action, (kept) => {
      const before = this.#checked(kept);
      // As bits are compared: NaN is NaN, and -0 is not 0.
      if (!Object.is(before, rounded(code, expected))) return { result: before };
      return { next: { type: NAMES[code], value: rounded(code, replacement) }, result: before };
    });
  }

  /** Adds a number. Returns what was there. The sum wraps, but for floats. Throws as {@linkcode Value.set}. */
  add(n: Addend<K>): Promise<TypeOf<K>> {
    return this.#combine("add", n, (a, b) => a + b, (a, b) => a + b);
  }

  /** Subtracts a number. Returns what was there. The difference wraps, but for floats. Throws as {@linkcode Value.set}. */
  sub(n: Addend<K>): Promise<TypeOf<K>> {
    return this.#combine("sub", n, (a, b) => a - b, (a, b) => a - b);
  }

  /** Combines the bits by "and". Returns what was there. Throws as {@linkcode Value.set}. */
  and(bits: Bits<K>): Promise<TypeOf<K>> {
    return this.#combine("and", bits, (a, b) => a & b, (a, b) => a & b);
  }

  /** Combines the bits by "or". Returns what was there. Throws as {@linkcode Value.set}. */
  or(bits: Bits<K>): Promise<TypeOf<K>> {
    return this.#combine("or", bits, (a, b) => a | b, (a, b) => a | b);
  }

  /** Combines the bits by "exclusive or". Returns what was there. Throws as {@linkcode Value.set}. */
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
   * Watches it: what it is, then what it becomes. Of changes that follow each other faster than they are read the last is told.
   *
   * @param options What ends it: `timeout` in all, or a signal.
   * @returns The values, without end unless the options say so.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws The signal's reason.
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
   * Removes it from the server: it is what it is at first.
   *
   * @throws {EngineError} If the engine cannot be reached.
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

// As it is kept. The -0 of an integer is 0.
function rounded(code: number, value: number | bigint | boolean): number | bigint | boolean {
  if (code === F32) return Math.fround(value as number);
  return typeof value === "number" && code !== F64 ? value + 0 : value;
}
