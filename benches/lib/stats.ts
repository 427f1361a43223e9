/** Statistics of samples: their middle, their spread, and whether two sets differ. */

import jStat from "jstat";
import {
  interquartileRange,
  mean as meanOf,
  median as medianOf,
  medianAbsoluteDeviation,
  quantile as quantileOf,
  sampleVariance,
} from "simple-statistics";

const { normal, studentt }: {
  normal: { cdf(x: number, mean: number, deviation: number): number };
  studentt: { cdf(x: number, freedom: number): number };
} = jStat;

/** The middle value. */
export function median(values: readonly number[]): number {
  return medianOf([...values]);
}

/** The arithmetic mean. */
export function mean(values: readonly number[]): number {
  return meanOf([...values]);
}

/** The value that a part of all (0 to 1) does not exceed. */
export function quantile(values: readonly number[], part: number): number {
  return quantileOf([...values], part);
}

/**
 * Half of the values lie within so much of the median, as a part of it: 0.02 is 2 % to either side. `undefined` for fewer than
 * two values, which have no spread. Not finite if the values lie around 0.
 */
export function spread(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  const half = interquartileRange([...values]) / 2;
  return half === 0 ? 0 : half / Math.abs(median(values));
}

/** The standard deviation by the values nearest to the median, so that a few far values do not count. */
export function robustDeviation(values: readonly number[]): number {
  return values.length === 0 ? 0 : 1.4826 * medianAbsoluteDeviation([...values]);
}

/** The variance of values about their mean; `undefined` for fewer than two. */
export function variance(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  return sampleVariance([...values]);
}

/**
 * How probable it is that two sets of samples lie so far apart, or farther, if both are of the same kind: the test of
 * Mann and Whitney, which looks at the order of the samples alone. By the normal approximation, ties corrected for.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, ofA: true })), ...b.map((value) => ({ value, ofA: false }))]
    .sort((one, other) => one.value - other.value);
  let ranksOfA = 0;
  let ties = 0;
  for (let begin = 0; begin < all.length;) {
    let end = begin;
    while (end < all.length && all[end]!.value === all[begin]!.value) end++;
    const rank = (begin + 1 + end) / 2;
    for (let i = begin; i < end; i++) if (all[i]!.ofA) ranksOfA += rank;
    ties += (end - begin) ** 3 - (end - begin);
    begin = end;
  }
  const [n, m] = [a.length, b.length];
  const u = ranksOfA - n * (n + 1) / 2;
  const total = n + m;
  const deviation = Math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))));
  if (!(deviation > 0)) return 1;
  const distance = Math.max(0, Math.abs(u - n * m / 2) - 0.5) / deviation;
  return 2 * (1 - normal.cdf(distance, 0, 1));
}

/** How probable a `t` so far from 0, or farther, is by chance. */
export function studentProbability(t: number, freedom: number): number {
  return 2 * studentt.cdf(-Math.abs(t), freedom);
}

/**
 * Probabilities as they are when so many questions were asked at once: each of a hundred comparisons of equal things has
 * its chance to look like a change. The correction of Holm.
 */
export function holm(probabilities: readonly number[]): number[] {
  const order = probabilities.map((_, i) => i).sort((i, j) => probabilities[i]! - probabilities[j]!);
  const corrected: number[] = [];
  let largest = 0;
  for (const [rank, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, probabilities[i]! * (probabilities.length - rank)));
    corrected[i] = largest;
  }
  return corrected;
}
