import { type Barrier, BrokenBarrierError, InvalidStateError } from "@weft/concurrent/sync";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { load } from "../../_internal/atomics.ts";
import { USED_AT } from "../../_internal/memory/memory.ts";
import { spaceOf } from "../../_internal/memory/space.ts";
import type { Scope } from "./_scope.ts";
import { moment, turn, until } from "./_until.ts";
import {
  count,
  errorOf,
  exchange,
  failing,
  forEver,
  nameOfError,
  slow,
  takeCounted,
  waitAsync,
  waitCounting,
  waitCountingAsync,
  waitFromQueue,
  waitRounds,
  waitRoundsAsync,
  waitSync,
  waitUntilBroken,
  waitUntilBrokenAsync,
  waitWith,
} from "./barrier_targets.ts";
import { rounds } from "../_rounds.ts";

const LIMIT = { timeout: 60_000 };

/** What a Barrier promises. */
export function barrierSuite(scope: Scope): void {
  const create = (parties: number, options?: ConstructorParameters<typeof Barrier>[1]): Barrier =>
    new scope.Barrier(parties, options);
  const sorted = (indexes: number[]): number[] => indexes.toSorted((one, other) => one - other);

  describe(`Barrier (${scope.name})`, () => {
    it("tells how many parties it has, how many wait, and whether it is broken", LIMIT, async () => {
      const barrier = create(3);
      assertEquals([barrier.parties, barrier.nWaiting, barrier.broken], [3, 0, false]);
      const waits = [barrier.wait(), barrier.wait()];
      assertEquals(barrier.nWaiting, 2);
      assertEquals(sorted(await Promise.all([...waits, barrier.wait()])), [0, 1, 2]);
      assertEquals([barrier.parties, barrier.nWaiting, barrier.broken], [3, 0, false]);
    });

    it("wrong arguments are refused", LIMIT, async () => {
      for (const parties of [0, -1, 1.5, NaN, Infinity]) assertThrows(() => create(parties), RangeError, "'parties'");
      assertThrows(() => create("2" as never), TypeError, "'parties'");
      assertThrows(() => create(undefined as never), TypeError, "'parties'");
      assertThrows(() => create(2, { timeout: -1 }), RangeError, "'timeout'");
      assertThrows(() => create(2, { timeout: "1" as never }), TypeError, "'timeout'");
      assertThrows(() => create(2, { action: 5 as never }), TypeError, "'action'");
      assertThrows(() => create(2, 5 as never), TypeError, "'options'");
      const barrier = create(2);
      assertThrows(() => barrier.waitSync({ timeout: NaN }), RangeError, "'timeout'");
      await assertRejects(() => barrier.wait({ timeout: -1 }), RangeError, "'timeout'");
      await assertRejects(() => barrier.wait({ signal: 5 as never }), TypeError, "'signal'");
      assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
    });

    it("one party passes at once", LIMIT, async () => {
      const barrier = create(1);
      assertEquals(barrier.waitSync(), 0);
      assertEquals(barrier.waitSync({ timeout: 0 }), 0);
      assertEquals(await barrier.wait({ timeout: 0 }), 0);
    });

    it("no thread passes before all have come, and each index is given once, round after round", LIMIT, async () => {
      const barrier = create(4);
      const rounds = 100;
      const runners = [
        scope.run(waitRounds, barrier, rounds),
        scope.run(waitRounds, barrier, rounds),
        scope.run(waitRoundsAsync, barrier, rounds),
      ];
      const all = await Promise.all([
        waitRoundsAsync(barrier, rounds),
        ...runners.map((runner) => runner.result()),
      ]);
      for (let round = 0; round < rounds; round++) {
        assertEquals(sorted(all.map((indexes) => indexes[round])), [0, 1, 2, 3]);
      }
      assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
    });

    it("what a thread wrote before the barrier is seen by all after it", LIMIT, async () => {
      const barrier = create(3);
      const cells = new scope.SharedArray("i32", 3);
      const runners = [0, 1, 2].map((mine) => scope.run(exchange, barrier, cells, mine, 150));
      for (const runner of runners) assertEquals(await runner.result(), 0);
    });

    it(
      "each of several promises of one thread counts, and the blocked thread can be the last party",
      LIMIT,
      async () => {
        const barrier = create(4);
        const waits = [barrier.wait(), barrier.wait(), barrier.wait()];
        const last = barrier.waitSync({ timeout: 30_000 });
        assertEquals(sorted([last, ...await Promise.all(waits)]), [0, 1, 2, 3]);
      },
    );

    it("more threads than parties are served in turn", LIMIT, async () => {
      const barrier = create(2);
      const indexes = await Promise.all(Array.from({ length: 10 }, () => barrier.wait()));
      assertEquals(sorted(indexes), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    });

    it("a timeout breaks it for all", LIMIT, async () => {
      for (const blocked of [true, false]) {
        const barrier = create(4);
        const runner = scope.run(nameOfError, barrier);
        const pending = assertRejects(() => barrier.wait(), BrokenBarrierError, "meanwhile");
        await until(() => barrier.nWaiting === 2, "two wait");
        if (blocked) assertThrows(() => barrier.waitSync({ timeout: 5 }), BrokenBarrierError, "5 ms");
        else await assertRejects(() => barrier.wait({ timeout: 5 }), BrokenBarrierError, "5 ms");
        await pending;
        assertEquals(await runner.result(), "BrokenBarrierError");
        assertEquals([barrier.nWaiting, barrier.broken], [0, true]);
        assertThrows(() => barrier.waitSync(), BrokenBarrierError, "reset()");
        await assertRejects(() => barrier.wait(), BrokenBarrierError, "reset()");
      }
      assertThrows(() => create(2).waitSync({ timeout: 0 }), BrokenBarrierError);
      await assertRejects(() => create(2).wait({ timeout: 0 }), BrokenBarrierError);
    });

    it("its own timeout holds for waits without a timeout", LIMIT, async () => {
      const barrier = create(2, { timeout: 10 });
      assertThrows(() => barrier.waitSync(), BrokenBarrierError, "10 ms");
      barrier.reset();
      await assertRejects(() => barrier.wait(), BrokenBarrierError, "10 ms");
      barrier.reset();
      assertEquals(await scope.run(nameOfError, barrier).result(), "BrokenBarrierError");
      barrier.reset();
      const patient = barrier.wait({ timeout: Infinity });
      const runner = scope.run(waitSync, barrier, 60_000);
      assertEquals(sorted([await patient, await runner.result()]), [0, 1]);
    });

    it("an abort by signal rejects with the reason and breaks it for the others", LIMIT, async () => {
      const barrier = create(3);
      const reason = new Error("no longer");
      assertStrictEquals(await assertRejects(() => barrier.wait({ signal: AbortSignal.abort(reason) })), reason);
      assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
      const controller = new AbortController();
      const aborted = barrier.wait({ signal: controller.signal });
      const runner = scope.run(nameOfError, barrier);
      await until(() => barrier.nWaiting === 2, "two wait");
      controller.abort(reason);
      assertStrictEquals(await assertRejects(() => aborted), reason);
      assertEquals(await runner.result(), "BrokenBarrierError");
      assert(barrier.broken);
    });

    it("an abort after all have come breaks nothing", LIMIT, async () => {
      const barrier = create(2);
      const controller = new AbortController();
      const first = barrier.wait({ signal: controller.signal });
      assertEquals(barrier.waitSync(), 1);
      controller.abort("late");
      await first.catch((reason) => assertEquals(reason, "late"));
      assert(!barrier.broken);
      assertEquals(sorted(await Promise.all([barrier.wait(), barrier.wait()])), [0, 1]);
    });

    it("reset() throws in all waiters and makes it whole; abort() breaks it", LIMIT, async () => {
      const barrier = create(2);
      for (const act of ["reset", "abort"] as const) {
        const runner = scope.run(nameOfError, barrier);
        await until(() => barrier.nWaiting === 1, "one waits");
        barrier[act]();
        assertEquals(await runner.result(), "BrokenBarrierError");
        assertEquals(barrier.broken, act === "abort");
      }
      barrier.reset();
      const runner = scope.run(waitSync, barrier);
      assertEquals(sorted([barrier.waitSync({ timeout: 30_000 }), await runner.result()]), [0, 1]);
      barrier.reset();
      barrier.abort();
      barrier.abort();
      assert(barrier.broken);
    });

    it(
      "a waiter of a reset gets the error, also if the other threads have passed again by then",
      LIMIT,
      async () => {
        const barrier = create(2);
        const down = barrier.wait();
        barrier.reset();
        const others = Promise.all([barrier.wait(), barrier.wait()]);
        await assertRejects(() => down, BrokenBarrierError);
        assertEquals(sorted(await others), [0, 1]);
      },
    );

    it("the death of a waiter breaks it, within a second", LIMIT, async () => {
      for (const target of [waitSync, waitAsync]) {
        const barrier = create(4);
        const victim = scope.run(target as typeof waitSync, barrier);
        await until(() => barrier.nWaiting === 1, "the victim waits");
        const runner = scope.run(nameOfError, barrier);
        const pending = assertRejects(() => barrier.wait(), BrokenBarrierError);
        await until(() => barrier.nWaiting === 3, "three wait");
        const since = performance.now();
        victim.kill();
        await pending;
        assertEquals(await runner.result(), "BrokenBarrierError");
        const took = performance.now() - since;
        assert(took < 10_000, `it took ${took} ms`);
        assert(barrier.broken);
        await victim.join();
      }
    });

    it("a thread that only looks sees a death, and so does the last party to come", LIMIT, async () => {
      for (const look of [true, false]) {
        const barrier = create(2);
        const victim = scope.run(waitSync, barrier);
        await until(() => barrier.nWaiting === 1, "the victim waits");
        victim.kill();
        await victim.join();
        if (look) assert(barrier.broken);
        else assertThrows(() => barrier.waitSync({ timeout: 30_000 }), BrokenBarrierError);
        assertEquals(barrier.nWaiting, 0);
        assert(barrier.broken);
        barrier.reset();
        const runner = scope.run(waitSync, barrier);
        assertEquals(sorted([await barrier.wait(), await runner.result()]), [0, 1]);
      }
    });

    it("the death of a party that has not come breaks nothing", LIMIT, async () => {
      const barrier = create(2);
      const other = create(2);
      const victim = scope.run(waitSync, other);
      await until(() => other.nWaiting === 1, "it waits at another barrier");
      const pending = barrier.wait();
      victim.kill();
      await victim.join();
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert(!barrier.broken);
      barrier.waitSync();
      await pending;
    });

    it("its action runs once a round, before any thread passes, with promises", LIMIT, async () => {
      let rounds = 0;
      const barrier = create(3, { action: () => rounds++ });
      for (let round = 1; round <= 5; round++) {
        await Promise.all([1, 2, 3].map(async () => {
          await barrier.wait();
          assertEquals(rounds, round);
        }));
      }
    });

    // A thread gets the action with the arguments of its start, so these tests start their own threads.
    it("its action runs in the last thread to come, whichever that is", LIMIT, async () => {
      const barrier = create(3, { action: count });
      takeCounted();
      const rounds = 60;
      const runners = [
        scope.start(waitCounting, barrier, rounds),
        scope.start(waitCountingAsync, barrier, rounds),
      ];
      for (let round = 0; round < rounds; round++) await barrier.wait();
      let ran = takeCounted();
      for (const runner of runners) ran += await runner.result();
      assertEquals(ran, rounds);
    });

    it("a blocked thread that comes last runs it", LIMIT, async () => {
      const barrier = create(2, { action: count });
      takeCounted();
      const pending = barrier.wait();
      assertEquals(await scope.start(waitCounting, barrier, 1).result(), 1);
      await pending;
      assertEquals(takeCounted(), 0);
    });

    it("an error of the action is thrown in the last thread to come, and breaks it for the others", LIMIT, async () => {
      const barrier = create(3, { action: failing });
      const runner = scope.start(nameOfError, barrier);
      await until(() => barrier.nWaiting === 1, "one waits");
      const pending = assertRejects(() => barrier.wait(), BrokenBarrierError);
      assertThrows(() => barrier.waitSync(), RangeError, "from the action");
      await pending;
      assertEquals(await runner.result(), "BrokenBarrierError");
      assert(barrier.broken);
      barrier.reset();
      const first = assertRejects(() => barrier.wait(), BrokenBarrierError);
      const second = assertRejects(() => barrier.wait(), BrokenBarrierError);
      assertEquals(await scope.start(nameOfError, barrier).result(), "RangeError");
      await first;
      await second;
    });

    it("an async action is awaited by wait(), and is a TypeError for waitSync()", LIMIT, async () => {
      const barrier = create(2, { action: slow });
      const since = performance.now();
      assertEquals(sorted(await Promise.all([barrier.wait(), barrier.wait()])), [0, 1]);
      assert(performance.now() - since >= 40, "wait() did not await the action");
      const pending = assertRejects(() => barrier.wait(), BrokenBarrierError);
      assertThrows(() => barrier.waitSync(), TypeError, "promise");
      await pending;
      assert(barrier.broken);
    });

    it("a timeout, an abort and reset() while the action runs", LIMIT, async () => {
      const barrier = create(2, { action: slow });
      const hasty = assertRejects(() => barrier.wait({ timeout: 5 }), BrokenBarrierError, "5 ms");
      await assertRejects(() => barrier.wait(), BrokenBarrierError, "meanwhile");
      await hasty;
      barrier.reset();
      const controller = new AbortController();
      const first = assertRejects(() => barrier.wait(), BrokenBarrierError);
      const last = barrier.wait({ signal: controller.signal });
      await turn();
      controller.abort("enough");
      await last.then(() => assert(false, "it passed"), (reason) => assertEquals(reason, "enough"));
      await first;
      assert(barrier.broken);
      barrier.reset();
      const both = Promise.all([barrier.wait(), barrier.wait()]);
      await turn();
      barrier.reset();
      assertEquals(sorted(await both), [0, 1]);
      assert(!barrier.broken);
    });

    it("the death of the thread that runs the action breaks it", LIMIT, async () => {
      const barrier = create(2, { action: forEver });
      const pending = assertRejects(() => barrier.wait(), BrokenBarrierError);
      const victim = scope.start(waitWith, barrier, new scope.Event());
      await until(() => barrier.nWaiting === 0, "the action runs");
      victim.kill();
      await pending;
      assert(barrier.broken);
      await victim.join();
    });

    it("an action that cannot run elsewhere is a TargetError there, and runs here", LIMIT, async () => {
      let ran = 0;
      const barrier = create(2, { action: () => void ran++ });
      const problem = await scope.start(errorOf, barrier).result();
      assert(problem.startsWith("TargetError: ") && problem.includes("ran"), problem);
      assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
      await Promise.all([barrier.wait(), barrier.wait()]);
      assertEquals(ran, 1);
      const bound = create(1, { action: count.bind(undefined) });
      bound.waitSync();
      assert((await scope.start(errorOf, bound).result()).startsWith("TargetError: "));
    });

    it("a thread that gets it while it runs has to await before it can block", LIMIT, async () => {
      const barrier = create(2, { action: count });
      takeCounted();
      const queue = new scope.Queue<Barrier>();
      const runner = scope.start(waitFromQueue, queue);
      queue.putSync(barrier);
      await until(() => barrier.nWaiting === 1, "it waits");
      assertEquals(barrier.waitSync(), 1);
      const [problem, index] = await runner.result();
      assert(problem.startsWith("TargetError: ") && problem.includes("await wait()"), problem);
      assertEquals(index, 0);
      assertEquals(takeCounted(), 1);
    });

    it("killing waiters at random moments leaves no thread waiting forever", LIMIT, async () => {
      const barrier = create(3);
      for (let round = 0; round < rounds(8, 3); round++) {
        const runners = [
          scope.run(waitUntilBroken, barrier),
          scope.run(waitUntilBroken, barrier),
          scope.run(waitUntilBrokenAsync, barrier),
        ];
        await until(() => barrier.nWaiting > 0, "the threads wait");
        await new Promise((resolve) => setTimeout(resolve, moment(20)));
        runners[round % 3].kill();
        // Living threads get the error, unless the victim died between two rounds: then they wait for it.
        await new Promise((resolve) => setTimeout(resolve, 50));
        barrier.abort();
        for (const [index, runner] of runners.entries()) {
          assert(await runner.join({ timeout: 20_000 }));
          if (index !== round % 3) assertEquals(await runner.result(), "BrokenBarrierError");
        }
        barrier.reset();
      }
    });

    it("leaves no memory in use if there is no room for its action, and its name free", LIMIT, () => {
      const space = spaceOf(scope.name);
      const name = `barrier without room, ${scope.name}`;
      const used = (): number => load(space.words, USED_AT);
      create(2, { action: count })[Symbol.dispose]();
      const before = used();
      Object.defineProperty(space, "writeBlock", {
        configurable: true,
        value: () => {
          throw new RangeError("no room");
        },
      });
      try {
        for (let i = 0; i < 200; i++) {
          assertThrows(() => create(2, { action: count }), RangeError, "no room");
          assertThrows(() => create(2, { action: count, name }), RangeError, "no room");
        }
      } finally {
        delete (space as Partial<typeof space>).writeBlock;
      }
      // The threads of other tests, and their finalizers, may still take or give a few words. The barriers would be thousands.
      assert(used() - before < 2000, `${used() - before} words are in use`);
      assertEquals(create(3, { name }).parties, 3);
    });

    it("the same name is the same barrier, if it has as many parties", LIMIT, async () => {
      const name = `barrier suite, ${scope.name}`;
      const one = create(2, { name, timeout: 20 });
      const other = create(2, { name });
      assertThrows(() => create(3, { name }), TypeError, name);
      assertThrows(() => new scope.Event({ name }), TypeError, name);
      assertEquals(sorted(await Promise.all([one.wait(), other.wait()])), [0, 1]);
      await assertRejects(() => other.wait(), BrokenBarrierError, "20 ms");
      assert(one.broken);
    });

    it("cannot be used after it was disposed of; a wait that has begun goes on", LIMIT, async () => {
      const barrier = create(2);
      const pending = assertRejects(() => barrier.wait({ timeout: 20 }), BrokenBarrierError);
      barrier[Symbol.dispose]();
      barrier[Symbol.dispose]();
      await pending;
      assertThrows(() => barrier.waitSync(), InvalidStateError, "disposed");
      assertThrows(() => barrier.reset(), InvalidStateError, "disposed");
      assertThrows(() => barrier.abort(), InvalidStateError, "disposed");
      assertThrows(() => barrier.parties, InvalidStateError, "disposed");
      assertThrows(() => barrier.nWaiting, InvalidStateError, "disposed");
      assertThrows(() => barrier.broken, InvalidStateError, "disposed");
      await assertRejects(() => barrier.wait(), InvalidStateError, "disposed");
    });
  });
}
