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
  /** Called with what is done, and with how many steps of {@linkcode stepsOfPieces} are over. */
  readonly onStep?: (done: string, steps?: number) => void;
  /** Called after each piece with the results so far, and how many of {@linkcode partsOfPieces} they are. */
  readonly onPiece?: (soFar: MeasuredPieces, done: number) => void;
}

/** The results. */
export interface MeasuredPieces extends Measured {
  /** What was left out for lack of time, if anything. */
  readonly note?: string;
}

/** How many steps there are. */
export function stepsOfPieces({ pieces, starts, rounds }: Pick<Pieces, "pieces" | "starts" | "rounds">): number {
  return stepsOf({ entries: pieces.flat(), starts, rounds });
}

/** How many times a piece is measured. */
export function partsOfPieces({ pieces, starts }: Pick<Pieces, "pieces" | "starts">): number {
  return pieces.length * starts;
}

/** How many rounds the preparation of a start takes the time of. */
const PREPARATION = 2.5;

/** What is to come, and the time there is for it. */
export interface TimeLeft {
  /** What may still be used, in milliseconds. */
  readonly left: number;
  /** How many milliseconds a sample has taken until now, including everything beside it. */
  readonly sampleMs: number;
  /** How many figures there are to come, those of later starts included. */
  readonly figures: number;
}

/** For how many of the planned rounds there is time: 1 at least. */
export function roundsFor({ left, sampleMs, figures }: TimeLeft, rounds: number): number {
  for (let count = rounds; count > 1; count--) {
    if (figures * (PREPARATION + count) * sampleMs <= left) return count;
  }
  return 1;
}

/** Whether there is time for one round of the figures. */
export function isTimeFor({ left, sampleMs, figures }: TimeLeft): boolean {
  return figures * (PREPARATION + 1) * sampleMs <= left;
}

/** Carries out the plan. */
export async function measurePieces(plan: Pieces): Promise<MeasuredPieces> {
  const { pieces, starts, rounds, budget = Infinity, patience = 60_000, onStep, onPiece } = plan;
  const begin = performance.now();
  const figures = pieces.flat().length;
  const parts: Measured[] = [];
  const failed = new Set<string>();
  const leftOut = { starts: 0, rounds: 0 };
  let figuresToCome = figures * starts;
  let samples = 0;
  const timeFor = (figures: number): TimeLeft => {
    const elapsed = performance.now() - begin;
    return { left: budget - elapsed, sampleMs: samples === 0 ? 0 : elapsed / samples, figures };
  };
  const soFar = (): MeasuredPieces => ({ ...joined(plan, parts), note: noteOf(leftOut, plan) });

  for (let start = 0; start < starts; start++) {
    if (start > 0 && !isTimeFor(timeFor(figures))) {
      leftOut.starts = starts - start;
      onStep?.("", stepsOf({ entries: pieces.flat(), starts: starts - start, rounds }));
      break;
    }
    for (const [i, piece] of pieces.entries()) {
      const count = roundsFor(timeFor(figuresToCome), rounds);
      const entries = piece.filter((entry) => !failed.has(keyOf(entry)));
      figuresToCome -= piece.length;
      samples += piece.length * (PREPARATION + count);
      leftOut.rounds += piece.length * (rounds - count);
      const over = stepsOf({ entries: piece, starts: 1, rounds }) - stepsOf({ entries, starts: 1, rounds: count });
      if (entries.length > 0) {
        const part = await measure({
          ...plan,
          entries,
          starts: 1,
          rounds: count,
          patience: patience / starts / pieces.length,
          budget: undefined,
          onStep,
        });
        parts.push(ofStart(part, start));
        for (const { name, contestants } of part.groups) {
          for (const each of contestants) if (each.note !== undefined) failed.add(keyOf({ ...each, group: name }));
        }
      }
      if (over > 0) onStep?.("", over);
      onPiece?.(soFar(), start * pieces.length + i + 1);
    }
  }
  return soFar();
}

/** What was left out for lack of time. */
export function noteOf(
  leftOut: { readonly starts: number; readonly rounds: number },
  { pieces, starts, rounds }: Pick<Pieces, "pieces" | "starts" | "rounds">,
): string | undefined {
  const figures = pieces.flat().length;
  const parts = [
    ...(leftOut.starts > 0 ? [`${leftOut.starts} of ${starts} starts`] : []),
    ...(leftOut.rounds > 0
      ? [
        `${leftOut.rounds} of ${figures * (starts - leftOut.starts) * rounds} samples${
          leftOut.starts > 0 ? " of the others" : ""
        }`,
      ]
      : []),
  ];
  return parts.length === 0 ? undefined : `Left out for want of time: ${parts.join(", ")}`;
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

/** The parts of each contestant, put together. The contestants of a group are in the order of their sizes. */
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
