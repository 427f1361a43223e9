/**
 * Short storms, as tests. `deno task storm` runs long ones.
 *
 * A failure names its seed: `STORM_SEED=… deno task test tests/storm` repeats the choices, though not the moments.
 */

import process from "node:process";
import { describe, it } from "node:test";
import { threads } from "../suites/_threads.ts";
import { processes } from "../suites/_processes.ts";
import { Random } from "./_random.ts";
import { storms } from "./_storms.ts";

const seed = Number(process.env.STORM_SEED ?? Date.now() % 2 ** 31);
const rounds = Number(process.env.STORM_ROUNDS ?? 12);
const only = process.env.STORM_ONLY ?? "";
const verbose = process.env.STORM_ROUNDS !== undefined;

for (const scope of [threads, processes]) {
  describe(`killing ${scope.name}s`, () => {
    for (const [name, storm] of storms(scope)) {
      if (!`${scope.name} ${name}`.includes(only)) continue;
      it(`${name}: nothing is lost, doubled or waited for in vain`, { timeout: 60_000 + rounds * 3_000 }, async () => {
        try {
          const outcome = await storm({ scope, random: new Random(seed), kills: rounds });
          if (verbose) console.log(`${scope.name} ${name}, ${rounds} killed: ${outcome}`);
        } catch (error) {
          throw new Error(`${name} with STORM_SEED=${seed}: ${(error as Error).message}`, { cause: error });
        }
      });
    }
  });
}
