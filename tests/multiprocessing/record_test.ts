/** What the library remembers of a process stays its own until its end was told. */

import { activeChildren, Process } from "@weft/concurrent/multiprocessing";
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { OBJECT_HEADER } from "../../_internal/memory/memory.ts";
import { PROCESS_WORDS } from "../../_internal/processes/process_record.ts";
import { processSpace } from "../../_internal/processes/process_memory.ts";
import * as targets from "./_process_targets.ts";

describe("Process: the record of a process that has ended", () => {
  it(
    "is not written to when it was given back before the event loop learned of the end",
    { timeout: 60_000 },
    async () => {
      const space = processSpace();
      const own = new Process({ target: targets.add, args: [1, 2] }).start();
      await own.join();
      own.close();
      for (let round = 0; round < 5; round++) {
        const child = new Process({ target: targets.add, args: [2, 3] }).start();
        child.kill();
        // The system knows at once, and the event loop does not turn.
        const until = Date.now() + 20_000;
        while (activeChildren().some(({ pid }) => pid === child.pid)) assert(Date.now() < until, "it does not end");
        child.close();
        const words = OBJECT_HEADER + PROCESS_WORDS;
        const blocks = Array.from({ length: 20 }, () => space.tryAllocate(words, true));
        for (const at of blocks) space.words.fill(-7, at, at + words);
        // Another that ends after it: when its end was told, so was that of the first.
        const next = new Process({ target: targets.add, args: [2, 3] }).start();
        assertEquals(await next.result(), 5);
        await next.join();
        await new Promise((resolve) => setTimeout(resolve, 50));
        for (const at of blocks) {
          assertEquals(space.words.subarray(at, at + words).findIndex((word) => word !== -7), -1);
          space.free(at);
        }
        next.close();
      }
    },
  );
});
