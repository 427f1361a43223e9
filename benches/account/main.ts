/**
 * Where the nanoseconds of the library's operations go: the pieces that they are made of, measured without the library, and the
 * operations beside them. `deno task bench:account --help` explains its options.
 */

import { findBun, install, ROOT } from "../../tools/_install.ts";
import { type Given, runCommand } from "../lib/command.ts";
import { Keeper } from "../lib/keeper.ts";
import { type Entry, measure, type Plan, stepsOf } from "../lib/measure.ts";
import { versionOf } from "../lib/machine.ts";
import { paceOf, paceOptions } from "../lib/pace.ts";
import type { PlayerOptions } from "../lib/player.ts";
import { announce, measuredOrRead, type Places, placesFor, withProgress } from "../lib/program.ts";
import type { Group, Run } from "../lib/results.ts";
import { floorPlan } from "./floor_entries.ts";
import { isOurs, SECTIONS } from "./plan.ts";
import { tablesOf } from "./tables.ts";

const PACES = { usual: { starts: 2, rounds: 3 }, quick: { starts: 1, rounds: 1 } } as const;
/** Milliseconds that a section may spend on waiting for a quiet machine. */
const PATIENCE = { usual: 2_000, quick: 100 } as const;

const COMMAND = {
  task: "bench:account",
  about:
    "Where the nanoseconds of locks, queues and pipes go: what they are made of, measured without the library, and\n" +
    "their operations beside that, on Deno and on Bun. It takes 3 minutes.",
  options: {
    quick: { type: "boolean", about: "a look: fewer and shorter samples" },
    ...paceOptions(PACES),
    out: {
      type: "string",
      value: "FILE.json",
      about: "where the samples go. Default: benches/results/account.json; out/account.json of a quick run",
    },
    from: { type: "string", value: "FILE.json", about: "measures nothing: the tables of these samples" },
  },
  examples: [
    ["--quick", "a look"],
    ["--starts=5", "more thoroughly"],
    ["--from=benches/results/account.json", "the tables of a run that is kept"],
  ],
  exitCodes: {},
} as const;

type Values = Given<typeof COMMAND.options>["values"];

await runCommand(COMMAND, async ({ values }) => {
  const isWhole = paceOf(values, PACES).isThorough;
  const places = placesFor("account", isWhole, values);
  console.log(tablesOf(await measuredOrRead("account", places, values.from, () => runAll(values, places, isWhole))));
});

async function runAll(values: Values, places: Places, isWhole: boolean): Promise<Run> {
  await install();
  announce(places, isWhole, values.out);
  const plans = await plansOf(values);
  const { quick } = values;
  const keeper = new Keeper({ kind: "account", quick, file: places.out, total: plans.length, parts: "sections" });
  const steps = plans.reduce((sum, plan) => sum + stepsOf(plan), 0);
  const measured = await withProgress(steps, async (onStep) => {
    const groups: Group[] = [];
    const versions: Record<string, string> = {};
    // Section by section, so that as few programs as possible wait beside the measured one.
    for (const [i, plan] of plans.entries()) {
      const one = await measure({ ...plan, onStep });
      for (const group of one.groups) add(groups, group);
      Object.assign(versions, one.versions);
      keeper.part({ groups, versions }, i + 1);
    }
    return { groups, versions };
  });
  const run = keeper.whole(measured);
  console.log(`Results: ${places.out}\n`);
  return run;
}

/** Some groups have several sections. */
function add(groups: Group[], group: Group): void {
  const index = groups.findIndex(({ name }) => name === group.name);
  if (index < 0) groups.push(group);
  else groups[index] = { ...group, contestants: [...groups[index]!.contestants, ...group.contestants] };
}

async function plansOf(values: Values): Promise<Plan[]> {
  const { quick } = values;
  const player = `${ROOT}benches/account/player.ts`;
  const commands = { Deno: [Deno.execPath(), "run", "-A", "--no-check"], Bun: [await findBun()] };
  const { starts, rounds } = paceOf(values, PACES);
  const sections = SECTIONS.map((section): Plan => {
    const players: Record<string, PlayerOptions> = {};
    const entries = Object.entries(commands).flatMap(([runtime, command]) => {
      players[runtime] = { command: [...command, player, section.player], cwd: ROOT };
      return section.rows.map(({ name, n, quickN = n, unwarmed }): Entry => ({
        group: section.group,
        name,
        runtime,
        ours: isOurs(section.group, name),
        player: runtime,
        work: name,
        n: quick ? quickN : n,
        unwarmed,
      }));
    });
    return {
      groups: [{ name: section.group, unit: "ns", better: "less" as const }],
      players,
      entries,
      starts,
      rounds,
      sampleMs: quick ? 10 : 25,
      patience: quick ? PATIENCE.quick : PATIENCE.usual,
    };
  });
  const hasPython = versionOf("python3", "--version") !== undefined;
  const floors: Plan = {
    ...floorPlan(commands, hasPython, quick),
    starts,
    // A sample starts its own threads, and most take a while.
    rounds: Math.min(rounds, 2),
    sampleMs: quick ? 10 : 25,
    patience: quick ? PATIENCE.quick : PATIENCE.usual,
  };
  return [...sections, floors];
}
