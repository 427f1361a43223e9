/** Prints what changed between two results beyond the noise. `deno task bench:compare --help` explains its options. */

import { runCommand } from "./lib/command.ts";
import { type Compared, compareRuns, type Comparison, LEAST_STARTS, SMALLEST } from "./lib/compare.ts";
import { describeMachine } from "./lib/machine.ts";
import { inMarkdown } from "./lib/markdown.ts";
import { sentences } from "./lib/notes.ts";
import { GONE } from "./lib/pairs.ts";
import { fromCaller } from "./lib/paths.ts";
import { busyNoteOf, readRun, type Run, stoppedNoteOf } from "./lib/results.ts";
import { formatChange, formatDifference, formatPart, formatValue, table } from "./lib/table.ts";
import { UserError } from "./lib/user_error.ts";

const COMMAND = {
  task: "bench:compare",
  about:
    "What changed between two results of one program beyond the noise. What is not of this library tells what the machine\n" +
    `did. Each figure must be from ${LEAST_STARTS} starts or more in both (--starts=${LEAST_STARTS}), on a machine that had nothing else to do.`,
  files: "OLD.json NEW.json",
  options: { all: { type: "boolean", about: "shows also what did not change, and what cannot be told" } },
  examples: [["benches/results/peers.json new.json", "what has changed since the results that are kept"]],
  exitCodes: {
    0: "nothing of this library is worse, and all of it could be judged",
    1: "something of this library is worse, hangs or fails, or is not in the new results",
    3: "nothing of this library is worse as far as it can be told, which it cannot of all its figures",
  },
} as const;

await runCommand(COMMAND, ({ values: { all }, files }) => {
  const [before, after] = readBoth(files);
  const compared = compareRuns(before, after);
  console.log(headOf(before, after, compared.machine));
  console.log(`\n${summaryOf(compared)}\n`);
  console.log(tablesOf(compared, all));
  const { comparisons, failed, omitted } = compared;
  if (comparisons.length === 0 && failed.every(({ note }) => note === GONE)) {
    throw new UserError(
      "Cannot compare: both files must have figures of the same contestants: received none that can be compared",
    );
  }
  if (comparisons.some(({ verdict, ours }) => ours && verdict === "worse") || failed.some(({ ours }) => ours)) return 1;
  const unknown = comparisons.filter(({ verdict }) => verdict === "unknown");
  return [...unknown, ...omitted].some(({ ours }) => ours) || comparisons.length === 0 ? 3 : 0;
});

/** The old run and the new one. */
function readBoth(files: readonly string[]): [before: Run, after: Run] {
  if (files.length !== 2) {
    throw new UserError(
      `Cannot compare: there must be two files of results, the old and the new: received ${files.length}`,
    );
  }
  const [before, after] = files.map((file) => readRun(fromCaller(file))) as [Run, Run];
  if (before.kind !== after.kind) {
    throw new UserError(`Cannot compare: both must be of one kind: received '${before.kind}' and '${after.kind}'`);
  }
  return [inMarkdown(before), inMarkdown(after)];
}

/** Which runs these are, and what limits the comparison. */
function headOf(before: Run, after: Run, machine: number): string {
  const lines: string[] = [];
  for (const [title, run] of [["Old", before], ["New", after]] as const) {
    lines.push(sentences([
      `${title}: ${run.date.slice(0, 16)}, ${describeMachine(run.machine)}, \`${run.command}\``,
      run.quick ? "A quick run, which shows large changes only" : "",
      stoppedNoteOf(run),
      busyNoteOf(run),
    ]));
  }
  if (before.machine.processor !== after.machine.processor || before.machine.cores !== after.machine.cores) {
    lines.push("The machines differ: the figures say little about the code.");
  }
  if (machine !== 1) lines.push(`What is not ours takes ${formatChange(machine)}; that is taken off the changes.`);
  return lines.join("\n");
}

/** How many figures changed, how many could be judged, and how many could not, and why. */
function summaryOf({ comparisons, failed, omitted }: Compared): string {
  const judged = comparisons.filter(({ verdict }) => verdict !== "unknown");
  const changed = judged.filter(({ verdict }) => verdict !== "same").length;
  const gone = failed.filter(({ note }) => note === GONE).length;
  const reasons = Map.groupBy([
    ...comparisons.flatMap(({ why }) => why === undefined ? [] : [`cannot tell: ${why}`]),
    ...omitted.map(({ why }) => `not compared: ${why}`),
  ], (why) => why);
  return [
    judged.length === 0
      ? "Cannot tell whether anything changed"
      : `${judged.length} judged, ${changed} changed by ${formatPart(SMALLEST)} or more`,
    ...[...reasons].map(([why, all]) => `${all.length} ${why}`),
    ...(failed.length === gone ? [] : [`${failed.length - gone} hang or fail now`]),
    ...(gone === 0 ? [] : [`${gone} of this library: ${GONE}`]),
  ].join("\n");
}

/** What changed and what fails now. With `all`, everything else, too. */
function tablesOf({ comparisons, failed, omitted }: Compared, all: boolean): string {
  const shown = comparisons.filter(({ verdict }) => all || verdict === "worse" || verdict === "better");
  const sorted = shown.toSorted((a, b) => b.ratio - a.ratio);
  const others = [
    ...failed.map(({ label, ours, note }) => [label, note, ours ? "failed" : "failed, not ours"]),
    ...(all ? omitted.map(({ label, why }) => [label, why, "not compared"]) : []),
  ];
  return [
    ...(sorted.length === 0 ? [] : [table(["", "Old", "New", "Change", "By chance", "Verdict"], sorted.map(rowOf))]),
    ...(others.length === 0 ? [] : [table(["", "What is known", "Verdict"], others)]),
    ...(all || shown.length === comparisons.length && omitted.length === 0 ? [] : ["All figures: --all"]),
  ].join("\n\n");
}

function rowOf(comparison: Comparison): string[] {
  const { group, label, ours, unit, before, after, ratio, isTiny, probability, verdict, why } = comparison;
  const told = { same: "same", unknown: `cannot tell: ${why}`, worse: "worse", better: "better" }[verdict];
  return [
    `${group}: ${label}`,
    formatValue(before, unit),
    formatValue(after, unit),
    isTiny ? formatDifference(after - before, unit) : formatChange(ratio),
    verdict === "unknown" ? "" : probability < 0.001 ? "< 0.001" : probability.toFixed(3),
    ours || verdict === "same" || verdict === "unknown" ? told : `${told}, not ours`,
  ];
}
