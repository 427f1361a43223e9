/**
 * Explores the models of the primitives, and proves on broken variants of them that it would notice.
 *
 *     deno task model                             every model, every broken variant
 *     deno task model --only=Lock                 models with this in their names; several, separated by commas
 *     deno task model --list                      their names
 *     deno task model --bound=3                   up to three preemptions, however long it takes
 *     deno task model --seconds=600               more and more preemptions, for up to ten minutes a model
 *     deno task model --seed=7 --seconds=60       random walks from a seed, a minute a model
 *     deno task model --only="…" --replay=2:0*9.1 one execution, printed
 *     deno task model --markdown                  what was explored, as a table
 *
 * tests/model/README.md explains how it works, and how to write a model.
 */

import { parseArgs } from "node:util";
import { type Counterexample, Explorer } from "../tests/model/_explorer.ts";
import {
  allBroken,
  allModels,
  type Depth,
  type Explored,
  type Job,
  type JobResult,
  show,
} from "../tests/model/_run.ts";

const { values } = parseArgs({
  options: {
    /** Preemptions at most. */
    bound: { type: "string" },
    /** Names that contain this. */
    only: { type: "string", default: "" },
    /** Random walks only, from this seed. */
    seed: { type: "string" },
    /** For each model. */
    seconds: { type: "string" },
    /** A printed schedule. */
    replay: { type: "string" },
    /** Whether the broken variants are run: `no`, or `only` them. */
    broken: { type: "string", default: "yes" },
    /** How many run at a time. Default: one for each core. */
    jobs: { type: "string" },
    list: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});

const wanted = values.only.split(",").map((part) => part.trim());
const isWanted = (name: string): boolean => wanted.some((part) => name.includes(part));
const models = (await allModels()).filter(({ value }) => isWanted(value.name));
const broken = (await allBroken()).filter(({ value }) => isWanted(value.name));

if (values.list) {
  for (const { value } of models) console.log(value.name);
  for (const { value } of broken) console.log(`broken: ${value.name}`);
} else if (values.replay !== undefined) {
  if (models.length !== 1) {
    const names = models.map(({ value }) => value.name).join(", ");
    throw new Error(`Cannot replay as --only must name one model: it names ${names || "none"}`);
  }
  const [{ file, value: model }] = models;
  const explorer = await Explorer.load(file, model.name, [], model.scale ?? []);
  print(model.name, explorer.replay(values.replay));
} else {
  await runAll();
}

function number(name: "bound" | "seed" | "seconds" | "jobs"): number | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (!(Number(value) >= 0)) throw new RangeError(`Cannot explore as --${name} must be 0 or more: received '${value}'`);
  return Number(value);
}

async function runAll(): Promise<void> {
  const depth: Depth = { bound: number("bound"), seed: number("seed"), seconds: number("seconds") };
  const jobs: Job[] = [];
  if (values.broken !== "only") jobs.push(...models.map(({ file, value }) => job("model", file, value.name)));
  if (values.broken !== "no" && values.seed === undefined && !values.markdown) {
    jobs.push(...broken.map(({ file, value }) => job("broken", file, value.name)));
  }
  const started = performance.now();
  const results: (JobResult | undefined)[] = jobs.map(() => undefined);
  let begun = 0;
  let told = 0;
  const tell = (): void => {
    for (let result = results[told]; result !== undefined; result = results[told]) {
      const { kind, name } = jobs[told++];
      const ms = result.explored.reduce((sum, each) => sum + each.ms, 0);
      const label = kind === "model" ? name : `broken: ${name}`;
      if (!values.markdown || result.failed) {
        console.log(`${result.failed ? "FAIL" : "ok  "} ${label}: ${result.summary} (${(ms / 1_000).toFixed(1)} s)`);
      }
      if (result.counterexample !== undefined) print(result.counterexample.model, result.counterexample);
    }
  };
  const workOff = async (): Promise<void> => {
    const worker = new Worker(new URL("../tests/model/_worker.ts", import.meta.url), { type: "module" });
    while (begun < jobs.length) {
      const index = begun++;
      results[index] = await new Promise<JobResult>((resolve) => {
        worker.onmessage = (event) => resolve(event.data);
        worker.onerror = (event) => {
          event.preventDefault();
          resolve({ failed: true, summary: `the worker ended: ${event.message}`, explored: [] });
        };
        worker.postMessage({ job: jobs[index], depth });
      });
      tell();
    }
    worker.terminate();
  };
  const count = Math.max(1, number("jobs") ?? navigator.hardwareConcurrency);
  await Promise.all(Array.from({ length: Math.min(count, jobs.length) }, workOff));
  const all = results.flatMap((result) => result!.explored);
  const sum = (key: "executions" | "steps" | "ms"): number => all.reduce((total, each) => total + each[key], 0);
  const failed = results.filter((result) => result!.failed).length;
  if (values.markdown) {
    console.log(table(jobs, results as JobResult[]));
  } else {
    console.log(
      `${show(sum("executions"))} executions, ${show(sum("steps"))} steps, ${
        show(sum("executions") / (sum("ms") / 1_000))
      } executions a second and core, ${((performance.now() - started) / 1_000).toFixed(0)} s`,
    );
  }
  console.log(`${jobs.length - failed} passed, ${failed} failed`);
  if (failed > 0) Deno.exit(1);
}

