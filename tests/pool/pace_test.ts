import { describe, it } from "node:test";
import { assert } from "@std/assert";
import { Pool } from "@weft/concurrent/threading";
import { sumOfRoots } from "./_pace_targets.ts";

describe("a pool's worker", () => {
  it("is as fast after a thousand tasks as before", { timeout: 60_000 }, async () => {
    await using pool = new Pool(1);
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      const begin = performance.now();
      await pool.map(sumOfRoots, new Array<number>(30).fill(100_000));
      times.push(performance.now() - begin);
    }
    // The best of several runs, as other programs may use the processor.
    const [early, late] = [times.slice(1, 10), times.slice(-20)].map((some) => Math.min(...some));
    assert(late! < 2 * early!, `thirty tasks took ${early} ms, and ${late} ms later`);
  });
});
