/**
 * What changed between two runs beyond the noise.
 *
 * There are four kinds of noise, and a change must stand out from all of them:
 * - the samples of one start of a program differ: the test of Mann and Whitney looks at all of them;
 * - two starts of one program differ, as memory lies elsewhere and code is compiled at other moments: what counts is the median
 *   of each start. How much starts differ is not told well by a few of them, so what is usual for all contestants counts beside
 *   it, as if it had been seen in {@linkcode USUAL_WEIGHT} more starts;
 * - another virtual machine uses the same core of the processor for a while, unseen: atomic operations beside each sample take
 *   longer then. How a contestant goes with these is learnt from the samples within each run, and taken off;
 * - the machine is another hour's machine: what is not this library's must be as fast as before, and by how much it is not is
 *   taken off first, and counts as noise.
 *
 * With a hundred comparisons, some stand out by chance: the probabilities are corrected for that (Holm). And a change that is
 * certain but small is no news.
 */

import { type Contestant, type Group, labelOf, type Run, type Sample } from "./results.ts";
import { holm, mannWhitney, mean, median, robustDeviation, studentProbability, variance } from "./stats.ts";

/** The smallest change that is told. */
export const SMALLEST = 0.05;
/** How probable chance may be as the reason of any of the changes that are told. */
const CHANCE = 0.02;
/** Starts that a contestant must have in both runs together, less one each: two of a kind in each run come by chance too often. */
const LEAST_FREEDOM = 4;
/** How many starts what is usual counts for. */
const USUAL_WEIGHT = 4;
/** How much starts of a program differ at least (standard deviation), whatever few of them seem to show. */
const LEAST_DEVIATION = 0.015;
/** How much they are taken to differ where each run has only one. */
const UNKNOWN_DEVIATION = 0.04;
/**
 * How much a contestant goes with atomic operations is what all do on the average, until its own samples have shown so much of it:
 * the sum of squares of their logarithms' deviations.
 */
const USUAL_SWAY = 0.1;
/** Nothing takes longer by more than so many times the part by which atomic operations do. */
const MOST_SWAY = 1.5;
/** What less than this is taken for, as nothing has no logarithm. Memory comes in pages, and starts of a program differ by some. */
const LEAST_VALUES: Readonly<Record<string, number>> = { bytes: 2 ** 16 };
/** The same in any other unit. */
const LEAST_VALUE = 1e-3;
/** How many contestants that are not ours there must be, for what they did to tell of the machine. */
const ENOUGH_OTHERS = 4;

/** What became of a contestant. */
export interface Comparison {
  readonly group: string;
  readonly label: string;
  readonly ours: boolean;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  /** How many times as long as before it takes, the machine's own change taken off: above 1 is worse. */
  readonly ratio: number;
  /** How probable such a difference is by chance, corrected. */
  readonly probability: number;
  readonly verdict: "worse" | "better" | "same";
}

/** A contestant that was measured in the old run and hangs or fails in the new one, or has no samples there. */
export interface Failure {
  readonly label: string;
  readonly ours: boolean;
  readonly note: string;
}

/** The comparison of two runs. */
export interface Compared {
  readonly comparisons: Comparison[];
  /** What failed in the new run only. */
  readonly failed: Failure[];
  /** How many times as long everything takes that is not ours; 1 where that is not known. */
  readonly machine: number;
  /** Contestants that only one of the runs has, or that failed in the old one. */
  readonly missing: string[];
  /** Contestants whose figure of one of the runs is from a busy machine, which tells nothing. */
  readonly busy: string[];
}

/** A contestant in both runs; logarithms, so that twice and half are equally far. */
interface Pair {
  readonly group: Group;
  readonly contestant: Contestant;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** The logarithm of how many times as long it takes. */
  readonly change: number;
  /** The medians of the starts about their mean, and how many of them are free to differ. */
  readonly variance: number;
  readonly freedom: number;
  /** One by the number of starts in each run, added up. */
  readonly startsPart: number;
}

/** Compares two runs of the same kind. */
export function compareRuns(before: Run, after: Run): Compared {
  const { pairs, failed, missing, busy } = pairsOf(before, after);
  const others = pairs.filter(({ contestant }) => !contestant.ours).map(({ change }) => change);
  const known = others.length >= ENOUGH_OTHERS;
  const machine = known ? median(others) : 0;
  const usual = usualVariance(pairs);
  const squares = pairs.map(({ variance, freedom, startsPart }) =>
    (variance * freedom + usual * USUAL_WEIGHT) / (freedom + USUAL_WEIGHT) * startsPart
  );
  // By how much more what is not ours differs than its starts explain.
  const explained = median(squares.filter((_, i) => !pairs[i]!.contestant.ours).concat(known ? [] : [0]));
  const unrest = known ? Math.max(0, robustDeviation(others) ** 2 - explained) : 0;

  const chances = pairs.map(({ change, freedom }, i) =>
    studentProbability((change - machine) / Math.sqrt(squares[i]! + unrest), freedom + USUAL_WEIGHT)
  );
  // What is ours and what is not are questions of their own.
  const corrected: number[] = [];
  for (const ours of [true, false]) {
    const asked = [...pairs.keys()].filter((i) => pairs[i]!.contestant.ours === ours);
    const answers = holm(asked.map((i) => chances[i]!));
    for (const [k, i] of asked.entries()) corrected[i] = answers[k]!;
  }
  const comparisons = pairs.map((pair, i): Comparison => {
    const ratio = Math.exp(pair.change - machine);
    const bySamples = mannWhitney(pair.before, pair.after.map((value) => value - machine));
    const certain = corrected[i]! < CHANCE && bySamples < CHANCE && pair.freedom >= LEAST_FREEDOM;
    const told = certain && Math.abs(Math.log(ratio)) >= Math.log(1 + SMALLEST);
    return {
      group: pair.group.name,
      label: labelOf(pair.contestant),
      ours: pair.contestant.ours,
      unit: pair.group.unit,
      before: valueOf(pair.group, pair.before),
      after: valueOf(pair.group, pair.after),
      ratio,
      probability: corrected[i]!,
      verdict: !told ? "same" : ratio > 1 ? "worse" : "better",
    };
  });
  return { comparisons, failed, machine: Math.exp(machine), missing, busy };
}