function job(kind: Job["kind"], file: string, name: string): Job {
  return { kind, file, name };
}

function print(model: string, { message, schedule, trace, seed }: Counterexample): void {
  console.log(`     | ${message.replaceAll("\n", "\n     | ")}`);
  console.log(trace.replace(/^/gm, "     | "));
  if (seed !== undefined) console.log(`     | deno task model --only=${JSON.stringify(model)} --seed=${seed}`);
  console.log(`     | deno task model --only=${JSON.stringify(model)} --replay=${schedule}\n`);
}

/**
 * One row for each primitive, the part of a model's name before the colon. For each bound the executions, and the number of
 * models that were explored with it, if not all.
 */
function table(jobs: readonly Job[], results: readonly JobResult[]): string {
  const primitives = new Map<string, (readonly Explored[])[]>();
  jobs.forEach(({ name }, index) => {
    const [primitive] = name.split(":");
    primitives.set(primitive, [...primitives.get(primitive) ?? [], results[index].explored]);
  });
  const rows = [...primitives].map(([primitive, models]) => row(`\`${primitive}\``, models));
  if (rows.length > 1) rows.push(row("All", results.map(({ explored }) => explored)));
  return [
    "| | Models | No preemption | Up to 1 | Up to 2 | More | In every order | Random walks | States | Seconds of one core |",
    "| :-- | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ...rows,
  ].join("\n");
}

function row(label: string, models: readonly (readonly Explored[])[]): string {
  // A model with no order left after two preemptions was explored with two, but was not bounded by them.
  const number = (model: readonly Explored[], index: number): Explored | undefined =>
    model.filter(({ bound }) => bound >= 0)[index];
  const bounded = (index: number): string => {
    const explored = models.map((model) => number(model, index)).filter((each) => each !== undefined);
    return cell(explored, models.length);
  };
  const more = models.flatMap((model) => model.filter(({ bound }) => bound >= 0).slice(3));
  const having = models.filter((model) => number(model, 3) !== undefined).length;
  const walks = models.flatMap((model) => model.filter(({ bound }) => bound < 0));
  const all = models.flat();
  const largest = models.map((model) => Math.max(0, ...model.map(({ states }) => states)));
  return `| ${
    [
      label,
      models.length,
      bounded(0),
      bounded(1),
      bounded(2),
      cell(more, models.length, having),
      models.filter((model) => model.some(({ bound }) => bound === Infinity)).length || "",
      cell(walks, models.length),
      show(largest.reduce((sum, states) => sum + states, 0)),
      (all.reduce((sum, { ms }) => sum + ms, 0) / 1_000).toFixed(1),
    ].join(" | ")
  } |`;
}

/** The executions, and the number of models if not all. */
function cell(explored: readonly Explored[], models: number, having = explored.length): string {
  if (having === 0) return "";
  const executions = show(explored.reduce((sum, each) => sum + each.executions, 0));
  return having === models ? executions : `${executions} (${having})`;
}
