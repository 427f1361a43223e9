/**
 * What more workers bring: jobs with 1, 2, … N workers and 2N, where N is the number of cores, by threads and processes of this
 * library and by bare workers, on Deno and Bun. `deno task bench:cores --help` explains its options.
 *
 * The machine should have nothing else to do: samples that other programs disturbed are taken again, and after some
 * minutes of that the figures say how busy it was.
 */

import { writeFileSync } from "node:fs";
import { findBun, install, ROOT } from "../../tools/_install.ts";
import { toSvg } from "../lib/chart.ts";
import { type Given, namesOption, runCommand } from "../lib/command.ts";
import { Keeper } from "../lib/keeper.ts";
import type { Entry, Plan } from "../lib/measure.ts";
import { paceOf, paceOptions } from "../lib/pace.ts";
import { checkWritable, fromCaller } from "../lib/paths.ts";
import type { PlayerOptions } from "../lib/player.ts";
import { announce, type Places, placesFor, withProgress } from "../lib/program.ts";
import { readFigures } from "../lib/results.ts";
import { table } from "../lib/table.ts";
import { chartOf } from "./chart.ts";
import { measurePieces, partsOfPieces, type Pieces, stepsOfPieces } from "./pieces.ts";
import { ABOUT, type CoresRun, groupName, JOBS, jobsNamed, sizesOf } from "./plan.ts";
import { tablesOf } from "./tables.ts";

const PACES = { usual: { starts: 3, rounds: 2 }, quick: { starts: 1, rounds: 2 } } as const;
/** Milliseconds for each figure, in all starts together: those of two cores are done within five minutes. */
const BUDGET = 2_650;
const RUNTIMES = ["deno", "bun"] as const;

const COMMAND = {
  task: "bench:cores",
  about: "Jobs with 1, 2, … workers, as many as there are cores and twice as many, by threads and processes of this\n" +
    "library and by bare workers. All of it takes 5 minutes on 2 cores, longer on more.",
  options: {
    quick: { type: "boolean", about: "a look: fewer and shorter samples" },
    runtime: { type: "string", value: "NAMES", default: RUNTIMES.join(","), about: "on which runtimes" },
    jobs: { type: "string", value: "NAMES", about: "some of the jobs. Default: all" },
    list: { type: "boolean", about: "tells the names of the jobs, and what they and the contestants are" },
    ...paceOptions(PACES, ", without a time limit"),
    out: {
      type: "string",
      value: "FILE.json",
      about: "where the samples go. Default: benches/results/cores.json; out/cores.json of a quick run or a part",
    },
    svg: { type: "string", value: "FILE.svg", about: "where the chart goes. Default: as FILE.json, or out/cores.svg" },
    from: { type: "string", value: "FILE.json", about: "measures nothing: the tables and the chart of these samples" },
  },
  examples: [
    ["--quick", "a look"],
    ["--runtime=bun --jobs=cpu,lock", "two jobs on Bun"],
    ["--starts=5 --rounds=4", "more thoroughly"],
    ["--from=benches/results/cores.json", "the tables and the chart of a run that is kept"],
  ],
  exitCodes: {},
} as const;

type Values = Given<typeof COMMAND.options>["values"];

await runCommand(COMMAND, async ({ values }) => {
  if (values.list) return console.log(listed());
  const isWhole = paceOf(values, PACES).isThorough && values.jobs === undefined &&
    values.runtime === COMMAND.options.runtime.default;
  const places = placesFor("cores", isWhole, values);
  if (values.from === undefined) checkWritable("out", places.out);
  checkWritable("svg", `${places.charts}.svg`);
  const run: CoresRun = values.from === undefined
    ? await runAll(values, places, isWhole)
    : readFigures(fromCaller(values.from), "cores");
  console.log(tablesOf(run));
  writeFileSync(`${places.charts}.svg`, await toSvg(chartOf(run)));
  console.log(`\nChart: ${places.charts}.svg`);
});

/** The names of the jobs, and what they and the contestants are. */
function listed(): string {
  return [
    table(["--jobs", "Title", "What is done"], JOBS.map(({ name, title, about }) => [name, title, about]), 3),
    table(["Contestant", "What it is"], Object.entries(ABOUT), 2),
  ].join("\n\n");
}

async function runAll(values: Values, places: Places, isWhole: boolean): Promise<CoresRun> {
  await install();
  const plan = await planOf(values);
  announce(places, isWhole, values.out);
  const { quick } = values;
  const { out } = places;
  const keeper = new Keeper({ kind: "cores", quick, file: out, total: partsOfPieces(plan), parts: "pieces" });
  const measured = await withProgress(stepsOfPieces(plan), (onStep) => {
    return measurePieces({ ...plan, onStep, onPiece: (soFar, done) => keeper.part(soFar, done) });
  });
  const run = keeper.whole(measured);
  console.log(`Results: ${out}\n`);
  return run;
}

async function planOf(values: Values): Promise<Pieces> {
  const jobs = jobsNamed(values.jobs);
  const cores = navigator.hardwareConcurrency;
  const sizes = sizesOf(cores);
  const players: Record<string, PlayerOptions> = {};
  const groups: Plan["groups"][number][] = [];
  const pieces: Entry[][] = [];
  for (const runtime of namesOption("runtime", values.runtime, RUNTIMES) ?? RUNTIMES) {
    const { name, command } = await runtimeNamed(runtime);
    const piecesBySize = new Map<number, Entry[]>(sizes.map((size) => [size, []]));
    for (const job of jobs) {
      const group = groupName(job, name);
      groups.push({ name: group, unit: "ns", better: "less" });
      for (const { work, contestant, kind, workers, least } of job.works(sizes)) {
        const player = `${name} ${kind} ${workers}`;
        players[player] = { command: [...command, kind, String(workers)], cwd: ROOT };
        // The job without workers is beside its most important comparison: a worker for each core.
        piecesBySize.get(workers === 0 ? cores : workers)!.push({
          group,
          name: contestant,
          runtime: name,
          ours: kind !== "bare",
          workers: workers === 0 ? undefined : workers,
          player,
          work,
          least,
        });
      }
    }
    pieces.push(...[...piecesBySize.values()].filter((entries) => entries.length > 0));
  }
  const isTimed = values.starts === undefined && values.rounds === undefined;
  const { quick } = values;
  const { starts, rounds } = paceOf(values, PACES);
  return {
    groups,
    players,
    pieces,
    starts,
    rounds,
    sampleMs: quick ? 60 : 100,
    patience: quick ? 20_000 : 30_000,
    budget: isTimed ? pieces.flat().length * BUDGET : undefined,
  };
}

async function runtimeNamed(name: typeof RUNTIMES[number]): Promise<{ name: string; command: string[] }> {
  const player = `${ROOT}benches/cores/player.ts`;
  if (name === "deno") return { name: "Deno", command: [Deno.execPath(), "run", "-A", "--no-check", player] };
  return { name: "Bun", command: [await findBun(), player] };
}
