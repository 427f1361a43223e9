/** Memory that a pool gives back belongs only to its next owner. */

import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

for (const [name, { Pool, SharedArray }] of Object.entries({ threading, multiprocessing })) {
  describe(`the memory of a pool of ${name}`, () => {
    it("is not written to after it was given back", { timeout: 120_000 }, async () => {
      for (let round = 0; round < 3; round++) {
        const pool = new Pool(2);
        assertEquals(await pool.map(Math.sqrt, [1, 4, 9]), [1, 2, 3]);
        pool.close();
        await pool.join();
        // Blocks of all sizes that a pool has used.
        const arrays = Array.from({ length: 300 }, (_, i) => new SharedArray("i32", 8 + i * 8));
        // Longer than waiting promises take to look for dead threads.
        await delay(500);
        for (const { array } of arrays) assertEquals(array.findIndex((word) => word !== 0), -1);
        for (const array of arrays) array[Symbol.dispose]();
      }
    });
  });
}
