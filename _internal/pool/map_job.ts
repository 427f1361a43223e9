/**
 * The job of `map`, `starmap`, and `mapRange`: a list of items whose results the caller gets together.
 *
 * @module
 */

import type { Destination } from "../memory/memory.ts";
import type { Ending } from "../work/runner.ts";
import type { GivingAway } from "./giving_away.ts";
import {
  AnyJob,
  type Identity,
  type Job,
  type JobOptions,
  lostError,
  type NumberJob,
  Packer,
  Returned,
  type Source,
  type Unwanted,
} from "./job.ts";
import type { OnProgress } from "./progress.ts";
import { Progress } from "./progress.ts";
import type { Packed } from "./task.ts";

/** Options of jobs with many items. */
export interface BulkOptions extends JobOptions {
  onProgress: OnProgress | undefined;
  /** For `mapRange`: how many items of the caller a task stands for, and how many there are in all. */
  items?: { of: (index: number) => number; total: number };
}

/** A copy of the items if all of them are numbers, otherwise `undefined`. */
function numbersOf(items: ArrayLike<unknown>): Float64Array | undefined {
  if (ArrayBuffer.isView(items)) {
    const isOther = items instanceof DataView || items instanceof BigInt64Array || items instanceof BigUint64Array;
    // Not slice(), which does not copy the contents of a `Buffer`.
    return isOther ? undefined : new Float64Array(items as Float64Array);
  }
  const { length } = items;
  const numbers = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const item = items[i];
    if (typeof item !== "number") return undefined;
    numbers[i] = item;
  }
  return numbers;
}

/** A list of items whose results the caller gets together. */
export class MapJob extends AnyJob implements Source, NumberJob {
  /** Resolves with all results, or rejects with the error of the lowest item that failed. */
  readonly promise: Promise<unknown[]>;
  index = -1;
  readonly many: NumberJob | undefined;
  readonly #inputs: { readonly length: number; [index: number]: Packed };
  readonly #results: unknown[];
  readonly #isSettled: Uint8Array;
  readonly #returned: Returned = new Returned();
  readonly #progress: Progress | undefined;
  readonly #items: BulkOptions["items"];
  /** The number of the caller's items that are done. */
  #doneItems = 0;
  /** The first item that was not taken yet. */
  #next = 0;
  /** The number of tasks that have returned. */
  #done = 0;
  /** The failed item with the lowest index, its error, and how many items before it are not settled. */
  #failure: { index: number; error: unknown; open: number } | undefined;
  #over = false;
  #resolve!: (results: unknown[]) => void;
  #reject!: (error: unknown) => void;

  /** @throws What `encode` throws. No task has begun then. */
  constructor(
    fn: number,
    name: string,
    items: ArrayLike<unknown>,
    spread: boolean,
    options: BulkOptions,
    scope: Destination,
    giving: GivingAway,
  ) {
    super(fn, name, spread, options);
    const { length } = items;
    this.#progress = options.onProgress === undefined ? undefined : new Progress(options.onProgress);
    this.#items = options.items;
    this.#results = new Array(length);
    this.#isSettled = new Uint8Array(length);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const numbers = numbersOf(items);
    if (numbers !== undefined) {
      this.#inputs = numbers;
      // With onProgress each item is reported alone, so there are no batches.
      if (options.onProgress === undefined) this.many = this;
      return;
    }
    const inputs: Packed[] = new Array(length);
    this.#inputs = inputs;
    const packer = new Packer(scope);
    let packed = 0;
    try {
      for (; packed < length; packed++) inputs[packed] = giving.pack(packed, () => packer.pack(items[packed], packed));
    } catch (error) {
      for (let index = 0; index < packed; index++) this.drop(index);
      throw error;
    }
  }

  get source(): Source {
    return this;
  }

  get exhausted(): boolean {
    return this.#returned.size === 0 && this.#next >= this.#end;
  }

  get waiting(): number {
    return this.#returned.size + Math.max(0, this.#end - this.#next);
  }

  // No item after a failed one is begun.
  get #end(): number {
    if (this.#over) return 0;
    return this.#failure === undefined ? this.#results.length : this.#failure.index;
  }

  protected override packedOf(index: number): Packed {
    return this.#inputs[index];
  }

