/** A pool that cannot start workers for lack of room waits until there is some. */

import { configure } from "@weft/concurrent/sync";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { spaceOf } from "../../_internal/memory/space.ts";
import { square } from "./_targets.ts";

configure({ memory: 64 << 20 });

for (const [name, { Pool }] of Object.entries({ threading, multiprocessing })) {
  describe(`a pool of ${name} in a memory that is full`, () => {
    it(
      "starts its workers when there is room, and tries now and then with one timer",
      { timeout: 60_000 },
      async () => {
        const space = spaceOf(name === "threading" ? "thread" : "process");
        await using pool = new Pool(1, { maxTasksPerChild: 1 });
        assertEquals(await pool.submit(square, 2), 4);
        const blocks: number[] = [];
        for (let words = 2 ** 20; words >= 2; words >>= 1) {
          for (let at; (at = space.tryAllocate(words, false)) !== 0;) blocks.push(at);
        }
        let timers = 0;
        const { setTimeout } = globalThis;
        const counting = (...args: Parameters<typeof setTimeout>) => {
          timers++;
          return setTimeout(...args);
        };
        globalThis.setTimeout = counting as typeof setTimeout;
        const futures = [];
        try {
          for (let i = 0; i < 50; i++) {
            futures.push(pool.submit(square, 3));
            await Promise.resolve();
          }
          await delay(1000);
        } finally {
          globalThis.setTimeout = setTimeout;
        }
        assertEquals(pool.stats().workers, 0);
        for (const at of blocks) space.free(at);
        assertEquals(await futures[0], 9);
        for (const future of futures.slice(1)) future.cancel();
        await Promise.allSettled(futures);
        assert(timers < 25, `${timers} timers were set in a second`);
      },
    );
  });
}
