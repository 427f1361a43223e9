/**
 * What changed between two runs of benchmarks beyond the noise.
 *
 *     deno task bench:compare old.json new.json          what changed; the exit code is 1 if something of ours became worse
 *                                                        or fails now, 2 if they cannot be compared
 *     deno task bench:compare old.json new.json --all    every figure, changed or not
 *
 * How it is told from noise is written in lib/compare.ts. Nothing is told by fewer than 3 starts, and to see 15 % takes
 * `--starts=8` of the benchmarks, or 5 where few things are compared.
 */

import { parseArgs } from "node:util";
import { compareRuns, type Comparison, SMALLEST } from "./lib/compare.ts";
import { describeMachine } from "./lib/machine.ts";
import { busyNoteOf, readRun, type Run } from "./lib/results.ts";
import { formatChange, formatPart, formatValue, table } from "./lib/table.ts";

const { values, positionals } = parseArgs({
  options: { all: { type: "boolean", default: false } },
  allowPositionals: true,
});
const [before, after] = readBoth();

const { comparisons, failed, machine, missing, busy } = compareRuns(before, after);
for (const [title, run] of [["Old", before], ["New", after]] as const) {
  console.log(`${title}: ${run.date.slice(0, 16)}, ${describeMachine(run.machine)}, \`${run.command}\``);
}
if (before.machine.processor !== after.machine.processor || before.machine.cores !== after.machine.cores) {
  console.log("The machines differ: the figures say little about the code.");
}
if (before.quick || after.quick) console.log("A quick run is among them: it shows large changes only.");
for (const run of [before, after]) {
  const busy = busyNoteOf(run);
  if (busy !== undefined) console.log(`${run === before ? "Old" : "New"}: ${busy}`);
}
if (machine !== 1) {
  console.log(`What is not ours takes ${formatChange(machine)}; that is taken off the changes.`);
}
if (busy.length > 0) console.log(`${busy.length} not compared, since they were measured on a busy machine`);
if (missing.length > 0) console.log(`Measured in one of the runs only: ${missing.join("; ")}`);

const changed = comparisons.filter(({ verdict }) => verdict !== "same");
const shown = (values.all ? comparisons : changed).toSorted((a, b) => b.ratio - a.ratio);
console.log(`\n${comparisons.length} compared, ${changed.length} changed by ${formatPart(SMALLEST)} or more\n`);
if (shown.length > 0) console.log(table(["", "Old", "New", "Change", "By chance", "Verdict"], shown.map(rowOf)));
if (failed.length > 0) {
  const rows = failed.map(({ label, ours, note }) => [label, note, ours ? "failed" : "failed, not ours"]);
  console.log(`\n${table(["Measured before", "Now", "Verdict"], rows)}`);
}
const isWorse = comparisons.some(({ verdict, ours }) => ours && verdict === "worse");
Deno.exit(isWorse || failed.some(({ ours }) => ours) ? 1 : 0);

function rowOf({ group, label, ours, unit, before, after, ratio, probability, verdict }: Comparison): string[] {
  return [
    `${group}: ${label}`,
    formatValue(before, unit),
    formatValue(after, unit),
    formatChange(ratio),
    probability < 0.001 ? "< 0.001" : probability.toFixed(3),
    verdict === "same" ? "" : ours ? verdict : `${verdict}, not ours`,
  ];
}

/** The old run and the new one. What cannot be compared has an exit code of its own. */
function readBoth(): [before: Run, after: Run] {
  try {
    if (positionals.length !== 2) {
      throw new TypeError(
        `Cannot compare: two files of results are needed, the old and the new: received ${positionals.length}`,
      );
    }
    const [before, after] = positionals.map(readRun) as [Run, Run];
    if (before.kind === after.kind) return [before, after];
    throw new TypeError(`Cannot compare: both must be of one kind: received '${before.kind}' and '${after.kind}'`);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(2);
  }
}
