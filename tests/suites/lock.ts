import { DeadlockError, InvalidStateError, type Lock, TimeoutError } from "@weft/concurrent/sync";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { locksSuite } from "./_locks.ts";
import { holdForEver, holdUntil, releaseOnly } from "./_locks_targets.ts";
import type { Scope } from "./_scope.ts";

const LIMIT = { timeout: 60_000 };

/** What a Lock promises. */
export function lockSuite(scope: Scope): void {
  const create = (): Lock => new scope.Lock();

  describe(`Lock (${scope.name})`, () => {
    locksSuite(scope, create);

    it(
      "is not re-entrant: acquiring it again in its thread is a DeadlockError, with a timeout a TimeoutError",
      LIMIT,
      async () => {
        const lock = create();
        const guard = lock.acquireSync();
        assertThrows(() => lock.acquireSync(), DeadlockError, "this thread");
        assertThrows(() => lock.acquireSync({ timeout: Infinity }), DeadlockError);
        assertThrows(() => lock.acquireSync({ timeout: 5 }), TimeoutError);
        await assertRejects(() => lock.acquire({ timeout: 5 }), TimeoutError);
        assertEquals(lock.tryAcquire(), undefined);
        assert(lock.locked);
        guard[Symbol.dispose]();
        assert(!lock.locked);
      },
    );

    it("may be released by another thread, after which its guard is spent", LIMIT, async () => {
      const lock = create();
      const guard = lock.acquireSync();
      assertEquals(await scope.run(releaseOnly, lock).result(), "released");
      assert(!lock.locked);
      using _again = lock.acquireSync();
      guard[Symbol.dispose]();
      assert(lock.locked, "the guard of a released acquisition released another acquisition");
    });

    it("a guard does nothing to the acquisition of another thread", LIMIT, async () => {
      const lock = create();
      const guard = lock.acquireSync();
      lock.release();
      const held = new scope.Event();
      const end = new scope.Event();
      const holder = scope.run(holdUntil, lock, held, end);
      await held.wait();
      guard[Symbol.dispose]();
      assert(lock.locked);
      end.set();
      await holder.result();
      assert(!lock.locked);
    });

    it("a release by another thread wakes a waiter", LIMIT, async () => {
      const lock = create();
      const held = new scope.Event();
      const holder = scope.run(holdForEver, lock, held, new scope.Event());
      await held.wait();
      const pending = lock.acquire();
      lock.release();
      using guard = await pending;
      assertEquals(guard.abandoned, false);
      holder.kill();
      await holder.join();
      assert(lock.locked, "the end of a former holder freed the lock");
    });

    it("the same name is the same lock", LIMIT, () => {
      const name = `lock suite, ${scope.name}`;
      const one = new scope.Lock({ name });
      const other = new scope.Lock({ name });
      const guard = one.acquireSync();
      assert(other.locked);
      assertThrows(() => other.acquireSync(), DeadlockError);
      guard[Symbol.dispose]();
      assert(!other.locked);
      assertThrows(() => new scope.Event({ name }), TypeError, name);
    });

    it("sent within one thread it is the same handle", LIMIT, () => {
      const lock = create();
      const queue = new scope.Queue<{ lock: Lock }>();
      queue.putSync({ lock });
      assertStrictEquals(queue.getSync().lock, lock);
    });

    it("cannot be used after it was disposed of", LIMIT, async () => {
      const lock = create();
      lock[Symbol.dispose]();
      lock[Symbol.dispose]();
      assertThrows(() => lock.acquireSync(), InvalidStateError, "disposed");
      assertThrows(() => lock.tryAcquire(), InvalidStateError, "disposed");
      assertThrows(() => lock.release(), InvalidStateError, "disposed");
      assertThrows(() => lock.locked, InvalidStateError, "disposed");
      await assertRejects(() => lock.acquire(), InvalidStateError, "disposed");
    });

    it("wrong options at its creation are refused", LIMIT, () => {
      assertThrows(() => new scope.Lock({ name: 5 as never }), TypeError, "'name'");
      assertThrows(() => new scope.Lock("name" as never), TypeError, "'options'");
      assertThrows(() => new scope.Lock({ local: 1 as never }), TypeError, "'local'");
    });
  });
}
