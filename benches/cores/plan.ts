/** The jobs as a reader knows them, and what takes part in each. */

/** Threads and processes of this library, bare workers. */
export type PlayerKind = "threads" | "processes" | "bare";

/** One contestant of a job. */
export interface PlannedWork {
  /** As the player knows it. */
  readonly work: string;
  readonly contestant: string;
  readonly kind: PlayerKind;
  /** Absent for what has none. */
  readonly workers?: number;
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

/** @param share How much of the work there is at least for each worker, so that all have something to do. */
function job(name: string, title: string, share: number, kinds: readonly PlayerKind[], alone: boolean): PlannedJob {
  return {
    name,
    title,
    // Size by size, so that the contestants of one size follow each other at once.
    works: (sizes) => [
      ...(alone ? [{ work: `${name}/0`, contestant: ALONE, kind: "bare" as const, least: share }] : []),
      ...sizes.flatMap((workers) =>
        kinds.map((kind) => ({
          work: `${name}/${workers}`,
          contestant: CONTESTANTS[kind],
          kind,
          workers,
          least: share * workers,
        }))
      ),
    ],
  };
}

const ALL: readonly PlayerKind[] = ["threads", "bare", "processes"];

/** All of them. */
export const JOBS: readonly PlannedJob[] = [
  job("cpu", "A million square roots", 8, ALL, true),
  job("mandelbrot", "Mandelbrot", 1, ALL, true),
  job("sum", "Sum of 64 MiB", 1, ALL, true),
  job("tiny", "Map of x * x", 1000, ALL, false),
  job("lock", "One lock", 1000, ALL, false),
  job("queue", "One queue, k to k", 1000, ["threads", "processes"], false),
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
