/** What the programs that measure have in common: a progress bar, and results that are kept, and where. */

import { relative } from "node:path";
import process from "node:process";
import { ROOT } from "../../tools/_install.ts";
import { thisMachine } from "./machine.ts";
import type { Measured } from "./measure.ts";
import { Progress } from "./progress.ts";
import { type Run, SCHEMA, taskOf, writeRun } from "./results.ts";

/** Measures with a progress bar. `onStep` hears what was done, and how many of the steps that was. */
export async function withProgress(
  steps: number,
  run: (onStep: (done: string, steps?: number) => void) => Promise<Measured>,
): Promise<Measured> {
  const progress = new Progress(steps);
  try {
    return await run((done, count) => {
      progress.doing(done);
      progress.step(count);
    });
  } finally {
    progress.stop();
  }
}

/** Where a program writes its results, from the folder in which it runs. */
export interface Places {
  /** The JSON. */
  readonly out: string;
  /** The charts, without what sets one apart from the others and without `.svg`. */
  readonly charts: string;
}

/**
 * Where results and charts go. The results of a whole run go to those that are kept, those of a short run or a part of one to a
 * folder that git ignores: what later code is compared with is not lost by a look. Charts go beside results that the caller
 * named.
 */
export function placesFor(
  kind: Run["kind"],
  isWhole: boolean,
  { out, svg, from }: { readonly out?: string; readonly svg?: string; readonly from?: string },
): Places {
  const at = (folder: string) => relative(process.cwd(), `${ROOT}${folder}/${kind}`);
  const named = svg?.replace(/\.svg$/, "") ?? (from ?? out)?.replace(/\.json$/, "");
  return { out: out ?? `${at(isWhole ? "benches/results" : "out")}.json`, charts: named ?? at("out") };
}

/** Says before a run where its results will be. */
export function announce({ out }: Places, isWhole: boolean, given: string | undefined): void {
  const why = isWhole || given !== undefined
    ? ""
    : " (a short run, or a part of one: benches/results/ keeps whole runs)";
  console.error(`Results go to ${out}${why}`);
}

/**
 * Writes the results to a file, as those of this program of today on this machine. What there is of them so far may be kept
 * before, so that a run that is broken off leaves something.
 */
export function keepRun(kind: Run["kind"], { groups, versions, notes }: Measured, quick: boolean, file: string): Run {
  const run: Run = {
    schema: SCHEMA,
    kind,
    machine: thisMachine(versions),
    date: new Date().toISOString(),
    command: [`deno task ${taskOf(kind)}`, ...Deno.args].join(" "),
    quick,
    notes,
    groups,
  };
  writeRun(file, run);
  return run;
}
