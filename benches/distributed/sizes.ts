/** How much of a work is done at once, which is the same for all players. */

/** How many tasks run at a time: by an agent of a fleet, and by a local pool. */
export const SLOTS = 2;
/** How many jobs BullMQ's worker has at a time where the rate counts. */
export const CONCURRENCY = 8;
/** Round trips of a sample: what one takes typically is their median. */
export const TRIPS = 200;
/** Tasks of a sample where each is a message of its own. */
export const TASKS = 1000;
/** Items of a sample where a library may send many together. */
export const ITEMS = 50_000;
/** The text of a task, and of its result. */
export const MEGABYTE = 1 << 20;
/** So many of these in a sample. */
export const MEGABYTES = 10;

export function numbers(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** Throws unless these are the results of `increment` with 0, 1, … below n, by their sum. */
export function checkIncremented(results: readonly number[], n: number): void {
  const sum = results.reduce((a, b) => a + b, 0);
  if (results.length !== n || sum !== n * (n + 1) / 2) throw new Error(`wrong results: ${results.length}, sum ${sum}`);
}
