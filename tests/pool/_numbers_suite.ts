import { collect, errorOf, LIMIT, range } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import * as options from "./_option_targets.ts";
import { sharedPool } from "./_shared_pool.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InvalidStateError } from "@weft/concurrent/threading";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";

type Numbers = ArrayLike<number | bigint> & Iterable<number | bigint> & { fill(value: never): void };

/** One of each type, with some of its least and greatest values. */
function typedArrays(): Numbers[] {
  const floats = [0, -0, 1.5, -1e30, NaN, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE];
  const integers = [0, 1, -1, 2 ** 7, 2 ** 15, 2 ** 31 - 1, -(2 ** 31), 2 ** 32 - 1, 300];
  const large = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n];
  const { Float16Array } = globalThis as unknown as { Float16Array?: typeof Float32Array };
  return [
    ...[Float16Array, Float32Array, Float64Array].filter((type) => type !== undefined).map((type) => type.from(floats)),
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array]
      .map((type) => type.from(integers)),
    ...[BigInt64Array, BigUint64Array].map((type) => type.from(large)),
  ] as Numbers[];
}

function assertSame(actual: unknown[], expected: unknown[]): void {
  assertEquals(actual.length, expected.length);
  for (const [i, value] of actual.entries()) assert(Object.is(value, expected[i]), `${value}, not ${expected[i]}`);
}

