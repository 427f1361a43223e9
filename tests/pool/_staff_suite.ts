import { collect, errorOf, LIMIT, range, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import { sharedPool } from "./_shared_pool.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DeadlockError } from "@weft/concurrent/threading";
import { describe, it } from "node:test";

/** What holds for the workers of a pool: how they begin, and when they are replaced. */
export function staffSuite(kind: Kind): void {
  const { Pool } = kind;
  const pool = sharedPool(kind);

  describe(`${kind.name} Pool: workers`, () => {
    it("calls the initializer once in each worker", LIMIT, async () => {
      const starts = new kind.Value("i32");
      await using two = new Pool(2, { initializer: targets.countStarts, initargs: [starts] });
      await two.map(targets.takeTime, range(20).map(() => 2), { chunksize: 1 });
      assert(starts.value >= 1 && starts.value <= 2);
      await using other = new Pool(1, { initializer: targets.initialize, initargs: [1, { two: 2 }] });
      assertEquals(await other.submit(targets.whatWasInitialized), [1, { two: 2 }]);
    });

    it(
      "rejects tasks also if the class of the initializer's error is not registered here",
      LIMIT,
      async () => {
        await using one = new Pool(1, { initializer: targets.failWithOwnClass });
        await assertRejects(() => one.submit(targets.square, 1));
      },
    );

    it("rejects all tasks with the error of an initializer that fails, and starts no more workers", LIMIT, async () => {
      const starts = new kind.Value("i32");
      await using two = new Pool(2, { initializer: targets.countAndFail, initargs: [starts] });
      const all = [
        two.submit(targets.square, 1),
        two.submit(targets.square, 2),
        two.map(targets.square, range(10)),
        collect(two.imap(targets.square, range(10))),
      ];
      for (const promise of all) await assertRejects(() => Promise.resolve(promise), RangeError, "no start");
      const count = starts.value;
      assert(count >= 1 && count <= 2, `${count} starts`);
      await assertRejects(() => two.submit(targets.square, 1), RangeError, "no start");
      await assertRejects(() => two.map(targets.square, [1]), RangeError, "no start");
      await until(() => two.stats().workers === 0);
      assertEquals(starts.value <= 2, true);
    });

    it("replaces a worker after maxTasksPerChild tasks", LIMIT, async () => {
      await using one = new Pool(1, { maxTasksPerChild: 2 });
      const ids: number[] = [];
      for (let i = 0; i < 6; i++) ids.push(await one.submit(targets.workerId));
      assertEquals(new Set(ids).size, 3);
      assertEquals([ids[0] === ids[1], ids[2] === ids[3], ids[4] === ids[5]], [true, true, true]);
      const mapped = await one.map(targets.workerIdLater, range(8));
      for (const id of new Set(mapped)) assert(mapped.filter((its) => its === id).length <= 2);
    });

    it("ends a worker after idleTimeout, and starts another when there is work", LIMIT, async () => {
      await using one = new Pool(1, { idleTimeout: 20 });
      const id = await one.submit(targets.workerId);
      await until(() => one.stats().workers === 0);
      assert(await one.submit(targets.workerId) !== id);
    });

    it("starts workers with the first task, as many as there is work for", LIMIT, async () => {
      await using many = new Pool(8);
      const none = { count: 0, mean: 0, p50: 0, p99: 0 };
      const nothing = { workers: 0, busy: 0, queued: 0, completed: 0, failed: 0, waitTime: none, runTime: none };
      assertEquals(many.stats(), nothing);
      await many.submit(targets.square, 1);
      assertEquals(many.stats().workers, 1);
      await errorOf(many.submit(targets.failWith, "x"));
      assertEquals([many.stats().completed, many.stats().failed], [1, 1]);
    });

    it("validates its arguments", LIMIT, () => {
      for (const workers of [0, -1, 1.5, NaN]) assertThrows(() => new Pool(workers), RangeError);
      assertThrows(() => new Pool("2" as never), TypeError);
      assertThrows(() => new Pool(1, { maxTasksPerChild: 0 }), RangeError);
      assertThrows(() => new Pool(1, { idleTimeout: -1 }), RangeError);
      assertThrows(() => new Pool(1, { initializer: 1 as never }), TypeError);
      assertThrows(() => new Pool(1, { initargs: 1 as never }), TypeError);
      assertThrows(() => new Pool(1, { name: 1 as never }), TypeError);
      assertThrows(() => new Pool(1, { trace: 1 as never }), TypeError);
      assertThrows(() => new Pool(1, 1 as never), TypeError);
    });

    it("works inside a worker, and beside other pools", LIMIT, async () => {
      const other = new Pool(1);
      const [inner, outer] = await Promise.all([
        pool().submit(targets.poolInside, 50),
        other.map(targets.square, range(50)),
      ]);
      assertEquals(inner, outer);
      await other[Symbol.asyncDispose]();
    });

    it("is a DeadlockError, not a hang, when a task waits for its own pool", LIMIT, async () => {
      assertEquals(await pool().submit(targets.useOwnPool), DeadlockError.name);
      assertEquals(await pool().map(targets.useOwnPool, range(4)), range(4).map(() => DeadlockError.name));
    });
  });
}
