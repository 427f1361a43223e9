import { collect, LIMIT, range, sharing } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import { sharedPool } from "./_shared_pool.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TimeoutError } from "@weft/concurrent/threading";
import { describe, it } from "node:test";

/** What holds for tasks that are given up: by a signal, by a timeout, and with `killAfter`. */
export function givingUpSuite(kind: Kind): void {
  const { Pool } = kind;
  const pool = sharedPool(kind);

  describe(`${kind.name} Pool: giving up`, () => {
    it(
      "rejects at once at a timeout; the running task learns of it, also in a busy loop",
      sharing(kind),
      async () => {
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
      },
    );

    it("rejects at once when the signal is aborted, with its reason", sharing(kind), async () => {
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

    it("does not begin tasks that are given up together with the running task", sharing(kind), async () => {
      await using one = new Pool(1);
      const [begun, over, value] = [new kind.Semaphore(0), new kind.Semaphore(0), new kind.Value("i32")];
      const controller = new AbortController();
      const { signal } = controller;
      const calls: Promise<unknown>[] = [one.apply(targets.busyUntilCancelled, [begun, over], { signal })];
      // Until the worker, which was asked to give up, has gone on to the next task.
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

    it("leaves no listener on a signal that was not aborted", sharing(kind), async () => {
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

    it("does not begin a task with a timeout of 0", LIMIT, async () => {
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

    it("says after a timeout whether the task was running", sharing(kind), async () => {
      await using one = new Pool(1);
      const [begun, goOn] = [new kind.Semaphore(0), new kind.Event()];
      const running = one.apply(targets.setAndWait, [begun, goOn]);
      await begun.acquire();
      await assertRejects(() => running.result({ timeout: 1 }), TimeoutError, "the 1 ms of 'timeout': it is running");
      const waiting = one.apply(targets.square, [2], { timeout: 20 });
      await assertRejects(() => waiting.result({ timeout: 1 }), TimeoutError, ": it is waiting for a worker");
      await assertRejects(() => waiting, TimeoutError, "the 20 ms of 'timeout': it was waiting for a worker");
      goOn.set();
      await running;
    });

    it("waits for a promise that is never settled, also if nothing else keeps the worker alive", LIMIT, async () => {
      await using one = new Pool(1);
      await one.submit(targets.square, 1);
      for (const killAfter of [1, 0]) {
        const future = one.apply(targets.never, [], { timeout: 500, killAfter });
        await assertRejects(() => future, TimeoutError);
        assertEquals(await one.submit(targets.square, 2), 4);
      }
    });

    it("replaces a worker that does not listen after killAfter, and its end does no harm", sharing(kind), async () => {
      await using one = new Pool(1);
      const begun = new kind.Semaphore(0);
      await one.submit(targets.square, 1);
      const future = one.apply(targets.busyForEver, [begun, 2000], { timeout: 300, killAfter: 20 });
      await assertRejects(() => future, TimeoutError);
      await begun.acquire();
      // Meanwhile the old worker may still compute. Its result must not be taken for a result of these tasks.
      for (let i = 0; i < 60; i++) assertEquals(await one.apply(targets.square, [i]), i * i);
      assertEquals(await one.map(targets.square, range(1000)), range(1000).map((x) => x * x));
      await new Promise((resolve) => setTimeout(resolve, 2000));
      for (let i = 0; i < 60; i++) assertEquals(await one.apply(targets.square, [i]), i * i);
      assertEquals(one.stats().workers, 1);
    });

    it("does not replace a worker that listens before killAfter", sharing(kind), async () => {
      await using one = new Pool(1);
      const id = await one.submit(targets.workerId);
      const [begun, over] = [new kind.Semaphore(0), new kind.Semaphore(0)];
      const given = one.apply(targets.busyUntilCancelled, [begun, over], { timeout: 300, killAfter: 300 });
      await assertRejects(() => given, TimeoutError);
      await over.acquire();
      await new Promise((resolve) => setTimeout(resolve, 400));
      assertEquals(await one.submit(targets.workerId), id);
    });

    it("has no current task outside of tasks, and always the same inside", LIMIT, async () => {
      const { currentTask } = await import("@weft/concurrent/threading");
      assertEquals(currentTask(), undefined);
      assertEquals(await pool().submit(targets.signalOf), true);
      assertEquals(await pool().submit(targets.isOutsideOfTask), false);
    });
  });
}
