/** The jobs by the names that readers see, and the contestants of each. */

import { namesOption } from "../lib/command.ts";
import type { Run } from "../lib/results.ts";

/** The results of a run across cores. */
export interface CoresRun extends Run {
  /** What was left out for lack of time, if anything. */
  readonly note?: string;
}

/** Threads and processes of this library, bare workers. */
export type PlayerKind = "threads" | "processes" | "bare";

/** One contestant of a job. */
export interface PlannedWork {
  /** As the player knows it. */
  readonly work: string;
  readonly contestant: string;
  readonly kind: PlayerKind;
  /** 0 for what has none. */
  readonly workers: number;
  /** How often the work is done at least. */
  readonly least: number;
}

/** A job. */
export interface PlannedJob {
  /** The name in works and on the command line. */
  readonly name: string;
  readonly title: string;
  /** What is done, in a line. */
  readonly about: string;
  /** Whether more workers can make it faster: not if all of them want one object. */
  readonly scales: boolean;
  works(sizes: readonly number[]): PlannedWork[];
}

/** The name of a job without workers. All speed-ups count from there. */
export const ALONE = "without workers";

/** What contestants of each kind are called, in the order of tables and charts. */
export const CONTESTANTS: Readonly<Record<PlayerKind, string>> = {
  threads: "threading",
  processes: "multiprocessing",
  bare: "bare Workers",
};

interface JobOptions {
  readonly about: string;
  /** How much work there is at least for each worker, so that all have something to do. */
  readonly share: number;
  /** Default: all. */
  readonly kinds?: readonly PlayerKind[];
  /** Whether it can be done without workers, too. */
  readonly alone?: boolean;
  /** Whether all workers want one object, so that more workers cannot make it faster. */
  readonly oneThing?: boolean;
  /** Whether one half of the workers does one thing and the other half another: their number is even then. */
  readonly halves?: boolean;
}

function job(name: string, title: string, options: JobOptions): PlannedJob {
  const { about, share, kinds = ["threads", "bare", "processes"], alone = false } = options;
  const { oneThing = false, halves = false } = options;
  const planned = (kind: PlayerKind, contestant: string, workers: number): PlannedWork => (
    { work: `${name}/${workers}`, contestant, kind, workers, least: Math.ceil(share * Math.max(1, workers)) }
  );
  return {
    name,
    title,
    about,
    scales: !oneThing,
    works: (sizes) => [
      ...(alone ? [planned("bare", ALONE, 0)] : []),
      ...sizes.filter((workers) => !halves || workers % 2 === 0).flatMap((workers) =>
        kinds.map((kind) => planned(kind, CONTESTANTS[kind], workers))
      ),
    ],
  };
}

/** What the contestants are, in a line each. */
export const ABOUT: Readonly<Record<string, string>> = {
  [ALONE]: "a plain loop in one thread: what all speed-ups count from",
  [CONTESTANTS.threads]: "this library's `Pool` and `Thread`",
  [CONTESTANTS.processes]: "this library's `Pool` and `Process`, in processes",
  [CONTESTANTS.bare]: "the platform's `Worker`, with messages and `Atomics` by hand",
};

/** All of them. */
export const JOBS: readonly PlannedJob[] = [
  job("cpu", "A million square roots", {
    about: "Each task is a million square roots, which is what a processor does alone",
    share: 8,
    alone: true,
  }),
  // These are cut into more than a hundred tasks each.
  job("mandelbrot", "Mandelbrot set", {
    about: "A picture of the Mandelbrot set, a task for each row, which returns the row",
    share: 1 / 16,
    alone: true,
  }),
  job("sum", "Sum of 256 MiB", {
    about: "Numbers in shared memory are added up, which is limited by the memory and not by the processor",
    share: 1 / 16,
    alone: true,
  }),
  job("tiny", "Map of tiny tasks: x * x", {
    about: "Each task squares a number, so that the price of giving it to a worker is all that there is",
    share: 1000,
    alone: true,
  }),
  job("lock", "One lock", {
    about: "All workers want one lock, again and again, and add 1 to a number under it; the time of one addition",
    share: 1000,
    oneThing: true,
  }),
  job("queue", "One queue: half of the workers put", {
    about: "Half of the workers put numbers into one queue, the other half takes them out; the time of one number",
    share: 1000,
    kinds: ["threads", "processes"],
    oneThing: true,
    halves: true,
  }),
];

/** The jobs of a list of names, with commas between them; all where there is no list. */
export function jobsNamed(text: string | undefined): readonly PlannedJob[] {
  const names = namesOption("jobs", text, JOBS.map(({ name }) => name));
  return names?.map((name) => JOBS.find((job) => job.name === name)!) ?? JOBS;
}

/** What a group of the results is called: a job on a runtime. */
export function groupName({ title }: Pick<PlannedJob, "title">, runtime: string): string {
  return `${title} (${runtime})`;
}

/** The job of a group of the results; `undefined` in results of other jobs than these. */
export function jobOf(group: string): PlannedJob | undefined {
  return JOBS.find(({ title }) => group.startsWith(`${title} (`));
}

/** 1, 2, 4, … as far as there are cores, the number of cores, and twice as many. */
export function sizesOf(cores: number): number[] {
  const sizes = new Set<number>();
  for (let size = 1; size < cores; size *= 2) sizes.add(size);
  return [...sizes.add(cores).add(2 * cores)];
}
