import { LIMIT, range, sharing, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import { sharedPool } from "./_shared_pool.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { InvalidStateError, sleep } from "@weft/concurrent/threading";
import { describe, it } from "node:test";

/** What holds for the values that are sent between a pool and its workers. */
export function crossingSuite(kind: Kind): void {
  const { Pool } = kind;
  const pool = sharedPool(kind);

  describe(`${kind.name} Pool: values that are sent`, () => {
    it("detaches the buffers of transfer at the call", LIMIT, async () => {
      const buffer = new ArrayBuffer(1 << 20);
      new Uint8Array(buffer)[12345] = 7;
      const future = pool().apply(targets.sum, [buffer], { transfer: [buffer] });
      assertEquals([buffer.byteLength, buffer.detached], [0, true]);
      assertEquals(await future, 7);
      const buffers = range(5).map((i) => new Uint8Array(100).fill(i).buffer);
      const sums = pool().map(targets.sum, buffers, { transfer: buffers });
      assert(buffers.every(({ detached }) => detached));
      assertEquals(await sums, range(5).map((i) => i * 100));
      assertThrows(() => pool().apply(targets.sum, [buffer], { transfer: [1 as never] }), TypeError);
    });

    it("returns large results whole", LIMIT, async () => {
      const size = 16 << 20;
      const results = await pool().map(targets.fill, [size + 1, size + 2, 5], { chunksize: 1 });
      assertEquals(results.map((bytes) => [bytes.length, bytes.at(-1)]), [[size + 1, 1], [size + 2, 2], [5, 5]]);
      const futures = await Promise.all(range(200).map((i) => pool().submit(targets.fill, i * 97)));
      assertEquals(futures.map((bytes) => bytes.length), range(200).map((i) => i * 97));
    });

    it("keeps the large arguments of each task as they were, whichever tasks end meanwhile", LIMIT, async () => {
      let left = 60;
      const submitNext = async (lane: number): Promise<void> => {
        while (left-- > 0) {
          const [fill, size] = [1 + left % 250, (64 << 10) + (left * 7919 + lane) % (300 << 10)];
          const future = pool().submit(targets.sum, new Uint8Array(size).fill(fill).buffer);
          if (left % 5 === 0 && future.cancel()) continue;
          assertEquals(await future, fill * size);
        }
      };
      await Promise.all(range(6).map(submitNext));
    });

    it("shares the objects of this package in both directions", sharing(kind), async () => {
      const lock = new kind.Lock();
      assert(await pool().submit(targets.returnLock, lock) === lock);
      assertEquals((await pool().map(targets.returnLock, [lock, lock])).every((its) => its === lock), true);
    });

    it("refuses pools and futures", LIMIT, async () => {
      const future = pool().submit(targets.square, 2);
      for (const value of [pool(), future]) {
        const error = assertThrows(() => pool().submit(targets.identity, { value } as unknown), DOMException);
        assertEquals(error.name, "DataCloneError");
        assert(error.message.includes("args[0].value"), error.message);
      }
      assertEquals(await future, 4);
    });

    it("runs inline functions and built-in ones", LIMIT, async () => {
      assertEquals(await pool().map((x: number) => x + 1, range(3)), [1, 2, 3]);
      assertEquals(await pool().map(Math.sqrt, [4, 9]), [2, 3]);
    });

    it("records slices and the number of waiting tasks on the same clock", LIMIT, async () => {
      await using two = new Pool(2, { trace: true });
      await sleep(300); // The clock begins with the first call, not here.
      await two.map(targets.square, range(100));
      const { traceEvents } = two.trace();
      const ended = () => traceEvents.filter(({ ph }) => ph === "X").map(({ ts, dur }) => ts! + dur!);
      await until(() => ended().length > 0);
      const counted = traceEvents.find(({ ph }) => ph === "C")!;
      assert(counted.ts! <= Math.max(...ended()), `${counted.ts} µs, slices end at ${ended()}`);
    });

    it("records a trace on request", LIMIT, async () => {
      await using two = new Pool(2, { trace: true, name: "Traced" });
      await two.map(targets.square, range(100));
      await two.submit(targets.square, 1);
      const { traceEvents } = two.trace();
      const slices = (): typeof traceEvents => traceEvents.filter(({ ph }) => ph === "X");
      // A result may arrive before its worker has reported how long it took.
      await until(() => slices().reduce((sum, { args }) => sum + Number(args!.tasks), 0) === 101);
      assert(slices().length >= 2 && slices().every(({ dur, ts }) => dur! >= 0 && ts! >= 0));
      assert(traceEvents.some(({ ph, name }) => ph === "C" && name === "queued"));
      assert(traceEvents.some(({ ph, args }) => ph === "M" && String(args!.name).startsWith("Traced-")));
      assertThrows(() => pool().trace(), InvalidStateError);
    });
  });
}
