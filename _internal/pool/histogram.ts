/**
 * How times are spread, in little memory: buckets whose widths grow with the times.
 *
 * @module
 */

/** How long tasks took, or waited: part of {@linkcode PoolStats}. All 0 while there is nothing to count. */
export interface Times {
  /** How many tasks were counted. */
  count: number;
  /** Their mean, in milliseconds, exactly. */
  mean: number;
  /** The median, in milliseconds, to within 5 %: half of the tasks took no longer. */
  p50: number;
  /** The 99th percentile, in milliseconds, to within 5 %: 99 of 100 tasks took no longer. */
  p99: number;
}

/** Buckets for each doubling of the time. */
const STEPS = 8;
/** The shortest time that is told from others: ms. */
const LEAST = 1e-4;
const BUCKETS = 40 * STEPS;

/** Collects times. */
export class Histogram {
  readonly #buckets: Float64Array = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;

  /** Adds a time that so many tasks had, in ms. */
  add(ms: number, tasks: number): void {
    const time = Math.max(LEAST, ms);
    this.#buckets[Math.min(BUCKETS - 1, Math.floor(Math.log2(time / LEAST) * STEPS))] += tasks;
    this.#count += tasks;
    this.#sum += ms * tasks;
  }

  /** What is known by now. */
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
