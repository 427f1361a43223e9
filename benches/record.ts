/**
 * Measures the short benches as the long ones are: on Deno and on Bun in turns, samples of a busy machine dropped, with the
 * processor's time, as results that can be compared and reported.
 *
 *     deno task bench:record                                   all of them: some 15 minutes
 *     deno task bench:record --quick                           a look: fewer and shorter samples
 *     deno task bench:record benches/locks_bench.ts --starts=5 some of them, more thoroughly
 *     deno task bench:record --out=FILE.json                   where the results go
 */

import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { benchFiles } from "../tools/_benches.ts";
import { findBun, install, ROOT } from "../tools/_install.ts";
import type { Case } from "./_harness.ts";
import { workName } from "./_play.ts";
import { type Entry, measure, type Plan, stepsOf } from "./lib/measure.ts";
import { countOption, keepRun, withProgress } from "./lib/program.ts";
import type { Group } from "./lib/results.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    starts: { type: "string" },
    rounds: { type: "string" },
    out: { type: "string", default: `${ROOT}benches/results/bench.json` },
  },
});

/** Of a sample. Each is long enough for a call of a work to count little in it. */
const PARTS = 12;

await install();
const player = `${ROOT}benches/_play.ts`;
const runtimes = { Deno: [Deno.execPath(), "run", "-A", "--no-check", player], Bun: [await findBun(), player] };
const plans = (positionals.length > 0 ? positionals : benchFiles()).map(planOf);
const steps = plans.reduce((sum, plan) => sum + stepsOf(plan), 0);
const measured = await withProgress(steps, async (onStep) => {
  const groups: Group[] = [];
  const versions: Record<string, string> = {};
  // File by file, so that no more programs wait beside the measured one than must.
  for (const plan of plans) {
    const one = await measure({ ...plan, onStep });
    groups.push(...one.groups);
    Object.assign(versions, one.versions);
    keepRun("bench", { groups, versions }, values.quick, values.out);
  }
  return { groups, versions };
});
keepRun("bench", measured, values.quick, values.out);
console.log(`Results: ${values.out}\n`);
// Handles of the players may be there still.
Deno.exit();

function planOf(file: string): Plan {
  const cases = listed(file);
  const entries = Object.keys(runtimes).flatMap((runtime) =>
    cases.map((one): Entry => ({
      group: one.group,
      name: one.name,
      runtime,
      ours: one.baseline !== true && one.peer !== true,
      player: runtime,
      work: workName(one),
      parts: PARTS,
    }))
  );
  return {
    groups: [...new Set(cases.map(({ group }) => group))].map((name) => ({ name, unit: "ns", better: "less" })),
    players: Object.fromEntries(
      Object.entries(runtimes).map(([name, command]) => [name, { command: [...command, "--player", file], cwd: ROOT }]),
    ),
    entries,
    starts: countOption("starts", values.starts) ?? (values.quick ? 1 : 3),
    rounds: countOption("rounds", values.rounds) ?? (values.quick ? 1 : 2),
    sampleMs: values.quick ? 20 : 60,
    patience: values.quick ? 2_000 : 20_000,
  };
}

/** The cases of a file. It is imported in another program, since benches start their partners at once. */
function listed(file: string): Case[] {
  const [program, ...args] = runtimes.Deno;
  return JSON.parse(execFileSync(program!, [...args, "--list", file], { cwd: ROOT, encoding: "utf8" }));
}
