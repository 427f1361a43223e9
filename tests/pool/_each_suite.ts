import { errorOf, LIMIT, lossOf, range, referencesTo, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import * as options from "./_option_targets.ts";
import { sharedPool } from "./_shared_pool.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CancelledError, InvalidStateError } from "@weft/concurrent/threading";
import { describe, it } from "node:test";

/** What holds for `warm` and `each`. */
export function eachSuite(kind: Kind): void {
  const { Pool } = kind;
  const pool = sharedPool(kind);

  describe(`${kind.name} Pool: warm`, () => {
    it("starts all workers, and resolves when they have run the initializer", LIMIT, async () => {
      const starts = new kind.Value("i32");
      await using two = new Pool(2, { initializer: targets.countStarts, initargs: [starts] });
      assertEquals(await two.warm(), undefined);
      assertEquals(starts.value, 2);
      const { workers, busy, completed } = two.stats();
      assertEquals([workers, busy, completed], [2, 0, 0]);
      await Promise.all([two.warm(), two.warm()]);
      assertEquals([starts.value, two.stats().workers], [2, 2]);
      assertEquals(await two.map(targets.square, range(10)), range(10).map((x) => x * x));
    });

    it("starts as many workers as min says, if it is given", LIMIT, async () => {
      await using pool = new Pool(undefined, { min: 2, max: 4 });
      await pool.warm();
      assertEquals(pool.stats().workers, 2);
      await using other = new Pool(2, { min: 0 });
      await other.warm();
      assertEquals(other.stats().workers, 2);
    });

    it("resolves for all calls, also beside tasks", LIMIT, async () => {
      await using two = new Pool(2);
      const [first, results, second] = [two.warm(), two.map(targets.square, range(100)), two.warm()];
      await Promise.all([first, second]);
      assertEquals(two.stats().workers, 2);
      assertEquals(await results, range(100).map((x) => x * x));
    });

    it("starts workers again that have ended since", LIMIT, async () => {
      const name = `Warm-${kind.name}`;
      await using two = new Pool(2, { name });
      await two.warm();
      assert(kind.killWorker(name));
      await until(() => two.stats().workers === 1);
      await two.warm();
      assertEquals(two.stats().workers, 2);
    });

    it("waits for another worker if a worker is killed before it is ready", LIMIT, async () => {
      const name = `Starting-${kind.name}`;
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      await using two = new Pool(2, { name, initializer: options.waitToStart, initargs: [begun, event] });
      const warm = two.warm();
      for (let i = 0; i < 2; i++) await begun.acquire();
      assert(kind.killNewestWorker(name));
      await begun.acquire();
      event.set();
      await warm;
      assertEquals(two.stats().workers, 2);
    });

    it("rejects with the error of an initializer that fails", LIMIT, async () => {
      await using two = new Pool(2, { initializer: options.failToStart });
      const all = [two.warm(), two.warm(), two.each(targets.square, 1)];
      for (const promise of all) await assertRejects(() => promise, RangeError, "no start");
    });

    it("rejects also later with the error of an initializer that has failed", LIMIT, async () => {
      await using two = new Pool(2, { initializer: options.failToStart });
      await assertRejects(() => two.submit(targets.square, 1), RangeError, "no start");
      await assertRejects(() => two.warm(), RangeError, "no start");
      await assertRejects(() => two.each(targets.square, 1), RangeError, "no start");
    });

    it("rejects after close and terminate, and does not keep them from ending the pool", LIMIT, async () => {
      const closed = new Pool(1);
      closed.close();
      await assertRejects(() => closed.warm(), InvalidStateError);
      await assertRejects(() => closed.each(targets.square, 1), InvalidStateError);
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const two = new Pool(2, { initializer: options.waitToStart, initargs: [begun, event] });
      const all = [two.warm(), two.each(targets.square, 1)];
      for (let i = 0; i < 2; i++) await begun.acquire();
      two.terminate();
      for (const promise of all) await assertRejects(() => promise, CancelledError);
      assertEquals(await two.join(), true);
      await assertRejects(() => two.warm(), InvalidStateError);
    });

    it("is waited for by a pool that is closed meanwhile", LIMIT, async () => {
      const two = new Pool(2);
      const [warm, results] = [two.warm(), two.each(targets.square, 3)];
      two.close();
      assertEquals([await warm, await results, await two.join()], [undefined, [9, 9], true]);
      assertEquals(two.stats().workers, 0);
    });
  });

  describe(`${kind.name} Pool: each`, () => {
    it("runs the function once in every worker, and returns all results", LIMIT, async () => {
      const counter = new kind.Value("i32");
      const ids = await pool().each(options.countAs, counter);
      assertEquals([ids.length, new Set(ids).size, counter.value], [2, 2, 2]);
      // In the order in which the workers were started.
      assertEquals(await pool().each(options.countAs, counter), ids);
      assertEquals(await pool().each(targets.squareLater, 3), [9, 9]);
    });

    it("gives the function all arguments, copied at the call", LIMIT, async () => {
      assertEquals(await pool().each(targets.countArguments), [0, 0]);
      assertEquals(await pool().each(targets.countArguments, 1), [1, 1]);
      assertEquals(await pool().each(targets.countArguments, undefined, [1, 2], 3), [3, 3]);
      assertEquals(await pool().each(targets.identity, [1, 2]), [[1, 2], [1, 2]]);
      const item = { n: 1 };
      const results = pool().each(targets.identity, item);
      item.n = 2;
      assertEquals(await results, [{ n: 1 }, { n: 1 }]);
      const text = "x".repeat(100_000);
      assertEquals(await pool().each((its: string) => its.length, text), [100_000, 100_000]);
      const error = await errorOf(pool().each(targets.identity, { onDone: () => {} } as unknown));
      assertEquals(error.name, "DataCloneError");
      assert(error.message.includes("args[0].onDone"), error.message);
      await assertRejects(() => pool().each(5 as never), TypeError, "function");
    });

    it("shares the objects of this package, and keeps no references to them", LIMIT, async () => {
      const lock = new kind.Lock();
      const before = referencesTo(lock);
      assertEquals((await pool().each(targets.returnLock, lock)).every((its) => its === lock), true);
      const event = new kind.Event();
      const references = referencesTo(event);
      assertEquals(await pool().each(targets.isSet, event), [false, false]);
      // A worker that has had it may still have a reference.
      await until(() => referencesTo(lock) <= before + 2 && referencesTo(event) <= references + 2);
    });

    it("keeps no references to shared objects if no worker starts", LIMIT, async () => {
      await using two = new Pool(2, { initializer: options.failToStart });
      const event = new kind.Event();
      const before = referencesTo(event);
      await assertRejects(() => two.each(targets.isSet, event), RangeError, "no start");
      // The packed arguments are dropped.
      assertEquals(referencesTo(event), before);
    });

    it("rejects with what the function throws in any worker, and still runs in the others", LIMIT, async () => {
      const counter = new kind.Value("i32");
      await assertRejects(() => pool().each(options.failIfFirst, counter), RangeError, "the first one");
      await until(() => counter.value === 2);
      assertEquals((await errorOf(pool().each(targets.failLater))).message, "later");
      assertEquals((await errorOf(pool().each(targets.returnFunction, 2))).name, "DataCloneError");
      assertEquals(await pool().each(targets.square, 3), [9, 9]);
    });

    it("warms the pool, and runs in all workers that there are", LIMIT, async () => {
      await using two = new Pool(undefined, { min: 1, max: 3 });
      assertEquals(await two.each(targets.square, 3), [9]);
      const barrier = new kind.Barrier(3);
      await two.map(targets.meet, range(3).map(() => barrier), { chunksize: 1 });
      assertEquals(await two.each(targets.square, 3), [9, 9, 9]);
    });

    it("waits for workers that are busy, and does not run in another worker instead", LIMIT, async () => {
      await using two = new Pool(2);
      await two.warm();
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const running = two.submit(targets.setAndWait, begun, event);
      await begun.acquire();
      const counter = new kind.Value("i32");
      const ids = two.each(options.countAs, counter);
      await until(() => counter.value === 1);
      assertEquals(await two.submit(targets.square, 3), 9);
      assertEquals(counter.value, 1);
      event.set();
      assertEquals([await running, new Set(await ids).size, counter.value], [true, 2, 2]);
    });

    it("finishes beside a map whose tasks are slow", LIMIT, async () => {
      await using two = new Pool(2);
      await two.warm();
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const args = range(40).map((): [typeof begun, typeof event] => [begun, event]);
      const mapped = two.starmap(targets.setAndWait, args, { chunksize: 10 });
      for (let i = 0; i < 2; i++) await begun.acquire();
      const ids = two.each(targets.workerId);
      // So long that the pool posts the tasks behind these again.
      await new Promise((resolve) => setTimeout(resolve, 100));
      event.set();
      assertEquals((await mapped).length, 40);
      // The tasks of `each` were not posted again with it.
      assertEquals(new Set(await ids).size, 2);
    });

    it("never runs a second time in one worker in place of another, however long that is busy", LIMIT, async () => {
      await using two = new Pool(2);
      // The first share of the first worker is the first task of all.
      await two.submit(targets.square, 1);
      await two.warm();
      const [counter, begun, event] = [new kind.Value("i32"), new kind.Semaphore(0), new kind.Event()];
      const first = two.each(options.waitIfFirst, counter, begun, event);
      await begun.acquire();
      // So many that their places are used again.
      for (let i = 0; i < 300; i++) await two.submit(targets.square, i);
      const other = new kind.Value("i32");
      const second = two.each(options.countAs, other);
      await until(() => other.value > 0);
      await two.submit(targets.square, 1);
      event.set();
      await first;
      // Nor was it taken for the first task of all, which is still in the share of the first worker.
      assertEquals(new Set(await second).size, 2);
      assertEquals(other.value, 2);
    });

    it("runs all of several calls in every worker", LIMIT, async () => {
      const counter = new kind.Value("i32");
      const all = await Promise.all(range(20).map(() => pool().each(options.countAs, counter)));
      for (const ids of all) assertEquals(ids, all[0]);
      assertEquals([new Set(all[0]).size, counter.value], [2, 40]);
    });

    it(
      "rejects if a worker is killed before it runs the function, and still runs in the other",
      LIMIT,
      async () => {
        const name = `Each-${kind.name}`;
        await using two = new Pool(2, { name });
        const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
        const running = two.starmap(targets.setAndWait, [[begun, event], [begun, event]], { chunksize: 1, retries: 1 });
        for (let i = 0; i < 2; i++) await begun.acquire();
        const counter = new kind.Value("i32");
        const ids = two.each(options.countAs, counter);
        const others = two.each(targets.square, 3);
        await until(() => two.stats().queued === 4);
        assert(kind.killWorker(name));
        await lossOf(ids);
        await lossOf(others);
        event.set();
        await running;
        await until(() => counter.value === 1);
        assertEquals((await two.each(options.countAs, counter)).length, 2);
        assertEquals(counter.value, 3);
      },
    );

    it("rejects if the function ends its worker", LIMIT, async () => {
      await using two = new Pool(2);
      const counter = new kind.Value("i32");
      const error = await lossOf(two.each(options.exitIfFirst, counter));
      assertEquals(error.exitCode, 3);
      assertEquals(await two.each(targets.square, 3), [9, 9]);
    });

    it("finishes before a pool ends that is closed meanwhile", LIMIT, async () => {
      for (let round = 0; round < 5; round++) {
        const two = new Pool(2);
        await two.warm();
        const results = two.each(targets.square, 3);
        two.close();
        assertEquals([await results, await two.join()], [[9, 9], true]);
      }
    });

    it("is given up by terminate, at any moment", LIMIT, async () => {
      for (let turns = 0; turns < 4; turns++) {
        const two = new Pool(2);
        await two.warm();
        const results = two.each(targets.square, 3);
        for (let i = 0; i < turns; i++) await null;
        two.terminate();
        await assertRejects(() => results, CancelledError);
        assertEquals(await two.join(), true);
      }
    });

    it("does not reject because a worker without work has ended", LIMIT, async () => {
      await using two = new Pool(2, { idleTimeout: 30 });
      for (let round = 0; round < 10; round++) {
        assertEquals(await two.each(targets.square, 3), [9, 9]);
        await new Promise((resolve) => setTimeout(resolve, 26 + round));
      }
    });

    it("runs in all workers however short idleTimeout is", LIMIT, async () => {
      await using three = new Pool(3, { idleTimeout: 1 });
      for (let round = 0; round < 3; round++) {
        // While the pool waits for workers, no worker leaves. Otherwise there might never be enough at a time.
        assertEquals(await three.each(targets.square, 3), [9, 9, 9]);
        await three.warm();
        await new Promise((resolve) => setTimeout(resolve, round));
      }
    });

    it("does not reject because a worker has had maxTasksPerChild", LIMIT, async () => {
      await using two = new Pool(2, { maxTasksPerChild: 1 });
      for (let round = 0; round < 8; round++) {
        assertEquals(await two.each(targets.square, 3), [9, 9]);
      }
    });

    it("runs beside tasks that await, and counts as tasks", LIMIT, async () => {
      await using two = new Pool(2, { concurrency: 3 });
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const running = range(2).map(() => two.submit(options.setAndWaitLater, begun, event));
      for (let i = 0; i < 2; i++) await begun.acquire();
      assertEquals(await two.each(targets.square, 3), [9, 9]);
      assertEquals(two.stats().completed, 2);
      event.set();
      await Promise.all(running);
      assertEquals(two.stats().completed, 4);
    });
  });
}
