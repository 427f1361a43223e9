/** What the programs of benchmarks have in common: options that count, a progress bar, and results that are kept. */

import { thisMachine } from "./machine.ts";
import type { Measured } from "./measure.ts";
import { Progress } from "./progress.ts";
import { type Run, SCHEMA, writeRun } from "./results.ts";

/** Reads an option that is a whole number of 1 or more; `undefined` where it is not given. */
export function countOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) {
    throw new RangeError(`Cannot run benchmarks: --${name} must be a whole number of 1 or more: received '${text}'`);
  }
  return Number(text);
}

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

/**
 * Writes the results to a file, as those of this program of today on this machine. What there is of them so far may be kept
 * before, so that a run that is broken off leaves something.
 */
export function keepRun(kind: Run["kind"], { groups, versions, notes }: Measured, quick: boolean, file: string): Run {
  const task = kind === "bench" ? "bench:record" : `bench:${kind}`;
  const run: Run = {
    schema: SCHEMA,
    kind,
    machine: thisMachine(versions),
    date: new Date().toISOString(),
    command: [`deno task ${task}`, ...Deno.args].join(" "),
    quick,
    notes,
    groups,
  };
  writeRun(file, run);
  return run;
}
