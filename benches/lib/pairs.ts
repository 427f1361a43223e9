/**
 * The comparison of two runs: each contestant in both, what its samples show, and how reliable they are; and which contestants
 * are not compared, and why.
 */

import { type Contestant, type Group, labelOf, type Run, type Sample } from "./results.ts";
import { mean, median, variance } from "./stats.ts";

/**
 * How much a contestant depends on atomic operations is the average of all contestants, until its own samples have shown so much:
 * the sum of squares of their logarithms' deviations.
 */
const USUAL_SWAY = 0.1;
/** Nothing slows down by more than so many times the slowdown of atomic operations. */
const MOST_SWAY = 1.5;
/** The least value, as 0 has no logarithm. Memory comes in pages, and starts of a program differ by some. */
const LEAST_VALUES: Readonly<Record<string, number>> = { bytes: 2 ** 16 };
/** The same in any other unit. */
const LEAST_VALUE = 1e-3;

/** The remark about a contestant of ours that the new run does not have. */
export const GONE = "not in the new run";

/** A contestant in both runs. The figures are logarithms, so that twice and half are equally far. */
export interface Pair {
  readonly group: Group;
  readonly contestant: Contestant;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** The logarithm of how many times as long it takes. */
  readonly change: number;
  /** The medians of the starts about their mean, and how many of them are free to differ. */
  readonly variance: number;
  readonly freedom: number;
  /** In the run with fewer. */
  readonly starts: number;
  /** The sum over both runs of 1 / (number of starts). */
  readonly startsPart: number;
  /** The medians of the measured samples, if one of them is next to nothing. */
  readonly tiny: readonly [before: number, after: number] | undefined;
}

/** A contestant that cannot be compared. */
export interface Omission {
  readonly label: string;
  readonly ours: boolean;
  readonly why: string;
}

/** A contestant that was measured in the old run and hangs or fails in the new one, has no samples there, or is ours and is not there. */
export interface Failure {
  readonly label: string;
  readonly ours: boolean;
  readonly note: string;
}

/** What two runs have. */
export interface Paired {
  readonly pairs: Pair[];
  /** What failed in the new run only. */
  readonly failed: Failure[];
  readonly omitted: Omission[];
}

/** Whether a contestant was measured to the end. */
function isWhole({ samples, failed }: Contestant): boolean {
  return samples.length > 0 && failed !== true;
}

/** What can be compared of two runs, and what cannot. */
export function pairsOf(before: Run, after: Run): Paired {
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
  const omitted: Omission[] = [];
  for (const key of new Set([...old.keys(), ...young.keys()])) {
    const [one, other] = [old.get(key), young.get(key)];
    const why = whyOmitted(one?.contestant, other?.contestant) ?? whyDifferent(one?.group, other?.group);
    if (one?.contestant.ours && isWhole(one.contestant) && other === undefined) {
      failed.push({ label: key, ours: true, note: GONE });
    } else if (one === undefined || other === undefined || why !== undefined) {
      omitted.push({ label: key, ours: (one ?? other)!.contestant.ours, why: why! });
    } else if (!isWhole(other.contestant)) {
      const { ours, note = "no samples" } = other.contestant;
      failed.push({ label: key, ours, note });
    } else both.push({ group: other.group, before: one.contestant, after: other.contestant });
  }
  const usual = slopeOf(both.map(swayOf).reduce(added, NO_SWAY));
  return { pairs: both.map((each) => pairOf(each, usual)), failed, omitted };
}

/** Why the figures of two groups of one name cannot be compared. `undefined` if they can. */
function whyDifferent(before: Group | undefined, after: Group | undefined): string | undefined {
  if (before === undefined || after === undefined) return undefined;
  const [old, young] = [before, after].map(({ unit, better }) => `${unit}, ${better} is better`);
  return old === young ? undefined : `something else is measured: ${old} in the old run; ${young} in the new run`;
}

/** Why a contestant of both runs cannot be compared. `undefined` if it can, or if it failed in the new run. */
function whyOmitted(before: Contestant | undefined, after: Contestant | undefined): string | undefined {
  if (before === undefined) return "only in the new run";
  if (after === undefined) return "only in the old run";
  if (!isWhole(before)) return `no figure in the old run: ${before.note ?? "no samples"}`;
  if (!isWhole(after)) return undefined;
  const runs = [...(before.busy === undefined ? [] : ["old"]), ...(after.busy === undefined ? [] : ["new"])];
  return runs.length === 0 ? undefined : `from a busy machine in the ${runs.join(" and the ")} run`;
}

/** The compared figures. */
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

/** How a contestant depends on atomic operations within its runs: differences between the runs may be due to the code. */
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
    starts: Math.min(...medians.map(({ length }) => length)),
    startsPart: medians.reduce((sum, { length }) => sum + 1 / length, 0),
    tiny: tinyOf(group, before, after),
  };
}

/** Inverted if more is better, so that larger is always worse. */
function logarithmOf({ better, unit }: Group, { value }: Sample): number {
  return (better === "less" ? 1 : -1) * Math.log(Math.max(value, leastOf(unit)));
}

function leastOf(unit: string): number {
  return LEAST_VALUES[unit] ?? LEAST_VALUE;
}

function tinyOf({ unit }: Group, ...contestants: readonly [Contestant, Contestant]): Pair["tiny"] {
  const [before, after] = contestants.map(({ samples }) => median(samples.map(({ value }) => value))) as [
    number,
    number,
  ];
  return Math.min(before, after) < leastOf(unit) ? [before, after] : undefined;
}
