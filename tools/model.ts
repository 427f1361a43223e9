/**
 * Explores the models of the primitives, and proves on broken variants of them that it would notice.
 *
 *     deno task model                             every model, every broken variant
 *     deno task model --only=Lock                 those with that in their names
 *     deno task model --bound=3 --seconds=600     three preemptions, and up to ten minutes a model
 *     deno task model --seed=7 --seconds=60       random walks from a seed, a minute a model
 *     deno task model --only="…" --replay=2:0*9.1 one execution, printed
 */

import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Counterexample, Explorer, type Report } from "../tests/model/_explorer.ts";
import type { BrokenVariant, Model } from "../tests/model/model.ts";

const ROOT = new URL("../", import.meta.url);
const MODELS = "tests/model/models/";
const BROKEN = "tests/model/broken/";
/** Walks in the ordinary run start here. */
const SEED = 1;

const { values } = parseArgs({
  options: {
    /** Preemptions at most. Where a model is done with that in time, one more is tried. */
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
    list: { type: "boolean", default: false },
  },
});

const bound = Number(values.bound ?? 2);
const seconds = Number(values.seconds ?? (values.bound === undefined ? 2 : 60));

interface Found {
  readonly file: string;
  readonly model: Model<Record<string, object>>;
}

async function importAll<T>(folder: string, key: string): Promise<{ file: string; value: T }[]> {
  const files = readdirSync(new URL(folder, ROOT)).filter((file) => file.endsWith(".ts")).sort();
  const found: { file: string; value: T }[] = [];
  for (const file of files) {
    const module = await import(new URL(folder + file, ROOT).href);
    for (const value of module[key] as T[]) found.push({ file: folder + file, value });
  }
  return found;
}

const all: Found[] = (await importAll<Model<Record<string, object>>>(MODELS, "models")).map(({ file, value }) => ({
  file,
  model: value,
}));
const broken = (await importAll<BrokenVariant>(BROKEN, "variants")).map(({ value }) => value);
const chosen = all.filter(({ model }) => model.name.includes(values.only));
const chosenBroken = broken.filter((variant) => variant.name.includes(values.only));

const total = { passed: 0, failed: 0, executions: 0, steps: 0, ms: 0 };

function sum(report: Report): void {
  total.executions += report.executions;
  total.steps += report.steps;
  total.ms += report.ms;
}

function show(number: number): string {
  return Math.round(number).toLocaleString("en");
}

function print(model: string, { message, schedule, trace }: Counterexample): void {
  console.log(`     | ${message.replaceAll("\n", "\n     | ")}`);
  console.log(trace.replace(/^/gm, "     | "));
  console.log(`     | deno task model --only=${JSON.stringify(model)} --replay=${schedule}\n`);
}

interface Result {
  readonly counterexample: Counterexample | undefined;
  readonly summary: string;
}

/** Bounds from none up, so that what is found is found in its simplest form. */
function explore(explorer: Explorer, highest: number, seconds: number, beyond: boolean): Result {
  const started = performance.now();
  const left = (): number => seconds - (performance.now() - started) / 1_000;
  let done = -1;
  let executions = 0;
  let states = 0;
  for (let bound = 0; bound <= highest || (beyond && left() > 0 && bound < 20); bound++) {
    const report = explorer.explore(
      bound,
      bound <= highest ? Math.max(left(), values.seconds === undefined ? 30 : 0) : left(),
    );
    sum(report);
    executions += report.executions;
    states = Math.max(states, report.states);
    if (report.counterexample !== undefined) {
      return { counterexample: report.counterexample, summary: `preemptions: ${bound}` };
    }
    if (!report.exhausted) break;
    // No more executions than with one less: there is nothing left that more preemptions could reach.
    done = bound;
  }
  const complete = done < 0 ? "none complete" : `all with up to ${done} preemptions`;
  return { counterexample: undefined, summary: `${show(executions)} executions, ${complete}, ${show(states)} states` };
}

function wander(explorer: Explorer, seed: number, seconds: number): Result {
  const report = explorer.wander(seed, seconds);
  sum(report);
  return { counterexample: report.counterexample, summary: `${show(report.executions)} walks from seed ${seed}` };
}

/** What could not even be run has failed. */
async function attempt(
  label: string,
  run: () => Promise<{ failed: boolean; summary: string; after?: () => void }>,
): Promise<void> {
  const started = performance.now();
  let result: { failed: boolean; summary: string; after?: () => void };
  try {
    result = await run();
  } catch (error) {
    result = { failed: true, summary: error instanceof Error ? error.stack ?? error.message : String(error) };
  }
  const { failed, summary, after } = result;
  if (failed) total.failed++;
  else total.passed++;
  console.log(
    `${failed ? "FAIL" : "ok  "} ${label}: ${summary} (${((performance.now() - started) / 1_000).toFixed(1)} s)`,
  );
  after?.();
}

if (values.list) {
  for (const { model } of chosen) console.log(model.name);
  for (const variant of chosenBroken) console.log(`broken: ${variant.name}`);
} else if (values.replay !== undefined) {
  const { file, model } = chosen[0];
  const explorer = await Explorer.load(file, model.name, [], model.scale ?? []);
  print(model.name, explorer.replay(values.replay));
} else {
  if (values.broken !== "only") {
    for (const { file, model } of chosen) {
      await attempt(model.name, async () => {
        const explorer = await Explorer.load(file, model.name, [], model.scale ?? []);
        const results: Result[] = [];
        if (values.seed === undefined) {
          results.push(
            explore(
              explorer,
              values.bound === undefined ? model.bound ?? bound : bound,
              seconds,
              values.bound === undefined,
            ),
          );
          if (results[0].counterexample === undefined) results.push(wander(explorer, SEED, seconds / 4));
        } else {
          results.push(wander(explorer, Number(values.seed), seconds));
        }
        const counterexample = results.find((result) => result.counterexample !== undefined)?.counterexample;
        return {
          failed: counterexample !== undefined,
          summary: results.map((result) => result.summary).join("; "),
          after: () => counterexample !== undefined && print(model.name, counterexample),
        };
      });
    }
  }
  if (values.broken !== "no" && values.seed === undefined) {
    for (const variant of chosenBroken) {
      await attempt(`broken: ${variant.name}`, async () => {
        const models = all.filter(({ model }) =>
          variant.caughtBy.some((beginning) => model.name.startsWith(beginning))
        );
        if (models.length === 0) {
          throw new Error(`Cannot check a broken variant as there is no model ${variant.caughtBy.join(" or ")}`);
        }
        for (const { file, model } of models) {
          const explorer = await Explorer.load(file, model.name, variant.patches, model.scale ?? []);
          const highest = variant.bound ?? model.bound ?? 3;
          let result = explore(explorer, highest, 20, false);
          if (result.counterexample === undefined) result = wander(explorer, SEED, 5);
          if (result.counterexample !== undefined) {
            const [first] = result.counterexample.message.split("\n");
            return { failed: false, summary: `caught by "${model.name}" (${result.summary}): ${first}` };
          }
        }
        return { failed: true, summary: `not caught by ${models.map(({ model }) => model.name).join(", ")}` };
      });
    }
  }
  console.log(
    `${show(total.executions)} executions, ${show(total.steps)} steps, ${
      show(total.executions / (total.ms / 1_000))
    } executions a second`,
  );
  console.log(`${total.passed} passed, ${total.failed} failed`);
  if (total.failed > 0) Deno.exit(1);
}
