/**
 * How times are spread, in little memory: buckets whose widths grow with the times.
 *
 * @module
 */

/** Times of tasks. */
export interface Times {
  /** How many tasks. */
  count: number;
  /** Their mean, in ms. */
  mean: number;
  /** The time that half of them stayed below, in ms, to some per cent. */
  p50: number;
  /** The time that 99 of 100 stayed below, in ms, to some per cent. */
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
