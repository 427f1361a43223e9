/**
 * What changed between two runs beyond the noise.
 *
 * There are four kinds of noise, and a change must stand out from all of them:
 * - the samples of one start of a program differ: the test of Mann and Whitney looks at all of them;
 * - two starts of one program differ, as memory lies elsewhere and code is compiled at other moments: what counts is the median
 *   of each start. A few starts do not show well how much starts differ, so the usual spread of all contestants counts besides,
 *   as if it had been seen in {@linkcode USUAL_WEIGHT} more starts;
 * - another virtual machine uses the same core of the processor for a while, unseen: atomic operations beside each sample take
 *   longer then. How much a contestant depends on these is learned from the samples within each run, and subtracted;
 * - the machine is not the same at another hour: contestants that are not this library's should be as fast as before. The
 *   difference is subtracted first, and counts as noise.
 *
 * With a hundred comparisons, some stand out by chance: the probabilities are corrected for that (Holm). And a change that is
 * certain but small is no news.
 */

import { type Failure, type Omission, type Pair, pairsOf } from "./pairs.ts";
import { type Group, labelOf, type Run } from "./results.ts";
import { holm, mannWhitney, median, robustDeviation, studentProbability } from "./stats.ts";

/** The smallest change that is reported. */
export const SMALLEST = 0.05;
/** How probable it may be that any of the reported changes is due to chance. */
const CHANCE = 0.02;
/** Starts that a contestant must have in each run: with two in each, equal results by chance are too frequent. */
export const LEAST_STARTS = 3;
/** How many starts the usual spread counts for. */
const USUAL_WEIGHT = 4;
/** The least difference between starts of a program (standard deviation), whatever a few of them seem to show. */
const LEAST_DEVIATION = 0.015;
/** The assumed difference if each run has only one start. */
const UNKNOWN_DEVIATION = 0.04;
/** How many contestants of other origin are needed to judge the machine by them. */
const ENOUGH_OTHERS = 4;

/** The result for a contestant. */
export interface Comparison {
  readonly group: string;
  readonly label: string;
  readonly ours: boolean;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  /** How many times as long as before it takes, without the machine's own change. Above 1 is worse. */
  readonly ratio: number;
  /** Whether one of the figures is next to nothing: the ratio is that of what it is taken for then, and no figure to show. */
  readonly isTiny: boolean;
  /** How probable such a difference is by chance, corrected. */
  readonly probability: number;
  readonly verdict: "worse" | "better" | "same" | "unknown";
  /** Why the verdict is unknown. */
  readonly why?: string;
}

/** The comparison of two runs. */
export interface Compared {
  readonly comparisons: Comparison[];
  /** What failed in the new run only. */
  readonly failed: Failure[];
  /** How many times as long everything takes that is not ours; 1 where that is not known. */
  readonly machine: number;
  /** What only one of the runs has, what failed in the old run, and figures from a busy machine, which show nothing. */
  readonly omitted: Omission[];
}

/** Compares two runs of the same kind. */
export function compareRuns(before: Run, after: Run): Compared {
  const { pairs, failed, omitted } = pairsOf(before, after);
  const others = pairs.filter(({ contestant }) => !contestant.ours).map(({ change }) => change);
  const known = others.length >= ENOUGH_OTHERS;
  const machine = known ? median(others) : 0;
  const usual = usualVariance(pairs);
  const squares = pairs.map(({ variance, freedom, startsPart }) =>
    (variance * freedom + usual * USUAL_WEIGHT) / (freedom + USUAL_WEIGHT) * startsPart
  );
  // How much more the other contestants differ than their starts explain.
  const explained = median(squares.filter((_, i) => !pairs[i]!.contestant.ours).concat(known ? [] : [0]));
  const unrest = known ? Math.max(0, robustDeviation(others) ** 2 - explained) : 0;

  const chances = pairs.map(({ change, freedom }, i) =>
    studentProbability((change - machine) / Math.sqrt(squares[i]! + unrest), freedom + USUAL_WEIGHT)
  );
  // Our contestants and the others are tested separately.
  const corrected: number[] = [];
  for (const ours of [true, false]) {
    const asked = [...pairs.keys()].filter((i) => pairs[i]!.contestant.ours === ours);
    const answers = holm(asked.map((i) => chances[i]!));
    for (const [k, i] of asked.entries()) corrected[i] = answers[k]!;
  }
  const comparisons = pairs.map((pair, i): Comparison => {
    const ratio = Math.exp(pair.change - machine);
    const bySamples = mannWhitney(pair.before, pair.after.map((value) => value - machine));
    const certain = corrected[i]! < CHANCE && bySamples < CHANCE;
    const why = whyUnknown(pair);
    const told = certain && Math.abs(Math.log(ratio)) >= Math.log(1 + SMALLEST);
    return {
      group: pair.group.name,
      label: labelOf(pair.contestant),
      ours: pair.contestant.ours,
      unit: pair.group.unit,
      before: pair.tiny?.[0] ?? valueOf(pair.group, pair.before),
      after: pair.tiny?.[1] ?? valueOf(pair.group, pair.after),
      ratio,
      isTiny: pair.tiny !== undefined,
      probability: corrected[i]!,
      verdict: why !== undefined ? "unknown" : !told ? "same" : ratio > 1 ? "worse" : "better",
      why,
    };
  });
  return { comparisons, failed, machine: Math.exp(machine), omitted };
}

/** Why no change of a contestant could be detected, however large. `undefined` if it could. */
function whyUnknown({ starts, before, after }: Pair): string | undefined {
  if (starts < LEAST_STARTS) {
    return `${starts} ${starts === 1 ? "start" : "starts"}, at least ${LEAST_STARTS} are needed`;
  }
  const [few, many] = [before, after].map(({ length }) => length).sort((a, b) => a - b) as [number, number];
  const apart = mannWhitney(Array.from({ length: few }, (_, i) => i), Array.from({ length: many }, (_, i) => few + i));
  return apart < CHANCE ? undefined : `${few} ${few === 1 ? "sample" : "samples"}, more rounds are needed`;
}

/** The usual spread of a program's starts: the median over all contestants. */
function usualVariance(pairs: readonly Pair[]): number {
  const seen = pairs.filter(({ freedom }) => freedom > 0).map((pair) => pair.variance);
  return seen.length === 0 ? UNKNOWN_DEVIATION ** 2 : Math.max(median(seen), LEAST_DEVIATION ** 2);
}

function valueOf({ better }: Group, logarithms: readonly number[]): number {
  return Math.exp((better === "less" ? 1 : -1) * median(logarithms));
}
