import { InvalidStateError, type RLock } from "@weft/concurrent/sync";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { locksSuite } from "./_locks.ts";
import { holdAndReturn, holdUntil, releaseOnly, tryOnce } from "./_locks_targets.ts";
import { runInTurns } from "./rlock_targets.ts";
import type { Scope } from "./_scope.ts";
import { turn } from "./_until.ts";

const LIMIT = { timeout: 60_000 };

/** What an RLock promises. */
export function rlockSuite(scope: Scope): void {
  const create = (): RLock => new scope.RLock();

  describe(`RLock (${scope.name})`, () => {
    locksSuite(scope, create);

    it("its thread may acquire it again, and it is free after as many releases", LIMIT, async () => {
      const lock = create();
      const guards = [lock.acquireSync(), lock.tryAcquire()!, lock.acquireSync({ timeout: 0 })];
      for (const guard of guards) {
        assertEquals(await scope.run(tryOnce, lock).result(), false);
        guard[Symbol.dispose]();
        guard[Symbol.dispose]();
      }
      assert(!lock.locked);
      assertEquals(await scope.run(tryOnce, lock).result(), true);
    });

    it("release() releases the innermost acquisition and spends its guard", LIMIT, () => {
      const lock = create();
      const outer = lock.acquireSync();
      const inner = lock.acquireSync();
      lock.release();
      inner[Symbol.dispose]();
      assert(lock.locked, "the guard of the released acquisition released the outer one");
      outer[Symbol.dispose]();
      assert(!lock.locked);
    });

    it("guards may be disposed of in any order", LIMIT, () => {
      const lock = create();
      const outer = lock.acquireSync();
      const inner = lock.acquireSync();
      outer[Symbol.dispose]();
      assert(lock.locked);
      inner[Symbol.dispose]();
      assert(!lock.locked);
    });

    it("only the thread that holds it may release it", LIMIT, async () => {
      const lock = create();
      using _guard = lock.acquireSync();
      assertEquals(await scope.run(releaseOnly, lock).result(), "InvalidStateError");
      assert(lock.locked);
      const held = new scope.Event();
      const end = new scope.Event();
      const other = create();
      const holder = scope.run(holdUntil, other, held, end);
      await held.wait();
      assertThrows(() => other.release(), InvalidStateError, "another thread");
      assert(other.locked);
      end.set();
      await holder.result();
    });

    it("a lock that a thread held twice when it ended is free after one release", LIMIT, async () => {
      const lock = create();
      await scope.start(holdAndReturn, lock, 3).join();
      assert(lock.locked);
      lock.release();
      assert(!lock.locked);
      await scope.start(holdAndReturn, lock, 3).join();
      const guard = lock.acquireSync();
      assert(guard.abandoned);
      guard[Symbol.dispose]();
      assert(!lock.locked);
    });

    it("async tasks of one thread are different holders", LIMIT, async () => {
      const lock = create();
      let inside = 0;
      await Promise.all([1, 2, 3].map(async () => {
        using _guard = await lock.acquire();
        assertEquals(++inside, 1);
        await turn();
        inside--;
      }));
      assert(!lock.locked);
    });

    it("a promise waits for the thread's own blocking acquisition", LIMIT, async () => {
      const lock = create();
      const guard = lock.acquireSync();
      let got = false;
      const pending = lock.acquire().then((inner) => {
        got = true;
        inner[Symbol.dispose]();
      });
      await turn();
      assertEquals(got, false);
      guard[Symbol.dispose]();
      await pending;
    });

    it("inside run() every form succeeds at once, outside they wait", LIMIT, async () => {
      const lock = create();
      const order: string[] = [];
      let outside: Promise<void> | undefined;
      const value = await lock.run(async () => {
        outside ??= lockOutside();
        using _one = await lock.acquire();
        await turn();
        {
          using _two = lock.acquireSync();
          using _three = lock.tryAcquire()!;
        }
        order.push("inside");
        return await lock.run(() => 42);
      });
      assertEquals(value, 42);
      // Called inside, so its acquisitions are inside.
      await outside;
      assert(!lock.locked);

      async function lockOutside(): Promise<void> {
        using _guard = await lock.acquire();
        order.push("called inside");
      }
      assertEquals(order.includes("inside"), true);
    });

    it("two run() of one thread exclude each other", LIMIT, async () => {
      const lock = create();
      let inside = 0;
      await Promise.all([1, 2, 3, 4].map((index) =>
        lock.run(async () => {
          assertEquals(++inside, 1);
          await turn();
          if (index === 2) (await lock.acquire())[Symbol.dispose]();
          await turn();
          inside--;
        })
      ));
      assert(!lock.locked);
    });

    it("run() excludes other threads", LIMIT, async () => {
      const lock = create();
      const counter = new scope.SharedArray("i32", 1);
      const runners = [1, 2].map(() => scope.run(runInTurns, lock, counter, 200));
      await Promise.all([runInTurns(lock, counter, 200), ...runners.map((each) => each.result())]);
      assertEquals(counter.array[0], 600);
      assert(!lock.locked);
    });

    it("run() returns or throws what its function does, and releases the lock either way", LIMIT, async () => {
      const lock = create();
      assertEquals(await lock.run(() => "plain"), "plain");
      await assertRejects(
        () =>
          lock.run(() => {
            throw new RangeError("at once");
          }),
        RangeError,
        "at once",
      );
      await assertRejects(() => lock.run(() => Promise.reject(new RangeError("later"))), RangeError, "later");
      assert(!lock.locked);
      await assertRejects(() => lock.run(5 as never), TypeError, "'action'");
    });

    it("an acquisition inside run() that is not released stays held after it", LIMIT, async () => {
      const lock = create();
      const guard = await lock.run(() => lock.acquire());
      assert(lock.locked);
      guard[Symbol.dispose]();
      assert(!lock.locked);
    });

    it("release() inside run() releases what was acquired there, and no more", LIMIT, async () => {
      const lock = create();
      await lock.run(async () => {
        await lock.acquire();
        lock.release();
        assert(lock.locked);
        assertThrows(() => lock.release(), InvalidStateError, "run()");
        assert(lock.locked);
      });
      assert(!lock.locked);
    });

    it("a function that goes on after its run() has ended is outside", LIMIT, async () => {
      const lock = create();
      let later: Promise<void> | undefined;
      let open = (): void => {};
      const opened = new Promise<void>((resolve) => open = resolve);
      await lock.run(() => {
        later = (async () => {
          await opened;
          using _guard = await lock.acquire();
          assert(lock.locked);
        })();
      });
      assert(!lock.locked);
      open();
      await later;
      assert(!lock.locked);
    });

    it("the same name is the same lock, with the same levels", LIMIT, () => {
      const name = `rlock suite, ${scope.name}`;
      const one = new scope.RLock({ name });
      const other = new scope.RLock({ name });
      const guard = one.acquireSync();
      const inner = other.acquireSync();
      inner[Symbol.dispose]();
      assert(one.locked);
      guard[Symbol.dispose]();
      assert(!other.locked);
      assertThrows(() => new scope.Lock({ name }), TypeError, name);
    });
  });
}
