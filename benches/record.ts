/**
 * Measures the short benches like the long ones: on Deno and on Bun in turns, without samples of a busy machine, with the
 * processor's time, as results that can be compared and reported. `deno task bench:record --help` explains its options.
 */

import { execFileSync } from "node:child_process";
import { benchFiles, namedBenchFiles } from "../tools/_benches.ts";
import { findBun, install, ROOT } from "../tools/_install.ts";
import type { Case } from "./_harness.ts";
import { workName } from "./_play.ts";
import { type Given, runCommand } from "./lib/command.ts";
import { Keeper } from "./lib/keeper.ts";
import { inMarkdown } from "./lib/markdown.ts";
import { type Entry, measure, type Plan, stepsOf } from "./lib/measure.ts";
import { paceOf, paceOptions } from "./lib/pace.ts";
import { checkWritable } from "./lib/paths.ts";
import { announce, placesFor, withProgress } from "./lib/program.ts";
import type { Group } from "./lib/results.ts";
import { UserError } from "./lib/user_error.ts";
import { multiples } from "./report/bare.ts";

const PACES = { usual: { starts: 3, rounds: 2 }, quick: { starts: 1, rounds: 1 } } as const;

const COMMAND = {
  task: "bench:record",
  about:
    "The short benches on Deno and on Bun in turns, beside the bare operations of the platform: a table is printed, samples\n" +
    "are written to a file. All of them take some 10 minutes.",
  files: "[benches/NAME_bench.ts …]",
  options: {
    quick: { type: "boolean", about: "a look: fewer and shorter samples" },
    ...paceOptions(PACES),
    out: {
      type: "string",
      value: "FILE.json",
      about: "where the samples go. Default: benches/results/bench.json; out/bench.json of a quick run or a part",
    },
  },
  examples: [
    ["--quick", "a look"],
    ["benches/locks_bench.ts --starts=5", "some of them, more thoroughly"],
  ],
  exitCodes: {},
} as const;

type Values = Given<typeof COMMAND.options>["values"];

/** Of a sample. A sample is so long that a single call counts little. */
const PARTS = 12;

await runCommand(COMMAND, async ({ values, files: named }) => {
  const files = namedBenchFiles(named);
  const isWhole = paceOf(values, PACES).isThorough && files.length === 0;
  const places = placesFor("bench", isWhole, values);
  checkWritable("out", places.out);
  await install();
  const player = `${ROOT}benches/_play.ts`;
  const runtimes = { Deno: [Deno.execPath(), "run", "-A", "--no-check", player], Bun: [await findBun(), player] };
  const plans = (files.length > 0 ? files : benchFiles()).map((file) => planOf(file, runtimes, values));
  announce(places, isWhole, values.out);
  const steps = plans.reduce((sum, plan) => sum + stepsOf(plan), 0);
  const { quick } = values;
  const total = plans.reduce((sum, { groups }) => sum + groups.length, 0);
  const keeper = new Keeper({ kind: "bench", quick, file: places.out, total, parts: "groups" });
  const measured = await withProgress(steps, async (onStep) => {
    const groups: Group[] = [];
    const versions: Record<string, string> = {};
    // File by file, so that as few programs as possible wait beside the measured one.
    for (const plan of plans) {
      const one = await measure({ ...plan, onStep });
      groups.push(...one.groups);
      Object.assign(versions, one.versions);
      keeper.part({ groups, versions }, groups.length);
    }
    return { groups, versions };
  });
  const run = keeper.whole(measured);
  console.log(`Results: ${places.out}\n\n${multiples(inMarkdown(run))}`);
});

/** The command that plays a file, by runtime. */
type Runtimes = Readonly<Record<"Deno" | "Bun", readonly string[]>>;

function planOf(file: string, runtimes: Runtimes, values: Values): Plan {
  const cases = listed(file, runtimes.Deno);
  const { starts, rounds } = paceOf(values, PACES);
  if (cases.length === 0) throw new UserError(`Cannot run benches: a file must declare some: received '${file}'`);
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
    starts,
    rounds,
    sampleMs: values.quick ? 20 : 60,
    patience: values.quick ? 2_000 : 20_000,
  };
}

/** The cases of a file. It is imported in another program, since benches start their partners at once. */
function listed(file: string, [program, ...args]: readonly string[]): Case[] {
  return JSON.parse(execFileSync(program!, [...args, "--list", file], { cwd: ROOT, encoding: "utf8" }));
}
