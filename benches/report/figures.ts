/** What the report says of samples: nothing in it has another source than this. */

import type { Contestant, Group } from "../lib/results.ts";
import { median, spread } from "../lib/stats.ts";
import { figures } from "../lib/table.ts";

/** Less than this is no difference, however small the spread: the same code differs by as much between two starts. */
const LEVEL = 0.05;

/** A contestant that was measured. */
export interface Figures {
  readonly contestant: Contestant;
  readonly median: number;
  /** Half of the samples are within this part of the median, to either side; a lone sample tells none. */
  readonly spread: number | undefined;
}

/** The figures of a contestant; `undefined` where it has no samples, as when it hangs. */
export function figuresOf(contestant: Contestant): Figures | undefined {
  const { samples } = contestant;
  if (samples.length === 0) return undefined;
  const values = samples.map(({ value }) => value);
  return {
    contestant,
    median: median(values),
    spread: spread(values),
  };
}

/** How many times as good the first is as the second: as fast, or as small. */
export function times(group: Group, one: Figures, other: Figures): number {
  return group.better === "less" ? other.median / one.median : one.median / other.median;
}

/** A ratio as it is printed: `12.3 x`, `0.0015 x`. */
export function factor(ratio: number): string {
  return `${ratio < 0.1 ? ratio.toPrecision(2) : figures(ratio)} x`;
}

/** Whether the first is better than the second by more than what their samples differ by among themselves. */
export function isAhead(group: Group, one: Figures, other: Figures): boolean {
  if (one.spread === undefined || other.spread === undefined) return false;
  return times(group, one, other) > 1 + Math.max(LEVEL, one.spread + other.spread);
}

/** Marks what is made of figures that are not to be relied on by themselves. */
export function noteMark(...all: Figures[]): string {
  if (all.some(({ contestant }) => contestant.note !== undefined)) return " (see note)";
  return all.some(({ contestant }) => contestant.busy !== undefined) ? " (busy)" : "";
}

/** One of ours beside its peers, the best of these first. */
export interface Standing {
  readonly group: Group;
  readonly ours: Figures;
  readonly peers: readonly Figures[];
}

/**
 * Each of ours in a group with its peers: what runs on the same runtime, and what runs on those where we do not, as CPython
 * does. A program on Deno cannot have what there is on Bun.
 */
export function standings(group: Group): Standing[] {
  const all = group.contestants.flatMap((contestant) => figuresOf(contestant) ?? []);
  const ours = all.filter(({ contestant }) => contestant.ours);
  const runtimes = new Set(ours.map(({ contestant }) => contestant.runtime));
  return ours.map((own) => {
    const { runtime, workers } = own.contestant;
    const peers = all
      .filter(({ contestant }) => !contestant.ours && contestant.workers === workers)
      .filter(({ contestant }) => contestant.runtime === runtime || !runtimes.has(contestant.runtime))
      .sort((a, b) => group.better === "less" ? a.median - b.median : b.median - a.median);
    return { group, ours: own, peers };
  });
}
