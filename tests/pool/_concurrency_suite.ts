import { collect, errorOf, LIMIT, lossOf, range, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import * as options from "./_option_targets.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CancelledError } from "@weft/concurrent/threading";
import { describe, it } from "node:test";

/** What holds where several tasks run in a worker, as they await. */
export function concurrencySuite(kind: Kind): void {
  const { Pool } = kind;

  describe(`${kind.name} Pool: concurrency`, () => {
    it("runs tasks that await beside one another", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 4 });
      const barrier = new kind.Barrier(4);
      const met = await Promise.all(range(4).map(() => one.submit(options.meetLater, barrier)));
      assertEquals(met.toSorted(), [0, 1, 2, 3]);
      assertEquals((await one.map(options.meetLater, range(8).map(() => barrier))).length, 8);
      assertEquals((await collect(one.imapUnordered(options.meetLater, range(8).map(() => barrier)))).length, 8);
      assertEquals(one.stats().workers, 1);
    });

    it("runs no more of them at a time than it may", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 3 });
      const [running, most] = [new kind.Value("i32"), new kind.Value("i32")];
      await one.starmap(options.countBeside, range(40).map((): [typeof running, typeof most] => [running, most]));
      assertEquals([running.value, most.value], [0, 3]);
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const futures = range(5).map(() => one.submit(options.setAndWaitLater, begun, event));
      for (let i = 0; i < 3; i++) await begun.acquire();
      assertEquals(futures.filter(({ state }) => state === "running").length, 3);
      assertEquals([one.stats().busy, one.stats().queued, begun.value], [1, 2, 0]);
      event.set();
      await Promise.all(futures);
    });

    it("starts another worker only for more tasks than those that have begun can run", LIMIT, async () => {
      await using three = new Pool(3, { concurrency: 2 });
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const give = (): PromiseLike<unknown> => three.submit(options.setAndWaitLater, begun, event);
      const futures = [give(), give()];
      for (let i = 0; i < 2; i++) await begun.acquire();
      assertEquals(three.stats().workers, 1);
      futures.push(give());
      await begun.acquire();
      assertEquals(three.stats().workers, 2);
      event.set();
      await Promise.all(futures);
    });

    it("keeps results and errors right where some tasks await and others do not", LIMIT, async () => {
      await using two = new Pool(2, { concurrency: 3 });
      for (const chunksize of [undefined, 1, 7]) {
        const results = await two.map(options.squareSometimesLater, range(200), { chunksize });
        assertEquals(results, range(200).map((x) => x * x));
        const streamed = await collect(two.imap(options.squareSometimesLater, range(50), { chunksize }));
        assertEquals(streamed, range(50).map((x) => x * x));
      }
      const settled = await Promise.allSettled(range(50).map((x) => two.submit(options.failSometimesLater, x)));
      for (const [x, { status }] of settled.entries()) assertEquals(status === "rejected", x % 5 < 2, `${x}`);
      assertEquals((await errorOf(two.map(options.failSometimesLater, range(50)))).message, "item 0");
    });

    it("lets tasks that wait for timers go on beside tasks that compute", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 2 });
      await one.warm();
      let done = 0;
      const others = one.submit(options.waitForTimer, 1).then(() => done);
      await one.map(targets.takeTime, range(60).map(() => 10), { chunksize: 1, onProgress: (its) => done = its });
      assert(await others < 60, "all others came first");
    });

    it("has each task find itself as the current one, also after it has awaited", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 3 });
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const queue = new kind.Queue<[boolean, boolean]>();
      const controller = new AbortController();
      const given = one.apply(options.putIfCancelled, [begun, event, queue], { signal: controller.signal });
      const others = range(2).map(() => one.submit(options.sayIfCancelled, begun, event));
      for (let i = 0; i < 3; i++) await begun.acquire();
      controller.abort(new EvalError("enough"));
      await assertRejects(() => given, EvalError, "enough");
      event.set();
      assertEquals(await Promise.all(others), [[true, false], [true, false]]);
      assertEquals(await queue.get(), [true, true]);
    });

    it("aborts the signal of the task that is given up, and no other", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 2 });
      const [begun, event, aborted] = [new kind.Semaphore(0), new kind.Event(), new kind.Semaphore(0)];
      const controller = new AbortController();
      const given = one.apply(options.waitForSignal, [begun, event, aborted], { signal: controller.signal });
      const other = one.submit(options.waitForSignal, begun, event, aborted);
      for (let i = 0; i < 2; i++) await begun.acquire();
      controller.abort(new EvalError("enough"));
      await assertRejects(() => given, EvalError);
      await aborted.acquire();
      event.set();
      assertEquals([await other, aborted.value], [false, 0]);
    });

    it("gives a place to the next task when one that was given up is over", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 2 });
      const [begun, over, event] = [new kind.Semaphore(0), new kind.Semaphore(0), new kind.Event()];
      const controller = new AbortController();
      const given = one.apply(targets.idleUntilAborted, [begun, over], { signal: controller.signal });
      const other = one.submit(options.setAndWaitLater, begun, event);
      const next = one.submit(targets.square, 3);
      for (let i = 0; i < 2; i++) await begun.acquire();
      assertEquals(next.state, "pending");
      controller.abort(new EvalError("enough"));
      await assertRejects(() => given, EvalError);
      assertEquals(await next, 9);
      event.set();
      assertEquals(await other, 1);
    });

    it("releases a lock that a task left held once no other task runs in the worker", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 2 });
      const [begun, event, lock] = [new kind.Semaphore(0), new kind.Event(), new kind.Lock()];
      const other = one.submit(options.setAndWaitLater, begun, event);
      await begun.acquire();
      await one.submit(options.leaveLockedBeside, lock);
      await one.submit(targets.square, 2);
      assert(lock.locked);
      event.set();
      await other;
      {
        using guard = lock.acquireSync({ timeout: 5000 });
        assert(guard.abandoned);
      }
      await one.submit(options.leaveLockedBeside, lock);
      using guard = lock.acquireSync({ timeout: 5000 });
      assert(guard.abandoned);
    });

    it("loses all tasks of a worker that is replaced after killAfter", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 4 });
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const controller = new AbortController();
      const { signal } = controller;
      const given = one.apply(options.neverBeside, [begun], { signal, killAfter: 0 });
      const lost = range(2).map(() => one.submit(options.setAndWaitLater, begun, event));
      const again = one.apply(options.setAndWaitLater, [begun, event], { retries: 1 });
      for (let i = 0; i < 4; i++) await begun.acquire();
      controller.abort(new EvalError("enough"));
      await assertRejects(() => given, EvalError, "enough");
      for (const future of lost) await lossOf(future);
      await begun.acquire();
      event.set();
      assertEquals(await again, 2);
      assertEquals(await one.submit(targets.square, 3), 9);
    });

    it("loses all tasks of a worker that exits, and no others", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 3 });
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const lost = range(2).map(() => one.submit(options.setAndWaitLater, begun, event));
      for (let i = 0; i < 2; i++) await begun.acquire();
      lost.push(one.submit(targets.exit, 3) as never);
      const others = range(10).map((x) => one.submit(targets.square, x));
      for (const future of lost) assertEquals((await lossOf(future)).exitCode, 3);
      assertEquals(await Promise.all(others), range(10).map((x) => x * x));
    });

    it("lets all tasks come to their ends after close, and none after terminate", LIMIT, async () => {
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const give = (pool: InstanceType<typeof Pool>): PromiseLike<unknown>[] =>
        range(4).map(() => pool.submit(options.setAndWaitLater, begun, event));
      const closed = new Pool(1, { concurrency: 3 });
      const futures = give(closed);
      for (let i = 0; i < 3; i++) await begun.acquire();
      closed.close();
      assertEquals(await closed.join({ timeout: 10 }), false);
      event.set();
      assertEquals(await Promise.all(futures), [1, 1, 1, 1]);
      assertEquals(await closed.join(), true);
      await begun.acquire();
      event.clear();
      const terminated = new Pool(1, { concurrency: 3 });
      const others = give(terminated);
      for (let i = 0; i < 3; i++) await begun.acquire();
      terminated.terminate();
      for (const future of others) await assertRejects(() => Promise.resolve(future), CancelledError);
      assertEquals(await terminated.join(), true);
    });

    it(
      "counts tasks for maxTasksPerChild one by one, and lets those that have begun come to their ends",
      LIMIT,
      async () => {
        await using one = new Pool(1, { concurrency: 3, maxTasksPerChild: 4 });
        const ids = await Promise.all(range(12).map(() => one.submit(options.workerIdBeside)));
        for (const id of new Set(ids)) assert(ids.filter((its) => its === id).length <= 4);
        assertEquals(await one.map(options.squareSometimesLater, range(16)), range(16).map((x) => x * x));
        await until(() => one.stats().busy === 0);
        assertEquals(one.stats().failed, 0);
      },
    );

    it("ends a worker without work after idleTimeout, and none that waits for a task", LIMIT, async () => {
      await using one = new Pool(1, { concurrency: 2, idleTimeout: 20 });
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const future = one.submit(options.setAndWaitLater, begun, event);
      await begun.acquire();
      await new Promise((resolve) => setTimeout(resolve, 100));
      assertEquals(one.stats().workers, 1);
      event.set();
      assertEquals(await future, 1);
      await until(() => one.stats().workers === 0);
    });
  });
}
