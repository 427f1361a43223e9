import { InvalidStateError, Semaphore as ThreadSemaphore, TimeoutError } from "@weft/concurrent/sync";
import type { Semaphore } from "@weft/concurrent/sync";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import type { Scope } from "./_scope.ts";
import { moment, turn, until } from "./_until.ts";
import { give, holdPermit, race, take, takeWithin, work } from "./semaphore_targets.ts";

const LIMIT = { timeout: 60_000 };
const MOST = 2 ** 31 - 1;

/** What a Semaphore promises. */
export function semaphoreSuite(scope: Scope): void {
  const create = (value?: number): Semaphore => new scope.Semaphore(value);

  describe(`Semaphore (${scope.name})`, () => {
    permitsSuite(scope, create);

    it("release() adds permits that were never acquired", LIMIT, () => {
      const semaphore = create(0);
      semaphore.release();
      semaphore.release(3);
      assertEquals(semaphore.value, 4);
    });

    it("more permits than the maximum are a RangeError, and none is added", LIMIT, () => {
      const semaphore = create(MOST - 1);
      assertThrows(() => semaphore.release(2), RangeError, "2147483647");
      assertEquals(semaphore.value, MOST - 1);
      semaphore.release();
      assertThrows(() => semaphore.release(), RangeError);
      assertEquals(semaphore.value, MOST);
      const guard = semaphore.acquireSync();
      assertEquals(semaphore.value, MOST - 1);
      guard[Symbol.dispose]();
      assertEquals(semaphore.value, MOST);
    });

    it("release() by hand leaves the guards as they are", LIMIT, () => {
      const semaphore = create(1);
      const guard = semaphore.acquireSync();
      semaphore.release();
      assertEquals(semaphore.value, 1);
      guard[Symbol.dispose]();
      assertEquals(semaphore.value, 2);
    });

    it("Semaphore(0) is a signal that is not lost", LIMIT, async () => {
      const signal = create(0);
      const runners = [1, 2, 3].map(() => scope.run(give, signal, 1));
      for (let i = 0; i < 3; i++) signal.acquireSync({ timeout: 30_000 });
      for (const runner of runners) await runner.result();
      assertEquals(signal.value, 0);
    });

    it("release(n) wakes n waiters, blocked threads and promises", LIMIT, async () => {
      const semaphore = create(0);
      const readies = [1, 2, 3].map(() => new scope.Event());
      const runners = readies.map((ready) => scope.run(take, semaphore, ready));
      for (const ready of readies) await ready.wait();
      const here = [semaphore.acquire(), semaphore.acquire()];
      semaphore.release(5);
      for (const runner of runners) assertEquals(await runner.result(), false);
      await Promise.all(here);
      assertEquals(semaphore.value, 0);
    });
  });
}

/** What a BoundedSemaphore promises. */
export function boundedSemaphoreSuite(scope: Scope): void {
  const create = (value?: number): Semaphore => new scope.BoundedSemaphore(value);

  describe(`BoundedSemaphore (${scope.name})`, () => {
    permitsSuite(scope, create);

    it("is a Semaphore", LIMIT, () => {
      class Own extends scope.Semaphore {}
      for (const type of [ThreadSemaphore, scope.Semaphore]) assert(create() instanceof type);
      assertEquals([create() instanceof Own, new Own() instanceof Own, new Own() instanceof scope.Semaphore], [
        false,
        true,
        true,
      ]);
    });

    it("a release above the first value is a RangeError, and adds none", LIMIT, () => {
      const semaphore = create(3);
      assertThrows(() => semaphore.release(), RangeError, "3");
      semaphore.acquireSync();
      semaphore.acquireSync();
      assertThrows(() => semaphore.release(3), RangeError);
      assertEquals(semaphore.value, 1);
      semaphore.release(2);
      assertEquals(semaphore.value, 3);
    });

    it("a guard never adds a permit too many", LIMIT, () => {
      const semaphore = create(1);
      const guard = semaphore.acquireSync();
      semaphore.release();
      guard[Symbol.dispose]();
      assertEquals(semaphore.value, 1);
    });

    it("keeps its bound in other threads", LIMIT, async () => {
      const semaphore = create(2);
      await assertRejects(() => scope.run(give, semaphore, 1).result(), RangeError, "2");
      assertEquals(semaphore.value, 2);
    });

    it("has names of its own kind", LIMIT, () => {
      const name = `bounded semaphore suite, ${scope.name}`;
      new scope.BoundedSemaphore(2, { name });
      assertThrows(() => new scope.Semaphore(2, { name }), TypeError, name);
    });
  });
}