/** What is usual for starts of a program: the middle of what all contestants show. */
function usualVariance(pairs: readonly Pair[]): number {
  const seen = pairs.filter(({ freedom }) => freedom > 0).map((pair) => pair.variance);
  return seen.length === 0 ? UNKNOWN_DEVIATION ** 2 : Math.max(median(seen), LEAST_DEVIATION ** 2);
}

/** Whether a contestant was measured to the end. */
function isWhole({ samples, failed }: Contestant): boolean {
  return samples.length > 0 && failed !== true;
}

function pairsOf(before: Run, after: Run): Pick<Compared, "failed" | "missing" | "busy"> & { pairs: Pair[] } {
  const keyed = (run: Run) =>
    new Map(
      run.groups.flatMap((group) =>
        group.contestants.map((contestant) => (
          [`${group.name}: ${labelOf(contestant)}`, { group, contestant }] as const
        ))
      ),
    );
  const [old, young] = [keyed(before), keyed(after)];
  const both: Both[] = [];
  const failed: Failure[] = [];
  const missing: string[] = [];
  const busy: string[] = [];
  for (const key of new Set([...old.keys(), ...young.keys()])) {
    const [one, other] = [old.get(key), young.get(key)];
    if (one === undefined || other === undefined || !isWhole(one.contestant)) missing.push(key);
    else if (!isWhole(other.contestant)) {
      const { ours, note = "no samples" } = other.contestant;
      failed.push({ label: key, ours, note });
    } else if (one.contestant.busy !== undefined || other.contestant.busy !== undefined) busy.push(key);
    else both.push({ group: other.group, before: one.contestant, after: other.contestant });
  }
  const usual = slopeOf(both.map(swayOf).reduce(added, NO_SWAY));
  return { pairs: both.map((each) => pairOf(each, usual)), failed, missing, busy };
}

/** What is compared. */
interface Both {
  readonly group: Group;
  readonly before: Contestant;
  readonly after: Contestant;
}

/** Sums of squares and products: how far what atomic operations took lies from its mean, and the contestant's time with it. */
interface Sway {
  readonly squares: number;
  readonly products: number;
}

const NO_SWAY: Sway = { squares: 0, products: 0 };

function added(a: Sway, b: Sway): Sway {
  return { squares: a.squares + b.squares, products: a.products + b.products };
}

function slopeOf({ squares, products }: Sway): number {
  return squares === 0 ? 0 : Math.min(MOST_SWAY, Math.max(0, products / squares));
}

/** How a contestant goes with atomic operations within its runs: what differs between the runs may be the code. */
function swayOf({ group, before, after }: Both): Sway {
  if (![before, after].every(isProbed)) return NO_SWAY;
  return [before, after].map(({ samples }) => {
    const pairs = samples.map((sample) => Math.log(sample.probeNs!));
    const times = samples.map((sample) => logarithmOf(group, sample));
    const [pair, time] = [mean(pairs), mean(times)];
    return pairs.map((x, i) => ({ squares: (x - pair) ** 2, products: (x - pair) * (times[i]! - time) }))
      .reduce(added, NO_SWAY);
  }).reduce(added, NO_SWAY);
}

function isProbed({ samples }: Contestant): boolean {
  return samples.every(({ probeNs }) => probeNs !== undefined);
}

function pairOf({ group, before, after }: Both, usual: number): Pair {
  const probed = [before, after].every(isProbed);
  const slope = slopeOf(
    added(swayOf({ group, before, after }), { squares: USUAL_SWAY, products: USUAL_SWAY * usual }),
  );
  // As if atomic operations had taken as long in both runs.
  const level = probed ? mean([before, after].map(({ samples }) => mean(samples.map((s) => Math.log(s.probeNs!))))) : 0;
  const levelled = (sample: Sample): number =>
    logarithmOf(group, sample) - (probed ? slope * (Math.log(sample.probeNs!) - level) : 0);
  const starts = [before, after].map(({ samples }) =>
    [...Map.groupBy(samples, ({ start }) => start).values()].map((each) => each.map(levelled))
  );
  const medians = starts.map((each) => each.map(median));
  const freedom = medians.reduce((sum, { length }) => sum + length - 1, 0);
  const squares = medians.reduce((sum, each) => sum + (variance(each) ?? 0) * (each.length - 1), 0);
  return {
    group,
    contestant: after,
    before: starts[0]!.flat(),
    after: starts[1]!.flat(),
    change: mean(medians[1]!) - mean(medians[0]!),
    variance: freedom === 0 ? 0 : squares / freedom,
    freedom,
    startsPart: medians.reduce((sum, { length }) => sum + 1 / length, 0),
  };
}

/** Turned round where more is better, so that larger is always worse. */
function logarithmOf({ better, unit }: Group, { value }: Sample): number {
  return (better === "less" ? 1 : -1) * Math.log(Math.max(value, LEAST_VALUES[unit] ?? LEAST_VALUE));
}

function valueOf({ better }: Group, logarithms: readonly number[]): number {
  return Math.exp((better === "less" ? 1 : -1) * median(logarithms));
}
