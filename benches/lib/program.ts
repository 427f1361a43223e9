/** What the programs that measure have in common: a progress bar, and where their results go. */

import { ROOT } from "../../tools/_install.ts";
import type { Measured } from "./measure.ts";
import { checkWritable, fromCaller } from "./paths.ts";
import { Progress } from "./progress.ts";
import { readFigures, type Run } from "./results.ts";

/** Measures with a progress bar. `onStep` gets what was done, and how many steps that was. */
export async function withProgress<M extends Measured>(
  steps: number,
  run: (onStep: (done: string, steps?: number) => void) => Promise<M>,
): Promise<M> {
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

/** Where a program writes its results. */
export interface Places {
  /** The JSON. */
  readonly out: string;
  /** The charts, without what sets one apart from the others and without `.svg`. */
  readonly charts: string;
}

/**
 * Where results and charts go. The results of a whole run go to the kept results, those of a short or partial run to a
 * folder that git ignores, so that a short run does not overwrite what later code is compared with. Charts go beside results
 * that the caller named.
 */
export function placesFor(
  kind: Run["kind"],
  isWhole: boolean,
  { out, svg, from }: { readonly out?: string; readonly svg?: string; readonly from?: string },
): Places {
  const named = svg?.replace(/\.svg$/, "") ?? (from ?? out)?.replace(/\.json$/, "");
  return {
    out: out === undefined ? `${ROOT}${isWhole ? "benches/results" : "out"}/${kind}.json` : fromCaller(out),
    charts: named === undefined ? `${ROOT}out/${kind}` : fromCaller(named),
  };
}

/** The run of these results: measured, or the one in the file that the caller named with `--from`. */
export function measuredOrRead(
  kind: Run["kind"],
  { out }: Places,
  from: string | undefined,
  measure: () => Promise<Run>,
): Run | Promise<Run> {
  if (from !== undefined) return readFigures(fromCaller(from), kind);
  checkWritable("out", out);
  return measure();
}

/** Prints before a run where its results will be. */
export function announce({ out }: Places, isWhole: boolean, given: string | undefined): void {
  const why = isWhole || given !== undefined
    ? ""
    : " (a short run, or a part of one: benches/results/ keeps whole runs)";
  console.error(`Results go to ${out}${why}`);
}
