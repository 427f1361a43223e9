import { errorOf, LIMIT, range, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import * as options from "./_option_targets.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";

/** A new worker stays far below this number of bytes, and exceeds it after about ten calls of `grow`. */
const MUCH = { thread: 50 << 20, process: 180 << 20 };

/** What holds for the number of workers, for their memory, and for the state that their initializer returns. */
export function sizesSuite(kind: Kind): void {
  const { Pool } = kind;

  describe(`${kind.name} Pool: min and max`, () => {
    it("starts min workers with the first task", LIMIT, async () => {
      await using pool = new Pool(undefined, { min: 2, max: 4 });
      assertEquals(pool.stats().workers, 0);
      assertEquals(await pool.submit(targets.square, 3), 9);
      assertEquals(pool.stats().workers, 2);
    });

    it("grows with the tasks that wait, up to max, and shrinks to min", LIMIT, async () => {
      await using pool = new Pool(undefined, { min: 1, max: 3, idleTimeout: 20 });
      for (let round = 0; round < 2; round++) {
        const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
        const futures = range(5).map(() => pool.submit(targets.setAndWait, begun, event));
        for (let i = 0; i < 3; i++) await begun.acquire();
        const { workers, busy, queued } = pool.stats();
        assertEquals([workers, busy, queued, begun.value], [3, 3, 2, 0]);
        event.set();
        assertEquals(await Promise.all(futures), range(5).map(() => true));
        await until(() => pool.stats().workers === 1);
      }
    });

    it("keeps min workers however long there is nothing to do", LIMIT, async () => {
      await using pool = new Pool(undefined, { min: 1, max: 3, idleTimeout: 5 });
      await pool.map(targets.takeTime, range(6).map(() => 5), { chunksize: 1 });
      await until(() => pool.stats().workers === 1);
      const id = await pool.submit(targets.workerId);
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setTimeout(resolve, 40));
        assertEquals(await pool.submit(targets.workerId), id);
      }
    });

    it("is never below min, whenever other workers end", LIMIT, async () => {
      await using pool = new Pool(undefined, { min: 2, max: 4, idleTimeout: 1 });
      for (let round = 0; round < 5; round++) {
        const barrier = new kind.Barrier(4);
        await pool.map(targets.meet, range(4).map(() => barrier), { chunksize: 1 });
        for (let workers = 4; workers > 2; workers = pool.stats().workers) {
          // The pool learns that workers have ended while others are about to.
          await pool.submit(targets.square, 2);
          assert(pool.stats().workers >= 2, `${pool.stats().workers} workers`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
        assertEquals(pool.stats().workers, 2);
      }
    });

    it("ends all workers without a min", LIMIT, async () => {
      await using pool = new Pool(undefined, { max: 2, idleTimeout: 20 });
      assertEquals(await pool.map(targets.square, range(10)), range(10).map((x) => x * x));
      await until(() => pool.stats().workers === 0);
      assertEquals(await pool.map(targets.square, range(10)), range(10).map((x) => x * x));
    });

    it("replaces a worker that is gone when the next task comes", LIMIT, async () => {
      const name = `Min-${kind.name}`;
      await using pool = new Pool(undefined, { name, min: 2, max: 2 });
      await pool.warm();
      assert(kind.killWorker(name));
      await until(() => pool.stats().workers === 1);
      assertEquals(await pool.submit(targets.square, 3), 9);
      assertEquals(pool.stats().workers, 2);
    });

    it("validates its arguments", LIMIT, () => {
      for (const wrong of [-1, 1.5, NaN, 3, Infinity]) {
        assertThrows(() => new Pool(2, { min: wrong }), RangeError, "'min'");
        assertThrows(() => new Pool(undefined, { min: wrong, max: 2 }), RangeError, "'min'");
      }
      for (const wrong of [0, -1, 1.5, NaN, 1025]) {
        assertThrows(() => new Pool(undefined, { max: wrong }), RangeError, "'max'");
      }
      assertThrows(() => new Pool(2, { max: 3 }), RangeError, "'max'");
      assertThrows(() => new Pool(3, { max: 2 }), RangeError, "'max'");
      for (const wrong of ["1", {}, true]) {
        assertThrows(() => new Pool(undefined, { min: wrong as never }), TypeError, "'min'");
        assertThrows(() => new Pool(undefined, { max: wrong as never }), TypeError, "'max'");
        assertThrows(() => new Pool(1, { concurrency: wrong as never }), TypeError, "'concurrency'");
        assertThrows(() => new Pool(1, { maxMemory: wrong as never }), TypeError, "'maxMemory'");
      }
      for (const wrong of [0, -1, 1.5, NaN]) {
        assertThrows(() => new Pool(1, { concurrency: wrong }), RangeError, "'concurrency'");
        assertThrows(() => new Pool(1, { maxMemory: wrong }), RangeError, "'maxMemory'");
      }
      assertThrows(() => new Pool(1, { concurrency: 0x10000 }), RangeError, "'concurrency'");
      for (const right of [{ min: 0 }, { min: 2 }, { max: 2 }, { min: 2, max: 2 }]) new Pool(2, right);
      new Pool(undefined, { min: 3 });
    });

    it("validates min also without max", LIMIT, () => {
      assertThrows(() => new Pool(undefined, { min: 1025 }), RangeError, "'min'");
      assertThrows(() => new Pool(undefined, { min: 1n as never }), TypeError, "'min'");
    });
  });

  describe(`${kind.name} Pool: maxMemory`, () => {
    it("replaces a worker that uses more, between tasks, and loses nothing", LIMIT, async () => {
      await using one = new Pool(1, { maxMemory: MUCH[kind.name as "thread" | "process"] });
      const first = await one.submit(options.grow);
      for (let calls = 0; await one.submit(options.grow) === first; calls++) assert(calls < 100);
      const results = await one.map(options.growAs, range(60), { chunksize: 4 });
      assertEquals(results.map(([x]) => x), range(60));
      const workers = results.map(([, worker]) => worker);
      assert(new Set(workers).size > 1);
      // Each worker in its turn.
      assertEquals(workers.filter((worker, i) => worker !== workers[i - 1]).length, new Set(workers).size);
      assertEquals(one.stats().failed, 0);
    });

    it("does not replace a worker that uses less", LIMIT, async () => {
      await using one = new Pool(1, { maxMemory: 2 ** 40 });
      const ids = await Promise.all(range(5).map(() => one.submit(options.grow)));
      for (let i = 0; i < 3; i++) {
        await one.submit(targets.takeTime, 60);
        ids.push(await one.submit(options.grow));
      }
      assertEquals(new Set(ids).size, 1);
    });

    it("lets tasks that await in the worker finish first", LIMIT, async () => {
      await using one = new Pool(1, { maxMemory: 1, concurrency: 3 });
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const waiting = range(2).map(() => one.submit(options.growAndWait, begun, event));
      for (let i = 0; i < 2; i++) await begun.acquire();
      await one.submit(targets.square, 2);
      event.set();
      const [first, second] = await Promise.all(waiting);
      assertEquals(first, second);
      assert(await one.submit(options.grow) !== first);
    });
  });

  describe(`${kind.name} Pool: state`, () => {
    it("is what the initializer has returned in the worker, also later", LIMIT, async () => {
      for (const initializer of [options.makeState, options.makeStateLater]) {
        await using one = new Pool(1, { initializer, initargs: [5] });
        assertEquals(await one.submit(options.nextOfState), 5);
        assertEquals(await one.map(options.nextOfState, range(3)), [10, 15, 20]);
        assertEquals(await one.submit(options.nextOfStateLater), 25);
      }
    });

    it("is each worker's own", LIMIT, async () => {
      await using one = new Pool(1, { initializer: options.makeState, initargs: [5], maxTasksPerChild: 2 });
      const seen: number[] = [];
      for (let i = 0; i < 4; i++) seen.push(await one.submit(options.nextOfState));
      assertEquals(seen, [5, 10, 5, 10]);
    });

    it("is the same for tasks that run at the same time", LIMIT, async () => {
      await using one = new Pool(1, { initializer: options.makeStateLater, initargs: [1], concurrency: 4 });
      const seen = await Promise.all(range(8).map(() => one.submit(options.nextOfStateLater)));
      assertEquals(seen.toSorted((a, b) => a - b), range(8).map((i) => i + 1));
    });

    it("is undefined without an initializer", LIMIT, async () => {
      await using one = new Pool(1);
      assertEquals(await one.submit(options.hasNoState), true);
      await using other = new Pool(1, { initializer: targets.initialize, initargs: [1] });
      assertEquals(await other.submit(options.hasNoState), true);
    });

    it("is missing if the initializer's promise rejects, and the tasks reject", LIMIT, async () => {
      await using one = new Pool(1, { initializer: targets.failLater });
      assertEquals((await errorOf(one.submit(options.nextOfState))).message, "later");
    });
  });
}
