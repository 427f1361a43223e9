/**
 * What more workers bring: jobs with 1, 2, … N workers and 2N, where N is the number of cores, by threads and processes of this
 * library and by bare workers, on Deno and Bun.
 *
 *     deno task bench:cores                                  all of it, within 5 minutes on 2 cores
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
import { type Entry, measure, type Measured, type Plan, stepsOf } from "../lib/measure.ts";
import type { PlayerOptions } from "../lib/player.ts";
import { countOption, keepRun, withProgress } from "../lib/program.ts";
import { readRun, type Run } from "../lib/results.ts";
import { toSvg } from "../lib/chart.ts";
import { chartOf } from "./chart.ts";
import { jobNamed, JOBS, sizesOf } from "./plan.ts";
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

const run = values.from === undefined ? await runAll() : readRun(values.from);
console.log(tablesOf(run));
const svg = values.svg ?? (values.from ?? values.out).replace(/(\.json)?$/, ".svg");
await Deno.writeTextFile(svg, await toSvg(chartOf(run)));
console.log(`\nChart: ${svg}`);
// Handles of the players may be there still.
Deno.exit();

async function runAll(): Promise<Run> {
  await install();
  const plan = await planOf();
  const keep = (measured: Measured): Run => keepRun("cores", measured, values.quick, values.out);
  const measured = await withProgress(stepsOf(plan), (onStep) => measure({ ...plan, onStep, onStart: keep }));
  console.log(`Results: ${values.out}\n`);
  return keep(measured);
}

async function planOf(): Promise<Plan> {
  const jobs = values.jobs === undefined ? JOBS : values.jobs.split(",").map(jobNamed);
  const players: Record<string, PlayerOptions> = {};
  const groups: Plan["groups"][number][] = [];
  const entries: Entry[] = [];
  const sizes = sizesOf(navigator.hardwareConcurrency);
  for (const runtime of values.runtime) {
    const { name, command } = await runtimeNamed(runtime);
    for (const kind of ["threads", "processes", "bare"]) {
      players[`${name} ${kind}`] = { command: [...command, kind, sizes.join(",")], cwd: ROOT };
    }
    for (const job of jobs) {
      const group = `${job.title}, ${name}`;
      groups.push({ name: group, unit: "ns", better: "less" });
      for (const { work, contestant, kind, workers, least } of job.works(sizes)) {
        entries.push({
          group,
          name: contestant,
          runtime: name,
          ours: kind !== "bare",
          workers,
          player: `${name} ${kind}`,
          work,
          least,
        });
      }
    }
  }
  const thorough = values.starts !== undefined || values.rounds !== undefined;
  return {
    groups,
    players,
    entries,
    starts: countOption("starts", values.starts) ?? (values.quick ? 1 : 3),
    rounds: countOption("rounds", values.rounds) ?? (values.quick ? 2 : 3),
    sampleMs: values.quick ? 60 : 120,
    patience: values.quick ? 20_000 : 60_000,
    budget: thorough ? undefined : values.quick ? 60_000 : 170_000,
  };
}

async function runtimeNamed(name: string): Promise<{ name: string; command: string[] }> {
  const player = `${ROOT}benches/cores/player.ts`;
  if (name === "deno") return { name: "Deno", command: [Deno.execPath(), "run", "-A", "--no-check", player] };
  if (name === "bun") return { name: "Bun", command: [await findBun(), player] };
  throw new TypeError(`Cannot run benchmarks: --runtime must be 'deno' or 'bun': received '${name}'`);
}