/** What holds for arrays of numbers as items, and for `mapRange`. */
export function numbersSuite(kind: Kind): void {
  const { Pool } = kind;
  const pool = sharedPool(kind);

  describe(`${kind.name} Pool: arrays of numbers as items`, () => {
    it("gives the function the elements of typed arrays of all types", LIMIT, async () => {
      for (const items of typedArrays()) {
        const expected = [...items];
        assertSame(await pool().map(targets.identity, items), expected);
        assertSame(await collect(pool().imap(targets.identity, items)), expected);
        const types = await pool().map(options.kindOf, items);
        assertEquals(types.map(([, type]) => type), expected.map((value) => typeof value));
      }
    });

    it("copies them at the call", LIMIT, async () => {
      for (const items of typedArrays()) {
        const expected = [...items];
        const results = pool().map(targets.identity, items, { chunksize: 2 });
        items.fill((typeof items[0] === "bigint" ? 7n : 7) as never);
        assertSame(await results, expected);
      }
      const numbers = Float64Array.from(range(5000));
      const results = pool().map(targets.square, numbers);
      numbers.fill(-1);
      assertEquals(await results, range(5000).map((x) => x * x));
    });

    it("copies a Buffer at the call, too", LIMIT, async () => {
      const items = Buffer.alloc(5000, 2);
      const results = pool().map(targets.square, items);
      items.fill(9);
      // Its `slice` makes no copy.
      assertEquals(await results, range(5000).map(() => 4));
    });

    it("takes parts of arrays, empty arrays, and arrays in shared memory", LIMIT, async () => {
      const numbers = Float64Array.from(range(20));
      assertEquals(await pool().map(targets.square, numbers.subarray(5, 8)), [25, 36, 49]);
      for (const empty of [new Float64Array(0), new BigInt64Array(0), numbers.subarray(3, 3)]) {
        assertEquals(await pool().map(targets.identity, empty as Iterable<unknown>), []);
      }
      const shared = new Int32Array(new SharedArrayBuffer(12));
      shared.set([1, 2, 3]);
      const results = pool().map(targets.square, shared);
      shared.fill(0);
      assertEquals(await results, [1, 4, 9]);
      await assertRejects(() => pool().map(targets.square, new DataView(new ArrayBuffer(8)) as never), TypeError);
      await assertRejects(() => pool().starmap(targets.add, numbers as never), TypeError, "array of arguments");
    });

    it("fails with the error of the lowest element, and counts elements as progress", LIMIT, async () => {
      const error = await errorOf(pool().map(targets.failAbove100, Int16Array.from(range(3000))));
      assertEquals([error.name, error.message], ["RangeError", "item 101"]);
      const seen: number[] = [];
      await pool().map(targets.square, Uint8Array.from(range(200)), {
        onProgress: (done, total) => {
          assertEquals(total, 200);
          seen.push(done);
        },
      });
      assertEquals(seen.at(-1), 200);
    });

    it("gives the function the elements of shared arrays", LIMIT, async () => {
      const floats = new kind.SharedArray("f64", [1.5, -0, NaN]);
      assertSame(await pool().map(targets.identity, floats), [1.5, -0, NaN]);
      const large = new kind.SharedArray("i64", [1n, -(2n ** 63n)]);
      assertSame(await pool().map(targets.identity, large), [1n, -(2n ** 63n)]);
      const bits = new kind.SharedArray("bool", [true, false]);
      assertSame(await pool().map(targets.identity, bits), [true, false]);
      assertEquals(await pool().map(targets.square, new kind.SharedArray("i32", 0)), []);
      const numbers = new kind.SharedArray("i32", range(500));
      const results = pool().map(targets.square, numbers);
      numbers.array.fill(-1);
      assertEquals(await results, range(500).map((x) => x * x));
      assertEquals(await collect(pool().imap(targets.square, new kind.SharedArray("u8", [2, 3]))), [4, 9]);
    });
  });

  describe(`${kind.name} Pool: mapRange`, () => {
    it("calls the function with ranges that follow each other, in their order", LIMIT, async () => {
      for (const length of [0, 1, 2, 31, 32, 33, 97, 1000, 10_007, 2 ** 40 + 1]) {
        const ranges = await pool().mapRange(options.rangeAsGiven, length) as [number, number][];
        assert(ranges.length <= 32, `${ranges.length} ranges`);
        let end = 0;
        for (const [from, to] of ranges) {
          assertEquals(from, end);
          assert(to > from);
          end = to;
        }
        assertEquals(end, length);
      }
      assertEquals((await pool().mapRange(options.rangeAsGiven, 3200)).length, 32);
    });

    it("makes ranges of chunksize, and a shorter last one", LIMIT, async () => {
      const cut = (length: number, chunksize: number): Promise<unknown[]> =>
        pool().mapRange(options.rangeAsGiven, length, { chunksize });
      assertEquals(await cut(0, 10), []);
      assertEquals(await cut(1, 10), [[0, 1]]);
      assertEquals(await cut(7, 3), [[0, 3], [3, 6], [6, 7]]);
      assertEquals(await cut(6, 3), [[0, 3], [3, 6]]);
      assertEquals(await cut(97, 1), range(97).map((i) => [i, i + 1]));
      assertEquals(await cut(97, 0x7fffffff), [[0, 97]]);
    });

    it("gives the function the elements of args after the bounds", LIMIT, async () => {
      const args = [{ n: 1 }, [2], "three"];
      const results = pool().mapRange(options.rangeAsGiven, 2, { args, chunksize: 1 });
      args.length = 0;
      assertEquals(await results, [[0, 1, { n: 1 }, [2], "three"], [1, 2, { n: 1 }, [2], "three"]]);
      assertEquals(await pool().mapRange(options.rangeAsGiven, 1, { args: [] }), [[0, 1]]);
    });

    it("works on a shared array, whose length it takes", LIMIT, async () => {
      const numbers = new kind.SharedArray("f64", range(1009));
      const sums = await pool().mapRange(options.squareRange, numbers, { args: [numbers] });
      assertEquals(sums.reduce((a, b) => a + b), 1009 * 1008 / 2);
      assertEquals([...numbers], range(1009).map((x) => x * x));
      assertEquals(await pool().mapRange(options.rangeAsGiven, new Uint8Array(3), { chunksize: 2 }), [[0, 2], [2, 3]]);
      assertEquals(await pool().mapRange(options.rangeAsGiven, new kind.SharedArray("i32", 0)), []);
    });

    it("rejects with the error of the lowest range, although a higher one failed first", LIMIT, async () => {
      const error = await errorOf(pool().mapRange(options.failRangeLate, 50, { chunksize: 10 }));
      assertEquals([error.name, error.message], ["RangeError", "range 0 to 10"]);
      const other = await errorOf(pool().mapRange(options.failRangeFrom, 1000, { chunksize: 1, args: [500] }));
      assertEquals(other.message, "range 500");
      const aborted = pool().mapRange(options.rangeAsGiven, 10, { signal: AbortSignal.abort(new EvalError("enough")) });
      await assertRejects(() => aborted, EvalError);
    });

    it("counts items as progress, and has the rate of items", LIMIT, async () => {
      for (const [length, chunksize] of [[95, 10], [97, 1], [5, 100]] as const) {
        const seen: number[] = [];
        await pool().mapRange(options.rangeAsGiven, length, {
          chunksize,
          onProgress: (done, total, { rate, remaining }) => {
            assertEquals(total, length);
            assert(rate > 0 && remaining! >= 0, `${rate} and ${remaining}`);
            seen.push(done);
          },
        });
        assertEquals([seen.length, seen.at(-1)], [Math.ceil(length / chunksize), length]);
        assertEquals(seen, seen.toSorted((a, b) => a - b));
      }
    });

    it("counts the items of the last range when it finishes before others", LIMIT, async () => {
      const event = new kind.Event();
      const seen: number[] = [];
      const lengths = await pool().mapRange(options.waitAtZero, 15, {
        args: [event],
        chunksize: 10,
        onProgress: (done) => {
          seen.push(done);
          event.set();
        },
      });
      assertEquals(lengths, [10, 5]);
      assertEquals(seen, [5, 15]);
    });

    it("validates its arguments", LIMIT, async () => {
      for (const length of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
        await assertRejects(() => pool().mapRange(options.rangeAsGiven, length), RangeError, "length");
        await assertRejects(() => pool().mapRange(options.rangeAsGiven, { length }), RangeError, "length");
      }
      for (const length of [undefined, null, {}, { length: "1" }, 1n, true]) {
        await assertRejects(() => pool().mapRange(options.rangeAsGiven, length as never), TypeError, "length");
      }
      for (const length of [0, 5]) {
        const rejects = (its: object, type: typeof TypeError | typeof RangeError, name: string): Promise<Error> =>
          assertRejects(() => pool().mapRange(options.rangeAsGiven, length, its as never), type, name);
        for (const chunksize of [0, -1, 1.5, NaN]) await rejects({ chunksize }, RangeError, "'chunksize'");
        await rejects({ chunksize: "1" }, TypeError, "'chunksize'");
        for (const args of [1, "ab", {}, null, new Set([1])]) await rejects({ args }, TypeError, "'args'");
        await rejects({ onProgress: 1 }, TypeError, "'onProgress'");
        await rejects({ timeout: -1 }, RangeError, "'timeout'");
        await rejects({ killAfter: -1 }, RangeError, "'killAfter'");
        await assertRejects(() => pool().mapRange(5 as never, length), TypeError, "function");
      }
      const error = await errorOf(pool().mapRange(options.rangeAsGiven, 5, { args: [() => {}] }));
      assertEquals(error.name, "DataCloneError");
      const closed = new Pool(1);
      closed.close();
      await assertRejects(() => closed.mapRange(options.rangeAsGiven, 5), InvalidStateError);
    });

    it("refuses a string, whose characters are not items", LIMIT, async () => {
      await assertRejects(() => pool().mapRange(options.rangeAsGiven, "5" as never), TypeError, "length");
    });
  });
}
