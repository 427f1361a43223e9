/**
 * Threads whose modules import nothing of the package: their workers load it when something of it arrives.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { Lock, Queue, Thread } from "@weft/concurrent/threading";
import { describe, it } from "node:test";
import { failPlainly, kindsOf, nameOfNext } from "./_bare_targets.ts";

describe("threads whose modules import nothing of the package", () => {
  it("get shared objects as arguments", { timeout: 30_000 }, async () => {
    const [lock, queue] = [new Lock(), new Queue<number>()];
    using _guard = lock.acquireSync();
    const thread = new Thread({ target: kindsOf, args: [lock, { queue }] }).start();
    assertEquals(await thread.result(), ["Lock", "Queue"]);
    assertEquals(queue.getSync(), 1);
  });

  it("get handles of threads that arrive when they block", { timeout: 30_000 }, async () => {
    const queue = new Queue<Thread>();
    const thread = new Thread({ target: nameOfNext, args: [queue] }).start();
    queue.putSync(new Thread({ name: "sent" }));
    assertEquals(await thread.result(), "sent");
  });

  it("fail with the error that they throw", { timeout: 30_000 }, async () => {
    const thread = new Thread({ target: failPlainly }).start();
    await assertRejects(() => thread.result(), RangeError, "no package here");
  });

  it("run in workers that were kept for them, one after the other", { timeout: 60_000 }, async () => {
    for (let i = 0; i < 12; i++) {
      const queue = new Queue<number>();
      const threads = [0, 1, 2].map(() => new Thread({ target: kindsOf, args: [new Lock(), { queue }] }).start());
      for (const thread of threads) assertEquals(await thread.result(), ["Lock", "Queue"]);
      assertEquals([queue.getSync(), queue.getSync(), queue.getSync()], [0, 0, 0]);
      // Now and then a spare is ready, half ready, or not there.
      await new Promise((resolve) => setTimeout(resolve, i * 7));
    }
  });
});
