/**
 * Short storms, as tests. `deno task storm` runs long ones.
 *
 * A failure names its seed: `STORM_SEED=… deno task test tests/storm` repeats the choices, though not the moments.
 */

import process from "node:process";
import { describe, it } from "node:test";
import type { Scope } from "../suites/_scope.ts";
import { Random } from "./_random.ts";
import { storms } from "./_storms.ts";
import { isLong, rounds } from "../_rounds.ts";

/** The seed of this run. */
export const seed: number = Number(process.env.STORM_SEED ?? Date.now() % 2 ** 31);
const kills = Number(process.env.STORM_KILLS ?? rounds(12, 3));
const only = process.env.STORM_ONLY ?? "";
const verbose = process.env.STORM_KILLS !== undefined;
/** The storms of `deno task test`: one for each way to wait. `deno task test:long` runs all. */
const FEW = ["RWLock", "Queue with room for 5", "Condition", "Pipe"];

/** All storms over one of the two memories. */
export function testStorms(scope: Scope): void {
  describe(`a storm of killed ${scope.name === "thread" ? "threads" : "processes"}`, () => {
    for (const [name, storm] of storms(scope)) {
      if (!`${scope.name} ${name}`.includes(only)) continue;
      if (!isLong && !verbose && only === "" && !FEW.includes(name)) continue;
      it(`${name}: nothing is lost, doubled or waited for in vain`, { timeout: 60_000 + kills * 3_000 }, async () => {
        try {
          const outcome = await storm({ scope, random: new Random(seed), kills });
          if (verbose) console.log(`${scope.name} ${name}, ${kills} killed: ${outcome}`);
        } catch (error) {
          throw new Error(`${name} with STORM_SEED=${seed}: ${(error as Error).message}`, { cause: error });
        }
      });
    }
  });
}
