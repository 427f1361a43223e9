import { DeadlockError, InvalidStateError, TimeoutError } from "@weft/concurrent/sync";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { it } from "node:test";
import {
  acquireWithin,
  type AnyLock,
  churn,
  hog,
  holdAndReturn,
  holdForEver,
  holdUntil,
  incrementAsync,
  incrementSync,
  isAbandoned,
  isAbandonedAsync,
  tryOnce,
} from "./_locks_targets.ts";
import type { Scope } from "./_scope.ts";
import { moment, turn } from "./_until.ts";
import { rounds } from "../_rounds.ts";

const LIMIT = { timeout: 60_000 };

type LockedObject = AnyLock & { readonly locked: boolean };

/** What holds for every object that one holder at a time acquires. */
export function locksSuite(scope: Scope, create: () => LockedObject): void {
  it("is free at first, held after acquiring, free after the guard is disposed of", LIMIT, async () => {
    const lock = create();
    assert(!lock.locked);
    const guard = lock.acquireSync();
    assert(lock.locked);
    assertEquals(guard.abandoned, false);
    guard[Symbol.dispose]();
    assert(!lock.locked);
    {
      using _guard = await lock.acquire();
      assert(lock.locked);
    }
    assert(!lock.locked);
    lock.tryAcquire()![Symbol.dispose]();
    assert(!lock.locked);
  });

  it("a guard that is spent does nothing, ever", LIMIT, () => {
    const lock = create();
    const first = lock.acquireSync();
    first[Symbol.dispose]();
    const second = lock.acquireSync();
    first[Symbol.dispose]();
    assert(lock.locked, "the first guard released the second acquisition");
    second[Symbol.dispose]();
    const third = lock.acquireSync();
    lock.release();
    const fourth = lock.acquireSync();
    third[Symbol.dispose]();
    assert(lock.locked, "the guard of a released acquisition released the next acquisition");
    fourth[Symbol.dispose]();
    assert(!lock.locked);
  });

  it("releasing a lock that is not held is an InvalidStateError", LIMIT, () => {
    const lock = create();
    assertThrows(() => lock.release(), InvalidStateError, "not held");
    assert(!lock.locked);
    lock.acquireSync()[Symbol.dispose]();
    assertThrows(() => lock.release(), InvalidStateError, "not held");
    lock.acquireSync()[Symbol.dispose]();
  });

  it("wrong options are refused and take nothing", LIMIT, async () => {
    const lock = create();
    for (const timeout of [-1, NaN, -Infinity]) {
      assertThrows(() => lock.acquireSync({ timeout }), RangeError, "'timeout'");
      await assertRejects(() => lock.acquire({ timeout }), RangeError, "'timeout'");
    }
    assertThrows(() => lock.acquireSync({ timeout: "1" as never }), TypeError, "'timeout'");
    assertThrows(() => lock.acquireSync(5 as never), TypeError, "options");
    await assertRejects(() => lock.acquire({ signal: {} as never }), TypeError, "'signal'");
    assert(!lock.locked);
  });

  it("timeouts of 0, of Infinity and beyond 2 ** 31 last as long as they say", LIMIT, async () => {
    const lock = create();
    lock.acquireSync({ timeout: 0 })[Symbol.dispose]();
    lock.acquireSync({ timeout: Infinity })[Symbol.dispose]();
    lock.acquireSync({ timeout: 2 ** 40 })[Symbol.dispose]();
    (await lock.acquire({ timeout: 0 }))[Symbol.dispose]();
    const guard = await lock.acquire({ timeout: 2 ** 40 });
    const pending = lock.acquire({ timeout: 2 ** 40 });
    await assertRejects(() => lock.acquire({ timeout: 0 }), TimeoutError);
    await turn();
    guard[Symbol.dispose]();
    (await pending)[Symbol.dispose]();
    assert(!lock.locked);
  });

  it("a promise waits for another async task of the same thread", LIMIT, async () => {
    const lock = create();
    const order: string[] = [];
    const guard = await lock.acquire();
    const others = [1, 2, 3].map(async (index) => {
      using _guard = await lock.acquire();
      order.push(`${index} in`);
      await turn();
      order.push(`${index} out`);
    });
    await turn();
    assertEquals(order, []);
    guard[Symbol.dispose]();
    await Promise.all(others);
    assertEquals(order, ["1 in", "1 out", "2 in", "2 out", "3 in", "3 out"]);
    assert(!lock.locked);
  });

  it(
    "blocking for a lock that an async task of this thread holds is a DeadlockError, with a timeout a TimeoutError",
    LIMIT,
    async () => {
      const lock = create();
      const guard = await lock.acquire();
      assertThrows(() => lock.acquireSync(), DeadlockError, "async task");
      assertThrows(() => lock.acquireSync({ timeout: 5 }), TimeoutError, "5 ms");
      assertThrows(() => lock.acquireSync({ timeout: 0 }), TimeoutError);
      assertEquals(lock.tryAcquire(), undefined);
      guard[Symbol.dispose]();
      assert(!lock.locked);
    },
  );

  it("an abort rejects with the reason and leaves the lock to the next waiter", LIMIT, async () => {
    const lock = create();
    const reason = new Error("no longer");
    await assertRejects(() => lock.acquire({ signal: AbortSignal.abort(reason) }), Error, "no longer");
    assert(!lock.locked);
    const guard = await lock.acquire();
    const controller = new AbortController();
    const aborted = lock.acquire({ signal: controller.signal });
    const next = lock.acquire();
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => aborted), reason);
    guard[Symbol.dispose]();
    (await next)[Symbol.dispose]();
    assert(!lock.locked);
  });

  it("an abort in the same turn as the release loses nothing", LIMIT, async () => {
    const lock = create();
    for (let round = 0; round < 50; round++) {
      const guard = await lock.acquire();
      const controller = new AbortController();
      const pending = lock.acquire({ signal: controller.signal });
      if (round % 2 === 0) guard[Symbol.dispose]();
      controller.abort();
      if (round % 2 === 1) guard[Symbol.dispose]();
      const outcome = await pending.then((got) => got, () => undefined);
      outcome?.[Symbol.dispose]();
      assert(!lock.locked);
    }
  });

  it("threads exclude each other, blocked and with promises", LIMIT, async () => {
    const lock = create();
    const counter = new scope.SharedArray("i32", 1);
    const runners = [
      scope.run(incrementSync, lock, counter, 2000),
      scope.run(incrementSync, lock, counter, 2000),
      scope.run(incrementAsync, lock, counter, 500),
    ];
    await Promise.all([
      incrementAsync(lock, counter, 500),
      incrementAsync(lock, counter, 500),
      ...runners.map((each) => each.result()),
    ]);
    assertEquals(counter.array[0], 5500);
    assert(!lock.locked);
  });

  it("a thread sees that another holds the lock, and gets it afterwards", LIMIT, async () => {
    const lock = create();
    const guard = lock.acquireSync();
    assertEquals(await scope.run(tryOnce, lock).result(), false);
    assertEquals(await scope.run(acquireWithin, lock, 20).result(), "TimeoutError");
    const waiting = scope.run(acquireWithin, lock, 60_000);
    guard[Symbol.dispose]();
    assertEquals(await waiting.result(), "acquired");
    assert(!lock.locked);
  });

  it("this thread waits for a lock that another holds, blocked and with a promise", LIMIT, async () => {
    const lock = create();
    for (const wait of ["sync", "async"]) {
      const held = new scope.Event();
      const end = new scope.Event();
      const holder = scope.run(holdUntil, lock, held, end);
      await held.wait();
      assertThrows(() => lock.acquireSync({ timeout: 10 }), TimeoutError);
      await assertRejects(() => lock.acquire({ timeout: 10 }), TimeoutError);
      const pending = wait === "async" ? lock.acquire() : undefined;
      end.set();
      const guard = wait === "async" ? await pending! : lock.acquireSync();
      assertEquals(guard.abandoned, false);
      guard[Symbol.dispose]();
      await holder.result();
    }
  });

  it(
    "a lock that a thread held when it returned stays locked, and is abandoned when it is taken over",
    LIMIT,
    async () => {
      const lock = create();
      await scope.start(holdAndReturn, lock, 1).join();
      assert(lock.locked);
      const guard = lock.acquireSync();
      assert(guard.abandoned);
      guard[Symbol.dispose]();
      using next = lock.acquireSync();
      assert(!next.abandoned);
    },
  );

  it("a lock that a thread held when it ended can be released by any thread", LIMIT, async () => {
    const lock = create();
    await scope.start(holdAndReturn, lock, 1).join();
    lock.release();
    assert(!lock.locked);
    using guard = lock.tryAcquire()!;
    assert(!guard.abandoned);
  });

  it(
    "waiters get the lock of a killed holder within a second: a promise, a blocked thread, and the blocked starter",
    LIMIT,
    async () => {
      for (const wait of ["here, with a promise", "in a thread", "in a thread, with a promise", "here, blocked"]) {
        const lock = create();
        const held = new scope.Event();
        const ready = new scope.Event();
        const holder = scope.run(holdForEver, lock, held, new scope.Event());
        await held.wait();
        let abandoned: Promise<boolean>;
        if (wait === "here, with a promise") abandoned = isAbandonedAsync(lock, ready);
        else if (wait === "in a thread") abandoned = scope.run(isAbandoned, lock, ready).result();
        else if (wait === "in a thread, with a promise") {
          abandoned = scope.run(isAbandonedAsync, lock, ready).result();
        } else {
          holder.kill();
          using guard = lock.acquireSync({ timeout: 10_000 });
          abandoned = Promise.resolve(guard.abandoned);
          ready.set();
        }
        await ready.wait();
        holder.kill();
        const since = performance.now();
        assert(await abandoned, `not abandoned, waiting ${wait}`);
        const took = performance.now() - since;
        // A second is promised; on a busy machine it may take ten.
        assert(took < 10_000, `it took ${took} ms, waiting ${wait}`);
        assert(!lock.locked);
        await holder.join();
      }
    },
  );

  it("no waiter is overtaken forever", LIMIT, async () => {
    const lock = create();
    const started = [new scope.Event(), new scope.Event()];
    const stop = new scope.Event();
    const hogs = started.map((each) => scope.run(hog, lock, each, stop));
    for (const each of started) await each.wait();
    for (let i = 0; i < 20; i++) {
      if (i % 2 === 0) lock.acquireSync()[Symbol.dispose]();
      else (await lock.acquire())[Symbol.dispose]();
    }
    stop.set();
    for (const each of hogs) assert(await each.result() > 0);
    assert(!lock.locked);
  });

  it("killing holders and waiters at random moments leaves the lock usable", LIMIT, async () => {
    const lock = create();
    for (let round = 0; round < rounds(6, 2); round++) {
      const readies = [new scope.Event(), new scope.Event(), new scope.Event()];
      const runners = readies.map((ready) => scope.run(churn, lock, ready));
      for (const ready of readies) await ready.wait();
      await new Promise((resolve) => setTimeout(resolve, moment(20)));
      runners[0].kill();
      runners[1].kill();
      for (let i = 0; i < 20; i++) (await lock.acquire({ timeout: 20_000 }))[Symbol.dispose]();
      runners[2].kill();
      for (let i = 0; i < 20; i++) lock.acquireSync({ timeout: 20_000 })[Symbol.dispose]();
      for (const each of runners) await each.join();
    }
    // The last victim may have held the lock.
    (await lock.acquire({ timeout: 20_000 }))[Symbol.dispose]();
    assert(!lock.locked);
  });

  it("guards cannot be sent to another thread", LIMIT, () => {
    const lock = create();
    const queue = new scope.Queue();
    const guard = lock.acquireSync();
    const error = assertThrows(() => queue.putSync({ nested: [guard] }), DOMException);
    assertEquals(error.name, "DataCloneError");
    assert(error.message.includes("nested[0]"), error.message);
    assertEquals(queue.size, 0);
    guard[Symbol.dispose]();
  });
}
