import { collect, errorOf, LIMIT, range, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import * as options from "./_option_targets.ts";
import { sharedPool } from "./_shared_pool.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals } from "@std/assert";
import type { ProgressRate } from "@weft/concurrent/threading";
import { describe, it } from "node:test";

/** What holds for the measurements of a pool: how fast it goes, and how long tasks waited and ran. */
export function measuresSuite(kind: Kind): void {
  const { Pool } = kind;
  const pool = sharedPool(kind);

  describe(`${kind.name} Pool: onProgress`, () => {
    it("gets how fast a map goes, and how long it will take", LIMIT, async () => {
      const seen: ProgressRate[] = [];
      const onProgress = (_done: number, _total: number | undefined, rate: ProgressRate): void => void seen.push(rate);
      const calls = [
        pool().map(targets.square, range(300), { onProgress }),
        pool().starmap(targets.add, range(300).map((x): [number, number] => [x, x]), { onProgress, chunksize: 10 }),
        collect(pool().imap(targets.square, range(300), { onProgress })),
        collect(pool().imapUnordered(targets.square, new Set(range(300)), { onProgress })),
        pool().mapRange(targets.add, 300, { onProgress, chunksize: 1 }),
      ];
      for (const call of calls) await call;
      assertEquals(seen.length, 5 * 300);
      for (const { rate, remaining } of seen) {
        assert(rate > 0 && rate < Infinity, `${rate}`);
        assert(remaining! >= 0 && remaining! < Infinity, `${remaining}`);
      }
      assertEquals(seen.at(-1)!.remaining, 0);
    });

    it("gets no remaining time as long as the total is unknown", LIMIT, async () => {
      const seen: (number | undefined)[] = [];
      const onProgress = (done: number, total: number | undefined, { rate, remaining }: ProgressRate): void => {
        assert(rate > 0);
        assertEquals(remaining === undefined, total === undefined);
        seen[done] = remaining;
      };
      await collect(pool().imap(targets.square, range(50).values(), { onProgress }));
      assertEquals([seen[1], seen.length], [undefined, 51]);
    });

    it("gets the rate of the last tasks", LIMIT, async () => {
      const rates: number[] = [];
      await using one = new Pool(1);
      await one.map(targets.takeTime, [...range(100).map(() => 0), ...range(30).map(() => 50)], {
        chunksize: 1,
        onProgress: (_done, _total, { rate }) => rates.push(rate),
      });
      // The hundred quick tasks no longer count: with them it would be several times 20. It may be somewhat more than 20, since
      // the rate is taken between arrivals of results, and the first of these may have come late.
      assert(rates.at(-1)! <= 25, `${rates.at(-1)} tasks a second`);
    });
  });

  describe(`${kind.name} Pool: the times of stats`, () => {
    it("count all finished tasks, and are consistent", LIMIT, async () => {
      await using two = new Pool(2);
      await two.map(targets.square, range(1000));
      await Promise.allSettled(range(50).map((x) => two.submit(targets.failAt, x, 3, 4, 5)));
      await collect(two.imap(targets.squareLater, range(50)));
      await two.mapRange(targets.add, 70, { chunksize: 10 });
      await two.each(targets.square, 1);
      const { completed, failed } = two.stats();
      assertEquals([completed, failed], [1000 + 47 + 50 + 7 + 2, 3]);
      // A result may arrive before its worker has reported how long it took.
      await until(() => two.stats().runTime.count === completed + failed);
      const { waitTime, runTime } = two.stats();
      assertEquals(waitTime.count, completed + failed);
      for (const { mean, p50, p99 } of [waitTime, runTime]) {
        assert(mean >= 0 && p50 >= 0 && p50 <= p99 && p99 < 30_000, `${mean}, ${p50}, ${p99}`);
      }
    });

    it("count each task, also if its result was read before its worker has reported it", LIMIT, async () => {
      await using two = new Pool(2);
      await two.map(targets.takeTime, range(20).map(() => 20), { chunksize: 10 });
      await until(() => two.stats().runTime.count === 20);
      assertEquals(two.stats().waitTime.count, 20);
    });

    it("say about how long tasks run and wait", LIMIT, async () => {
      await using one = new Pool(1);
      await one.warm();
      await Promise.all(range(9).map(() => one.submit(targets.takeTime, 20)));
      await until(() => one.stats().runTime.count === 9);
      const { runTime, waitTime } = one.stats();
      assert(runTime.mean >= 19.5 && runTime.p50 >= 18.5 && runTime.p50 < 200, `${runTime.mean}, ${runTime.p50}`);
      // The last task has waited for the eight before it.
      assert(waitTime.p99 >= 150 && waitTime.p50 >= 75 && waitTime.p50 <= waitTime.p99, `${waitTime.p50}`);
    });

    it("count tasks that run at the same time", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 4 });
      await one.map(options.squareSometimesLater, range(100));
      await until(() => one.stats().runTime.count === 100);
      const { completed, waitTime } = one.stats();
      assertEquals([completed, waitTime.count], [100, 100]);
    });

    it("count no task that was lost or given up", LIMIT, async () => {
      await using one = new Pool(1);
      await errorOf(one.submit(targets.exit, 3));
      await errorOf(one.apply(targets.square, [1], { timeout: 0 }));
      assertEquals(await one.submit(targets.square, 2), 4);
      const { completed, failed, runTime, waitTime } = one.stats();
      assertEquals([completed, failed, runTime.count, waitTime.count], [1, 1, 1, 1]);
    });
  });

  describe(`${kind.name} Pool: chunksize`, () => {
    it("does not change results, however long the tasks take", LIMIT, async () => {
      const n = 400;
      for (const chunksize of [undefined, 1, 3, 64, 5000]) {
        const counts = new kind.SharedArray("i32", n);
        const args = range(n).map((x): [typeof counts, number, number] => [counts, x, x % 97 === 0 ? 5 : 0]);
        const results = await pool().starmap(options.markAndTakeTime, args, { chunksize });
        assertEquals(results, range(n).map((x) => x * x));
        assertEquals([...counts], range(n).map(() => 1));
        const streamed = await collect(pool().imap(options.squareSometimesLater, range(n), { chunksize }));
        assertEquals(streamed, range(n).map((x) => x * x));
      }
    });
  });

  describe(`${kind.name} Pool: the event loop of a worker`, () => {
    it("turns also between async tasks that do not wait", LIMIT, async () => {
      for (const concurrency of [1, 2]) {
        await using one = new Pool(1, { concurrency, initializer: options.tick });
        const ticks = await one.map(options.ticksAfter, range(60).map(() => 10));
        assert(ticks.at(-1)! > ticks[0]!, `no turn in ${ticks.length} tasks`);
      }
    });
  });
}
