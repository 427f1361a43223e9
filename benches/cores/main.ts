/**
 * What more workers bring: jobs with 1, 2, … N workers and 2N, where N is the number of cores, by threads and processes of this
 * library and by bare workers, on Deno and Bun.
 *
 *     deno task bench:cores                                  all of it, within 5 minutes on 2 cores, longer on more
 *     deno task bench:cores --quick                          a look: fewer and shorter samples
 *     deno task bench:cores --runtime=bun --jobs=cpu,lock    some of it
 *     deno task bench:cores --starts=5 --rounds=4            more thoroughly; there is no time limit then
 *     deno task bench:cores --out=FILE.json --svg=FILE.svg   where the results and the chart go
 *     deno task bench:cores --from=FILE.json                 the tables and the chart of results that are there
 *
 * The machine should have nothing else to do: samples that other programs disturbed are taken again, and after some
 * minutes of that the figures say how busy it was.
 */

import { parseArgs } from "node:util";
import { findBun, install, ROOT } from "../../tools/_install.ts";
import type { Entry, Plan } from "../lib/measure.ts";
import type { PlayerOptions } from "../lib/player.ts";
import { countOption, keepRun, withProgress } from "../lib/program.ts";
import { readRun, writeRun } from "../lib/results.ts";
import { toSvg } from "../lib/chart.ts";
import { chartOf } from "./chart.ts";
import { type MeasuredPieces, measurePieces, type Pieces, stepsOfPieces } from "./pieces.ts";
import { type CoresRun, jobNamed, JOBS, sizesOf } from "./plan.ts";
import { tablesOf } from "./tables.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    runtime: { type: "string", multiple: true, default: ["deno", "bun"] },
    jobs: { type: "string" },
    starts: { type: "string" },
    rounds: { type: "string" },
    out: { type: "string", default: "benches/results/cores.json" },
    svg: { type: "string" },
    from: { type: "string" },
  },
});

/** Milliseconds for each figure, in all starts together: those of two cores are done within five minutes. */
const BUDGET = 2_650;

const run: CoresRun = values.from === undefined ? await runAll() : readRun(values.from);
console.log(tablesOf(run));
const svg = values.svg ?? (values.from ?? values.out).replace(/(\.json)?$/, ".svg");
await Deno.writeTextFile(svg, await toSvg(chartOf(run)));
console.log(`\nChart: ${svg}`);
// Handles of the players may be there still.
Deno.exit();

async function runAll(): Promise<CoresRun> {
  await install();
  const plan = await planOf();
  const keep = ({ note, ...measured }: MeasuredPieces): CoresRun => {
    const run: CoresRun = { ...keepRun("cores", measured, values.quick, values.out), note };
    if (note !== undefined) writeRun(values.out, run);
    return run;
  };
  let run: CoresRun | undefined;
  await withProgress(stepsOfPieces(plan), async (onStep) => {
    const measured = await measurePieces({ ...plan, onStep, onStart: keep });
    run = keep(measured);
    return measured;
  });
  console.log(`Results: ${values.out}\n`);
  return run!;
}

async function planOf(): Promise<Pieces> {
  const jobs = values.jobs === undefined ? JOBS : values.jobs.split(",").map(jobNamed);
  const cores = navigator.hardwareConcurrency;
  const sizes = sizesOf(cores);
  const players: Record<string, PlayerOptions> = {};
  const groups: Plan["groups"][number][] = [];
  const pieces: Entry[][] = [];
  for (const runtime of values.runtime) {
    const { name, command } = await runtimeNamed(runtime);
    const piecesBySize = new Map<number, Entry[]>(sizes.map((size) => [size, []]));
    for (const job of jobs) {
      const group = `${job.title} (${name})`;
      groups.push({ name: group, unit: "ns", better: "less" });
      for (const { work, contestant, kind, workers, least } of job.works(sizes)) {
        const player = `${name} ${kind} ${workers}`;
        players[player] = { command: [...command, kind, String(workers)], cwd: ROOT };
        // Without workers it is beside what is compared with it most: a worker for each core.
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
  const thorough = values.starts !== undefined || values.rounds !== undefined;
  const quick = values.quick;
  return {
    groups,
    players,
    pieces,
    starts: countOption("starts", values.starts) ?? (quick ? 1 : 3),
    rounds: countOption("rounds", values.rounds) ?? 2,
    sampleMs: quick ? 60 : 100,
    patience: quick ? 20_000 : 30_000,
    budget: thorough ? undefined : pieces.flat().length * BUDGET,
  };
}

async function runtimeNamed(name: string): Promise<{ name: string; command: string[] }> {
  const player = `${ROOT}benches/cores/player.ts`;
  if (name === "deno") return { name: "Deno", command: [Deno.execPath(), "run", "-A", "--no-check", player] };
  if (name === "bun") return { name: "Bun", command: [await findBun(), player] };
  throw new TypeError(`Cannot run benchmarks: --runtime must be 'deno' or 'bun': received '${name}'`);
}
