import { InvalidStateError, type RLock, type TypeOf, type ValueType } from "@weft/concurrent/threading";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { locate, type SharedHandle } from "../../_internal/memory/shared_object.ts";
import type { Scope } from "./_scope.ts";
import {
  addOne,
  addOneWide,
  addToAllThatCome,
  flicker,
  incrementLocked,
  type Numbers,
  readAndSet,
} from "./value_targets.ts";

const LIMIT = { timeout: 60_000 };

const INTEGERS = [
  ["i8", -128, 127],
  ["u8", 0, 255],
  ["i16", -32768, 32767],
  ["u16", 0, 65535],
  ["i32", -(2 ** 31), 2 ** 31 - 1],
  ["u32", 0, 2 ** 32 - 1],
] as const;

const WIDE = [["i64", -(2n ** 63n), 2n ** 63n - 1n], ["u64", 0n, 2n ** 64n - 1n]] as const;

/** Tests of `Value`. */
export function valueSuite(scope: Scope): void {
  const { Queue, SharedArray, Value } = scope;

  describe(`Value (${scope.name})`, () => {
    it("is zero at first, or the given value", LIMIT, () => {
      for (const [type] of INTEGERS) {
        assertStrictEquals(new Value(type).value, 0);
        assertStrictEquals(new Value(type, 100).value, 100);
        assertEquals(new Value(type).type, type);
      }
      assertStrictEquals(new Value("i64").value, 0n);
      assertStrictEquals(new Value("u64", 2n ** 64n - 1n).value, 2n ** 64n - 1n);
      assertStrictEquals(new Value("f32").value, 0);
      assertStrictEquals(new Value("f64", -0).value, -0);
      assertStrictEquals(new Value("f64", 0.1).value, 0.1);
      assertStrictEquals(new Value("f32", 0.1).value, Math.fround(0.1));
      assertStrictEquals(new Value("bool").value, false);
      assertStrictEquals(new Value("bool", true).value, true);
      assertStrictEquals(new Value("i32", -0).value, 0);
    });

    for (const [type, min, max] of INTEGERS) {
      it(`holds whole numbers from ${min} to ${max} as ${type}, refuses others, and wraps`, LIMIT, () => {
        const value = new Value(type, 1);
        for (const allowed of [min, max, 0, 1]) {
          value.value = allowed;
          assertStrictEquals(value.value, allowed);
        }
        for (const refused of [min - 1, max + 1, 0.5, NaN, Infinity, 2 ** 40]) {
          assertThrows(() => value.value = refused, RangeError, "must be a whole number from");
          assertThrows(() => value.add(refused), RangeError);
          assertThrows(() => value.sub(refused), RangeError);
          assertThrows(() => value.and(refused), RangeError);
          assertThrows(() => value.or(refused), RangeError);
          assertThrows(() => value.xor(refused), RangeError);
          assertThrows(() => value.exchange(refused), RangeError);
          assertThrows(() => value.compareExchange(refused, 0), RangeError);
          assertThrows(() => value.compareExchange(1, refused), RangeError);
          assertThrows(() => new Value(type, refused), RangeError, "'initial'");
        }
        for (const refused of ["1", 1n, true, null, {}, undefined]) {
          assertThrows(() => value.value = refused as never, TypeError, "must be a number");
          assertThrows(() => value.add(refused as never), TypeError);
        }
        assertStrictEquals(value.value, 1);
        value.value = max;
        assertStrictEquals(value.add(1), max);
        assertStrictEquals(value.value, min);
        assertStrictEquals(value.sub(1), min);
        assertStrictEquals(value.value, max);
        assertStrictEquals(value.add(max), max);
        assertStrictEquals(value.value, min < 0 ? -2 : max - 1);
        assertStrictEquals(value.sub(min), min < 0 ? -2 : max - 1);
        assertStrictEquals(value.value, min < 0 ? max - 1 : max - 1);
      });

      it(`combines the bits of ${type}, and returns the old value`, LIMIT, () => {
        const value = new Value(type, 0b1100);
        assertStrictEquals(value.and(0b0110), 0b1100);
        assertStrictEquals(value.or(0b0011), 0b0100);
        assertStrictEquals(value.xor(0b0101), 0b0111);
        assertStrictEquals(value.exchange(max), 0b0010);
        assertStrictEquals(value.xor(max), max);
        assertStrictEquals(value.value, 0);
        assertStrictEquals(value.or(min), 0);
        assertStrictEquals(value.or(max), min);
        assertStrictEquals(value.value, min < 0 ? -1 : max);
        assertStrictEquals(value.compareExchange(7, 8), min < 0 ? -1 : max);
        assertStrictEquals(value.compareExchange(min < 0 ? -1 : max, 8), min < 0 ? -1 : max);
        assertStrictEquals(value.value, 8);
      });
    }

    for (const [type, min, max] of WIDE) {
      it(`holds bigints from ${min} to ${max} as ${type}, refuses others, and wraps`, LIMIT, () => {
        const value = new Value(type, 1n);
        for (const allowed of [min, max, 0n, 1n]) {
          value.value = allowed;
          assertStrictEquals(value.value, allowed);
        }
        for (const refused of [min - 1n, max + 1n]) {
          assertThrows(() => value.value = refused, RangeError, "64 bits");
          assertThrows(() => value.add(refused), RangeError);
          assertThrows(() => value.exchange(refused), RangeError);
          assertThrows(() => value.compareExchange(1n, refused), RangeError);
          assertThrows(() => new Value(type, refused), RangeError, "'initial'");
        }
        for (const refused of [1, "1", true, null]) {
          assertThrows(() => value.value = refused as never, TypeError, "a bigint");
          assertThrows(() => value.sub(refused as never), TypeError);
        }
        assertStrictEquals(value.value, 1n);
        value.value = max;
        assertStrictEquals(value.add(1n), max);
        assertStrictEquals(value.value, min);
        assertStrictEquals(value.sub(1n), min);
        assertStrictEquals(value.value, max);
        assertStrictEquals(value.and(0b1100n), max);
        assertStrictEquals(value.or(0b0011n), 0b1100n);
        assertStrictEquals(value.xor(0b0001n), 0b1111n);
        assertStrictEquals(value.exchange(max), 0b1110n);
        assertStrictEquals(value.compareExchange(max, min), max);
        assertStrictEquals(value.compareExchange(max, 5n), min);
        assertStrictEquals(value.value, min);
      });
    }

    it("holds every f64, and adds, subtracts and exchanges them", LIMIT, () => {
      const value = new Value("f64");
      for (const x of [0.1, -0, Infinity, -Infinity, NaN, Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 53 + 2]) {
        value.value = x;
        assertStrictEquals(value.value, x);
      }
      value.value = 1.5;
      assertStrictEquals(value.add(0.25), 1.5);
      assertStrictEquals(value.sub(1), 1.75);
      assertStrictEquals(value.exchange(-0), 0.75);
      assertStrictEquals(value.compareExchange(0, 1), -0);
      assertStrictEquals(value.compareExchange(-0, NaN), -0);
      assertStrictEquals(value.compareExchange(NaN, 2), NaN);
      assertStrictEquals(value.value, 2);
      value.value = 1;
      value.value = value.value / 0 - value.value / 0;
      assertStrictEquals(value.compareExchange(0 / 0, 3), NaN);
      assertStrictEquals(value.value, 3);
    });

    it("rounds to f32, and refuses numbers that are too large for it", LIMIT, () => {
      const value = new Value("f32", 1.5);
      value.value = 0.1;
      assertStrictEquals(value.value, Math.fround(0.1));
      assertStrictEquals(value.add(1), Math.fround(0.1));
      assertStrictEquals(value.value, Math.fround(Math.fround(0.1) + 1));
      assertStrictEquals(value.compareExchange(value.value, 0.2), Math.fround(Math.fround(0.1) + 1));
      assertStrictEquals(value.compareExchange(0.2, 4), Math.fround(0.2));
      for (const refused of [1e39, -1e300]) assertThrows(() => value.value = refused, RangeError, "3.4028");
      assertStrictEquals(value.value, 4);
      for (const x of [Infinity, NaN, -0]) {
        value.value = x;
        assertStrictEquals(value.value, x);
      }
    });

    it("has no bit operations for floats and no addition for booleans, also by its types", LIMIT, () => {
      for (const type of ["f32", "f64"] as const) {
        const value = new Value(type, 1);
        // @ts-expect-error Floats have none.
        assertThrows(() => value.and(1), TypeError, "no bits");
        // @ts-expect-error Floats have none.
        assertThrows(() => value.or(1), TypeError, "no bits");
        // @ts-expect-error Floats have none.
        assertThrows(() => value.xor(1), TypeError, "no bits");
        assertStrictEquals(value.value, 1);
      }
      const flag = new Value("bool", true);
      // @ts-expect-error Booleans are not numbers.
      assertThrows(() => flag.add(true), TypeError, "not a number");
      // @ts-expect-error Booleans are not numbers.
      assertThrows(() => flag.sub(true), TypeError, "not a number");
      assertStrictEquals(flag.value, true);
    });

    it("holds booleans and nothing else as bool", LIMIT, () => {
      const flag = new Value("bool");
      assertStrictEquals(flag.exchange(true), false);
      assertStrictEquals(flag.and(false), true);
      assertStrictEquals(flag.or(true), false);
      assertStrictEquals(flag.xor(true), true);
      assertStrictEquals(flag.compareExchange(false, true), false);
      assertStrictEquals(flag.value, true);
      for (const refused of [1, 0, "true", null, undefined]) {
        assertThrows(() => flag.value = refused as never, TypeError, "a boolean");
      }
      assertStrictEquals(flag.value, true);
    });

    it("loses no addition of many threads", LIMIT, async () => {
      const times = 5_000;
      const values = {
        i32: new Value("i32"),
        i8: new Value("i8"),
        u16: new Value("u16"),
        f32: new Value("f32"),
        f64: new Value("f64"),
      };
      const wide = { i64: new Value("i64", -1n), u64: new Value("u64") };
      const runners = [];
      for (const value of Object.values(values)) {
        for (let i = 0; i < 2; i++) runners.push(scope.run(addOne, value, times));
      }
      for (const value of Object.values(wide)) {
        for (let i = 0; i < 2; i++) runners.push(scope.run(addOneWide, value, times));
      }
      for (const runner of runners) await runner.result();
      assertEquals(values.i32.value, 2 * times);
      assertEquals(values.i8.value, (2 * times) << 24 >> 24);
      assertEquals(values.u16.value, (2 * times) & 0xffff);
      assertEquals(values.f32.value, 2 * times);
      assertEquals(values.f64.value, 2 * times);
      assertEquals(wide.i64.value, BigInt(2 * times - 1));
      assertEquals(wide.u64.value, BigInt(2 * times));
    });

    it("never shows half of a number of 64 bits", LIMIT, async () => {
      const value = new Value("f64", 1.1e300);
      const wide = new Value("i64", 0x11111111_22222222n);
      const stop = new Value("bool");
      const runners = [true, false].map((odd) => scope.run(flicker, value, wide, stop, odd));
      const seen = new Set<number | bigint>();
      for (let i = 0; i < 200_000 || seen.size < 4 && i < 50_000_000; i++) {
        seen.add(value.value);
        seen.add(wide.value);
      }
      stop.value = true;
      for (const runner of runners) await runner.result();
      assertEquals(seen, new Set<number | bigint>([1.1e300, -7.7e-200, 0x11111111_22222222n, -0x33333333_44444444n]));
    });

    it("has one lock for all, under which several steps are one", LIMIT, async () => {
      const value = new Value("i32");
      const runners = [1, 2, 3].map(() => scope.run(incrementLocked, value, 1_000));
      for (const runner of runners) await runner.result();
      assertEquals(value.value, 3_000);
      const { lock } = value;
      assertStrictEquals(value.lock, lock);
      assert(lock instanceof scope.RLock);
      lock[Symbol.dispose]();
      assert(value.lock.tryAcquire() !== undefined);
    });

    it("keeps its place when the memory grows, for values and threads from before and after", LIMIT, async () => {
      const make = (): Numbers => ({
        i64: new Value("i64", 7n),
        u64: new Value("u64", 2n ** 63n),
        f64: new Value("f64", 0.5),
        i32: new Value("i32", 0),
        array: new SharedArray("f64", [0.25]),
      });
      const early = make();
      const queue = new Queue<Numbers>();
      const answers = new Queue<string>();
      const runner = scope.run(addToAllThatCome, queue, answers);
      const check = async (numbers: Numbers, count: number): Promise<void> => {
        const { i64, u64, f64, i32, array } = numbers;
        queue.putSync(numbers);
        const expected = `${7 + count} ${2n ** 63n + BigInt(count)} ${0.5 + count} ${0.25 + count}`;
        assertEquals(await answers.get({ timeout: 30_000 }), expected);
        assertEquals(`${i64.value} ${u64.value} ${f64.value} ${array.array[0]}`, expected);
        assertEquals(i32.value, count);
        i64.sub(1n);
        assertEquals(i64.exchange(7n + BigInt(count)), 6n + BigInt(count));
        assertEquals(u64.compareExchange(2n ** 63n + BigInt(count), u64.value), 2n ** 63n + BigInt(count));
      };
      await check(early, 1);
      // More than the memory has at first. Later objects lie behind it, once there is no room before it.
      const large = [8, 16, 24].map((size) => new SharedArray("u8", size * 2 ** 20));
      const isBehind = (value: object): boolean => locate(value as SharedHandle)!.at > locate(large[0]!)!.at;
      const made = [make()];
      while (!Object.values(made.at(-1)!).every(isBehind)) made.push(make());
      const late = made.at(-1)!;
      await check(late, 1);
      await check(early, 2);
      late.i32.value = -1;
      queue.putSync(late);
      await runner.result();
      assertEquals([late.i64.value, late.f64.value], [9n, 2.5]);
      for (const array of large) array[Symbol.dispose]();
    });

    it("has a lock that is an RLock, also by its type", LIMIT, () => {
      const lock: RLock = new Value("u8").lock;
      assertEquals(lock.locked, false);
    });

    it("can be sent in arguments", LIMIT, async () => {
      const value = new Value("u32", 2 ** 32 - 1);
      assertStrictEquals(await scope.run(readAndSet, value, 2 ** 31).result(), 2 ** 32 - 1);
      assertStrictEquals(value.value, 2 ** 31);
    });

    it("keeps its value under its name, and must be created with the same type and initial value", LIMIT, () => {
      const name = `value ${crypto.randomUUID()}`;
      const value = new Value("f64", 0.5, { name });
      value.value = 7;
      assertEquals(new Value("f64", 0.5, { name }).value, 7);
      assertThrows(() => new Value("f64", 0, { name }), TypeError, name);
      assertThrows(() => new Value("f64", undefined, { name }), TypeError, name);
      assertThrows(() => new Value("f32", 0.5, { name }), TypeError, name);
      assertThrows(() => new scope.Lock({ name }), TypeError, name);
      assertEquals(value.value, 7);
    });

    it("refuses unknown types", LIMIT, () => {
      for (const type of ["int", "i", "", 3, null, undefined, {}]) {
        assertThrows(() => new Value(type as ValueType), TypeError, `'type' must be one of "bool", "i8"`);
      }
      assertThrows(() => new Value("i32", 0, { name: 3 } as never), TypeError, "'name'");
      assertThrows(() => new Value("i32", "0" as unknown as TypeOf<"i32">), TypeError, "'initial'");
    });

    it("throws InvalidStateError after it was disposed of", LIMIT, () => {
      const value = new Value("i32", 5);
      value[Symbol.dispose]();
      assertThrows(() => value.value, InvalidStateError, "disposed of");
      assertThrows(() => value.value = 1, InvalidStateError);
      assertThrows(() => value.add(1), InvalidStateError);
      assertThrows(() => value.sub(1), InvalidStateError);
      assertThrows(() => value.and(1), InvalidStateError);
      assertThrows(() => value.or(1), InvalidStateError);
      assertThrows(() => value.xor(1), InvalidStateError);
      assertThrows(() => value.exchange(1), InvalidStateError);
      assertThrows(() => value.compareExchange(1, 2), InvalidStateError);
      assertThrows(() => value.lock, InvalidStateError);
      assertThrows(() => value.type, InvalidStateError);
    });
  });
}
