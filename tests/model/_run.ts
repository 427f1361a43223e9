/**
 * Runs one model or one broken variant.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { type Counterexample, Explorer, type Report } from "./_explorer.ts";
import type { BrokenVariant, Model } from "./model.ts";

const ROOT = new URL("../../", import.meta.url);
const MODELS = "tests/model/models/";
const BROKEN = "tests/model/broken/";

/** Preemptions that every model is explored with in the ordinary run. */
export const ORDINARY_BOUND = 2;
/** In the ordinary run a model goes on with more preemptions while the next bound is expected to take fewer executions. */
const ORDINARY_EXECUTIONS = 40_000;
/** Walks of the ordinary run. */
const ORDINARY_WALKS = 3_000;
/** Walks start here. */
const ORDINARY_SEED = 1;
/** The bounds that are tried, one after the other. */
const BOUNDS = [0, 1, 2, 3, 4, 5, 7, 10, Infinity];

/** How deep to look. */
export interface Depth {
  /** Preemptions at most. */
  readonly bound: number | undefined;
  /** Walks only, from this seed. */
  readonly seed: number | undefined;
  /** For each model. */
  readonly seconds: number | undefined;
}

/** One model, or one broken variant. */
export interface Job {
  readonly kind: "model" | "broken";
  readonly file: string;
  readonly name: string;
}

/** What an exploration with one bound did. */
export interface Explored {
  /** -1: random walks. `Infinity`: no bound was needed. */
  readonly bound: number;
  readonly executions: number;
  readonly steps: number;
  readonly states: number;
  readonly ms: number;
  /** Whether nothing is left to be explored within the bound. */
  readonly exhausted: boolean;
}

/** The result of a job. */
export interface JobResult {
  readonly failed: boolean;
  readonly summary: string;
  readonly explored: readonly Explored[];
  readonly counterexample?: Counterexample & { readonly model: string };
}

type AnyModel = Model<Record<string, object>>;

/** All models in `models/`, with their files. */
export function allModels(): Promise<{ file: string; value: AnyModel }[]> {
  return importAll<AnyModel>(MODELS, "models");
}

