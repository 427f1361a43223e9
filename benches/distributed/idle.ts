/**
 * How much of the processor idle programs use. They all run at once: being idle, they do not disturb each other.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { openClock, parseProcess, type ProcessStat, treeOf } from "../lib/load.ts";
import { Player } from "../lib/player.ts";
import type { Contestant, Group, Sample } from "../lib/results.ts";
import { IDLE, IDLE_UNIT, type PlayerName } from "./plan.ts";
import type { Starting } from "./players.ts";

/** The names of the programs of agents and workers. */
const AGENTS = /\/(agent\.ts|worker\.mjs)\b/;
/** Milliseconds until the work that a first task causes is done, as far as it ever is. */
const SETTLING = 5_000;

const clock = canWatchIdle() ? openClock() : undefined;

/** How thoroughly. */
export interface IdleOptions {
  readonly players: readonly Starting[];
  readonly starts: number;
  /** How long it is watched: milliseconds. */
  readonly ms: number;
  readonly settling?: number;
  /** Called when a start is over. */
  readonly onStart?: (done: string) => void;
}

/** Whether the system reports it. */
export function canWatchIdle(): boolean {
  return existsSync("/proc/self/stat");
}

/** The two groups. */
export async function measureIdle(
  { players, starts, ms, settling = SETTLING, onStart }: IdleOptions,
): Promise<Group[]> {
  const samples = { agent: new Map<Starting, Sample[]>(), program: new Map<Starting, Sample[]>() };
  const notes = new Map<Starting, string>();
  for (let start = 0; start < starts; start++) {
    const started = await Promise.all(
      players.map(async (starting) => ({ starting, player: await begin(starting, notes) })),
    );
    await delay(settling);
    const before = started.map(({ player }) => usageOf(player));
    const began = performance.now();
    await delay(ms);
    const after = started.map(({ player }) => usageOf(player));
    const share = (performance.now() - began) * 1e6 / 100;
    for (const [i, { starting, player }] of started.entries()) {
      if (player === undefined) continue;
      for (const part of ["agent", "program"] as const) {
        const value = Number(((after[i]![part] - before[i]![part]) / share).toPrecision(4));
        samples[part].set(starting, [...samples[part].get(starting) ?? [], { value, start }]);
      }
      await player.end();
    }
    onStart?.(IDLE.agent.title);
  }
  return (["agent", "program"] as const).map((part): Group => ({
    name: IDLE[part].title,
    unit: IDLE_UNIT,
    better: "less",
    contestants: players.filter(({ name }) => IDLE[part].players.includes(name)).map((each): Contestant => ({
      name: each.name,
      runtime: each.runtime,
      ours: isOurs(each.name),
      samples: samples[part].get(each) ?? [],
      dropped: 0,
      note: notes.get(each),
      failed: notes.has(each) ? true : undefined,
    })),
  }));
}

/** Whether it is of this library. */
export function isOurs(name: PlayerName): boolean {
  return name !== "BullMQ";
}

/** Starts a player and has it do something, so that everything is started. */
async function begin(starting: Starting, notes: Map<Starting, string>): Promise<Player | undefined> {
  try {
    const player = await Player.start(starting.options);
    await player.play("round trip", 20);
    return player;
  } catch (error) {
    notes.set(starting, (error as Error).message);
    return undefined;
  }
}

/** Nanoseconds that the program, and its agent with what that started, have used; the server is neither. */
function usageOf(player: Player | undefined): Record<"agent" | "program", number> {
  if (player === undefined) return { agent: 0, program: 0 };
  const all = readdirSync("/proc").filter((name) => /^\d/.test(name)).flatMap((name) =>
    readOr(`/proc/${name}/stat`, []).map(parseProcess)
  );
  const isAgent = ({ pid }: ProcessStat): boolean =>
    readOr(`/proc/${pid}/cmdline`, []).some((text) => AGENTS.test(text));
  const ofAgents = treeOf(player.pid, all).filter(isAgent).flatMap(({ pid }) => treeOf(pid, all));
  const usedBy = (processes: Iterable<ProcessStat>): number =>
    [...processes].reduce((sum, { pid, ownNs }) => sum + (clock?.(pid) ?? ownNs), 0);
  return { agent: usedBy(new Set(ofAgents)), program: usedBy(all.filter(({ pid }) => pid === player.pid)) };
}

/** The text of a file as the only element, or `otherwise` if the file is gone. */
function readOr(file: string, otherwise: string[]): string[] {
  try {
    return [readFileSync(file, "utf8")];
  } catch {
    return otherwise;
  }
}
