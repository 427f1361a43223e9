/**
 * The job of `imap` and `imapUnordered`: an iterable of items whose results the caller gets one by one.
 *
 * @module
 */

import { joinStacks } from "../codec/error_classes.ts";
import { CancelledError } from "../errors.ts";
import type { Destination } from "../memory/memory.ts";
import { type Snapshot, snapshotContext } from "../runtime/this_thread.ts";
import type { Ending } from "../work/runner.ts";
import type { CallSite } from "./functions.ts";
import { Thrown } from "./future.ts";
import { AnyJob, type Identity, type Job, lostError, Packer, Returned, type Source, type Unwanted } from "./job.ts";
import type { BulkOptions } from "./map_job.ts";
import { Progress } from "./progress.ts";
import type { Packed } from "./task.ts";

/** What a stream needs of the owner. */
export interface StreamHost {
  /** Takes on a source that may have tasks again. */
  add(source: Source): void;
  /** Withdraws tasks that are no longer wanted. */
  withdraw(): void;
}

/** How many items for each worker may be read and not yet delivered. */
const AHEAD = 4;

type Outcome = { value: unknown } | { error: unknown };

/** An iterable of items whose results the caller gets one by one. */
export class StreamJob extends AnyJob implements Source {
  index = -1;
  /** Resolves when no more results will come. */
  readonly over: Promise<void>;
  /** The place in the program that called `imap`. */
  site: CallSite | undefined;
  readonly #host: StreamHost;
  readonly #ordered: boolean;
  readonly #packer: Packer;
  readonly #window: number;
  readonly #isAsync: boolean;
  /** The async context of the caller, in which its iterable always runs. */
  readonly #within: Snapshot = snapshotContext();
  /** The number of items, if it is known before all are read. */
  readonly #total: number | undefined;
  readonly #progress: Progress | undefined;
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined;
  /** The inputs of items that were read and are not settled. */
  readonly #inputs: Map<number, Packed> = new Map();
  /** Items that were read and wait for a worker. */
  readonly #waiting: Returned = new Returned();
  /** Outcomes that are not delivered: by index, or by the order of their arrival if the stream is unordered. */
  readonly #outcomes: Map<number, Outcome> = new Map();
  #taken = 0;
  #delivered = 0;
  #arrived = 0;
  #done = 0;
  #ended = false;
  #fetching = false;
  #left = false;
  /** Whether items are read even if the caller does not read results. */
  #eager = false;
  #wake: (() => void) | undefined;
  /** Why the job was given up. */
  #error: Thrown | undefined;
  /** What the iterable threw. */
  #tail: Thrown | undefined;
  #end!: () => void;

