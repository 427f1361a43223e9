import { collect, errorOf, LIMIT, lossOf, range, referencesTo, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import * as options from "./_option_targets.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CancelledError } from "@weft/concurrent/threading";
import { describe, it } from "node:test";

/** What holds for `priority` and `retries`. */
export function retriesSuite(kind: Kind): void {
  const { Pool } = kind;

  describe(`${kind.name} Pool: priority`, () => {
    /** A pool whose only worker waits until the event is set. Tasks that are given meanwhile wait as well. */
    const blocked = async (): Promise<{ pool: InstanceType<typeof Pool>; goOn: () => void }> => {
      const pool = new Pool(1);
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      void pool.submit(targets.setAndWait, begun, event);
      await begun.acquire();
      return { pool, goOn: () => event.set() };
    };

    it("has tasks with lower numbers begin first, and equal ones in the order of their calls", LIMIT, async () => {
      const { pool, goOn } = await blocked();
      await using _ = pool;
      const queue = new kind.Queue<string>();
      const priorities = [1, 0, Infinity, -1, 0.5, undefined, 1, -Infinity, -0, 1e300, -1, 0];
      const all = range(60).map((i) => {
        const priority = priorities[i % priorities.length];
        return pool.apply(targets.put, [queue, `${priority ?? 0}:${i}`], { priority });
      });
      goOn();
      await Promise.all(all);
      const seen = range(60).map(() => queue.getSync()).map((text) => text.split(":").map(Number));
      assertEquals(seen, seen.toSorted(([p, i], [q, j]) => p === q ? i! - j! : p! < q! ? -1 : 1));
    });

    it("decides also between maps, streams and tasks, and keeps the order of the items", LIMIT, async () => {
      const { pool, goOn } = await blocked();
      await using _ = pool;
      const queue = new kind.Queue<string>();
      const args = (name: string): [typeof queue, string][] => range(100).map((i) => [queue, `${name}${i}`]);
      const all = [
        pool.starmap(targets.put, args("c"), { priority: 2 }),
        collect(pool.imap(options.putAll, args("b"), { priority: 1 })),
        pool.starmap(targets.put, args("a"), { priority: 0 }),
        pool.apply(targets.put, [queue, "first"], { priority: -1 }),
      ];
      goOn();
      await Promise.all(all);
      const seen = range(301).map(() => queue.getSync());
      assertEquals([seen[0], seen[1]], ["first", "a0"]);
      for (const name of "abc") {
        const items = seen.filter((text) => text.startsWith(name) && text !== "first");
        assertEquals(items, range(100).map((i) => `${name}${i}`));
      }
      // A stream offers no more items than its window while its results are read.
      assert(seen.indexOf("a99") < seen.indexOf("c0"), seen.join(" "));
      assert(seen.indexOf("b0") < seen.indexOf("c0"), seen.join(" "));
    });

    it("lets a task overtake the tasks that wait, except a few that are on their way", LIMIT, async () => {
      const { pool, goOn } = await blocked();
      await using _ = pool;
      const queue = new kind.Queue<string>();
      const others = pool.starmap(targets.put, range(100).map((i): [typeof queue, string] => [queue, `${i}`]));
      await Promise.resolve();
      const last = pool.apply(targets.put, [queue, "last"], { priority: 1 });
      const first = pool.apply(targets.put, [queue, "first"], { priority: -1 });
      goOn();
      await Promise.all([others, first, last]);
      const seen = range(102).map(() => queue.getSync());
      assert(seen.indexOf("first") < 20, seen.join(" "));
      assertEquals(seen.at(-1), "last");
    });

    it("is validated, like all options of tasks", LIMIT, async () => {
      await using pool = new Pool(1);
      const calls = (its: object): (() => unknown)[] => [
        () => pool.apply(targets.square, [1], its),
        () => pool.map(targets.square, [1], its),
        () => pool.starmap(targets.add, [[1, 2]], its),
        () => pool.imap(targets.square, [1], its),
        () => pool.imapUnordered(targets.square, [1], its),
        () => pool.mapRange(targets.add, 1, its),
      ];
      const rejects = async (its: object, type: typeof TypeError | typeof RangeError): Promise<void> => {
        const [name] = Object.keys(its);
        for (const call of calls(its)) await assertRejects(async () => await call(), type, `'${name}'`);
      };
      for (const priority of ["1", null, {}, 1n, true]) await rejects({ priority }, TypeError);
      await rejects({ priority: NaN }, RangeError);
      for (const retries of ["1", null, {}, 1n, true]) await rejects({ retries }, TypeError);
      for (const retries of [-1, 0.5, NaN, Infinity]) await rejects({ retries }, RangeError);
      assertThrows(() => pool.apply(targets.square, [1], { retries: -1 }), RangeError);
      assertEquals(pool.stats().workers, 0);
      for (const its of [{ priority: -Infinity }, { retries: 0 }, { priority: undefined, retries: undefined }]) {
        assertEquals(await pool.apply(targets.square, [3], its), 9);
      }
    });
  });

  describe(`${kind.name} Pool: retries`, () => {
    it("tries a task again if its worker ended, and tells it which attempt it is", LIMIT, async () => {
      await using two = new Pool(2);
      assertEquals(await two.submit(options.attempt), 1);
      assertEquals(await two.apply(options.exitBefore, [3], { retries: 2 }), 3);
      assertEquals(await two.apply(options.exitBefore, [2], { retries: 5 }), 2);
      assertEquals(await two.apply(options.attempt, [], { retries: 5 }), 1);
      const { completed, failed } = two.stats();
      assertEquals([completed, failed], [4, 0]);
    });

    it("rejects with the loss of the last worker after the last try", LIMIT, async () => {
      await using one = new Pool(1);
      for (const retries of [0, 1, 2]) {
        const value = new kind.Value("i32");
        const error = await lossOf(one.apply(options.countAndExit, [value], { retries }));
        assertEquals([value.value, error.exitCode, error.taskIndex], [retries + 1, 3, 0]);
      }
      assertEquals(one.stats().failed, 3);
      const error = await lossOf(one.map(options.exitBefore, [1, 1, 3, 1], { retries: 1 }));
      assertEquals(error.taskIndex, 2);
    });

    it("does not try a task again that throws", LIMIT, async () => {
      await using one = new Pool(1);
      const value = new kind.Value("i32");
      await assertRejects(() => one.apply(options.countAndThrow, [value], { retries: 3 }), RangeError, "on purpose");
      await assertRejects(() => one.map(options.countAndThrow, [value], { retries: 3 }), RangeError, "on purpose");
      await assertRejects(() => collect(one.imap(options.countAndThrow, [value], { retries: 3 })), RangeError);
      assertEquals(value.value, 3);
    });

    it("holds for each item of map, starmap, imap and mapRange", LIMIT, async () => {
      await using two = new Pool(2);
      const expected = range(12).map((x) => [x, x % 5 === 0 ? 2 : 1]);
      assertEquals(await two.map(options.exitAtFives, range(12), { retries: 1 }), expected);
      assertEquals(await two.map(options.exitAtFives, range(12), { retries: 1, chunksize: 4 }), expected);
      assertEquals(
        await two.starmap(options.exitAtFivesOf, range(12).map((x): [number, number] => [x, x]), { retries: 1 }),
        expected.map(([x, attempt]) => [x, x, attempt]),
      );
      assertEquals(await collect(two.imap(options.exitAtFives, range(12), { retries: 1 })), expected);
      const unordered = await collect(two.imapUnordered(options.exitAtFives, range(12), { retries: 1, chunksize: 3 }));
      assertEquals(unordered.toSorted(([x], [y]) => x! - y!), expected);
      assertEquals(await two.mapRange(options.exitRangeAtZero, 6, { retries: 1, chunksize: 3 }), [[0, 3, 2], [
        3,
        6,
        1,
      ]]);
    });

    it("reports progress once for each item", LIMIT, async () => {
      await using two = new Pool(2);
      const seen: number[] = [];
      await two.map(options.exitAtFives, range(12), { retries: 1, onProgress: (done) => seen.push(done) });
      assertEquals(seen, range(12).map((x) => x + 1));
    });

    it("holds for a worker that is killed, and for a worker with an uncaught error", LIMIT, async () => {
      const name = `Retried-${kind.name}`;
      await using one = new Pool(1, { name });
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const future = one.apply(options.stayOnce, [begun, event], { retries: 1 });
      await begun.acquire();
      assertEquals(future.state, "running");
      assert(kind.killWorker(name));
      assertEquals(await future, 2);
      assertEquals(await one.apply(options.exitLater, [], { retries: 1 }), 2);
      const error = await lossOf(one.apply(targets.failUncaught, [], { retries: 1 }));
      assertEquals((error.cause as Error).message, "uncaught");
    });

    it("sends the arguments again: large arguments, transferred buffers, and shared objects", LIMIT, async () => {
      await using one = new Pool(1);
      const bytes = new Uint8Array(1 << 20).fill(1);
      const future = one.apply(options.sumAtLast, [bytes.buffer], { retries: 1, transfer: [bytes.buffer] });
      assertEquals(bytes.byteLength, 0);
      assertEquals(await future, 1 << 20);
      const event = new kind.Event();
      assertEquals(await one.apply(options.setAtLast, [event], { retries: 1 }), 2);
      assert(event.isSet);
      const events = range(50).map(() => new kind.Event());
      assertEquals(await one.map(options.setAllAtLast, [{ events }], { retries: 1 }), [2]);
      assert(events.every(({ isSet }) => isSet));
    });

    it("keeps no references to shared objects, and gives none back twice", LIMIT, async () => {
      // A worker that was ended by force keeps its references: one for each such worker.
      const holds = async (
        workers: number,
        use: (event: InstanceType<Kind["Event"]>) => Promise<void>,
      ): Promise<void> => {
        const event = new kind.Event();
        const before = referencesTo(event);
        await use(event);
        await until(() => referencesTo(event) <= before + workers);
        assert(referencesTo(event) >= before);
        event.set();
      };
      const within = async (use: (pool: InstanceType<typeof Pool>) => PromiseLike<unknown>): Promise<void> => {
        await using pool = new Pool(1);
        await use(pool);
      };
      await holds(1, (event) => within((one) => one.apply(targets.isSet, [event], { retries: 5 })));
      await holds(2, (event) => within((one) => one.apply(options.setAtLast, [event], { retries: 5 })));
      await holds(2, (event) => within((one) => lossOf(one.apply(options.exitBefore, [9, event], { retries: 1 }))));
      await holds(4, (event) => within((one) => one.map(options.setAtLast, [event, event, event], { retries: 1 })));
      await holds(
        4,
        (event) => within((one) => collect(one.imap(options.setAtLast, [event, event, event], { retries: 1 }))),
      );
      await holds(1, (event) =>
        within(async (one) => {
          const tasks = range(20).map(() => one.apply(targets.isSet, [event], { retries: 1 }));
          for (const future of tasks) future.cancel();
          await Promise.allSettled(tasks);
        }));
      await holds(
        1,
        (event) => within((one) => errorOf(one.map(options.throwFor, range(20).map(() => event), { retries: 1 }))),
      );
    });

    it("keeps no references for tasks that were given up, and whose worker was ended then", LIMIT, async () => {
      for (const retries of [0, 1]) {
        const [event, begun] = [new kind.Event(), new kind.Semaphore(0)];
        const before = referencesTo(event);
        await using one = new Pool(1, { concurrency: 4 });
        const controller = new AbortController();
        const { signal } = controller;
        const give = () => one.apply(options.setAndWaitLater, [begun, event], { retries, signal, killAfter: 0 });
        const futures = range(4).map(give);
        for (let i = 0; i < 4; i++) await begun.acquire();
        controller.abort(new EvalError("enough"));
        for (const future of futures) await assertRejects(() => future, EvalError);
        assertEquals(await one.submit(targets.square, 3), 9);
        await one[Symbol.asyncDispose]();
        // The job's own references must go as well, although no caller waits for the task any more.
        await until(() => referencesTo(event) <= before + 1);
      }
    });

    it("does not try a task again that was given up", LIMIT, async () => {
      const name = `GivenUp-${kind.name}`;
      await using one = new Pool(1, { name });
      const [value, begun, event] = [new kind.Value("i32"), new kind.Semaphore(0), new kind.Event()];
      for (
        const give of [
          (signal: AbortSignal) => one.apply(options.countAndStay, [value, begun, event], { signal, retries: 3 }),
          (signal: AbortSignal) => one.starmap(options.countAndStay, [[value, begun, event]], { signal, retries: 3 }),
        ]
      ) {
        const before = value.value;
        const controller = new AbortController();
        const given = give(controller.signal);
        await begun.acquire();
        controller.abort(new EvalError("enough"));
        await assertRejects(() => Promise.resolve(given), EvalError);
        assert(kind.killWorker(name));
        assertEquals(await one.submit(targets.square, 3), 9);
        assertEquals(value.value, before + 1);
      }
    });

    it("ends with the pool", LIMIT, async () => {
      const one = new Pool(1);
      const [begun, event] = [new kind.Semaphore(0), new kind.Event()];
      const future = one.apply(options.stayOnce, [begun, event], { retries: 100 });
      const mapped = one.starmap(options.stayOnce, [[begun, event]], { retries: 100 });
      await begun.acquire();
      one.terminate();
      await assertRejects(() => future, CancelledError);
      await assertRejects(() => mapped, CancelledError);
      assertEquals(await one.join(), true);
      const other = new Pool(1);
      const last = other.apply(options.exitBefore, [3], { retries: 2 });
      other.close();
      assertEquals([await last, await other.join()], [3, true]);
    });
  });

  describe(`${kind.name} Pool: workers that end in the middle of many tasks`, () => {
    it("lose one task each, and the tasks that they had finished count", LIMIT, async () => {
      await using two = new Pool(2);
      const n = 3000;
      // So that the function is known to be quick.
      await two.map(targets.square, range(n));
      const ends = [17, 700, 1501, 2999];
      for (const chunksize of [undefined, 500]) {
        const counts = new kind.SharedArray("i32", n);
        const args = range(n).map((x): [typeof counts, number, ...number[]] => [counts, x, ...ends]);
        const results = await two.starmap(options.markAndExit, args, { chunksize, retries: 1 });
        assertEquals(results, range(n).map((x) => x * x));
        assertEquals([...counts], range(n).map((x) => ends.includes(x) ? 2 : 1));
      }
      const counts = new kind.SharedArray("i32", n);
      const args = range(n).map((x): [typeof counts, number, ...number[]] => [counts, x, 700]);
      const error = await lossOf(two.starmap(options.markAndExit, args, { chunksize: 500 }));
      assertEquals(error.taskIndex, 700);
      assertEquals(counts.array.findIndex((count) => count > 1), -1);
    });

    it("lose no more than one task each when they are killed at any moment", LIMIT, async () => {
      const name = `Middle-${kind.name}`;
      await using two = new Pool(2, { name });
      const n = 2000;
      const counts = new kind.SharedArray("i32", n);
      const args = range(n).map((x): [typeof counts, number, number] => [counts, x, 0.1]);
      let kills = 0;
      const results = await two.starmap(options.markAndTakeTime, args, {
        chunksize: 300,
        retries: 3,
        onProgress: (done) => {
          if (done >= (kills + 1) * 400 && kills < 3 && kind.killWorker(name)) kills++;
        },
      });
      assertEquals(results, range(n).map((x) => x * x));
      const begun = [...counts].reduce((sum, count) => sum + count, 0);
      assert(kills === 3 && begun >= n && begun <= n + kills, `${begun - n} tasks ran again after ${kills} kills`);
    });
  });
}
