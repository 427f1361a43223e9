import { describe, it } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import type { Kind } from "./_kind.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 30_000 };
/** Large enough to go to a thread without a copy. */
const LARGE = 1 << 20;

/** What holds for buffers that a caller transfers with a task. */
export function transferSuite(kind: Kind): void {
  const { Pool } = kind;

  describe(`${kind.name} Pool: transfer`, () => {
    it("gives the task the whole of a large buffer, and detaches the caller's", LIMIT, async () => {
      await using pool = new Pool(2);
      for (const size of [1, LARGE - 1, LARGE, 8 * LARGE]) {
        const bytes = new Uint8Array(size).fill(3);
        const sum = pool.apply(targets.sum, [bytes.buffer], { transfer: [bytes.buffer] });
        assert(bytes.buffer.detached);
        assertEquals(await sum, 3 * size);
      }
    });

    it("gives views of a large buffer the places that they had", LIMIT, async () => {
      await using pool = new Pool(1);
      const bytes = new Uint8Array(LARGE).fill(1);
      bytes[LARGE - 1] = 9;
      const views = [bytes.subarray(4, 8), new Uint16Array(bytes.buffer, 16, 2), bytes.subarray(LARGE - 1)];
      const described = await pool.apply(targets.describeViews, [views], { transfer: [bytes.buffer] });
      assertEquals(described, {
        buffers: 1,
        views: [["Uint8Array", 4, 4, 1], ["Uint16Array", 16, 2, 257], ["Uint8Array", LARGE - 1, 1, 9]],
      });
    });

    it("gives each item its buffers, and several items the same buffer", LIMIT, async () => {
      await using pool = new Pool(2);
      const buffers = Array.from({ length: 6 }, (_, i) => new Uint8Array(LARGE).fill(i).buffer);
      const items = buffers.map((buffer) => [buffer, buffers[1]!]);
      const sums = pool.map(targets.sumAll, items, { transfer: buffers });
      assert(buffers.every(({ detached }) => detached));
      assertEquals(await sums, buffers.map((_, i) => (i + 1) * LARGE));
    });

    it("takes no buffer from a caller whose arguments cannot be sent", LIMIT, async () => {
      await using pool = new Pool(1);
      const bytes = new Uint8Array(LARGE);
      await assertRejects(
        () => pool.map(targets.identity, [bytes, () => {}], { transfer: [bytes.buffer] }),
        DOMException,
        "items[1]",
      );
      assertEquals(bytes.length, LARGE);
    });

    it("gives a task that is tried again its buffers each time", LIMIT, async () => {
      await using pool = new Pool(1);
      const tries = new kind.Value("i32");
      const { buffer } = new Uint8Array(LARGE).fill(2);
      const options = { transfer: [buffer], retries: 2 };
      assertEquals(await pool.apply(targets.exitOnceThenSum, [tries, buffer], options), 2 * LARGE);
      assertEquals(tries.value, 2);
    });

    it("goes on after a task that was given up before it had its buffers", LIMIT, async () => {
      await using pool = new Pool(1);
      await pool.submit(targets.square, 1);
      for (let round = 0; round < 20; round++) {
        const { buffer } = new Uint8Array(LARGE).fill(1);
        const controller = new AbortController();
        const given = pool.apply(targets.sum, [buffer], { transfer: [buffer], signal: controller.signal });
        const isAtOnce = round % 2 === 0;
        if (!isAtOnce) await Promise.resolve();
        controller.abort(new EvalError("given up"));
        // A worker that looks for tasks may have run it within that moment.
        const sum = await given.catch((error) => assertInstanceOf(error, EvalError));
        if (sum !== undefined) assertEquals([sum, isAtOnce], [LARGE, false]);
        assertEquals(await pool.submit(targets.square, round), round * round);
      }
    });

    it("gives each of several tasks that await at the same time its own buffer", LIMIT, async () => {
      await using pool = new Pool(1, { concurrency: 4 });
      const sums = Array.from({ length: 8 }, (_, i) => {
        const { buffer } = new Uint8Array(LARGE).fill(i);
        return pool.apply(targets.sumLater, [buffer], { transfer: [buffer] });
      });
      assertEquals(await Promise.all(sums), Array.from({ length: 8 }, (_, i) => i * LARGE));
    });
  });
}