/** All broken variants in `broken/`, with their files. */
export function allBroken(): Promise<{ file: string; value: BrokenVariant }[]> {
  return importAll<BrokenVariant>(BROKEN, "variants");
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

/** Runs a job. A job that could not even start has failed. */
export async function run(job: Job, depth: Depth): Promise<JobResult> {
  try {
    return await (job.kind === "model" ? runModel(job, depth) : runBroken(job));
  } catch (error) {
    const summary = error instanceof Error ? error.stack ?? error.message : String(error);
    return { failed: true, summary, explored: [] };
  }
}

async function runModel(job: Job, depth: Depth): Promise<JobResult> {
  const { value: model } = (await allModels()).find(({ value }) => value.name === job.name)!;
  const explorer = await Explorer.load(job.file, model.name, [], model.scale ?? []);
  const result = new Result();
  const seconds = depth.seconds ?? Infinity;
  if (depth.seed === undefined) {
    if (depth.bound !== undefined) result.explore(explorer, depth.bound, 0, seconds);
    else if (depth.seconds !== undefined) result.explore(explorer, 0, Infinity, seconds);
    else result.explore(explorer, model.bound ?? ORDINARY_BOUND, ORDINARY_EXECUTIONS, Infinity);
  }
  if (result.counterexample === undefined && !result.complete) {
    if (depth.seed !== undefined) result.wander(explorer, depth.seed, depth.seconds ?? 10, Infinity);
    else result.wander(explorer, ORDINARY_SEED, depth.seconds === undefined ? Infinity : seconds / 4, ORDINARY_WALKS);
  }
  const { counterexample } = result;
  return {
    failed: counterexample !== undefined,
    summary: result.summary(),
    explored: result.explored,
    counterexample: counterexample === undefined ? undefined : { ...counterexample, model: model.name },
  };
}

async function runBroken(job: Job): Promise<JobResult> {
  const { value: variant } = (await allBroken()).find(({ value }) => value.name === job.name)!;
  const models = (await allModels()).filter(({ value }) =>
    variant.caughtBy.some((beginning) => value.name.startsWith(beginning))
  );
  if (models.length === 0) {
    throw new Error(`Cannot check a broken variant as there is no model ${variant.caughtBy.join(" or ")}`);
  }
  const explored: Explored[] = [];
  for (const { file, value: model } of models) {
    const explorer = await Explorer.load(file, model.name, variant.patches, model.scale ?? []);
    const result = new Result();
    result.explore(explorer, variant.bound ?? model.bound ?? ORDINARY_BOUND, ORDINARY_EXECUTIONS, Infinity);
    if (result.counterexample === undefined) result.wander(explorer, ORDINARY_SEED, Infinity, 3 * ORDINARY_WALKS);
    explored.push(...result.explored);
    if (result.counterexample?.broke) throw new Error(result.counterexample.message);
    if (result.counterexample !== undefined) {
      const [first] = result.counterexample.message.split("\n");
      const how = result.explored.at(-1)!;
      const found = how.bound < 0 ? `${show(how.executions)} walks` : `preemptions: ${how.bound}`;
      return { failed: false, summary: `caught by "${model.name}" (${found}): ${first}`, explored };
    }
  }
  return { failed: true, summary: `not caught by ${models.map(({ value }) => value.name).join(", ")}`, explored };
}

class Result {
  readonly explored: Explored[] = [];
  counterexample: Counterexample | undefined;
  /** Every order of steps was explored. */
  complete = false;

  /** Bounds from 0 up, so that a failure is found in its simplest form. */
  explore(explorer: Explorer, highest: number, executions: number, seconds: number): void {
    const started = performance.now();
    let last = 0;
    let next = 0;
    for (const bound of BOUNDS) {
      if (bound > highest && next >= executions) return;
      const left = seconds - (performance.now() - started) / 1_000;
      if (left <= 0) return;
      const report = explorer.explore(bound, left);
      // The number grows by about the same factor each time.
      next = report.executions * report.executions / (last || 1);
      last = report.executions;
      this.complete = report.exhausted && !report.limited;
      this.#add(this.complete ? Infinity : bound, report);
      if (report.counterexample !== undefined || !report.exhausted || this.complete) return;
    }
  }

  wander(explorer: Explorer, seed: number, seconds: number, walks: number): void {
    this.#add(-1, explorer.wander(seed, seconds, walks));
  }

  #add(bound: number, report: Report): void {
    const { executions, steps, states, ms, exhausted } = report;
    this.explored.push({ bound, executions, steps, states, ms, exhausted });
    this.counterexample ??= report.counterexample;
  }

  summary(): string {
    const searches = this.explored.filter(({ bound }) => bound >= 0);
    const walks = this.explored.filter(({ bound }) => bound < 0);
    const parts: string[] = [];
    if (searches.length > 0) {
      const last = searches.at(-1)!;
      const done = searches.filter(({ exhausted }) => exhausted).at(-1);
      const executions = searches.reduce((sum, each) => sum + each.executions, 0);
      const states = Math.max(...searches.map((each) => each.states));
      let reached = "none complete";
      if (this.counterexample !== undefined && walks.length === 0) reached = `fails with ${last.bound} preemptions`;
      else if (this.complete) reached = "every order of steps";
      else if (done !== undefined) reached = `all with up to ${done.bound} preemptions`;
      parts.push(`${reached}, ${show(executions)} executions, ${show(states)} states`);
    }
    for (const walk of walks) parts.push(`${show(walk.executions)} walks`);
    return parts.join("; ");
  }
}

/** A number with separators. */
export function show(number: number): string {
  return Math.round(number).toLocaleString("en");
}
