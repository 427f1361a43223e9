import { type Event, InvalidStateError } from "@weft/concurrent/sync";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import type { Scope } from "./_scope.ts";
import { moment, turn } from "./_until.ts";
import { poll, publish, setIt, waitAsync, waitSync } from "./event_targets.ts";

const LIMIT = { timeout: 60_000 };

/** What an Event promises. */
export function eventSuite(scope: Scope): void {
  const create = (): Event => new scope.Event();

  describe(`Event (${scope.name})`, () => {
    it("is not set at first; set() and clear() change that, and a second call changes nothing", LIMIT, () => {
      const event = create();
      assert(!event.isSet);
      event.clear();
      assert(!event.isSet);
      event.set();
      event.set();
      assert(event.isSet);
      event.clear();
      assert(!event.isSet);
    });

    it("a wait for an event that is set returns at once", LIMIT, async () => {
      const event = create();
      event.set();
      assertEquals(event.waitSync(), true);
      assertEquals(event.waitSync({ timeout: 0 }), true);
      assertEquals(await event.wait(), true);
      assertEquals(await event.wait({ timeout: 0 }), true);
    });

    it("a wait that times out is false", LIMIT, async () => {
      const event = create();
      assertEquals(event.waitSync({ timeout: 0 }), false);
      assertEquals(event.waitSync({ timeout: 5 }), false);
      assertEquals(await event.wait({ timeout: 0 }), false);
      assertEquals(await event.wait({ timeout: 5 }), false);
      const pending = event.wait({ timeout: 2 ** 40 });
      await turn();
      event.set();
      assertEquals(await pending, true);
    });

    it("set() then clear() lets all waiters pass", LIMIT, async () => {
      const event = create();
      const readies = [create(), create(), create()];
      const runners = [
        scope.run(waitSync, event, readies[0]),
        scope.run(waitSync, event, readies[1]),
        scope.run(waitAsync, event, readies[2]),
      ];
      // The threads report just before they wait, so the first set() may come too early for some.
      const here = [event.wait(), event.wait()];
      for (const ready of readies) await ready.wait();
      event.set();
      event.clear();
      assertEquals(await Promise.all(here), [true, true]);
      for (const runner of runners) {
        while (!await runner.join({ timeout: 5 })) {
          event.set();
          event.clear();
        }
        assertEquals(await runner.result(), true);
      }
      assert(!event.isSet);
      assertEquals(await event.wait({ timeout: 5 }), false);
    });

    it("one thread's set() ends the waits of the others, blocked and with promises", LIMIT, async () => {
      for (let round = 0; round < 5; round++) {
        const event = create();
        const readies = [create(), create()];
        const runners = [scope.run(waitSync, event, readies[0]), scope.run(waitAsync, event, readies[1])];
        for (const ready of readies) await ready.wait();
        const pending = event.wait();
        await scope.run(setIt, event).result();
        assertEquals(await pending, true);
        for (const runner of runners) assertEquals(await runner.result(), true);
      }
    });

    it("this thread, blocked, is woken by another", LIMIT, () => {
      const event = create();
      const runner = scope.run(setIt, event);
      assertEquals(event.waitSync({ timeout: 30_000 }), true);
      assert(runner.joinSync({ timeout: 30_000 }));
    });

    it("what was written before set() is seen after the wait", LIMIT, async () => {
      const event = create();
      const taken = create();
      const cell = new scope.SharedArray("i32", 1);
      const runner = scope.run(publish, event, taken, cell, 300);
      for (let round = 1; round <= 300; round++) {
        if (round % 2 === 0) assert(event.waitSync({ timeout: 30_000 }));
        else assert(await event.wait({ timeout: 30_000 }));
        assertEquals(cell.array[0], round);
        event.clear();
        taken.set();
      }
      await runner.result();
    });

    it("an abort rejects with the reason, also if it is set", LIMIT, async () => {
      const event = create();
      const reason = new Error("no longer");
      event.set();
      assertStrictEquals(await assertRejects(() => event.wait({ signal: AbortSignal.abort(reason) })), reason);
      event.clear();
      const controller = new AbortController();
      const aborted = event.wait({ signal: controller.signal });
      const other = event.wait();
      controller.abort(reason);
      assertStrictEquals(await assertRejects(() => aborted), reason);
      event.set();
      assertEquals(await other, true);
    });

    it("a hundred promises pass together", LIMIT, async () => {
      const event = create();
      const pending = Array.from({ length: 100 }, () => event.wait());
      await scope.run(setIt, event).result();
      assertEquals((await Promise.all(pending)).every((passed) => passed), true);
    });

    it("a waiter that is killed takes no other waiter's wake-up", LIMIT, async () => {
      for (let round = 0; round < 4; round++) {
        const event = create();
        const readies = [create(), create()];
        const runners = readies.map((ready) => scope.run(waitSync, event, ready));
        for (const ready of readies) await ready.wait();
        await new Promise((resolve) => setTimeout(resolve, moment(5)));
        runners[0].kill();
        event.set();
        assertEquals(await runners[1].result(), true);
        await runners[0].join();
      }
    });

    it("a thread that was ended does not set the event any more", LIMIT, async () => {
      const event = create();
      const ready = create();
      const runner = scope.run(waitSync, create(), ready);
      await ready.wait();
      runner.kill();
      await runner.join();
      assert(!event.isSet);
      assertEquals(event.waitSync({ timeout: 5 }), false);
    });

    it(
      "a thread that polls it, or a lock, a semaphore, a barrier or a latch, ends when it is asked to",
      LIMIT,
      async () => {
        const things = {
          event: create(),
          lock: new scope.Lock(),
          semaphore: new scope.Semaphore(0),
          barrier: new scope.Barrier(2),
          latch: new scope.Latch(1),
        };
        using _held = things.lock.acquireSync();
        for (let which = 0; which < 8; which++) {
          const ready = create();
          const runner = scope.run(poll, which, ready, things);
          await ready.wait();
          runner.kill();
          assert(await runner.join({ timeout: 20_000 }), `way ${which} goes on`);
        }
      },
    );

    it("wrong options are refused", LIMIT, async () => {
      const event = create();
      assertThrows(() => event.waitSync({ timeout: -1 }), RangeError, "'timeout'");
      assertThrows(() => event.waitSync({ timeout: NaN }), RangeError, "'timeout'");
      assertThrows(() => event.waitSync({ timeout: "5" as never }), TypeError, "'timeout'");
      await assertRejects(() => event.wait({ timeout: -1 }), RangeError, "'timeout'");
      await assertRejects(() => event.wait({ signal: 5 as never }), TypeError, "'signal'");
    });

    it("the same name is the same event, and cannot be another kind of object", LIMIT, () => {
      const name = `event suite, ${scope.name}`;
      const one = new scope.Event({ name });
      new scope.Event({ name }).set();
      assert(one.isSet);
      assertThrows(() => new scope.Lock({ name }), TypeError, name);
    });

    it("cannot be used after it was disposed of", LIMIT, async () => {
      const event = create();
      event[Symbol.dispose]();
      event[Symbol.dispose]();
      assertThrows(() => event.set(), InvalidStateError, "disposed");
      assertThrows(() => event.clear(), InvalidStateError, "disposed");
      assertThrows(() => event.isSet, InvalidStateError, "disposed");
      assertThrows(() => event.waitSync(), InvalidStateError, "disposed");
      await assertRejects(() => event.wait(), InvalidStateError, "disposed");
    });
  });
}
