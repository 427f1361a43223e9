import { errorOf, LIMIT, range, sharing } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import { sharedPool } from "./_shared_pool.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";

/** What holds for `map` and `starmap`. */
export function mapSuite(kind: Kind): void {
  const { Pool } = kind;
  const pool = sharedPool(kind);

  describe(`${kind.name} Pool: map`, () => {
    it("returns the results in the order of the items", LIMIT, async () => {
      assertEquals(await pool().map(targets.square, [1, 2, 3, 4, 5]), [1, 4, 9, 16, 25]);
      for (const n of [1, 2, 63, 64, 65, 1000, 20_000]) {
        assertEquals(await pool().map(targets.square, range(n)), range(n).map((x) => x * x));
      }
    });

    it("takes any iterable, and any chunksize", LIMIT, async () => {
      assertEquals(await pool().map(targets.square, new Set([1, 2])), [1, 4]);
      assertEquals(await pool().map((text: string) => text.length, "ab"), [1, 1]);
      for (const chunksize of [1, 2, 3, 7, 100, 2 ** 31 - 1]) {
        assertEquals(await pool().map(targets.square, range(50), { chunksize }), range(50).map((x) => x * x));
      }
    });

    it("awaits what the function returns", LIMIT, async () => {
      assertEquals(await pool().map(targets.squareLater, range(20)), range(20).map((x) => x * x));
    });

    it("gives the function the item and nothing else", LIMIT, async () => {
      assertEquals(await pool().map(targets.countArguments, range(3)), [1, 1, 1]);
    });

    it("resolves at once for no items", LIMIT, async () => {
      await using unused = new Pool(1);
      assertEquals(await unused.map(targets.square, []), []);
      assertEquals(unused.stats().workers, 0);
    });

    it("copies the items at the call", LIMIT, async () => {
      const items = range(500).map((n) => ({ n }));
      const results = pool().map((item: { n: number }) => item.n, items);
      for (const item of items) item.n = -1;
      assertEquals(await results, range(500));
    });

    it("rejects with the error of the lowest item that failed, although a higher one failed first", LIMIT, async () => {
      const error = await errorOf(pool().map(targets.failLate, range(8), { chunksize: 1 }));
      assertEquals([error.name, error.message], ["RangeError", "item 0"]);
      const other = await errorOf(pool().map(targets.failAbove100, range(10_000)));
      assertEquals(other.message, "item 101");
    });

    it("does not run the items after a failure", sharing(kind), async () => {
      await using one = new Pool(1);
      const value = new kind.Value("i32");
      const pairs = range(200).map((i): [typeof value, number] => [value, i]);
      const run = (counter: typeof value, i: number): void => {
        if (i === 3) throw new Error("third");
        counter.add(1);
      };
      assertEquals((await errorOf(one.starmap(run, pairs, { chunksize: 1 }))).message, "third");
      // One or two chunks were on the board, and may have run before the failure was known.
      assert(value.value >= 3 && value.value < 10);
    });

    it("says which item cannot be sent, and sends nothing", sharing(kind), async () => {
      const value = new kind.Value("i32");
      const items: unknown[] = range(300).map(() => value);
      items[250] = { value, deep: [() => {}] };
      const error = await errorOf(pool().map((item) => (item as typeof value).add(1), items));
      assertEquals(error.name, "DataCloneError");
      assert(error.message.includes("items[250].deep[0]"), error.message);
      assertEquals(value.value, 0);
    });

    it("rejects with what the iterable throws", LIMIT, async () => {
      function* items(): Generator<number> {
        yield 1;
        throw new EvalError("in the middle");
      }
      await assertRejects(() => pool().map(targets.square, items()), EvalError, "in the middle");
    });

    it("validates its arguments", LIMIT, async () => {
      for (const chunksize of [0, -1, 1.5, NaN]) {
        await assertRejects(() => pool().map(targets.square, [1], { chunksize }), RangeError, "chunksize");
      }
      await assertRejects(() => pool().map(targets.square, [1], { chunksize: "1" as never }), TypeError);
      await assertRejects(() => pool().map(targets.square, 5 as never), TypeError, "iterable");
      const later = (async function* () {})();
      await assertRejects(() => pool().map(targets.square, later as never), TypeError, "which imap takes");
      await assertRejects(() => pool().map(5 as never, [1]), TypeError, "function");
      await assertRejects(() => pool().map(targets.square, [1], { timeout: -1 }), RangeError);
      await assertRejects(() => pool().map(targets.square, [1], { killAfter: -1 }), RangeError);
      await assertRejects(() => pool().map(targets.square, [1], { onProgress: 1 as never }), TypeError);
      await assertRejects(() => pool().starmap(targets.add, [1] as never), TypeError, "array of arguments");
    });

    it("reports progress up to the total", LIMIT, async () => {
      const seen: number[] = [];
      await pool().map(targets.square, range(1000), {
        onProgress: (done, total) => {
          assertEquals(total, 1000);
          seen.push(done);
        },
      });
      assertEquals(seen.at(-1), 1000);
      assertEquals(seen, seen.toSorted((a, b) => a - b));
    });

    it("rejects with what onProgress throws, and the pool lives", LIMIT, async () => {
      const onProgress = (): void => {
        throw new EvalError("callback");
      };
      await assertRejects(() => pool().map(targets.square, range(100), { onProgress }), EvalError, "callback");
      assertEquals(await pool().map(targets.square, [3]), [9]);
    });

    it("spreads arguments with starmap", LIMIT, async () => {
      const pairs = range(100).map((i): [number, number] => [i, 2 * i]);
      assertEquals(await pool().starmap(targets.add, pairs), range(100).map((i) => 3 * i));
    });

    it("runs items that wait for each other, although they would go together", sharing(kind), async () => {
      // So that the function is known to be quick, and its items go in large chunks.
      await pool().map(targets.identity, range(5000));
      const barrier = new kind.Barrier(2);
      const args = range(2000).map((i): [typeof barrier, boolean] => [barrier, i === 700 || i === 750]);
      const met = (await pool().starmap(targets.meetOrNot, args)).filter((index) => index >= 0);
      assertEquals(met.toSorted(), [0, 1]);
    });

    it("gives the items behind a slow item to another worker", LIMIT, async () => {
      const args = range(400).map((i): [number, number, number] => [i, 200, 300]);
      const begin = performance.now();
      let almost = 0;
      await pool().starmap(targets.takeTimeBut, args, {
        onProgress: (done) => {
          if (done >= 390 && almost === 0) almost = performance.now() - begin;
        },
      });
      const all = performance.now() - begin;
      assert(almost > 0 && almost < all, `${almost} of ${all} ms`);
    });
  });
}
