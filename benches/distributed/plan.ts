/** The rows of the comparison, their contestants, and the goals of the fleet. */

import { namesOption } from "../lib/command.ts";
import { CONCURRENCY, ITEMS, MEGABYTES, SLOTS, TASKS, TRIPS } from "./sizes.ts";

/** What takes part. */
export const PLAYERS = ["fleet", "BullMQ", "local pool"] as const;
/** The name of one. */
export type PlayerName = typeof PLAYERS[number];

/** What the players are, in a line each. */
export const ABOUT: Readonly<Record<PlayerName, string>> = {
  "fleet":
    `this library's pool of many machines, all of them this one: a NATS server that keeps its queue in memory, an agent of ${SLOTS} processes ` +
    "in a program of its own, and the program with the pool",
  "BullMQ":
    "npm's job queue on a Valkey or Redis server that keeps nothing in files: a worker in a program of its own whose functions run in " +
    "its own loop, and the program with the queue",
  "local pool": `this library's pool of ${SLOTS} processes, with no server`,
};

/** The goal for a figure: a maximum or a minimum. */
export interface Target {
  /**
   * What it is asked of: how many times as much the fleet takes as a peer, how many times as many tasks it does in a second, what it
   * takes more than a peer, or the figure itself, of 100 samples the 99th.
   */
  readonly of: "time over" | "rate over" | "more than" | "most" | "itself";
  readonly peer?: PlayerName;
  /** By runtime, or for both. In the group's unit where it is no ratio. */
  readonly asked: number | Readonly<Record<string, number>>;
}

/** A row. */
export interface Row {
  /** As on the command line. */
  readonly name: string;
  /** What the group is called. */
  readonly title: string;
  /** What is done, in a line. */
  readonly about: string;
  /** As players know it. */
  readonly work: string;
  readonly players: readonly PlayerName[];
  /** How often it is done in a sample. BullMQ's has a message for each item in any case. */
  readonly n: number;
  readonly nOfBullmq?: number;
  /** How often it is done in the shortest form. */
  readonly nOnce: number;
  /** Whether the tasks per second are shown beside the time of one. */
  readonly isRate: boolean;
  readonly targets: readonly Target[];
}

const ALL = PLAYERS;

/** The rows that are measured in turns, one sample of each player after the other. */
export const TURNS: readonly Row[] = [
  {
    name: "trip",
    title: "Round trip of a task",
    about:
      `A task that adds 1 is given, and awaited, one after the other: the median of ${TRIPS}. BullMQ has one job at a time`,
    work: "round trip",
    players: ALL,
    n: TRIPS,
    nOnce: 5,
    isRate: false,
    targets: [
      { of: "time over", peer: "BullMQ", asked: { Deno: 1.2, Bun: 1 } },
      { of: "more than", peer: "local pool", asked: 1.5e6 },
    ],
  },
  {
    name: "chunks",
    title: "Tasks of a map with chunks of 1",
    about: `${TASKS} tasks that add 1 by map() with chunks of 1; of BullMQ by addBulk(), ` +
      `${CONCURRENCY} jobs at a time, their results by its events`,
    work: "map, chunks of 1",
    players: ALL,
    n: TASKS,
    nOnce: 20,
    isRate: true,
    targets: [{ of: "rate over", peer: "BullMQ", asked: 1 }],
  },
  {
    name: "submits",
    title: "Tasks given one by one, all at once",
    about: `${TASKS} tasks that add 1, each by submit(), awaited together; of BullMQ by add() and waitUntilFinished()`,
    work: "submits",
    players: ALL,
    n: TASKS,
    nOnce: 20,
    isRate: true,
    targets: [{ of: "rate over", peer: "BullMQ", asked: 1 }],
  },
  {
    name: "map",
    title: "Tasks of a map with chunks as they are best",
    about:
      `${ITEMS} numbers to which 1 is added by map(), which finds out how many go together; of BullMQ, which has nothing of the ` +
      `kind, ${TASKS} by addBulk()`,
    work: "map",
    players: ALL,
    n: ITEMS,
    nOfBullmq: TASKS,
    nOnce: 200,
    isRate: true,
    targets: [{ of: "rate over", peer: "BullMQ", asked: 30 }],
  },
  {
    name: "megabyte",
    title: "A megabyte of text there and back",
    about: "A task that returns the text that it is given, one after the other",
    work: "1 MB",
    players: ALL,
    n: MEGABYTES,
    nOnce: 2,
    isRate: false,
    targets: [{ of: "time over", peer: "BullMQ", asked: 1.5 }],
  },
];

/** An agent is killed. */
export const KILLED: Row = {
  name: "killed",
  title: "An agent killed, until the program knows",
  about: "An agent is killed by SIGKILL while it has a task: until the task's promise rejects with WorkerLostError",
  work: "agent killed",
  players: ["fleet"],
  n: 1,
  nOnce: 1,
  isRate: false,
  targets: [{ of: "most", asked: 1e9 }],
};

/** How often agents are killed on each runtime. */
export const KILLS = 30;

/** Nothing is done: how much of the processor an agent and a program with an open pool use. */
export const IDLE: Readonly<Record<"agent" | "program", Omit<Row, "work" | "n" | "nOnce">>> = {
  agent: {
    name: "idle",
    title: "An idle agent",
    about: "What an agent and its processes, or BullMQ's worker, use of a processor while there is nothing to do",
    players: ["fleet", "BullMQ"],
    isRate: false,
    targets: [{ of: "itself", asked: 1 }],
  },
  program: {
    name: "idle",
    title: "An idle program with an open pool",
    about:
      "What a program with an open pool, or BullMQ's queue and events, uses of a processor while there is nothing to do",
    players: ALL,
    isRate: false,
    targets: [{ of: "itself", asked: 1 }],
  },
};

/** What is counted of idle programs. */
export const IDLE_UNIT = "% of a core";

/** All rows. */
export const ROWS = [...TURNS, KILLED, IDLE.agent, IDLE.program];

/** The names of rows on the command line. */
export const ROW_NAMES: readonly string[] = [...new Set(ROWS.map(({ name }) => name))];

/** The row of a group of the results; `undefined` in results of other rows than these. */
export function rowOf(group: string): typeof ROWS[number] | undefined {
  return ROWS.find(({ title }) => title === group);
}

/** The names of a list with commas between them; all where there is no list. */
export function rowsNamed(text: string | undefined): readonly string[] {
  return namesOption("rows", text, ROW_NAMES) ?? ROW_NAMES;
}
