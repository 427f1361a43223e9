/** How contestants stand to each other: what tables, charts and the report say of samples has no other source than this. */

import { SMALLEST } from "./compare.ts";
import type { Contestant, Group } from "./results.ts";
import { median, spread } from "./stats.ts";
import { figures } from "./table.ts";

/** A contestant that was measured. */
export interface Figures {
  readonly contestant: Contestant;
  readonly median: number;
  /** Half of the samples are within this part of the median, to either side; a lone sample tells none. */
  readonly spread: number | undefined;
  /** Of the processor; `undefined` where it is not known. */
  readonly processorNs: number | undefined;
}

/** The figures of a contestant; `undefined` where it has no samples, as when it hangs. */
export function figuresOf(contestant: Contestant): Figures | undefined {
  const { samples } = contestant;
  if (samples.length === 0) return undefined;
  const values = samples.map(({ value }) => value);
  const processor = samples.flatMap(({ processorNs }) => processorNs ?? []);
  return {
    contestant,
    median: median(values),
    spread: spread(values),
    processorNs: processor.length === 0 ? undefined : median(processor),
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

/**
 * Whether the first is better than the second by more than what their samples differ by among themselves, and by so much that it is
 * news.
 */
export function isAhead(group: Group, one: Figures, other: Figures): boolean {
  if (one.spread === undefined || other.spread === undefined) return false;
  return times(group, one, other) > 1 + Math.max(SMALLEST, one.spread + other.spread);
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

/** Each of ours in a group with its peers. */
export function standingsOf(group: Group): Standing[] {
  const all = allOf(group);
  return all.filter(({ contestant }) => contestant.ours).map((ours) => ({
    group,
    ours,
    peers: peersOf(group, all, ours),
  }));
}

/** A contestant's place in its group. */
export interface Place {
  readonly figures: Figures;
  /** How many times as much as the best peer's it takes; that of the best peer is 1. `undefined` where no peer has samples. */
  readonly ratio: number | undefined;
  /** Whether it is the best peer of its runtime. */
  readonly best: boolean;
}

/** Those that were measured, this library's first, then from the best to the worst. */
export function placesOf(group: Group): Place[] {
  const all = allOf(group);
  const ours = all.filter(({ contestant }) => contestant.ours);
  const peers = all.filter(({ contestant }) => !contestant.ours).sort((a, b) =>
    times(group, b, a) - times(group, a, b)
  );
  return [...ours, ...peers].map((figures) => {
    const best = peersOf(group, all, figures)[0];
    return { figures, ratio: best && times(group, best, figures), best: figures === best };
  });
}

function allOf({ contestants }: Group): Figures[] {
  return contestants.flatMap((contestant) => figuresOf(contestant) ?? []);
}

/**
 * The peers that a contestant is compared with, the best first: what runs on the same runtime, and what runs on those where the
 * library does not, as CPython does. A program on Deno cannot have what there is on Bun.
 */
function peersOf(group: Group, all: readonly Figures[], { contestant: { runtime, workers } }: Figures): Figures[] {
  const runtimes = new Set(all.filter(({ contestant }) => contestant.ours).map(({ contestant }) => contestant.runtime));
  return all
    .filter(({ contestant }) => !contestant.ours && contestant.workers === workers)
    .filter(({ contestant }) => contestant.runtime === runtime || !runtimes.has(contestant.runtime))
    .sort((a, b) => group.better === "less" ? a.median - b.median : b.median - a.median);
}
