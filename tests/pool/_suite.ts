import { locate, type SharedHandle } from "../../_internal/memory/shared_object.ts";
import type { Kind } from "./_kind.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  asCompleted,
  CancelledError,
  DeadlockError,
  Future,
  InvalidStateError,
  TimeoutError,
  wait,
  waitAny,
  WorkerLostError,
} from "@weft/concurrent/threading";
import { describe, it } from "node:test";

const LIMIT = { timeout: 30_000 };

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** Waits until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function lossOf(promise: PromiseLike<unknown>): Promise<WorkerLostError> {
  const error = await errorOf(promise);
  if (!(error instanceof WorkerLostError)) throw error;
  return error;
}

async function errorOf(promise: PromiseLike<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("It did not reject");
}

/** Everything that holds for pools of either kind. */
export function poolSuite(kind: Kind): void {
  const { Pool } = kind;
  /** One pool for all tests that leave it as it was: to start processes takes a while. */
  let shared: InstanceType<typeof Pool> | undefined;
  const pool = (): InstanceType<typeof Pool> => shared ??= new Pool(2, { name: "Shared" });

  describe(`${kind.name} Pool: map`, () => {
    it("returns the results in the order of the items", LIMIT, async () => {
      assertEquals(await pool().map(targets.square, [1, 2, 3, 4, 5]), [1, 4, 9, 16, 25]);
      for (const n of [1, 2, 63, 64, 65, 1000, 20_000]) {
        assertEquals(await pool().map(targets.square, range(n)), range(n).map((x) => x * x));
      }
    });

    it("takes any iterable, and every chunksize", LIMIT, async () => {
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

    it("does not run what comes after a failure", LIMIT, async () => {
      await using one = new Pool(1);
      const value = new kind.Value("i32");
      const pairs = range(200).map((i): [typeof value, number] => [value, i]);
      const run = (counter: typeof value, i: number): void => {
        if (i === 3) throw new Error("third");
        counter.add(1);
      };
      assertEquals((await errorOf(one.starmap(run, pairs, { chunksize: 1 }))).message, "third");
      // A chunk or two were on the board, and may have run before it was known.
      assert(value.value >= 3 && value.value < 10);
    });

    it("says which item cannot be sent, and sends nothing", LIMIT, async () => {
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

    it("tells of progress up to all", LIMIT, async () => {
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

    it("runs items that wait for each other, although they were to go together", LIMIT, async () => {
      // So that it is known to be quick, and goes in large chunks.
      await pool().map(targets.identity, range(5000));
      const barrier = new kind.Barrier(2);
      const args = range(2000).map((i): [typeof barrier, boolean] => [barrier, i === 700 || i === 750]);
      const met = (await pool().starmap(targets.meetOrNot, args)).filter((index) => index >= 0);
      assertEquals(met.toSorted(), [0, 1]);
    });

    it("gives what stands behind a slow item to another worker", LIMIT, async () => {
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

  describe(`${kind.name} Pool: imap`, () => {
    it("yields results in order, and imapUnordered all of them", LIMIT, async () => {
      assertEquals(await collect(pool().imap(targets.square, range(100))), range(100).map((x) => x * x));
      const unordered = await collect(pool().imapUnordered(targets.square, range(100), { chunksize: 7 }));
      assertEquals(unordered.toSorted((a, b) => a - b), range(100).map((x) => x * x));
      assertEquals(await collect(pool().imap(targets.square, [])), []);
    });

    it("takes only so many items of an endless generator, and ends it when the loop is left", LIMIT, async () => {
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
    });

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

    it("tells of progress, without a total as long as there is none", LIMIT, async () => {
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

    it("is done at the pool's end also if its results are read only then", LIMIT, async () => {
      const two = new Pool(2);
      const results = two.imap(targets.square, range(100));
      const unordered = two.imapUnordered(targets.square, range(100), { chunksize: 3 });
      two.close();
      await two.join();
      assertEquals(await collect(results), range(100).map((x) => x * x));
      assertEquals((await collect(unordered)).length, 100);
    });

    it("loses one item where a worker dies, and goes on if asked for the others", LIMIT, async () => {
      await using two = new Pool(2);
      const seen: number[] = [];
      const error = await lossOf((async () => {
        for await (const result of two.imap(targets.exitAt5, range(20), { chunksize: 4 })) seen.push(result);
      })());
      assertEquals([error.taskIndex, seen], [5, [0, 1, 2, 3, 4]]);
    });
  });

  describe(`${kind.name} Pool: submit and Future`, () => {
    it("returns futures that are promises", LIMIT, async () => {
      const future = pool().submit(targets.add, 1, 2);
      assert(future instanceof Future);
      assertEquals(await future, 3);
      assertEquals(future.state, "finished");
      assertEquals(await pool().apply(targets.add, [3, 4]), 7);
      assertEquals(await pool().apply(targets.pid) > 0, true);
      const all = await Promise.all(range(2000).map((i) => pool().submit(targets.square, i)));
      assertEquals(all, range(2000).map((x) => x * x));
    });

    it("begins tasks in the order of their calls", LIMIT, async () => {
      await using one = new Pool(1);
      const queue = new kind.Queue<string>();
      const other = (its: typeof queue, text: string): void => its.putSync(text);
      await Promise.all(
        range(60).map((i) => i % 3 === 0 ? one.submit(other, queue, `${i}`) : one.submit(targets.put, queue, `${i}`)),
      );
      assertEquals(range(60).map(() => queue.getSync()), range(60).map(String));
    });

    it("copies the arguments at the call, and throws there what cannot be copied", LIMIT, async () => {
      const item = { n: 1 };
      const future = pool().submit(targets.identity, item);
      item.n = 2;
      assertEquals(await future, { n: 1 });
      const error = assertThrows(() => pool().submit(targets.identity, { onDone: () => {} }), DOMException);
      assertEquals(error.name, "DataCloneError");
      assert(error.message.includes("args[0].onDone"), error.message);
    });

    it("rejects with an error of the same class, its properties and its cause", LIMIT, async () => {
      const error = await errorOf(pool().submit(targets.failWith, "custom")) as Error & { detail: unknown };
      assertEquals([error.name, error.message, error.detail], ["CustomError", "custom", { code: 7 }]);
      assert(error.cause instanceof TypeError);
      assert(await errorOf(pool().submit(targets.failWith, "x")) instanceof RangeError);
      assertEquals((await errorOf(pool().submit(targets.failLater))).message, "later");
    });

    it("has the task's stack in the error, then the caller's", LIMIT, async () => {
      const calls = [() => pool().submit(targets.failWith, "x"), () => pool().map(targets.failWith, ["x"])];
      for (const call of calls) {
        const stack = (await errorOf(call())).stack!;
        const [there, here] = [stack.indexOf("_targets.ts"), stack.indexOf("_suite.ts")];
        assert(there > 0 && here > there, stack);
      }
    });

    it("rejects with what the task throws, whatever it is", LIMIT, async () => {
      for (const [what, thrown] of [["undefined", undefined], ["text", "text"]] as const) {
        const outcome = await pool().submit(targets.failWith, what).then(() => "resolved", (error) => [error]);
        assertEquals(outcome, [thrown]);
        assertEquals(await pool().map(targets.failWith, [what]).then(() => "resolved", (error) => [error]), [thrown]);
      }
      assertEquals((await errorOf(pool().submit(targets.failWith, "function"))).name, "DataCloneError");
    });

    it("rejects if the result cannot be copied, and says where", LIMIT, async () => {
      const error = await errorOf(pool().submit(targets.returnFunction, 2));
      assertEquals(error.name, "DataCloneError");
      assert(error.message.includes("result.deep[0]"), error.message);
      const other = await errorOf(pool().map(targets.returnFunction, range(4)));
      assert(other.message.includes("result.deep[0]"), other.message);
      assertEquals(await pool().submit(targets.returnFunction, 1), 1);
    });

    it("cancels a task that was not begun, and no other", LIMIT, async () => {
      await using one = new Pool(1);
      const [begun, event, value] = [new kind.Semaphore(0), new kind.Event(), new kind.Value("i32")];
      const running = one.submit(targets.setAndWait, begun, event);
      const tasks = range(20).map(() => one.submit(targets.count, value));
      await begun.acquire();
      assertEquals([running.state, tasks[7].state], ["running", "pending"]);
      assertEquals(running.cancel(), false);
      assertEquals([tasks[7].cancel(), tasks[19].cancel(), tasks[7].cancel()], [true, true, true]);
      assertEquals(tasks[7].state, "cancelled");
      await assertRejects(() => tasks[7], CancelledError);
      event.set();
      assertEquals(await running, true);
      const settled = await Promise.allSettled(tasks);
      assertEquals(settled.filter(({ status }) => status === "fulfilled").length, 18);
      assertEquals(value.value, 18);
      assertEquals([running.cancel(), running.state], [false, "finished"]);
    });

    it("gives nothing up twice where a done callback gives up the task that is over", LIMIT, async () => {
      await using one = new Pool(1);
      const event = new kind.Event();
      const { space, at } = locate(event as unknown as SharedHandle)!;
      const references = space.words[at + 1];
      for (let i = 0; i < 3; i++) {
        const controller = new AbortController();
        const future = one.apply(targets.isSet, [event], { signal: controller.signal });
        future.addDoneCallback(() => controller.abort());
        assertEquals(await future, false);
      }
      // The worker's handle may have one more.
      assert(space.words[at + 1] >= references, `${space.words[at + 1]} of ${references} references are left`);
      assertEquals(await Promise.all(range(4).map((i) => one.submit(targets.square, i))), [0, 1, 4, 9]);
    });

    it("waits for a result with a timeout or a signal, and the task goes on", LIMIT, async () => {
      const event = new kind.Event();
      const future = pool().submit(targets.waitForEvent, event);
      await assertRejects(() => future.result({ timeout: 5 }), TimeoutError);
      const controller = new AbortController();
      const aborted = future.result({ signal: controller.signal });
      controller.abort(new EvalError("enough"));
      await assertRejects(() => aborted, EvalError);
      event.set();
      assertEquals(await future.result({ timeout: 20_000 }), true);
    });

    it("calls done callbacks, also late, and outlives one that throws", LIMIT, async () => {
      const future = pool().submit(targets.square, 3);
      const called: unknown[] = [];
      const print = console.error;
      const printed: unknown[] = [];
      console.error = (...args): void => void printed.push(args);
      try {
        future.addDoneCallback(() => {
          throw new EvalError("callback");
        });
        future.addDoneCallback((its) => called.push(its === future));
        await future;
        future.addDoneCallback((its) => called.push(its.state));
      } finally {
        console.error = print;
      }
      assertEquals(called, [true, "finished"]);
      assertEquals(printed.length, 1);
      assertThrows(() => future.addDoneCallback(1 as never), TypeError);
    });

    it("yields futures as they are settled", LIMIT, async () => {
      const [first, second] = [new kind.Event(), new kind.Event()];
      const futures = [pool().submit(targets.waitForEvent, first), pool().submit(targets.waitForEvent, second)];
      const seen: unknown[] = [];
      second.set();
      for await (const future of asCompleted(futures)) {
        assert(future instanceof Future);
        seen.push(futures.indexOf(future));
        first.set();
      }
      assertEquals(seen, [1, 0]);
      const third = new kind.Event();
      const late = pool().submit(targets.waitForEvent, third);
      await assertRejects(async () => {
        for await (const _ of asCompleted([late], { timeout: 1 }));
      }, TimeoutError);
      third.set();
      assertEquals(await late, true);
      assertThrows(() => asCompleted([1 as never]), TypeError);
    });

    it("waits for the first, for the first error, for all, or until the timeout", LIMIT, async () => {
      const event = new kind.Event();
      const make = (): Future<unknown>[] => [
        pool().submit(targets.waitForEvent, event),
        pool().submit(targets.square, 1),
        pool().submit(targets.failWith, "x"),
      ];
      const [first, failing, late, all] = [make(), make(), make(), make()];
      // There are two workers, and the four that wait would take both.
      event.set();
      const one = await wait(first, { when: "first" });
      assert(one.done.size >= 1 && one.done.size + one.notDone.size === 3);
      assert((await wait(failing, { when: "first-error" })).done.has(failing[2]));
      assertEquals((await wait(all)).done.size, 3);
      assertEquals((await wait(late, { timeout: 0 })).done.size + 0 <= 3, true);
      assertEquals((await wait([])).done.size, 0);
      await assertRejects(() => wait(all, { when: "some" as never }), TypeError);
    });

    it("is one of the things that waitAny waits for", LIMIT, async () => {
      const event = new kind.Event();
      const future = pool().submit(targets.square, 3);
      assertEquals(await waitAny([event, future]), 1);
      assertEquals(await future, 9);
    });
  });

  describe(`${kind.name} Pool: giving up`, () => {
    it("settles the caller at once at a timeout; the running task is told, also in a busy loop", LIMIT, async () => {
      await using one = new Pool(1);
      const [begun, over] = [new kind.Semaphore(0), new kind.Semaphore(0)];
      await one.submit(targets.square, 1);
      const options = { timeout: 300 };
      for (
        const call of [
          () => one.apply(targets.busyUntilCancelled, [begun, over], options),
          () => one.apply(targets.idleUntilAborted, [begun, over], options),
        ]
      ) {
        const future = call();
        await assertRejects(() => future, TimeoutError);
        assertEquals(future.state, "finished");
        await begun.acquire();
        await over.acquire();
      }
      assertEquals(await one.apply(targets.square, [2]), 4);
    });

    it("settles the caller at once when the signal is aborted, with its reason", LIMIT, async () => {
      await using one = new Pool(1);
      const [begun, over, value] = [new kind.Semaphore(0), new kind.Semaphore(0), new kind.Value("i32")];
      const controller = new AbortController();
      const { signal } = controller;
      const running = one.apply(targets.busyUntilCancelled, [begun, over], { signal });
      const queued = one.apply(targets.count, [value], { signal });
      const mapped = one.map(targets.count, range(50).map(() => value), { signal });
      const streamed = collect(one.imap(targets.count, range(50).map(() => value), { signal }));
      const others = one.map(targets.count, range(5).map(() => value));
      await begun.acquire();
      controller.abort(new EvalError("enough"));
      for (const promise of [running, queued, mapped, streamed]) {
        await assertRejects(() => promise, EvalError, "enough");
      }
      assertEquals([running.state, queued.state], ["cancelled", "cancelled"]);
      await over.acquire();
      assertEquals((await others).toSorted(), range(5));
      assertEquals(value.value, 5);
      await assertRejects(() => one.apply(targets.count, [value], { signal }), EvalError);
      await assertRejects(() => one.map(targets.count, [value], { signal }), EvalError);
      await assertRejects(() => collect(one.imap(targets.count, [value], { signal })), EvalError);
      assertEquals(value.value, 5);
    });

    it("does not begin what is given up together with what runs", LIMIT, async () => {
      await using one = new Pool(1);
      const [begun, over, value] = [new kind.Semaphore(0), new kind.Semaphore(0), new kind.Value("i32")];
      const controller = new AbortController();
      const { signal } = controller;
      const calls: Promise<unknown>[] = [one.apply(targets.busyUntilCancelled, [begun, over], { signal })];
      // Until the worker, which is told to give up, has gone on to what it finds next.
      signal.addEventListener("abort", () => {
        assert(over.acquireSync({ timeout: 10_000 }));
        for (const end = Date.now() + 100; Date.now() < end && value.value === 0;);
      });
      calls.push(one.map(targets.count, range(50).map(() => value), { signal }));
      calls.push(one.apply(targets.count, [value], { signal }));
      calls.push(collect(one.imap(targets.count, range(50).map(() => value), { signal })));
      await begun.acquire();
      controller.abort(new EvalError("enough"));
      for (const call of calls) await assertRejects(() => call, EvalError, "enough");
      assertEquals(await one.submit(targets.square, 2), 4);
      assertEquals(value.value, 0);
    });

    it("has no listener left at a signal that gave nothing up", LIMIT, async () => {
      const one = new Pool(1);
      const { signal } = new AbortController();
      const listeners = new Set<unknown>();
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = function (...args: unknown[]) {
        listeners.add(args[1]);
        Reflect.apply(addEventListener, this, args);
      };
      signal.removeEventListener = function (...args: unknown[]) {
        listeners.delete(args[1]);
        Reflect.apply(removeEventListener, this, args);
      };
      const [begun, over, goOn] = [new kind.Semaphore(0), new kind.Semaphore(0), new kind.Event()];
      const options = { signal, timeout: 600_000 };
      assertEquals(await one.apply(targets.square, [2], options), 4);
      assertEquals(await one.map(targets.square, [2, 3], options), [4, 9]);
      await assertRejects(
        () => one.apply(targets.idleUntilAborted, [begun, over], { signal, timeout: 1 }),
        TimeoutError,
      );
      const last = one.submit(targets.setAndWait, begun, goOn);
      one.close();
      assertEquals(await one.join({ signal, timeout: 1 }), false);
      assertEquals(listeners.size, 0);
      goOn.set();
      await last;
      assertEquals(await one.join({ signal }), true);
      assertEquals(listeners.size, 0);
    });

    it("does not begin what has no time at all", LIMIT, async () => {
      const value = new kind.Value("i32");
      const options = { timeout: 0 };
      const future = pool().apply(targets.count, [value], options);
      assertEquals(future.state, "finished");
      await assertRejects(() => future, TimeoutError);
      await assertRejects(() => pool().map(targets.count, [value], options), TimeoutError);
      await assertRejects(() => collect(pool().imap(targets.count, [value], options)), TimeoutError);
      assertEquals(await pool().map(targets.count, [], options), []);
      await pool().map(targets.square, range(10));
      assertEquals(value.value, 0);
    });

    it("waits for a promise that is never settled, also where nothing else keeps the worker alive", LIMIT, async () => {
      await using one = new Pool(1);
      await one.submit(targets.square, 1);
      for (const killAfter of [1, 0]) {
        const future = one.apply(targets.never, [], { timeout: 500, killAfter });
        await assertRejects(() => future, TimeoutError);
        assertEquals(await one.submit(targets.square, 2), 4);
      }
    });

    it("replaces a worker that does not listen after killAfter, and its end does no harm", LIMIT, async () => {
      await using one = new Pool(1);
      const begun = new kind.Semaphore(0);
      await one.submit(targets.square, 1);
      const future = one.apply(targets.busyForEver, [begun, 2000], { timeout: 300, killAfter: 20 });
      await assertRejects(() => future, TimeoutError);
      await begun.acquire();
      // Meanwhile the other may still compute; its result must not be taken for one of these.
      for (let i = 0; i < 60; i++) assertEquals(await one.apply(targets.square, [i]), i * i);
      assertEquals(await one.map(targets.square, range(1000)), range(1000).map((x) => x * x));
      await new Promise((resolve) => setTimeout(resolve, 2000));
      for (let i = 0; i < 60; i++) assertEquals(await one.apply(targets.square, [i]), i * i);
      assertEquals(one.stats().workers, 1);
    });

    it("leaves a worker alone that listens before killAfter", LIMIT, async () => {
      await using one = new Pool(1);
      const id = await one.submit(targets.workerId);
      const [begun, over] = [new kind.Semaphore(0), new kind.Semaphore(0)];
      const given = one.apply(targets.busyUntilCancelled, [begun, over], { timeout: 300, killAfter: 300 });
      await assertRejects(() => given, TimeoutError);
      await over.acquire();
      await new Promise((resolve) => setTimeout(resolve, 400));
      assertEquals(await one.submit(targets.workerId), id);
    });

    it("knows no current task outside of tasks, and one and the same inside", LIMIT, async () => {
      const { currentTask } = await import("@weft/concurrent/threading");
      assertEquals(currentTask(), undefined);
      assertEquals(await pool().submit(targets.signalOf), true);
      assertEquals(await pool().submit(targets.isOutsideOfTask), false);
    });
  });

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

    it("tells which item of a map was lost", LIMIT, async () => {
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

    it("notices within a second that a worker was ended, and replaces it", LIMIT, async () => {
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

    it("replaces a worker that was ended while there was nothing to do", LIMIT, async () => {
      const name = `Idle-${kind.name}`;
      await using one = new Pool(1, { name });
      assertEquals(await one.submit(targets.square, 3), 9);
      assert(kind.killWorker(name));
      await until(() => one.stats().workers === 0);
      assertEquals(await one.submit(targets.square, 4), 16);
    });

    it("does not take a lock along that a task left held: the next one gets it as abandoned", LIMIT, async () => {
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
    });

    it("gives back re-entrant locks and both sides of an RWLock that a task left held", LIMIT, async () => {
      await using one = new Pool(1);
      const [rlock, read, written] = [new kind.RLock(), new kind.RWLock(), new kind.RWLock()];
      await one.submit(targets.leaveAllLocked, rlock, read, written);
      assertEquals(rlock.acquireSync({ timeout: 5000 }).abandoned, true);
      read.writeSync({ timeout: 5000 });
      assertEquals(written.writeSync({ timeout: 5000 }).abandoned, true);
    });

    it("leaves the initializer what it holds", LIMIT, async () => {
      const lock = new kind.Lock();
      await using one = new Pool(1, { initializer: targets.lockForGood, initargs: [lock] });
      for (let i = 0; i < 3; i++) assertEquals(await one.submit(targets.square, i), i * i);
      await assertRejects(() => lock.acquire({ timeout: 20 }), TimeoutError);
    });
  });

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
      "rejects tasks also where the initializer's error is of a class that is not registered here",
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

    it("replaces a worker after so many tasks", LIMIT, async () => {
      await using one = new Pool(1, { maxTasksPerChild: 2 });
      const ids: number[] = [];
      for (let i = 0; i < 6; i++) ids.push(await one.submit(targets.workerId));
      assertEquals(new Set(ids).size, 3);
      assertEquals([ids[0] === ids[1], ids[2] === ids[3], ids[4] === ids[5]], [true, true, true]);
      const mapped = await one.map(targets.workerIdLater, range(8));
      for (const id of new Set(mapped)) assert(mapped.filter((its) => its === id).length <= 2);
    });

    it("ends a worker that had nothing to do for so long, and starts another when there is work", LIMIT, async () => {
      await using one = new Pool(1, { idleTimeout: 20 });
      const id = await one.submit(targets.workerId);
      await until(() => one.stats().workers === 0);
      assert(await one.submit(targets.workerId) !== id);
    });

    it("starts workers with the first task, and as many as there is work for", LIMIT, async () => {
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

    it("works inside of a worker, and beside other pools", LIMIT, async () => {
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

  describe(`${kind.name} Pool: the end`, () => {
    it("does what it was given after close, and takes no more", LIMIT, async () => {
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

    it("gives everything up at terminate: whoever waits gets a CancelledError", LIMIT, async () => {
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

    it("terminates and joins at the end of a block", LIMIT, async () => {
      let future: Future<unknown>;
      const begun = new kind.Semaphore(0);
      {
        await using one = new Pool(1);
        future = one.submit(targets.setAndWait, begun, new kind.Event());
        await begun.acquire();
      }
      await assertRejects(() => future, CancelledError);
    });

    it("joins although a worker computes and does not listen", LIMIT, async () => {
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

    it("ends a pool that never began", LIMIT, async () => {
      const unused = new Pool(1);
      unused.close();
      await unused.join();
      const other = new Pool(1);
      await other[Symbol.asyncDispose]();
    });
  });

  describe(`${kind.name} Pool: what crosses`, () => {
    it("detaches the buffers of transfer at the call", LIMIT, async () => {
      const buffer = new ArrayBuffer(1 << 20);
      new Uint8Array(buffer)[12345] = 7;
      const future = pool().apply(targets.sum, [buffer], { transfer: [buffer] });
      assertEquals([buffer.byteLength, buffer.detached], [0, true]);
      assertEquals(await future, 7);
      const buffers = range(5).map((i) => new Uint8Array(100).fill(i).buffer);
      const sums = pool().map(targets.sum, buffers, { transfer: buffers });
      assert(buffers.every(({ detached }) => detached));
      assertEquals(await sums, range(5).map((i) => i * 100));
      assertThrows(() => pool().apply(targets.sum, [buffer], { transfer: [1 as never] }), TypeError);
    });

    it("returns large results whole", LIMIT, async () => {
      const size = 16 << 20;
      const results = await pool().map(targets.fill, [size + 1, size + 2, 5], { chunksize: 1 });
      assertEquals(results.map((bytes) => [bytes.length, bytes.at(-1)]), [[size + 1, 1], [size + 2, 2], [5, 5]]);
      const futures = await Promise.all(range(200).map((i) => pool().submit(targets.fill, i * 97)));
      assertEquals(futures.map((bytes) => bytes.length), range(200).map((i) => i * 97));
    });

    it("shares the objects of this package in both directions", LIMIT, async () => {
      const lock = new kind.Lock();
      assert(await pool().submit(targets.returnLock, lock) === lock);
      assertEquals((await pool().map(targets.returnLock, [lock, lock])).every((its) => its === lock), true);
    });

    it("refuses pools and futures", LIMIT, async () => {
      const future = pool().submit(targets.square, 2);
      for (const value of [pool(), future]) {
        const error = assertThrows(() => pool().submit(targets.identity, { value } as unknown), DOMException);
        assertEquals(error.name, "DataCloneError");
        assert(error.message.includes("args[0].value"), error.message);
      }
      assertEquals(await future, 4);
    });

    it("runs inline functions and built-in ones", LIMIT, async () => {
      assertEquals(await pool().map((x: number) => x + 1, range(3)), [1, 2, 3]);
      assertEquals(await pool().map(Math.sqrt, [4, 9]), [2, 3]);
    });

    it("records a trace on request", LIMIT, async () => {
      await using two = new Pool(2, { trace: true, name: "Traced" });
      await two.map(targets.square, range(100));
      await two.submit(targets.square, 1);
      const { traceEvents } = two.trace();
      const slices = (): typeof traceEvents => traceEvents.filter(({ ph }) => ph === "X");
      // A result may be there before its worker has told how long it took.
      await until(() => slices().reduce((sum, { args }) => sum + Number(args!.tasks), 0) === 101);
      assert(slices().length >= 2 && slices().every(({ dur, ts }) => dur! >= 0 && ts! >= 0));
      assert(traceEvents.some(({ ph, name }) => ph === "C" && name === "queued"));
      assert(traceEvents.some(({ ph, args }) => ph === "M" && String(args!.name).startsWith("Traced-")));
      assertThrows(() => pool().trace(), InvalidStateError);
    });
  });

  describe(`${kind.name} Pool: afterwards`, () => {
    it("leaves the pool of the other tests as good as new", LIMIT, async () => {
      assertEquals(await pool().map(targets.square, range(1000)), range(1000).map((x) => x * x));
      await pool()[Symbol.asyncDispose]();
    });
  });
}
