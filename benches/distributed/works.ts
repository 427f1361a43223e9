/** The works of a pool, whatever its workers are. */

import type { BasePool } from "@weft/concurrent/multiprocessing";
import { type Typical, typicalOf, type Work } from "../lib/play.ts";
import { checkIncremented, MEGABYTE, numbers } from "./sizes.ts";
import { echo, increment } from "./tasks.ts";

export function worksOf(pool: () => BasePool): Record<string, Work> {
  const text = "x".repeat(MEGABYTE);
  return {
    "round trip": (n): Promise<Typical> => typicalOf(n, (i) => pool().submit(increment, i)),
    async "map, chunks of 1"(n) {
      checkIncremented(await pool().map(increment, numbers(n), { chunksize: 1 }), n);
    },
    async "submits"(n) {
      checkIncremented(await Promise.all(numbers(n).map((i) => pool().submit(increment, i))), n);
    },
    async "map"(n) {
      checkIncremented(await pool().map(increment, numbers(n)), n);
    },
    async "1 MB"(n) {
      for (let i = 0; i < n; i++) {
        const { length } = await pool().submit(echo, text);
        if (length !== MEGABYTE) throw new Error(`wrong result: ${length}`);
      }
    },
  };
}
