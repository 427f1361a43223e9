/**
 * A histogram of times that needs little memory: its buckets grow in proportion to the times.
 *
 * @module
 */

/**
 * How long tasks ran, or waited, in milliseconds: part of {@linkcode PoolStats}. All fields are 0 as long as no task is
 * counted.
 *
 * Python has no equivalent.
 */
export interface Times {
  /** The number of tasks that were counted. */
  count: number;
  /** The mean, in milliseconds. It is exact. */
  mean: number;
  /** The median, in milliseconds, to within 5 %: half of the tasks took no longer. */
  p50: number;
  /** The 99th percentile, in milliseconds, to within 5 %: 99 of 100 tasks took no longer. */
  p99: number;
}

/** The number of buckets for each doubling of the time. */
const STEPS = 8;
/** Shorter times count as this: milliseconds. */
const LEAST = 1e-4;
const BUCKETS = 40 * STEPS;

/** Collects times. */
export class Histogram {
  readonly #buckets: Float64Array = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;

  /** Counts `tasks` tasks that took `ms` milliseconds each. */
  add(ms: number, tasks: number): void {
    const time = Math.max(LEAST, ms);
    this.#buckets[Math.min(BUCKETS - 1, Math.floor(Math.log2(time / LEAST) * STEPS))] += tasks;
    this.#count += tasks;
    this.#sum += ms * tasks;
  }

  /** The statistics of all times that were added. */
  get times(): Times {
    const count = this.#count;
    return { count, mean: count === 0 ? 0 : this.#sum / count, p50: this.#below(0.5), p99: this.#below(0.99) };
  }

  #below(part: number): number {
    let left = this.#count * part;
    if (left === 0) return 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#buckets[bucket];
      if (left <= 0) return LEAST * 2 ** ((bucket + 0.5) / STEPS);
    }
    return LEAST * 2 ** (BUCKETS / STEPS);
  }
}
