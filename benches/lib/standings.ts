/** How contestants compare with each other: the only source of what tables, charts and the report say about samples. */

import { SMALLEST } from "./compare.ts";
import type { Contestant, Group } from "./results.ts";
import { median, spread } from "./stats.ts";
import { figures } from "./table.ts";

/** A contestant that was measured. */
export interface Figures {
  readonly contestant: Contestant;
  readonly median: number;
  /** Half of the samples are within this part of the median, to either side. `undefined` for a lone sample. */
  readonly spread: number | undefined;
  /** Of the processor. `undefined` if unknown. */
  readonly processorNs: number | undefined;
}

/** The figures of a contestant. `undefined` if it has no samples, as when it hangs. */
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

/**
 * How many times as much the first costs as the second: as long, or as large. Less is better, and 1 is level. `undefined` where one of
 * them is 0 or less, as what something adds to memory may be: nothing is so many times that.
 */
export function over(group: Pick<Group, "better">, one: Figures, other: Figures): number | undefined {
  if (!(one.median > 0 && other.median > 0)) return undefined;
  return group.better === "less" ? one.median / other.median : other.median / one.median;
}

/** A ratio as it is printed: `12.3 x`, `0.0015 x`. */
export function factor(ratio: number | undefined): string {
  if (ratio === undefined) return "no ratio";
  return `${ratio < 0.1 ? ratio.toPrecision(2) : figures(ratio)} x`;
}

/**
 * Whether the first is better than the second by more than the spread of their samples, and by enough to matter.
 */
export function isAhead(group: Group, one: Figures, other: Figures): boolean {
  if (one.spread === undefined || other.spread === undefined) return false;
  const lead = over(group, other, one);
  return lead !== undefined && lead > 1 + Math.max(SMALLEST, one.spread + other.spread);
}

/** A contestant of ours beside its peers, the best peer first. */
export interface Standing {
  readonly group: Group;
  readonly ours: Figures;
  readonly peers: readonly Figures[];
  /** The best peer on the same runtime, if there is any. */
  readonly near?: Figures;
  /** The best peer that runs elsewhere: on Node, if this is not, on CPython or C. */
  readonly far?: Figures;
}

/** Each of ours in a group with its peers. */
export function standingsOf(group: Group): Standing[] {
  const all = allOf(group);
  return all.filter(({ contestant }) => contestant.ours).map((ours) => {
    const peers = peersOf(group, all, ours);
    const isNear = ({ contestant }: Figures) => contestant.runtime === ours.contestant.runtime;
    return { group, ours, peers, near: peers.find(isNear), far: peers.find((peer) => !isNear(peer)) };
  });
}

/** A contestant's place in its group. */
export interface Place {
  readonly figures: Figures;
  /** Of a contestant of ours: its place. */
  readonly standing?: Standing;
  /** Of a peer: the runtimes of ours on which it is the best peer. */
  readonly bestOn: readonly string[];
  /** Of a peer: whether it is the best peer that runs elsewhere, for one of ours. */
  readonly isBestElsewhere: boolean;
}

/** The measured contestants, from the best to the worst. */
export function placesOf(group: Group): Place[] {
  const standings = standingsOf(group);
  const isOf = ({ contestant }: Figures, figures: Figures | undefined) => figures?.contestant === contestant;
  return allOf(group).sort(byCost(group)).map((figures) => ({
    figures,
    standing: standings.find(({ ours }) => isOf(figures, ours)),
    bestOn: [
      ...new Set(standings.filter(({ near }) => isOf(figures, near)).map(({ ours }) => ours.contestant.runtime)),
    ],
    isBestElsewhere: standings.some(({ far }) => isOf(figures, far)),
  }));
}

function allOf({ contestants }: Group): Figures[] {
  return contestants.flatMap((contestant) => figuresOf(contestant) ?? []);
}

function byCost(group: Group): (a: Figures, b: Figures) => number {
  return (a, b) => group.better === "less" ? a.median - b.median : b.median - a.median;
}

/** Where most of the peers run. A program on Deno or Bun is compared with these, too: its author could have written it for Node. */
const HOME_OF_PEERS = "Node";

/**
 * The peers that a contestant is compared with, the best first: what runs on the same runtime, on Node, and on those where the
 * library does not run, as CPython. A program on Deno cannot have what there is on Bun.
 */
function peersOf(group: Group, all: readonly Figures[], { contestant: { runtime, workers } }: Figures): Figures[] {
  const runtimes = new Set(all.filter(({ contestant }) => contestant.ours).map(({ contestant }) => contestant.runtime));
  runtimes.delete(HOME_OF_PEERS);
  return all
    .filter(({ contestant }) => !contestant.ours && contestant.workers === workers)
    .filter(({ contestant }) => contestant.runtime === runtime || !runtimes.has(contestant.runtime))
    .sort(byCost(group));
}
