import { collect, errorOf, LIMIT, lossOf, range, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import { sharedPool } from "./_shared_pool.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";

/** What holds for `imap` and `imapUnordered`. */
export function streamSuite(kind: Kind): void {
  const { Pool } = kind;
  const pool = sharedPool(kind);

  describe(`${kind.name} Pool: imap`, () => {
    it("yields results in order, and imapUnordered all of them", LIMIT, async () => {
      assertEquals(await collect(pool().imap(targets.square, range(100))), range(100).map((x) => x * x));
      const unordered = await collect(pool().imapUnordered(targets.square, range(100), { chunksize: 7 }));
      assertEquals(unordered.toSorted((a, b) => a - b), range(100).map((x) => x * x));
      assertEquals(await collect(pool().imap(targets.square, [])), []);
    });

    it("takes the characters of a string, as map does", LIMIT, async () => {
      assertEquals(await collect(pool().imap(targets.identity, "abc")), ["a", "b", "c"]);
    });

    it("is delivered also after close, and then the pool ends", LIMIT, async () => {
      async function* slowly(): AsyncGenerator<number> {
        for (const x of range(3)) {
          yield x;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
      for (const workers of [1, 2]) {
        for (const items of [() => range(3), slowly]) {
          for (const name of ["imap", "imapUnordered"] as const) {
            const one = new Pool(workers);
            if (workers === 2) await one.warm();
            const results = one[name](targets.square, items());
            one.close();
            assertEquals((await collect(results)).toSorted((a, b) => a - b), [0, 1, 4]);
            assertEquals(await one.join({ timeout: 20_000 }), true);
            assertEquals(one.stats().workers, 0);
          }
        }
      }
    });

    it(
      "takes a limited number of items of an endless generator, and ends it when the loop is left",
      LIMIT,
      async () => {
        let taken = 0;
        let ended = false;
        function* endless(): Generator<number> {
          try {
            for (;;) yield taken++;
          } finally {
            ended = true;
          }
        }
        let results = 0;
        for await (const result of pool().imap(targets.square, endless())) {
          assertEquals(result, results * results);
          if (++results === 10) break;
        }
        assert(ended);
        assert(taken <= 10 + 8, `${taken} items were taken`);
        assertEquals(await pool().map(targets.square, [3]), [9]);
      },
    );

    it("ends the iterable also if no result was ever asked for", LIMIT, async () => {
      let ended = false;
      async function* endless(): AsyncGenerator<number> {
        try {
          for (let i = 0;; i++) {
            await Promise.resolve();
            yield i;
          }
        } finally {
          ended = true;
        }
      }
      const results = pool().imap(targets.square, endless());
      await new Promise((resolve) => setTimeout(resolve, 5));
      await results.return!();
      await until(() => ended);
      assertEquals(await results.next(), { done: true, value: undefined });
    });

    it("takes async iterables", LIMIT, async () => {
      async function* items(): AsyncGenerator<number> {
        for (let i = 0; i < 30; i++) {
          if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          yield i;
        }
      }
      assertEquals(await collect(pool().imap(targets.square, items())), range(30).map((x) => x * x));
      assertEquals(
        (await collect(pool().imapUnordered(targets.square, items(), { chunksize: 4 }))).length,
        30,
      );
    });

    it("yields what comes before a failure, then throws", LIMIT, async () => {
      const results = pool().imap(targets.failAbove100, range(500));
      const seen: number[] = [];
      const error = await errorOf((async () => {
        for await (const result of results) seen.push(result);
      })());
      assertEquals([error.message, seen.length], ["item 101", 101]);
    });

    it("yields what comes before an error of the iterable, then throws it", LIMIT, async () => {
      function* items(): Generator<number> {
        yield* [1, 2, 3];
        throw new EvalError("no more");
      }
      async function* later(): AsyncGenerator<number> {
        yield* items();
      }
      for (const isAsync of [false, true]) {
        const seen: number[] = [];
        await assertRejects(
          async () => {
            for await (const result of pool().imap(targets.square, isAsync ? later() : items())) seen.push(result);
          },
          EvalError,
          "no more",
        );
        assertEquals(seen, [1, 4, 9]);
      }
    });

    it("says which item cannot be sent", LIMIT, async () => {
      const error = await errorOf(collect(pool().imap(targets.identity, [1, 2, () => {}, 4])));
      assertEquals(error.name, "DataCloneError");
      assert(error.message.includes("items[2]"), error.message);
    });

    it("answers overlapping calls of next in their order", LIMIT, async () => {
      const results = pool().imap(targets.square, range(5));
      const all = await Promise.all(range(6).map(() => results.next()));
      assertEquals(all.map(({ value }) => value), [0, 1, 4, 9, 16, undefined]);
    });

    it("reports progress, without a total as long as it is not known", LIMIT, async () => {
      const totals: (number | undefined)[] = [];
      const onProgress = (done: number, total: number | undefined): void => {
        totals[done] = total;
      };
      await collect(pool().imap(targets.square, range(50).values(), { onProgress }));
      assertEquals([totals[1], totals.length], [undefined, 51]);
      for (const items of [range(50), new Set(range(50)), new Uint8Array(50)]) {
        totals.length = 0;
        await collect(pool().imapUnordered(targets.square, items, { onProgress }));
        assertEquals([totals[1], totals.at(-1), totals.length], [50, 50, 51]);
      }
    });

    it("finishes at the pool's end also if its results are read only then", LIMIT, async () => {
      const two = new Pool(2);
      const results = two.imap(targets.square, range(100));
      const unordered = two.imapUnordered(targets.square, range(100), { chunksize: 3 });
      two.close();
      await two.join();
      assertEquals(await collect(results), range(100).map((x) => x * x));
      assertEquals((await collect(unordered)).length, 100);
    });

    it("loses one item if a worker dies, and goes on with the others", LIMIT, async () => {
      await using two = new Pool(2);
      const seen: number[] = [];
      const error = await lossOf((async () => {
        for await (const result of two.imap(targets.exitAt5, range(20), { chunksize: 4 })) seen.push(result);
      })());
      assertEquals([error.taskIndex, seen], [5, [0, 1, 2, 3, 4]]);
    });
  });
}
