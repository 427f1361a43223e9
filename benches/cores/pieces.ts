/**
 * Measures piece by piece: a piece has all jobs with one number of workers on one runtime. Only its players are there meanwhile,
 * so that neither their memory nor what idle workers do grows with the number of sizes.
 *
 * All pieces are measured once, then all of them once more, so that the starts of a contestant lie minutes apart. Later starts are
 * shortened or left out where there is no time for them.
 */

import { type Entry, measure, type Measured, type Plan, stepsOf } from "../lib/measure.ts";
import type { Contestant } from "../lib/results.ts";

/** What is measured, and for how long. */
export interface Pieces extends Omit<Plan, "entries" | "onStep" | "onStart" | "budget"> {
  readonly pieces: readonly (readonly Entry[])[];
  /** Milliseconds that all of it should take at most. Default: as long as it takes. */
  readonly budget?: number;
  /** Hears what is done, and that so many steps of {@linkcode stepsOfPieces} are over. */
  readonly onStep?: (done: string, steps?: number) => void;
  /** Hears what there is so far, after each start. */
  readonly onStart?: (soFar: MeasuredPieces) => void;
}

/** What came out. */
export interface MeasuredPieces extends Measured {
  /** What there was no time for, if anything. */
  readonly note?: string;
}

/** How many steps there are. */
export function stepsOfPieces({ pieces, starts, rounds }: Pick<Pieces, "pieces" | "starts" | "rounds">): number {
  return stepsOf({ entries: pieces.flat(), starts, rounds });
}

/** How many rounds the preparation of a start takes the time of. */
const PREPARATION = 2.5;

/** What a start took and what is to come. */
export interface TimeLeft {
  /** What may still be used, in milliseconds. */
  readonly left: number;
  /** What the last start took, and its rounds. */
  readonly lastMs: number;
  readonly lastRounds: number;
  /** How many starts are to come. */
  readonly starts: number;
  /** How many rounds each should have. */
  readonly rounds: number;
}

/** How many rounds the next start can have, so that those after it can have as many: rounds are given up before starts. 0: none. */
export function roundsFor({ left, lastMs, lastRounds, starts, rounds }: TimeLeft): number {
  const msOf = (count: number): number => lastMs * (PREPARATION + count) / (PREPARATION + lastRounds);
  for (let count = rounds; count > 1; count--) if (starts * msOf(count) <= left) return count;
  return msOf(1) <= left ? 1 : 0;
}

/** Carries out the plan. */
export async function measurePieces(plan: Pieces): Promise<MeasuredPieces> {
  const { starts, rounds, budget = Infinity, patience = 60_000, onStep, onStart } = plan;
  const begin = performance.now();
  const parts: Measured[] = [];
  const failed = new Set<string>();
  const took: number[] = [];
  let last = { lastMs: 0, lastRounds: rounds };
  for (let start = 0; start < starts; start++) {
    const from = performance.now();
    const left = budget - (from - begin);
    const count = start === 0 ? rounds : roundsFor({ left, ...last, starts: starts - start, rounds });
    took.push(count);
    for (const piece of plan.pieces) {
      const entries = count === 0 ? [] : piece.filter((entry) => !failed.has(keyOf(entry)));
      if (entries.length > 0) {
        const share = patience / starts / plan.pieces.length;
        const part = await measure({
          ...plan,
          entries,
          starts: 1,
          rounds: count,
          patience: share,
          budget: undefined,
          onStart: undefined,
          onStep,
        });
        parts.push(ofStart(part, start));
        for (const { name, contestants } of part.groups) {
          for (const each of contestants) if (each.note !== undefined) failed.add(keyOf({ ...each, group: name }));
        }
      }
      const over = stepsOf({ entries: piece, starts: 1, rounds }) - stepsOf({ entries, starts: 1, rounds: count });
      if (over > 0) onStep?.("", over);
    }
    onStart?.({ ...joined(plan, parts), note: noteOf(took, rounds) });
    if (count > 0) last = { lastMs: performance.now() - from, lastRounds: count };
  }
  return { ...joined(plan, parts), note: noteOf(took, rounds) };
}

/** What there was no time for: told by the rounds that each start had. */
export function noteOf(took: readonly number[], rounds: number): string | undefined {
  const missing = took.filter((count) => count === 0).length;
  const samples = took.reduce((a, b) => a + b, 0);
  if (samples === took.length * rounds) return undefined;
  const starts = missing === 0 ? "" : `${missing} of ${took.length} starts, and with them `;
  return `Left out for want of time: ${starts}${took.length * rounds - samples} of ${
    took.length * rounds
  } samples of each contestant`;
}

function keyOf({ group, name, runtime, workers }: Pick<Entry, "group" | "name" | "runtime" | "workers">): string {
  return [group, name, runtime, workers].join("\n");
}

function ofStart({ groups, versions }: Measured, start: number): Measured {
  return {
    versions,
    groups: groups.map((group) => ({
      ...group,
      contestants: group.contestants.map((contestant) => ({
        ...contestant,
        samples: contestant.samples.map((sample) => ({ ...sample, start })),
      })),
    })),
  };
}

/** What the parts have of each contestant, together, the contestants of a group in the order of their sizes. */
function joined({ groups }: Pieces, parts: readonly Measured[]): Measured {
  const versions: Record<string, string> = Object.assign({}, ...parts.map((part) => part.versions));
  return {
    versions,
    groups: groups.map((group) => {
      const contestants = new Map<string, Contestant>();
      for (const part of parts) {
        for (const each of part.groups.find(({ name }) => name === group.name)?.contestants ?? []) {
          const key = keyOf({ ...each, group: group.name });
          const before = contestants.get(key);
          contestants.set(key, before === undefined ? each : bothOf(before, each));
        }
      }
      return { ...group, contestants: [...contestants.values()].sort((a, b) => (a.workers ?? 0) - (b.workers ?? 0)) };
    }),
  };
}

function bothOf(one: Contestant, other: Contestant): Contestant {
  const busy = [one, other].flatMap(({ busy }) => busy ?? []);
  return {
    ...one,
    samples: [...one.samples, ...other.samples],
    dropped: one.dropped + other.dropped,
    busy: busy.length === 0 ? undefined : Math.max(...busy),
    note: one.note ?? other.note,
  };
}
