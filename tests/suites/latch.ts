import { InvalidStateError } from "@weft/concurrent/threading";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import type { Scope } from "./_scope.ts";
import { countDown, receiveAndCount, wait, waitAsync } from "./latch_targets.ts";

const LIMIT = { timeout: 60_000 };

/** Tests of `Latch`. */
export function latchSuite(scope: Scope): void {
  const { Latch, Queue } = scope;

  describe(`Latch (${scope.name})`, () => {
    it("lets all waiters pass once it was counted down", LIMIT, async () => {
      const latch = new Latch(2);
      const waiting = new Latch(4);
      const runners = [wait, waitAsync, wait, waitAsync].map((form) => scope.run(form, latch, waiting));
      assert(await waiting.wait({ timeout: 30_000 }));
      const here = latch.wait();
      latch.countDown();
      assertEquals(latch.count, 1);
      assertEquals(await latch.wait({ timeout: 10 }), false);
      latch.countDown();
      assertEquals(await here, true);
      for (const runner of runners) assertEquals(await runner.result(), true);
      assertEquals(latch.waitSync(), true);
      assertEquals(await latch.wait(), true);
    });

    it("loses no count of many threads that count at once", LIMIT, async () => {
      const rounds = 5_000;
      const latch = new Latch(3 * rounds);
      const runners = [1, 2, 3].map(() => scope.run(countDown, latch, rounds));
      assert(latch.waitSync({ timeout: 30_000 }));
      assertEquals(latch.count, 0);
      for (const runner of runners) await runner.result();
    });

    it("counts several at once, and not below zero", LIMIT, () => {
      const latch = new Latch(5);
      latch.countDown(3);
      assertEquals(latch.count, 2);
      latch.countDown(3);
      assertEquals(latch.count, 0);
      latch.countDown();
      assertEquals(latch.count, 0);
    });

    it("is open from the start with a count of 0", LIMIT, async () => {
      const latch = new Latch(0);
      assertEquals(latch.waitSync({ timeout: 0 }), true);
      assertEquals(await latch.wait({ timeout: 0 }), true);
    });

    it("returns false when the timeout passes, at once for 0", LIMIT, async () => {
      const latch = new Latch(1);
      assertEquals(latch.waitSync({ timeout: 0 }), false);
      assertEquals(latch.waitSync({ timeout: 5 }), false);
      assertEquals(await latch.wait({ timeout: 0 }), false);
      assertEquals(await latch.wait({ timeout: 5 }), false);
      assertEquals(latch.count, 1);
    });

    it("rejects with the signal's reason", LIMIT, async () => {
      const latch = new Latch(1);
      const abort = new AbortController();
      const waiting = latch.wait({ signal: abort.signal });
      abort.abort(new Error("enough"));
      await assertRejects(() => waiting, Error, "enough");
      latch.countDown();
      await assertRejects(() => latch.wait({ signal: abort.signal }), Error, "enough");
    });

    it("is the same latch wherever it is sent, also nested in an item", LIMIT, async () => {
      const latch = new Latch(3);
      const queue = new Queue<{ latch: typeof latch }>();
      const runner = scope.run(receiveAndCount, queue);
      queue.putSync({ latch });
      assertEquals(await runner.result(), 2);
      assertEquals(latch.count, 2);
    });

    it("keeps its count under its name, and must be created with the same count", LIMIT, () => {
      const name = `latch ${crypto.randomUUID()}`;
      const latch = new Latch(3, { name });
      latch.countDown();
      assertEquals(new Latch(3, { name }).count, 2);
      assertThrows(() => new Latch(2, { name }), TypeError, name);
      assertEquals(latch.count, 2);
    });

    it("refuses arguments that make no sense, and counts nothing", LIMIT, async () => {
      for (const count of [-1, 1.5, NaN, Infinity, 2 ** 31]) {
        assertThrows(() => new Latch(count), RangeError, "'count' must be a whole number");
      }
      assertThrows(() => new Latch("1" as never), TypeError, "'count'");
      assertThrows(() => new Latch(undefined as never), TypeError, "'count'");
      assertThrows(() => new Latch(1, { name: 1 } as never), TypeError, "'name'");
      assertThrows(() => new Latch(1, null as never), TypeError, "'options'");
      const latch = new Latch(5);
      for (const n of [0, -1, 1.5, NaN]) assertThrows(() => latch.countDown(n), RangeError, "'n'");
      assertThrows(() => latch.countDown("2" as never), TypeError, "'n'");
      assertThrows(() => latch.waitSync({ timeout: -1 }), RangeError);
      assertThrows(() => latch.waitSync(5 as never), TypeError);
      await assertRejects(() => latch.wait({ timeout: NaN }), RangeError);
      await assertRejects(() => latch.wait({ signal: 1 as never }), TypeError);
      assertEquals(latch.count, 5);
    });

    it("throws InvalidStateError after it was disposed of", LIMIT, async () => {
      const latch = new Latch(1);
      latch[Symbol.dispose]();
      latch[Symbol.dispose]();
      assertThrows(() => latch.countDown(), InvalidStateError);
      assertThrows(() => latch.count, InvalidStateError);
      assertThrows(() => latch.waitSync(), InvalidStateError);
      await assertRejects(() => latch.wait(), InvalidStateError);
    });
  });
}
