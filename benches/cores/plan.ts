/** The jobs as a reader knows them, and what takes part in each. */

import type { Run } from "../lib/results.ts";

/** The results of a run across cores. */
export interface CoresRun extends Run {
  /** What there was no time for, if anything. */
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
  works(sizes: readonly number[]): PlannedWork[];
}

/** What a job is called that runs without any workers: the speed-up of all counts from there. */
export const ALONE = "without workers";

/** What contestants of each kind are called, in the order of tables and charts. */
export const CONTESTANTS: Readonly<Record<PlayerKind, string>> = {
  threads: "threading",
  processes: "multiprocessing",
  bare: "bare Workers",
};

interface JobOptions {
  /** How much of the work there is at least for each worker, so that all have something to do. */
  readonly share: number;
  /** Default: all. */
  readonly kinds?: readonly PlayerKind[];
  /** Whether it can be done without workers, too. */
  readonly alone?: boolean;
  /** Whether the workers do two things, half of them each: there are none of an odd number then. */
  readonly halves?: boolean;
}

function job(name: string, title: string, options: JobOptions): PlannedJob {
  const { share, kinds = ["threads", "bare", "processes"], alone = false, halves = false } = options;
  const planned = (kind: PlayerKind, contestant: string, workers: number): PlannedWork => (
    { work: `${name}/${workers}`, contestant, kind, workers, least: Math.ceil(share * Math.max(1, workers)) }
  );
  return {
    name,
    title,
    works: (sizes) => [
      ...(alone ? [planned("bare", ALONE, 0)] : []),
      ...sizes.filter((workers) => !halves || workers % 2 === 0).flatMap((workers) =>
        kinds.map((kind) => planned(kind, CONTESTANTS[kind], workers))
      ),
    ],
  };
}

/** All of them. */
export const JOBS: readonly PlannedJob[] = [
  job("cpu", "A million square roots", { share: 8, alone: true }),
  // These are cut into more than a hundred tasks each.
  job("mandelbrot", "Mandelbrot set", { share: 1 / 16, alone: true }),
  job("sum", "Sum of 256 MiB", { share: 1 / 16, alone: true }),
  job("tiny", "Map of tiny tasks: x * x", { share: 1000, alone: true }),
  job("lock", "One lock", { share: 1000 }),
  job("queue", "One queue: half of the workers put", { share: 1000, kinds: ["threads", "processes"], halves: true }),
];

/** The job with that name. */
export function jobNamed(name: string): PlannedJob {
  const found = JOBS.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = JOBS.map((each) => each.name).join(", ");
  throw new TypeError(`Cannot run benchmarks: --jobs must name some of ${names}: received '${name}'`);
}

/** 1, 2, 4, … as far as there are cores, the number of cores, and twice as many. */
export function sizesOf(cores: number): number[] {
  const sizes = new Set<number>();
  for (let size = 1; size < cores; size *= 2) sizes.add(size);
  return [...sizes.add(cores).add(2 * cores)];
}
