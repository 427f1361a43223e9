/** What wakes a program up while it has no threads. */

import { Thread } from "@weft/concurrent/threading";
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { isDeno } from "../_runtime.ts";

describe("a program without threads", () => {
  it("is not woken up for threads that have ended", { timeout: 30_000 }, async () => {
    const { setInterval, clearInterval } = globalThis;
    const live = new Set<unknown>();
    globalThis.setInterval = ((run: () => void, ms: number) => {
      const timer = setInterval(run, ms);
      live.add(timer);
      return timer;
    }) as typeof globalThis.setInterval;
    globalThis.clearInterval = (timer) => {
      live.delete(timer);
      clearInterval(timer);
    };
    try {
      for (let round = 0; round < 2; round++) {
        const thread = new Thread({ target: Math.sqrt, args: [4] }).start();
        // Deno does not need it.
        assertEquals(live.size > 0, !isDeno);
        assertEquals(await thread.result(), 2);
        await thread.join();
        const until = Date.now() + 10_000;
        while (live.size > 0) {
          assert(Date.now() < until, "it goes on");
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }
    } finally {
      Object.assign(globalThis, { setInterval, clearInterval });
    }
  });
});