function permitsSuite(scope: Scope, create: (value?: number) => Semaphore): void {
  it("has one permit at first, or as many as are given", LIMIT, () => {
    assertEquals(create().value, 1);
    assertEquals(create(0).value, 0);
    assertEquals(create(7).value, 7);
    assert(create() instanceof ThreadSemaphore);
  });

  it("wrong arguments are refused", LIMIT, async () => {
    for (const value of [-1, 1.5, NaN, Infinity, 2 ** 31]) assertThrows(() => create(value), RangeError, "'value'");
    for (const value of ["1", null, 1n, {}]) assertThrows(() => create(value as never), TypeError, "'value'");
    const semaphore = create(1);
    const guard = semaphore.acquireSync();
    for (const n of [0, -1, 1.5, NaN, Infinity]) assertThrows(() => semaphore.release(n), RangeError, "'n'");
    assertThrows(() => semaphore.release("1" as never), TypeError, "'n'");
    assertThrows(() => semaphore.acquireSync({ timeout: -1 }), RangeError, "'timeout'");
    await assertRejects(() => semaphore.acquire({ timeout: NaN }), RangeError, "'timeout'");
    assertEquals(semaphore.value, 0);
    guard[Symbol.dispose]();
    assertEquals(semaphore.value, 1);
  });

  it("each acquisition takes a permit, and its guard gives it back once", LIMIT, async () => {
    const semaphore = create(3);
    const guards = [semaphore.acquireSync(), await semaphore.acquire(), semaphore.tryAcquire()!];
    assertEquals(semaphore.value, 0);
    assertEquals(semaphore.tryAcquire(), undefined);
    for (const [index, guard] of guards.entries()) {
      assertEquals(guard.abandoned, false);
      guard[Symbol.dispose]();
      guard[Symbol.dispose]();
      assertEquals(semaphore.value, index + 1);
    }
  });

  it("a wait without a permit times out and takes nothing", LIMIT, async () => {
    const semaphore = create(0);
    assertThrows(() => semaphore.acquireSync({ timeout: 5 }), TimeoutError, "5 ms");
    assertThrows(() => semaphore.acquireSync({ timeout: 0 }), TimeoutError);
    await assertRejects(() => semaphore.acquire({ timeout: 5 }), TimeoutError, "5 ms");
    await assertRejects(() => semaphore.acquire({ timeout: 0 }), TimeoutError);
    assertEquals(semaphore.value, 0);
  });

  it("promises of one thread get permits in the order of the calls", LIMIT, async () => {
    const semaphore = create(1);
    const guard = semaphore.acquireSync();
    const order: number[] = [];
    const all = [1, 2, 3, 4].map(async (index) => {
      using _guard = await semaphore.acquire();
      order.push(index);
      await turn();
    });
    guard[Symbol.dispose]();
    await Promise.all(all);
    assertEquals(order, [1, 2, 3, 4]);
    assertEquals(semaphore.value, 1);
  });

  it("an abort rejects with the reason and takes no permit", LIMIT, async () => {
    const semaphore = create(1);
    const reason = new Error("no longer");
    assertStrictEquals(await assertRejects(() => semaphore.acquire({ signal: AbortSignal.abort(reason) })), reason);
    assertEquals(semaphore.value, 1);
    for (let round = 0; round < 50; round++) {
      const guard = await semaphore.acquire();
      const controller = new AbortController();
      const aborted = semaphore.acquire({ signal: controller.signal });
      const next = semaphore.acquire();
      if (round % 2 === 0) guard[Symbol.dispose]();
      controller.abort(reason);
      if (round % 2 === 1) guard[Symbol.dispose]();
      const first = await aborted.catch((error) => error === reason ? undefined : Promise.reject(error));
      first?.[Symbol.dispose]();
      (await next)[Symbol.dispose]();
      assertEquals(semaphore.value, 1);
    }
  });

  it("blocking is not a DeadlockError: permits have no owner", LIMIT, async () => {
    const semaphore = create(1);
    await semaphore.acquire();
    const runner = scope.run(give, semaphore, 1);
    semaphore.acquireSync({ timeout: 30_000 })[Symbol.dispose]();
    await runner.result();
    assertEquals(semaphore.value, 1);
  });

  it("no more threads are inside than there are permits", LIMIT, async () => {
    const semaphore = create(2);
    const inside = new scope.SharedArray("i32", 1);
    const runners = [1, 2, 3].map(() => scope.run(work, semaphore, inside, 200));
    const most = await Promise.all([work(semaphore, inside, 100), ...runners.map((runner) => runner.result())]);
    for (const each of most) assert(each <= 2, `${each} threads were inside`);
    assertEquals(semaphore.value, 2);
    assertEquals(inside.array[0], 0);
  });

  it("no permit is lost or doubled where timeouts race with permits", LIMIT, async () => {
    const semaphore = create(2);
    const runners = [1, 2, 3].map(() => scope.run(race, semaphore, 300));
    const kept = await Promise.all([race(semaphore, 100), ...runners.map((runner) => runner.result())]);
    assertEquals(semaphore.value + kept.reduce((sum, each) => sum + each, 0), 2);
  });

  it("another thread takes a permit that this thread releases", LIMIT, async () => {
    const semaphore = create(1);
    const guard = semaphore.acquireSync();
    assertEquals(await scope.run(takeWithin, semaphore, 10).result(), "TimeoutError");
    const waiting = scope.run(takeWithin, semaphore, 60_000);
    guard[Symbol.dispose]();
    assertEquals(await waiting.result(), "acquired");
    assertEquals(semaphore.value, 0);
  });

  it("a permit that a thread held when it ended is not given back", LIMIT, async () => {
    const semaphore = create(1);
    const held = new scope.Event();
    const runner = scope.run(holdPermit, semaphore, held, new scope.Event());
    await held.wait();
    runner.kill();
    await runner.join();
    assertEquals(semaphore.value, 0);
    assertThrows(() => semaphore.acquireSync({ timeout: 300 }), TimeoutError);
    semaphore.release();
    semaphore.acquireSync();
  });

  it("a waiter that is killed leaves the permit to the others", LIMIT, async () => {
    for (let round = 0; round < 6; round++) {
      const semaphore = create(1);
      const guard = semaphore.acquireSync();
      const readies = [new scope.Event(), new scope.Event()];
      const runners = readies.map((ready) => scope.run(take, semaphore, ready));
      for (const ready of readies) await ready.wait();
      await new Promise((resolve) => setTimeout(resolve, moment(5)));
      runners[0].kill();
      if (round % 2 === 0) await runners[0].join();
      guard[Symbol.dispose]();
      // Unless the killed waiter had taken it just before.
      await Promise.race([runners[1].join(), until(() => semaphore.value === 0 && !runners[0].isAlive, "it is taken")]);
      await runners[0].join();
      if (await runners[1].join({ timeout: 1000 })) continue;
      assert(round % 2 === 1, "the permit was lost with the killed waiter");
      semaphore.release();
      await runners[1].join();
    }
  });

  it("the same name is the same semaphore, if it was created alike", LIMIT, () => {
    const name = `${create(1).constructor.name} ${scope.name}`;
    const type = create(1).constructor as new (value: number, options: { name: string }) => Semaphore;
    const one = new type(2, { name });
    const other = new type(2, { name });
    one.acquireSync();
    assertEquals(other.value, 1);
    assertEquals(new type(2, { name }).value, 1);
    assertThrows(() => new type(3, { name }), TypeError, name);
    assertThrows(() => new scope.Event({ name }), TypeError, name);
  });

  it("guards cannot be sent to another thread", LIMIT, () => {
    const queue = new scope.Queue();
    const error = assertThrows(() => queue.putSync({ guard: create(1).acquireSync() }), DOMException);
    assertEquals(error.name, "DataCloneError");
    assertEquals(queue.size, 0);
  });

  it("cannot be used after it was disposed of, and its guards do nothing then", LIMIT, async () => {
    const semaphore = create(1);
    const guard = semaphore.acquireSync();
    semaphore[Symbol.dispose]();
    semaphore[Symbol.dispose]();
    guard[Symbol.dispose]();
    assertThrows(() => semaphore.acquireSync(), InvalidStateError, "disposed");
    assertThrows(() => semaphore.tryAcquire(), InvalidStateError, "disposed");
    assertThrows(() => semaphore.release(), InvalidStateError, "disposed");
    assertThrows(() => semaphore.value, InvalidStateError, "disposed");
    await assertRejects(() => semaphore.acquire(), InvalidStateError, "disposed");
  });
}
