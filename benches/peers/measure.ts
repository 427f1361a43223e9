/**
 * Measures works group by group. Each has its own players, so that no group pays for the leftovers or the idle work of
 * another.
 */

import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import process from "node:process";
import { type Entry, measure, type Measured, stepsOf } from "../lib/measure.ts";
import { Player } from "../lib/player.ts";
import type { Group } from "../lib/results.ts";
import type { Contestant } from "./contestants.ts";
import { groupName, SCOPES, type Section, type WorkInfo } from "./work.ts";

/** A contestant that can be started, and what it can do. */
export interface Greeted extends Contestant {
  readonly works: readonly string[];
  /** The npm package that it plays, with its version, if any. */
  readonly pack?: string;
}

/** What is measured, and how thoroughly. */
export interface Options {
  readonly quick: boolean;
  readonly works: readonly WorkInfo[];
  readonly contestants: readonly Greeted[];
  /** Remarks about the run before it begins. */
  readonly notes?: readonly string[];
  readonly starts: number;
  readonly rounds: number;
  /** Milliseconds after which a quick run begins no further group. */
  readonly quickMs?: number;
  /** Called with what is done, and with how many steps of {@linkcode stepsOfAll} are over. */
  readonly onStep?: (done: string, steps: number) => void;
  /** Called after each group with the results so far, and how many of {@linkcode groupsIn} they are. */
  readonly onGroup?: (soFar: Measured, done: number) => void;
}

/** The default of {@linkcode Options.quickMs}: with what it takes to begin, a run ends within 5 minutes. */
const QUICK_MS = 245_000;

/** Starts each contestant once, to learn what it can do. */
export async function greet(
  contestants: readonly Contestant[],
): Promise<{ greeted: Greeted[]; failed: string[] }> {
  const greeted: Greeted[] = [];
  const failed: string[] = [];
  for (const contestant of contestants) {
    try {
      const player = await Player.start({ command: contestant.command });
      const { name, works } = player.greeting;
      // Players of packages call themselves by name and version.
      greeted.push({ ...contestant, works, pack: name.startsWith(`${contestant.name} `) ? name : undefined });
      await player.end();
    } catch (error) {
      failed.push(`Without ${contestant.name}, ${contestant.runtime}: ${(error as Error).message}.`);
    }
  }
  return { greeted, failed };
}

/** A group: a work, by threads or by processes. */
interface Task {
  readonly info: WorkInfo;
  readonly group: Omit<Group, "contestants">;
  readonly entries: readonly Entry[];
}

function tasksOf({ works, contestants, quick }: Options): Task[] {
  return works.flatMap((info) =>
    SCOPES.flatMap((scope) => {
      const group = { name: groupName(info, scope), unit: info.unit ?? "ns", better: "less" } as const;
      const work = info.work ?? info.name;
      const entries = contestants.filter((each) => each.scope === scope && each.works.includes(work)).map((
        { name, runtime, ours },
      ): Entry => ({
        group: group.name,
        name,
        runtime,
        ours,
        player: playerOf({ name, runtime, scope }),
        work,
        n: quick ? info.quickN ?? info.n : info.n,
        least: quick ? undefined : info.least,
        unwarmed: info.unwarmed,
      }));
      // A group without a comparison shows nothing here.
      return entries.some(({ ours }) => ours) && entries.length > 1 ? [{ info, group, entries }] : [];
    })
  );
}

/** Some packages have pools of both scopes. */
function playerOf({ name, runtime, scope }: Pick<Contestant, "name" | "runtime" | "scope">): string {
  return `${name}, ${runtime}, ${scope}`;
}

/** Which versions of npm's packages take part in the groups, in a sentence; none if none do. */
function packagesIn(tasks: readonly Task[], contestants: readonly Greeted[]): string[] {
  const playing = new Set(tasks.flatMap(({ entries }) => entries.map(({ player }) => player)));
  const packs = contestants.flatMap((each) => playing.has(playerOf(each)) ? each.pack ?? [] : []);
  return packs.length === 0 ? [] : [`Packages: ${[...new Set(packs)].join(", ")}.`];
}

/** How many groups there are. */
export function groupsIn(options: Options): number {
  return tasksOf(options).length;
}

/** How many steps all groups have. */
export function stepsOfAll(options: Options): number {
  return tasksOf(options).reduce((sum, { entries }) => sum + stepsOf({ ...options, entries }), 0);
}

/** Measures all groups. */
export async function measureAll(options: Options): Promise<Measured> {
  // Players that are killed leave files there.
  const folder = mkdtempSync(`${os.tmpdir()}/weft-peers-`);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // Ctrl-C may end the program here.
  process.once("exit", remove);
  try {
    return await measureIn(folder, options);
  } finally {
    process.off("exit", remove);
    remove();
  }
}

async function measureIn(folder: string, options: Options): Promise<Measured> {
  const { quick, starts, rounds, contestants, onStep, onGroup } = options;
  const end = quick ? performance.now() + (options.quickMs ?? QUICK_MS) : Infinity;
  const tasks = tasksOf(options);
  const packages = packagesIn(tasks, contestants);
  const groups: Group[] = [];
  const versions: Record<string, string> = {};
  const leftOut: string[] = [];
  const measured = (): Measured => {
    const late = leftOut.length === 0 ? [] : [`Left out, since the time was up: ${leftOut.join("; ")}.`];
    return { groups, versions, notes: [...options.notes ?? [], ...packages, ...late] };
  };
  const players = Object.fromEntries(
    contestants.map((each) => [playerOf(each), { command: each.command, env: { TMPDIR: folder } }]),
  );
  for (const [i, { info, group, entries }] of (quick ? inTurn(tasks) : tasks).entries()) {
    // The remaining time is divided among the remaining groups: a group that takes longer leaves less to the others.
    const share = (end - performance.now()) / (tasks.length - i);
    if (share <= 0) {
      leftOut.push(group.name);
      onStep?.(group.name, stepsOf({ ...options, entries }));
      continue;
    }
    const { groups: [done], versions: seen } = await measure({
      groups: [group],
      players: Object.fromEntries(entries.map(({ player }) => [player, players[player]!])),
      entries,
      starts,
      rounds,
      sampleMs: quick ? 60 : 200,
      limit: info.limit ?? (quick ? 10_000 : 60_000),
      patience: quick ? Math.min(share / 10, 1_000) : 20_000,
      budget: quick ? share : undefined,
      onStep: (done) => onStep?.(done, 1),
    });
    groups.push(done!);
    Object.assign(versions, seen);
    onGroup?.(measured(), groups.length);
  }
  const names = tasks.map(({ group }) => group.name);
  groups.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  return measured();
}

/** The first of each section, then the second of each, and so on: if the time is up, something of all was measured. */
function inTurn(tasks: readonly Task[]): Task[] {
  const ranks = new Map<Section, number>();
  const ranked = tasks.map((task) => {
    const rank = ranks.get(task.info.section) ?? 0;
    ranks.set(task.info.section, rank + 1);
    return { task, rank };
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ task }) => task);
}
