import { collect, LIMIT, lossOf, range, sharing, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CancelledError, type Future, InvalidStateError, TimeoutError } from "@weft/concurrent/threading";
import { describe, it } from "node:test";

/** What holds when workers die, and at the end of a pool. */
export function endsSuite(kind: Kind): void {
  const { Pool } = kind;

  describe(`${kind.name} Pool: death`, () => {
    it("loses the task whose worker exits, and no other", LIMIT, async () => {
      await using two = new Pool(2);
      const before = range(10).map((i) => two.submit(targets.square, i));
      const lost = two.submit(targets.exit, 3);
      const after = range(10).map((i) => two.submit(targets.square, i));
      const error = await lossOf(lost);
      assertEquals([error.exitCode, error.taskIndex, error.signal], [3, 0, undefined]);
      assertEquals(await Promise.all([...before, ...after]), [...range(10), ...range(10)].map((x) => x * x));
      assertEquals(await two.map(targets.square, range(100)), range(100).map((x) => x * x));
    });

    it("reports which item of a map was lost", LIMIT, async () => {
      await using two = new Pool(2);
      const error = await lossOf(two.map(targets.exitAt5, range(100)));
      assertEquals([error.exitCode, error.taskIndex], [3, 5]);
    });

    it("loses the task whose worker has an uncaught error, with that as its cause", LIMIT, async () => {
      await using one = new Pool(1);
      const error = await lossOf(one.submit(targets.failUncaught));
      assertEquals((error.cause as Error).message, "uncaught");
      assertEquals(await one.submit(targets.square, 2), 4);
    });

    it("notices within a second that a worker was ended, and replaces it", sharing(kind), async () => {
      await using one = new Pool(1, { name: `Killed-${kind.name}` });
      for (let round = 0; round < 3; round++) {
        const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
        const future = one.submit(targets.setAndWait, begun, event);
        await begun.acquire();
        const begin = performance.now();
        assert(kind.killWorker(`Killed-${kind.name}`));
        const error = await lossOf(future);
        if (kind.name === "process") assertEquals(error.signal, "SIGKILL");
        assert(performance.now() - begin < 1000, `${performance.now() - begin} ms`);
        assertEquals(await one.submit(targets.square, 3), 9);
      }
    });

    it("replaces a worker that was ended while there was nothing to do", sharing(kind), async () => {
      const name = `Idle-${kind.name}`;
      await using one = new Pool(1, { name });
      assertEquals(await one.submit(targets.square, 3), 9);
      assert(kind.killWorker(name));
      await until(() => one.stats().workers === 0);
      assertEquals(await one.submit(targets.square, 4), 16);
    });

    it(
      "passes on a lock that a task left held: the next holder gets it as abandoned",
      sharing(kind),
      async () => {
        await using one = new Pool(1);
        const lock = new kind.Lock();
        await one.submit(targets.leaveLocked, lock);
        assert(lock.locked);
        assertEquals(await one.submit(targets.takeLock, lock), true);
        assertEquals(await one.submit(targets.takeLock, lock), false);
        await one.submit(targets.leaveLockedLater, lock);
        using guard = lock.acquireSync({ timeout: 5000 });
        assert(guard.abandoned);
        // Several tasks of one chunk are several tasks.
        guard[Symbol.dispose]();
        await one.map(targets.leaveLocked, range(100).map(() => lock), { chunksize: 100 });
        lock.release();
      },
    );

    it("gives back re-entrant locks and both sides of an RWLock that a task left held", sharing(kind), async () => {
      await using one = new Pool(1);
      const [rlock, read, written] = [new kind.RLock(), new kind.RWLock(), new kind.RWLock()];
      await one.submit(targets.leaveAllLocked, rlock, read, written);
      assertEquals(rlock.acquireSync({ timeout: 5000 }).abandoned, true);
      read.writeSync({ timeout: 5000 });
      assertEquals(written.writeSync({ timeout: 5000 }).abandoned, true);
    });

    it("does not release what the initializer holds", sharing(kind), async () => {
      const lock = new kind.Lock();
      await using one = new Pool(1, { initializer: targets.lockForGood, initargs: [lock] });
      for (let i = 0; i < 3; i++) assertEquals(await one.submit(targets.square, i), i * i);
      await assertRejects(() => lock.acquire({ timeout: 20 }), TimeoutError);
    });
  });

  describe(`${kind.name} Pool: the end`, () => {
    it("finishes its tasks after close, and takes no more", LIMIT, async () => {
      const two = new Pool(2);
      await assertRejects(() => two.join(), InvalidStateError);
      const results = two.map(targets.square, range(500));
      const future = two.submit(targets.takeTime, 20);
      two.close();
      two.close();
      assertThrows(() => two.submit(targets.square, 1), InvalidStateError);
      await assertRejects(() => two.map(targets.square, [1]), InvalidStateError);
      assertThrows(() => two.imap(targets.square, [1]), InvalidStateError);
      assertEquals(await Promise.all([two.join(), two.join({ timeout: 20_000 })]), [true, true]);
      assertEquals([future.state, (await results).length], ["finished", 500]);
      assertEquals(two.stats().workers, 0);
    });

    it("gives everything up at terminate: pending results reject with a CancelledError", sharing(kind), async () => {
      const one = new Pool(1);
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const running = one.submit(targets.setAndWait, begun, event);
      const waiting = [
        one.submit(targets.square, 1),
        one.map(targets.square, range(100)),
        collect(one.imap(targets.square, range(100))),
      ];
      await begun.acquire();
      one.terminate();
      one.terminate();
      for (const promise of [running, ...waiting]) await assertRejects(() => Promise.resolve(promise), CancelledError);
      await one.join();
      assertEquals(running.state, "cancelled");
      assertThrows(() => one.submit(targets.square, 1), InvalidStateError);
    });

    it("terminates and joins at the end of a block", sharing(kind), async () => {
      let future: Future<unknown>;
      const begun = new kind.Semaphore(0);
      {
        await using one = new Pool(1);
        future = one.submit(targets.setAndWait, begun, new kind.Event());
        await begun.acquire();
      }
      await assertRejects(() => future, CancelledError);
    });

    it("joins although a worker computes and does not listen", sharing(kind), async () => {
      const begun = new kind.Semaphore(0);
      const one = new Pool(1);
      const future = one.submit(targets.busyForEver, begun, 4000);
      await begun.acquire();
      const begin = performance.now();
      one.terminate();
      await one.join();
      assert(performance.now() - begin < 3500);
      await assertRejects(() => future, CancelledError);
    });

    it(
      "may be terminated when it has ended, which does not touch memory that has a new owner by then",
      LIMIT,
      async () => {
        for (let i = 0; i < 3; i++) {
          const pool = new Pool(1);
          assertEquals(await pool.apply(targets.add, [1, i]), 1 + i);
          pool.close();
          await pool.join();
          pool.terminate();
          await pool.join();
        }
      },
    );

    it("ends a pool that never began", LIMIT, async () => {
      const unused = new Pool(1);
      unused.close();
      await unused.join();
      const other = new Pool(1);
      await other[Symbol.asyncDispose]();
    });
  });
}