  protected override forget(index: number): void {
    this.#inputs[index] = 0;
  }

  peek(): Job | undefined {
    return this.exhausted ? undefined : this;
  }

  take(): void {
    this.index = this.#returned.size > 0 ? this.#returned.take() : this.#next++;
  }

  takeMany(most: number): number {
    // Items that have come back are taken first, one by one.
    if (this.#returned.size > 0) return 0;
    const count = Math.min(most, this.#end - this.#next);
    this.index = this.#next;
    this.#next += count;
    return count;
  }

  numbersOf(index: number, count: number): Float64Array {
    return (this.#inputs as Float64Array).subarray(index, index + count);
  }

  wants(index: number): boolean {
    return !this.#over && (this.#failure === undefined || index <= this.#failure.index);
  }

  done(index: number, value: unknown): Unwanted {
    this.settled(index);
    this.#results[index] = value;
    this.#isSettled[index] = 1;
    return this.#count(index, 1, this.#items?.of(index) ?? 1);
  }

  doneMany(index: number, count: number, values: Float64Array, from: number): Unwanted {
    const results = this.#results;
    for (let i = 0; i < count; i++) results[index + i] = values[from + i];
    this.#isSettled.fill(1, index, index + count);
    return this.#count(index, count, count);
  }

  // Counts `tasks` consecutive tasks that have returned, and the caller's items for which they stand.
  #count(index: number, tasks: number, items: number): Unwanted {
    this.#done += tasks;
    this.#doneItems += items;
    if (this.#over) return false;
    if (this.#failure !== undefined) {
      // All of these tasks are on the same side of the failed item: they are before it in its batch, or in another batch.
      if (index < this.#failure.index) this.#failure.open -= tasks;
      this.#check();
    } else if (this.#done === this.#results.length && this.#progress === undefined) {
      this.#over = true;
      this.#resolve(this.#results);
    }
    return this.#progress !== undefined && this.#report();
  }

  failed(index: number, error: unknown): Unwanted {
    this.settled(index);
    this.#isSettled[index] = 1;
    if (this.#over || this.#failure !== undefined && index > this.#failure.index) return false;
    let open = 0;
    for (let before = 0; before < index; before++) if (this.#isSettled[before] === 0) open++;
    this.#failure = { index, error, open };
    this.#dropFrom(index + 1);
    this.#check();
    return true;
  }

  lost(index: number, ending: Ending & Identity): Unwanted | "again" {
    if (this.wants(index) && this.isRetried(index)) {
      this.#returned.add(index);
      return "again";
    }
    return this.failed(index, lostError(ending, index));
  }

  again(index: number): boolean {
    this.withdrawn(index);
    if (this.wants(index)) {
      this.#returned.add(index);
      return true;
    }
    this.drop(index);
    return false;
  }

  refuse(fn: number, error: () => Error): number {
    if (fn !== this.fn || this.#over) return 0;
    this.abort(error());
    return this.#results.length - this.#done;
  }

  abort(error: unknown): void {
    if (this.#over) return;
    this.#dropFrom(0);
    this.#over = true;
    this.#reject(error);
  }

  // An error of the callback ends the job: the caller waits for the job, so it gets the error.
  #report(): Unwanted {
    try {
      this.#progress!.report(this.#doneItems, this.#items?.total ?? this.#results.length);
    } catch (error) {
      this.abort(error);
      return true;
    }
    if (!this.#over && this.#failure === undefined && this.#done === this.#results.length) {
      this.#over = true;
      this.#resolve(this.#results);
    }
    return false;
  }

  // Drops the waiting items from this index on.
  #dropFrom(first: number): void {
    for (const index of this.#returned.from(first)) this.drop(index);
    const { length } = this.#results;
    if (!(this.#inputs instanceof Float64Array)) {
      for (let index = Math.max(first, this.#next); index < length; index++) this.drop(index);
    }
    // Nothing is left to take.
    if (this.#next >= first) this.#next = length;
  }

  // Rejects when all items before the failed one are settled: if one of these fails too, its error is the one to report.
  #check(): void {
    const failure = this.#failure;
    if (failure === undefined || failure.open > 0 || this.#over) return;
    this.#over = true;
    this.#reject(failure.error);
  }
}
