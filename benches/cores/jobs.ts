/** The work on more and more cores: only the functions, as the pools and the bare workers call them. */

/** A million square roots: what Python's documentation of pools has each of its tasks do. */
export function compute(task: number): number {
  const first = 12345 + task % 7;
  let sum = 0;
  for (let i = 0; i < 1_000_000; i++) sum += Math.sqrt(first + i);
  return sum;
}

const WIDTH = 240;
const HEIGHT = 160;
const ROUNDS = 1000;

/** A row of the Mandelbrot set: for each point, after how many rounds it is known to be outside. */
export function mandelbrotRow(row: number): Uint16Array {
  const counts = new Uint16Array(WIDTH);
  const imaginary = (row % HEIGHT - HEIGHT / 2) * 3 / WIDTH;
  for (let x = 0; x < WIDTH; x++) {
    const real = (x - WIDTH / 2) * 3 / WIDTH - 0.75;
    let [a, b, round] = [0, 0, 0];
    while (a * a + b * b <= 4 && round < ROUNDS) {
      const next = a * a - b * b + real;
      b = 2 * a * b + imaginary;
      a = next;
      round++;
    }
    counts[x] = round;
  }
  return counts;
}

/** Into how many parts the numbers are cut, so that each of many workers has several. */
export const PARTS = 128;
/** 256 MiB of numbers: more than the caches of most processors hold. */
export const NUMBERS = 32 << 20;

let numbers: Float64Array = new Float64Array();

/**
 * Writes the numbers. Unwritten memory would be no work to read: the system maps a single page of zeros, which stays in the
 * cache.
 */
export function fillNumbers(array: Float64Array): void {
  for (let i = 0; i < array.length; i++) array[i] = i % 7;
}

/** The sum of so many numbers, from the first. */
export function sumOf(count: number): number {
  const rest = count % 7;
  return (count - rest) / 7 * 21 + rest * (rest - 1) / 2;
}

/** Sets the numbers that {@linkcode sumPart} adds up in this thread. */
export function setNumbers(array: Float64Array): void {
  numbers = array;
}

/** The sum of a part of the numbers. */
export function sumPart(part: number): number {
  const length = NUMBERS / PARTS;
  const begin = part % PARTS * length;
  let sum = 0;
  for (let i = begin; i < begin + length; i++) sum += numbers[i]!;
  return sum;
}

/** As little as a task can do. */
export function square(x: number): number {
  return x * x;
}

/** A job that is cut into tasks. A task is called with its number. */
export interface Job {
  readonly run: (task: number) => unknown;
  /** How many tasks make up one counted unit. */
  readonly tasks: number;
}

/** Jobs that are cut into tasks, by name. */
export const JOBS: Readonly<Record<"cpu" | "mandelbrot" | "sum" | "tiny", Job>> = {
  cpu: { run: compute, tasks: 1 },
  mandelbrot: { run: mandelbrotRow, tasks: HEIGHT },
  sum: { run: sumPart, tasks: PARTS },
  tiny: { run: square, tasks: 1 },
};

/** The names of {@linkcode JOBS}. */
export type JobName = keyof typeof JOBS;
export const JOB_NAMES: readonly JobName[] = Object.keys(JOBS) as JobName[];

const lists = new Map<JobName, readonly number[]>();

/**
 * The tasks of a job that is done `n` times, which are numbers. The list is made once for all samples of the same length, as it is
 * no part of the job.
 */
export function tasksOf(job: JobName, n: number): readonly number[] {
  const count = n * JOBS[job].tasks;
  const known = lists.get(job);
  if (known?.length === count) return known;
  const tasks: number[] = [];
  for (let i = 0; i < count; i++) tasks.push(i);
  lists.set(job, tasks);
  return tasks;
}

/** Throws unless the results of a job that was done `n` times are right: a worker without the numbers would be fast. */
export function checkResults(job: JobName, n: number, results: readonly unknown[]): void {
  if (job !== "sum") return;
  const sum = (results as readonly number[]).reduce((a, b) => a + b, 0);
  if (sum !== n * sumOf(NUMBERS)) {
    throw new Error(`Cannot use the sample: the sum must be ${n * sumOf(NUMBERS)}: received ${sum}`);
  }
}
