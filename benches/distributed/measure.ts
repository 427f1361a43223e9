/** Measures the rows: the rows of tasks in turns, then killed agents, then idle programs. */

import { type Entry, measure, type Measured, type Plan, stepsOf } from "../lib/measure.ts";
import type { Group } from "../lib/results.ts";
import { canWatchIdle, isOurs, measureIdle } from "./idle.ts";
import { KILLED, KILLS, type Row, TURNS } from "./plan.ts";
import type { Starting } from "./players.ts";

/** How long a sample should take: what takes ten times as long is done once in each start. */
const SAMPLE_MS = 400;
/** Milliseconds that each part may wait for a quiet machine. */
const PATIENCE = 60_000;
/** How long idle programs are watched: milliseconds. */
const IDLE_MS = 10_000;
/** Watching them once more says nothing new. */
const IDLE_STARTS = 2;
const IDLE_NOTE = "Without idle programs: this system does not tell what they use.";
/** What the peer takes for the same, which is not measured. */
const KILLED_NOTE =
  "BullMQ has no figure for a worker that is killed: by its documentation the worker's lock on the job has to run out, which takes " +
  "lockDuration, by default 30 s, and then it is looked for every stalledInterval, by default 30 s. The job begins anew then.";

/** What is measured, and how thoroughly. */
export interface Options {
  readonly players: readonly Starting[];
  readonly rows: readonly string[];
  readonly notes: readonly string[];
  readonly starts: number;
  readonly rounds: number;
  /** Whether it is the shortest form: a check that it runs, without meaningful figures. */
  readonly once: boolean;
  readonly onStep?: (done: string, steps: number) => void;
  readonly onPart?: (soFar: Measured, done: number) => void;
}

interface Part {
  readonly steps: number;
  /** Where there are none. */
  readonly note?: string;
  measure(onStep: (done: string) => void): Promise<Pick<Measured, "groups" | "versions">>;
}

/** How many parts there are. */
export function partsIn(options: Options): number {
  return partsOf(options).length;
}

/** How many steps all parts have. */
export function stepsOfAll(options: Options): number {
  return partsOf(options).reduce((sum, { steps }) => sum + steps, 0);
}

/** Measures all. */
export async function measureAll(options: Options): Promise<Measured> {
  const groups: Group[] = [];
  const versions: Record<string, string> = {};
  const parts = partsOf(options);
  const notes = [...options.notes, ...parts.flatMap(({ note }) => note ?? [])];
  for (const part of parts) {
    const done = await part.measure((what) => options.onStep?.(what, 1));
    groups.push(...done.groups);
    Object.assign(versions, done.versions);
    options.onPart?.({ groups, versions, notes }, parts.indexOf(part) + 1);
  }
  return { groups, versions, notes };
}

function partsOf({ players, rows, starts, rounds, once }: Options): Part[] {
  const parts: Part[] = [];
  const inTurns = (chosen: readonly Row[], more: Pick<Plan, "starts" | "rounds">, note?: string): void => {
    const entries = chosen.flatMap((row) => entriesOf(row, players, once));
    if (entries.length === 0) return;
    const groups = chosen.map(({ title }) => ({ name: title, unit: "ns", better: "less" } as const));
    const all = Object.fromEntries(players.map(({ key, options }) => [key, options]));
    const common = { sampleMs: SAMPLE_MS, patience: once ? 1_000 : PATIENCE, limit: 60_000 };
    parts.push({
      steps: stepsOf({ entries, ...more }),
      note,
      measure: (onStep) => measure({ groups, players: all, entries, ...common, ...more, onStep }),
    });
  };
  inTurns(TURNS.filter(({ name }) => rows.includes(name)), { starts, rounds });
  if (rows.includes(KILLED.name)) {
    inTurns([KILLED], { starts, rounds: once ? 1 : Math.ceil(KILLS / starts) }, KILLED_NOTE);
  }
  if (rows.includes("idle")) {
    const how = once ? { starts: 1, ms: 500, settling: 100 } : { starts: Math.min(starts, IDLE_STARTS), ms: IDLE_MS };
    const steps = canWatchIdle() ? how.starts : 0;
    parts.push({
      steps,
      note: steps === 0 ? IDLE_NOTE : undefined,
      measure: async (onStart) => {
        return { groups: steps === 0 ? [] : await measureIdle({ players, ...how, onStart }), versions: {} };
      },
    });
  }
  return parts;
}

function entriesOf(row: Row, players: readonly Starting[], once: boolean): Entry[] {
  return players.filter(({ name }) => row.players.includes(name)).map(({ name, runtime, key }): Entry => ({
    group: row.title,
    name,
    runtime,
    ours: isOurs(name),
    player: key,
    work: row.work,
    n: once ? row.nOnce : name === "BullMQ" ? row.nOfBullmq ?? row.n : row.n,
    unwarmed: row === KILLED,
  }));
}
