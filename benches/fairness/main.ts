/**
 * How fairly a lock is shared by threads that want it all the time: `deno task bench:fairness --help` explains its options.
 */

import process from "node:process";
import { findBun, install, ROOT } from "../../tools/_install.ts";
import { makeBusy } from "../../tools/_busy.ts";
import { run } from "../../tools/_run.ts";
import { type Given, runCommand } from "../lib/command.ts";
import { Keeper } from "../lib/keeper.ts";
import { isDisturbed, loadBetween, LoadMeter } from "../lib/load.ts";
import { versionOf } from "../lib/machine.ts";
import { paceOf, paceOptions } from "../lib/pace.ts";
import { announce, measuredOrRead, type Places, placesFor, withProgress } from "../lib/program.ts";
import type { Contestant, Group, Run, Sample } from "../lib/results.ts";
import { COUNTS, groupOf, type LOCKS, type Outcome, SECTIONS, type Setting, SETTINGS, titleOf } from "./plan.ts";
import { tablesOf } from "./tables.ts";

const PACES = { usual: { starts: 3, rounds: 1 }, quick: { starts: 1, rounds: 1 } } as const;
/** Milliseconds that the threads of a sample have. */
const SAMPLE_MS = { usual: 1_000, quick: 50 } as const;
/** Milliseconds that a quiet machine is waited for before a sample. */
const PATIENCE = { usual: 2_000, quick: 100 } as const;
/** Milliseconds that a player may take in addition. */
const LIMIT_MS = 30_000;

const COMMAND = {
  task: "bench:fairness",
  about:
    "How a lock is shared by threads that want it all the time: on Deno, on Bun and in CPython. It takes 5 minutes.",
  options: {
    quick: { type: "boolean", about: "a look: shorter samples, 2 threads" },
    starts: paceOptions(PACES).starts,
    out: {
      type: "string",
      value: "FILE.json",
      about: "where the samples go. Default: benches/results/fairness.json; out/fairness.json of a quick run",
    },
    from: { type: "string", value: "FILE.json", about: "measures nothing: the tables of these samples" },
  },
  examples: [
    ["--quick", "a look"],
    ["--from=benches/results/fairness.json", "the tables of a run that is kept"],
  ],
  exitCodes: {},
} as const;

type Values = Given<typeof COMMAND.options>["values"];

/** A lock on a runtime, and the command that measures it. */
interface Player {
  readonly name: keyof typeof LOCKS;
  readonly runtime: string;
  readonly command: readonly string[];
}

await runCommand(COMMAND, async ({ values }) => {
  const isWhole = paceOf(values, PACES).isThorough;
  const places = placesFor("fairness", isWhole, values);
  console.log(tablesOf(await measuredOrRead("fairness", places, values.from, () => runAll(values, places, isWhole))));
});

async function runAll(values: Values, places: Places, isWhole: boolean): Promise<Run> {
  await install();
  announce(places, isWhole, values.out);
  const { quick } = values;
  const settings = SETTINGS.filter(({ threads }) => !quick || threads === 2);
  const { starts } = paceOf(values, PACES);
  const ms = quick ? SAMPLE_MS.quick : SAMPLE_MS.usual;
  const patience = quick ? PATIENCE.quick : PATIENCE.usual;
  const players = await playersOf();
  const meter = new LoadMeter();
  const keeper = new Keeper({ kind: "fairness", quick, file: places.out, total: settings.length, parts: "settings" });
  const measured = await withProgress(settings.length * starts * players.length, async (onStep) => {
    const groups: Group[] = [];
    const versions: Record<string, string> = {};
    for (const [i, setting] of settings.entries()) {
      const samples = new Map<Player, Taken[]>(players.map((player) => [player, []]));
      const stop = setting.machine === "busy" ? makeBusy() : () => {};
      try {
        // The players take turns, so that what the machine does meanwhile meets all of them.
        for (let start = 0; start < starts; start++) {
          for (const player of players) {
            if (setting.machine === "idle") await meter.quiet(patience);
            const taken = await take(player, setting, ms, start, meter);
            samples.get(player)!.push(taken);
            versions[player.runtime] = taken.version;
            onStep(`${titleOf(setting)}: ${player.name}, ${player.runtime}`);
          }
        }
      } finally {
        stop();
      }
      groups.push(...groupsOf(setting, samples));
      keeper.part({ groups, versions }, i + 1);
    }
    return { groups, versions };
  });
  const whole = keeper.whole(measured);
  console.log(`Results: ${places.out}\n`);
  return whole;
}

async function playersOf(): Promise<Player[]> {
  const player = `${ROOT}benches/fairness/player.ts`;
  const runtimes = { Deno: [Deno.execPath(), "run", "-A", "--no-check", player], Bun: [await findBun(), player] };
  const players = Object.entries(runtimes).flatMap(([runtime, command]) =>
    (["Lock", "mutex of three states"] as const).map((name): Player => ({ name, runtime, command: [...command, name] }))
  );
  if (versionOf("python3", "--version") === undefined) return players;
  const command = ["python3", `${ROOT}benches/fairness/player.py`];
  return [...players, { name: "threading.Lock", runtime: "CPython", command }];
}

/** The samples of one start, by count. */
type Taken = Record<keyof typeof COUNTS, Sample> & {
  readonly version: string;
  readonly isDisturbed: boolean;
};

async function take(
  player: Player,
  setting: Setting,
  ms: number,
  start: number,
  meter: LoadMeter,
): Promise<Taken> {
  const { micros } = SECTIONS[setting.section];
  const command = [...player.command, String(setting.threads), String(micros), String(ms)];
  const before = meter.read(process.pid);
  const { code, output } = await run(command, { cwd: ROOT, limit: ms + LIMIT_MS });
  if (code !== 0) throw new Error(`Cannot measure fairness: ${command.join(" ")} ended with code ${code}: ${output}`);
  const outcome: Outcome = JSON.parse(output.trimEnd().split("\n").at(-1)!);
  const total = outcome.turns.reduce((sum, turns) => sum + turns, 0);
  const load = loadBetween(before, meter.read(process.pid), meter.processors);
  const common = {
    othersShare: load.othersShare === undefined ? undefined : Number(load.othersShare.toFixed(3)),
    start,
  };
  return {
    isDisturbed: isDisturbed(load, meter.processors) === true,
    version: outcome.version,
    time: { value: outcome.ms * 1e6 / total, ...common },
    share: { value: 100 * outcome.turns.length * Math.min(...outcome.turns) / total, ...common },
    wait: { value: Math.max(...outcome.gaps), ...common },
  };
}

function groupsOf(setting: Setting, samples: ReadonlyMap<Player, readonly Taken[]>): Group[] {
  return (Object.keys(COUNTS) as (keyof typeof COUNTS)[]).map((count): Group => ({
    name: groupOf(setting, count),
    unit: COUNTS[count].unit,
    better: COUNTS[count].better,
    contestants: [...samples].map(([{ name, runtime }, taken]): Contestant => ({
      name,
      runtime,
      ours: name === "Lock",
      samples: taken.map((each) => each[count]),
      dropped: 0,
      busy: busyOf(taken),
    })),
  }));
}

/** What others used at most in samples that they disturbed. */
function busyOf(taken: readonly Taken[]): number | undefined {
  const shares = taken.filter((each) => each.isDisturbed).map(({ time }) => time.othersShare ?? 0);
  return shares.length === 0 ? undefined : Math.max(...shares);
}