  constructor(
    host: StreamHost,
    workers: number,
    fn: number,
    name: string,
    iterable: Iterable<unknown> | AsyncIterable<unknown>,
    ordered: boolean,
    options: BulkOptions,
    scope: Destination,
  ) {
    super(fn, name, false, options);
    this.#host = host;
    this.#ordered = ordered;
    this.#packer = new Packer(scope);
    this.#window = workers * AHEAD * Math.max(1, options.together);
    this.#progress = options.onProgress === undefined ? undefined : new Progress(options.onProgress);
    // A string has no `in`.
    this.#isAsync = typeof (iterable as AsyncIterable<unknown>)[Symbol.asyncIterator] === "function";
    this.#iterator = this.#isAsync
      ? (iterable as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      : (iterable as Iterable<unknown>)[Symbol.iterator]();
    this.#total = lengthOf(iterable);
    this.over = new Promise((resolve) => this.#end = resolve);
  }

  get source(): Source {
    return this;
  }

  get exhausted(): boolean {
    return this.#error !== undefined || this.#ended && this.#waiting.size === 0;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  hurry(): void {
    this.#eager = true;
  }

  protected override packedOf(index: number): Packed {
    return this.#inputs.get(index)!;
  }

  protected override forget(index: number): void {
    this.#inputs.delete(index);
  }

  peek(): Job | undefined {
    if (this.#waiting.size === 0 && this.#mayTake) this.#within(() => this.#isAsync ? this.#fetch() : this.#read());
    return this.#error !== undefined || this.#waiting.size === 0 ? undefined : this;
  }

  take(): void {
    this.index = this.#waiting.take();
    // Begin to fetch the next item at once, since that may take a while.
    if (this.#isAsync && this.#mayTake) this.#within(() => this.#fetch());
  }

  wants(): boolean {
    return this.#error === undefined;
  }

  done(index: number, value: unknown): Unwanted {
    return this.#arrive(index, { value });
  }

  failed(index: number, error: unknown): Unwanted {
    return this.#arrive(index, { error });
  }

  lost(index: number, ending: Ending & Identity): Unwanted | "again" {
    if (this.wants() && this.isRetried(index)) {
      this.#waiting.add(index);
      return "again";
    }
    return this.failed(index, lostError(ending, index));
  }

  again(index: number): boolean {
    this.withdrawn(index);
    if (this.wants()) {
      this.#waiting.add(index);
      return true;
    }
    this.drop(index);
    return false;
  }

  refuse(fn: number, error: () => Error): number {
    if (fn !== this.fn || this.#error !== undefined) return 0;
    this.abort(error());
    return 1;
  }

  abort(error: unknown): void {
    if (this.#error !== undefined) return;
    this.#error = new Thrown(error);
    for (const index of this.#waiting.from(0)) this.drop(index);
    this.#leaveIterable();
    this.#end();
    this.#wake?.();
  }

  /** The iterator that the caller gets. */
  results(): AsyncIterableIterator<unknown> {
    // Overlapping calls of next() are answered in their order, as a generator does.
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
      const result = last.then(step);
      last = result.catch(() => {});
      return result;
    };
    return {
      next: () => inTurn(() => this.#nextResult()),
      return: (value?: unknown) => {
        // Leave at once and not in turn: a pending next() may wait for a result that will not come any more.
        this.#leave();
        return inTurn(() => Promise.resolve({ done: true, value }));
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  // Ends the iteration, and gives up all items that are not delivered.
  #leave(): void {
    this.#left = true;
    if (this.#error !== undefined) return;
    this.abort(new CancelledError("Cannot go on as the iteration was left"));
    this.#host.withdraw();
  }

  async #nextResult(): Promise<IteratorResult<unknown>> {
    for (;;) {
      if (this.#left) return { done: true, value: undefined };
      const outcome = this.#outcomes.get(this.#delivered);
      if (outcome !== undefined && this.#error === undefined) {
        this.#outcomes.delete(this.#delivered++);
        if ("value" in outcome) {
          this.#host.add(this);
          return { done: false, value: outcome.value };
        }
        this.#leave();
        joinStacks(outcome.error, this.site?.stack);
        throw outcome.error;
      }
      if (this.#error !== undefined) {
        this.#left = true;
        throw this.#error.value;
      }
      if (this.#ended && this.#delivered === this.#taken) {
        this.#left = true;
        this.#end();
        if (this.#tail !== undefined) throw this.#tail.value;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }

  #arrive(index: number, outcome: Outcome): Unwanted {
    this.settled(index);
    this.#inputs.delete(index);
    if (this.#error !== undefined) return false;
    this.#outcomes.set(this.#ordered ? index : this.#arrived++, outcome);
    this.#wake?.();
    this.#done++;
    if (this.#progress === undefined) return false;
    try {
      this.#progress.report(this.#done, this.#ended ? this.#taken : this.#total);
      return false;
    } catch (error) {
      this.abort(error);
      return true;
    }
  }

  get #mayTake(): boolean {
    return this.#error === undefined && !this.#ended &&
      (this.#eager || this.#taken - this.#delivered < this.#window);
  }

  #read(): void {
    let next: IteratorResult<unknown>;
    try {
      next = (this.#iterator as Iterator<unknown>).next();
    } catch (error) {
      this.#iterator = undefined;
      this.#fail(error);
      return;
    }
    this.#accept(next);
  }

  #fetch(): void {
    if (this.#fetching) return;
    this.#fetching = true;
    const failed = (error: unknown): void => {
      this.#fetching = false;
      this.#iterator = undefined;
      this.#fail(error);
      this.#host.add(this);
    };
    try {
      Promise.resolve((this.#iterator as AsyncIterator<unknown>).next()).then((next) => {
        this.#fetching = false;
        this.#accept(next);
        this.#host.add(this);
      }).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #accept(next: IteratorResult<unknown>): void {
    if (this.#error !== undefined || this.#ended) return;
    if (next.done === true) {
      this.#iterator = undefined;
      this.#ended = true;
      this.#wake?.();
      return;
    }
    try {
      this.#inputs.set(this.#taken, this.#packer.pack(next.value, this.#taken));
      this.#waiting.add(this.#taken);
      this.#taken++;
    } catch (error) {
      // An item that cannot be sent ends the iteration as an error of the iterable does.
      this.#fail(error);
      this.#leaveIterable();
    }
  }

  // Ends the iteration with an error, after the results of the items that were read before.
  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#tail = new Thrown(error);
    this.#wake?.();
  }

  #leaveIterable(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    this.#ended = true;
    if (iterator?.return === undefined) return;
    try {
      Promise.resolve(this.#within(() => iterator.return!())).catch(() => {});
    } catch {
      // Ignored: the caller gets another error, or does not read any more.
    }
  }
}

function lengthOf(iterable: unknown): number | undefined {
  if (iterable instanceof Set || iterable instanceof Map) return iterable.size;
  if (Array.isArray(iterable)) return iterable.length;
  return ArrayBuffer.isView(iterable) && !(iterable instanceof DataView) ? (iterable as Uint8Array).length : undefined;
}
