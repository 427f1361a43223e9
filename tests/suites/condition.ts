import { type Condition, InvalidStateError, Lock, RLock, type SharedArray } from "@weft/concurrent/sync";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import type { Runner, Scope } from "./_scope.ts";
import { moment, turn, until } from "./_until.ts";
import {
  consume,
  consumeAsync,
  holdUntil,
  notHeld,
  notify,
  produce,
  waitAsync,
  waitDeeply,
  waitManyAsync,
  waitShortly,
  waitSync,
} from "./condition_targets.ts";
import { rounds } from "../_rounds.ts";

const LIMIT = { timeout: 60_000 };

/** What a Condition promises, over either lock. */
export function conditionSuite(scope: Scope): void {
  const counter = (): SharedArray<"i32"> => new scope.SharedArray("i32", 4);
  const locks: [string, () => Condition][] = [
    ["a Lock", () => new scope.Condition(new scope.Lock())],
    ["an RLock", () => new scope.Condition(new scope.RLock())],
    ["no lock given", () => new scope.Condition()],
  ];

  for (const [over, create] of locks) {
    describe(`Condition over ${over} (${scope.name})`, () => {
      /** Waits until that many waiters have begun to wait, and have released the lock. */
      const entered = async (condition: Condition, waiting: SharedArray<"i32">, count: number): Promise<void> => {
        await until(() => waiting.array[0] === count, `${count} wait`);
        (await condition.acquire())[Symbol.dispose]();
      };

      it("its lock is acquired and released through it", LIMIT, async () => {
        const condition = create();
        assert(!condition.locked);
        const guard = condition.acquireSync();
        assert(condition.locked);
        guard[Symbol.dispose]();
        assert(!condition.locked);
        (await condition.acquire())[Symbol.dispose]();
        condition.tryAcquire();
        assert(condition.locked);
        condition.release();
        assert(!condition.locked);
        assertThrows(() => condition.release(), InvalidStateError);
      });

      it("without the lock, waiting and notifying are an InvalidStateError", LIMIT, async () => {
        const condition = create();
        let called = false;
        const predicate = (): boolean => called = true;
        assertThrows(() => condition.waitSync(), InvalidStateError, "not held");
        assertThrows(() => condition.waitForSync(predicate), InvalidStateError, "not held");
        assertThrows(() => condition.notify(), InvalidStateError, "not held");
        assertThrows(() => condition.notifyAll(), InvalidStateError, "not held");
        await assertRejects(() => condition.wait(), InvalidStateError, "not held");
        await assertRejects(() => condition.waitFor(predicate), InvalidStateError, "not held");
        assertEquals(called, false);
        const held = new scope.Event();
        const end = new scope.Event();
        const holder = scope.run(holdUntil, condition, held, end);
        await held.wait();
        assertThrows(() => condition.notify(), InvalidStateError, "not held");
        assertThrows(() => condition.waitSync(), InvalidStateError, "not held");
        end.set();
        await holder.result();
        using _guard = condition.acquireSync();
        assertEquals(await scope.run(notHeld, condition).result(), Array(4).fill("InvalidStateError"));
        assert(condition.locked);
      });

      it("wrong arguments are refused, with the lock held as before", LIMIT, async () => {
        const condition = create();
        using _guard = condition.acquireSync();
        for (const n of [-1, 1.5, NaN]) assertThrows(() => condition.notify(n), RangeError, "'n'");
        assertThrows(() => condition.notify("1" as never), TypeError, "'n'");
        assertThrows(() => condition.waitSync({ timeout: -1 }), RangeError, "'timeout'");
        assertThrows(() => condition.waitForSync(5 as never), TypeError, "'predicate'");
        assertThrows(() => condition.waitForSync(undefined as never), TypeError, "'predicate'");
        await assertRejects(() => condition.wait({ timeout: NaN }), RangeError, "'timeout'");
        await assertRejects(() => condition.waitFor("x" as never), TypeError, "'predicate'");
        assert(condition.locked);
      });

      it("a wait that times out is false, and holds the lock again", LIMIT, async () => {
        const condition = create();
        using _guard = await condition.acquire();
        assertEquals(await condition.wait({ timeout: 0 }), false);
        assertEquals(await condition.wait({ timeout: 5 }), false);
        assertEquals(condition.waitSync({ timeout: 0 }), false);
        assertEquals(condition.waitSync({ timeout: 5 }), false);
        assert(condition.locked);
        condition.notify();
      });

      it("a notification is not remembered", LIMIT, async () => {
        const condition = create();
        using _guard = await condition.acquire();
        condition.notify();
        condition.notify(5);
        condition.notifyAll();
        assertEquals(await condition.wait({ timeout: 10 }), false);
        assertEquals(condition.waitSync({ timeout: 10 }), false);
      });

      it("wakes a waiter that is blocked in another thread, which then holds the lock", LIMIT, async () => {
        const condition = create();
        const waiting = counter();
        const runner = scope.run(waitSync, condition, waiting);
        await entered(condition, waiting, 1);
        const guard = await condition.acquire();
        condition.notify();
        assertEquals(await runner.join({ timeout: 20 }), false, "it went on without the lock");
        guard[Symbol.dispose]();
        assertEquals(await runner.result(), true);
        assert(!condition.locked);
      });

      it("notify(n) wakes n waiters, in the order in which they came", LIMIT, async () => {
        const condition = create();
        const order: number[] = [];
        const wait = async (index: number): Promise<void> => {
          using _guard = await condition.acquire();
          assertEquals(await condition.wait(), true);
          order.push(index);
        };
        const all = [0, 1, 2, 3, 4].map(wait);
        await turn();
        {
          using _guard = await condition.acquire();
          condition.notify(0);
          condition.notify();
          condition.notify(2);
        }
        await until(() => order.length === 3, "three waiters went on");
        assertEquals(order, [0, 1, 2]);
        {
          using _guard = await condition.acquire();
          condition.notify(100);
        }
        await Promise.all(all);
        assertEquals(order, [0, 1, 2, 3, 4]);
        assert(!condition.locked);
      });

      it("a waiter that comes later does not take a notification", LIMIT, async () => {
        const condition = create();
        const waiting = counter();
        const runner = scope.run(waitSync, condition, waiting);
        await entered(condition, waiting, 1);
        const guard = await condition.acquire();
        condition.notify();
        // This waiter comes after the notification, but before the notified waiter has the lock back.
        assertEquals(await condition.wait({ timeout: 30 }), false);
        guard[Symbol.dispose]();
        assertEquals(await runner.result(), true);
      });

      it("notifyAll() wakes all: threads that block, promises of several threads, and of this one", LIMIT, async () => {
        const condition = create();
        const waiting = counter();
        const runners: Runner<boolean | number>[] = [
          scope.run(waitSync, condition, waiting),
          scope.run(waitManyAsync, condition, waiting, 3),
          scope.run(waitSync, condition, waiting),
        ];
        const here = [waitAsync(condition, waiting), waitAsync(condition, waiting)];
        await entered(condition, waiting, 7);
        {
          using _guard = await condition.acquire();
          condition.notifyAll();
        }
        assertEquals(await Promise.all(here), [true, true]);
        assertEquals(await runners[0].result(), true);
        assertEquals(await runners[1].result(), 3);
        assertEquals(await runners[2].result(), true);
        assert(!condition.locked);
      });

      it("this thread, blocked, is notified by another", LIMIT, () => {
        const condition = create();
        const guard = condition.acquireSync();
        const runner = scope.run(notify, condition, 1);
        assertEquals(condition.waitSync({ timeout: 30_000 }), true);
        guard[Symbol.dispose]();
        assert(runner.joinSync({ timeout: 30_000 }));
      });

      it("an abort rejects with the reason, with the lock held", LIMIT, async () => {
        const condition = create();
        const reason = new Error("no longer");
        using _guard = await condition.acquire();
        assertStrictEquals(await assertRejects(() => condition.wait({ signal: AbortSignal.abort(reason) })), reason);
        assert(condition.locked);
        const controller = new AbortController();
        const pending = condition.wait({ signal: controller.signal });
        const held = new scope.Event();
        const end = new scope.Event();
        const holder = scope.run(holdUntil, condition, held, end);
        await held.wait();
        controller.abort(reason);
        assertEquals(await Promise.race([pending.catch(() => "settled"), turn().then(() => "waits")]), "waits");
        end.set();
        assertStrictEquals(await assertRejects(() => pending), reason);
        assert(condition.locked);
        await holder.result();
      });

      it("if an abort follows a notification, it goes to another waiter", LIMIT, async () => {
        const condition = create();
        const controller = new AbortController();
        const wait = async (signal?: AbortSignal): Promise<boolean | string> => {
          using _guard = await condition.acquire();
          try {
            return await condition.wait({ signal, timeout: 20_000 });
          } catch (error) {
            return String(error);
          }
        };
        const aborted = wait(controller.signal);
        const other = wait();
        await turn();
        {
          using _guard = await condition.acquire();
          condition.notify();
          controller.abort("no longer");
        }
        assertEquals(await aborted, "no longer");
        assertEquals(await other, true);
      });

      it("waitFor() checks at once, after each notification, and when the timeout has passed", LIMIT, async () => {
        const condition = create();
        const cell = counter();
        using _guard = await condition.acquire();
        assertEquals(await condition.waitFor(() => true), true);
        assertEquals(condition.waitForSync(() => true, { timeout: 0 }), true);
        assertEquals(await condition.waitFor(() => false, { timeout: 0 }), false);
        assertEquals(await condition.waitFor(() => false, { timeout: 10 }), false);
        assertEquals(condition.waitForSync(() => false, { timeout: 10 }), false);
        const runner = scope.run(produce, condition, cell, 3);
        assertEquals(await condition.waitFor(() => cell.array[0] === 3), true);
        await runner.result();
        const again = scope.run(produce, condition, cell, 3);
        assertEquals(condition.waitForSync(() => cell.array[0] === 6, { timeout: 30_000 }), true);
        await again.result();
        assert(condition.locked);
      });

      it(
        "an error of the predicate is thrown with the lock held; a promise from it is a TypeError",
        LIMIT,
        async () => {
          const condition = create();
          using _guard = await condition.acquire();
          const fail = (): never => {
            assert(condition.locked);
            throw new Error("from the predicate");
          };
          await assertRejects(() => condition.waitFor(fail), Error, "from the predicate");
          assertThrows(() => condition.waitForSync(fail), Error, "from the predicate");
          await assertRejects(() => condition.waitFor((() => Promise.resolve(false)) as never), TypeError, "promise");
          assert(condition.locked);
        },
      );

      it("everything produced is consumed, by blocked threads and promises alike", LIMIT, async () => {
        const condition = create();
        const stock = counter();
        const runners = [
          scope.run(consume, condition, stock, 150),
          scope.run(consumeAsync, condition, stock, 100),
          scope.run(produce, condition, stock, 350),
        ];
        await Promise.all([
          consumeAsync(condition, stock, 50),
          consumeAsync(condition, stock, 50),
          ...runners.map((runner) => runner.result()),
        ]);
        assertEquals([...stock.array].slice(0, 2), [0, 350]);
      });

      it("each notification wakes one waiter where it races with timeouts", LIMIT, async () => {
        const condition = create();
        const stock = counter();
        const end = new scope.Event();
        const runners = [1, 2, 3].map(() => scope.run(waitShortly, condition, stock, end));
        let given = 0;
        while (stock.array[1] < 100) {
          using _guard = await condition.acquire();
          // Every counted thread waits or is about to take the lock back, notified or timed out. Threads never take more
          // notifications than were given.
          if (stock.array[0] > 0) {
            condition.notify();
            given++;
          }
        }
        end.set();
        for (const runner of runners) await runner.result();
        assert(stock.array[1] <= given, `${stock.array[1]} waiters were notified, by ${given} notifications`);
      });

      it("the place of a waiter that was killed blocks no other waiter", LIMIT, async () => {
        for (let round = 0; round < rounds(4, 2); round++) {
          const condition = create();
          const waiting = counter();
          const first = scope.run(round % 2 === 0 ? waitSync : waitAsync, condition, waiting);
          await entered(condition, waiting, 1);
          const second = scope.run(waitSync, condition, waiting);
          await entered(condition, waiting, 2);
          first.kill();
          if (round < 2) await first.join();
          {
            using _guard = await condition.acquire({ timeout: 20_000 });
            condition.notify();
          }
          assertEquals(await second.result(), true);
          await first.join();
        }
      });

      it(
        "the notification of a waiter that is killed before it has the lock back goes to the next waiter",
        LIMIT,
        async () => {
          for (let round = 0; round < rounds(4, 2); round++) {
            const condition = create();
            const waiting = counter();
            const first = scope.run(waitSync, condition, waiting);
            await entered(condition, waiting, 1);
            const second = round % 2 === 0
              ? scope.run(waitSync, condition, waiting).result()
              : waitAsync(condition, waiting);
            await entered(condition, waiting, 2);
            const guard = await condition.acquire();
            condition.notify();
            await new Promise((resolve) => setTimeout(resolve, moment(3)));
            first.kill();
            await first.join();
            guard[Symbol.dispose]();
            assertEquals(await second, true);
          }
        },
      );

      it("a condition sent to a thread takes its lock along", LIMIT, async () => {
        const condition = create();
        const queue = new scope.Queue<Condition>();
        queue.putSync(condition);
        assertStrictEquals(queue.getSync(), condition);
        const held = new scope.Event();
        const end = new scope.Event();
        const runner = scope.run(holdUntil, condition, held, end);
        await held.wait();
        assert(condition.locked);
        assertEquals(condition.tryAcquire(), undefined);
        end.set();
        await runner.result();
        assert(!condition.locked);
      });

      it("cannot be used after it was disposed of; a wait that has begun goes on", LIMIT, async () => {
        const condition = create();
        const guard = await condition.acquire();
        const pending = condition.wait({ timeout: 20 });
        condition[Symbol.dispose]();
        assertEquals(await pending, false);
        guard[Symbol.dispose]();
        assertThrows(() => condition.acquireSync(), InvalidStateError, "disposed");
        assertThrows(() => condition.tryAcquire(), InvalidStateError, "disposed");
        assertThrows(() => condition.release(), InvalidStateError, "disposed");
        assertThrows(() => condition.locked, InvalidStateError, "disposed");
        assertThrows(() => condition.notify(), InvalidStateError, "disposed");
        assertThrows(() => condition.waitSync(), InvalidStateError, "disposed");
        await assertRejects(() => condition.wait(), InvalidStateError, "disposed");
        await assertRejects(() => condition.acquire(), InvalidStateError, "disposed");
      });
    });
  }

  for (const kind of ["Lock", "RLock"] as const) {
    describe(`Condition over a ${kind} that is disposed of (${scope.name})`, () => {
      it("a waiter that cannot have the lock back passes its notification on", LIMIT, async () => {
        const lock = new scope[kind]();
        const condition = new scope.Condition(lock);
        const waiting = counter();
        const guard = await condition.acquire();
        const lost = condition.wait();
        guard[Symbol.dispose]();
        const other = scope.run(waitSync, condition, waiting, 10_000);
        await until(() => waiting.array[0] === 1, "the other waits");
        const again = await condition.acquire();
        condition.notify();
        // The first waiter takes the notification, and waits for the lock.
        await turn();
        await turn();
        again[Symbol.dispose]();
        lock[Symbol.dispose]();
        await assertRejects(() => lost, InvalidStateError, "disposed");
        assertEquals(await other.result(), true);
      });

      it("a waiter whose lock was disposed of before it was notified passes its notification on", LIMIT, async () => {
        const lock = new scope[kind]();
        const condition = new scope.Condition(lock);
        const waiting = counter();
        const guard = await condition.acquire();
        const lost = condition.wait();
        guard[Symbol.dispose]();
        const others = [1, 2].map(() => scope.run(waitSync, condition, waiting, 10_000));
        await until(() => waiting.array[0] === 2, "the others wait");
        (await condition.acquire())[Symbol.dispose]();
        lock[Symbol.dispose]();
        const why = "Cannot take back the lock of condition as it was disposed of";
        const refused = assertRejects(() => lost, InvalidStateError, why);
        const notifier = scope.run(notify, condition, 2);
        await notifier.result();
        await refused;
        assertEquals(await Promise.all(others.map((other) => other.result())), [true, true]);
      });
    });
  }

  describe(`Condition (${scope.name})`, () => {
    it("several conditions may have one lock", LIMIT, async () => {
      const lock = new scope.Lock();
      const [full, empty] = [new scope.Condition(lock), new scope.Condition(lock)];
      using _guard = await full.acquire();
      assert(lock.locked && empty.locked);
      const waits = [
        full.wait({ timeout: 20_000 }),
        (async () => {
          using _guard = await empty.acquire();
          return await empty.wait({ timeout: 20_000 });
        })(),
      ];
      await turn();
      {
        using _guard = await lock.acquire();
        empty.notifyAll();
      }
      assertEquals(await waits[1], true);
      {
        using _guard = await lock.acquire();
        full.notify();
      }
      assertEquals(await waits[0], true);
    });

    it("gives up all levels of an RLock, and takes them back", LIMIT, async () => {
      const condition = new scope.Condition();
      const waiting = new scope.SharedArray("i32", 1);
      const runner = scope.run(waitDeeply, condition, waiting, 3);
      await until(() => waiting.array[0] === 1, "it waits");
      {
        using _guard = await condition.acquire({ timeout: 20_000 });
        condition.notify();
      }
      assertEquals(await runner.result(), 3);
      assert(!condition.locked);
    });

    it("waits inside run() of its RLock", LIMIT, async () => {
      const lock = new scope.RLock();
      const condition = new scope.Condition(lock);
      const waits = [1, 2].map(() =>
        lock.run(async () => {
          using _inner = await condition.acquire();
          assertEquals(await condition.wait(), true);
          // Still inside.
          using _again = lock.acquireSync();
          return await lock.run(() => "inside");
        })
      );
      await turn();
      await lock.run(() => condition.notifyAll());
      assertEquals(await Promise.all(waits), ["inside", "inside"]);
      assert(!lock.locked);
    });

    it("a guard that is disposed of during the wait is spent, and the lock is free afterwards", LIMIT, async () => {
      for (const lock of [new scope.Lock(), new scope.RLock()]) {
        const condition = new scope.Condition(lock);
        const guard = await condition.acquire();
        const pending = condition.wait({ timeout: 20 });
        guard[Symbol.dispose]();
        assertEquals(await pending, false);
        assert(!lock.locked);
      }
    });

    it("a guard is abandoned after the wait if the lock came from a thread that ended", LIMIT, async () => {
      for (const lock of [new scope.Lock(), new scope.RLock()]) {
        const condition = new scope.Condition(lock);
        using guard = await condition.acquire();
        const controller = new AbortController();
        const pending = condition.wait({ signal: controller.signal }).catch(String);
        const held = new scope.Event();
        const runner = scope.run(holdUntil, condition, held, new scope.Event());
        await held.wait();
        controller.abort("enough");
        runner.kill();
        assertEquals(await pending, "enough");
        assert(guard.abandoned);
      }
    });

    it("is made over a lock of its own scope, and over nothing else", LIMIT, () => {
      for (const lock of [5, null, "lock", {}, { name: "x" }, new scope.Event(), new scope.Semaphore()]) {
        assertThrows(() => new scope.Condition(lock as never), TypeError, "'lock'");
      }
      if (scope.name === "process") {
        assertThrows(() => new scope.Condition(new Lock()), TypeError, "threads");
        assertThrows(() => new scope.Condition(new RLock()), TypeError, "threads");
      }
      const disposed = new scope.Lock();
      disposed[Symbol.dispose]();
      assertThrows(() => new scope.Condition(disposed), InvalidStateError, "disposed");
    });

    it("the same name is the same condition, over the same lock", LIMIT, async () => {
      const name = `condition suite, ${scope.name}`;
      const lock = new scope.Lock();
      const one = new scope.Condition(lock, { name });
      const other = new scope.Condition(lock, { name });
      assertThrows(() => new scope.Condition(new scope.Lock(), { name }), TypeError, name);
      assertThrows(() => new scope.Condition(undefined, { name }), TypeError, name);
      const guard = await one.acquire();
      const pending = one.wait();
      {
        using _guard = await other.acquire();
        other.notify();
      }
      assertEquals(await pending, true);
      guard[Symbol.dispose]();
      const own = `${name}, with its own lock`;
      using _guard = new scope.Condition(undefined, { name: own }).acquireSync();
      assert(new scope.Condition(undefined, { name: own }).locked);
      assertThrows(() => new scope.Condition(lock, { name: own }), TypeError, own);
    });

    it("outlives the handle of its lock", LIMIT, async () => {
      const condition = new scope.Condition(new scope.Lock());
      const waiting = new scope.SharedArray("i32", 1);
      const runner = scope.run(waitSync, condition, waiting);
      await until(() => waiting.array[0] === 1, "it waits");
      {
        using _guard = condition.acquireSync();
        condition.notify();
      }
      assertEquals(await runner.result(), true);
    });
  });
}
