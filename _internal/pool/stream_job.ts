/**
 * An iterable whose results are taken one by one.
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

/** What the reader of a stream sets in motion. */
export interface StreamHost {
  /** There may be something to take, again. */
  add(source: Source): void;
  /** Some tasks are not wanted any more. */
  withdraw(): void;
}

/** So many items for each worker are taken and not yet delivered, at most. */
const AHEAD = 4;

type Outcome = { value: unknown } | { error: unknown };

/** An iterable whose results are taken one by one. */
export class StreamJob extends AnyJob implements Source {
  index = -1;
  /** Resolves when nothing more will come. */
  readonly over: Promise<void>;
  /** Where it was asked for. */
  site: CallSite | undefined;
  readonly #host: StreamHost;
  readonly #ordered: boolean;
  readonly #packer: Packer;
  readonly #window: number;
  readonly #isAsync: boolean;
  /** The context of the caller, in which its iterable runs whatever the occasion is. */
  readonly #within: Snapshot = snapshotContext();
  /** How many items there are, where that is known before all are taken. */
  readonly #total: number | undefined;
  readonly #progress: Progress | undefined;
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined;
  /** Items that were taken and are not settled. */
  readonly #inputs: Map<number, Packed> = new Map();
  /** Items that wait. */
  readonly #waiting: Returned = new Returned();
  /** Outcomes by index, or by the order of their arrival. */
  readonly #outcomes: Map<number, Outcome> = new Map();
  #taken = 0;
  #delivered = 0;
  #arrived = 0;
  #done = 0;
  #ended = false;
  #fetching = false;
  #left = false;
  /** Whether items are taken also before their results are wanted. */
  #eager = false;
  #wake: (() => void) | undefined;
  /** Why the whole was given up. */
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
    this.#isAsync = Symbol.asyncIterator in iterable;
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
    // The next one is on its way meanwhile.
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

  /** Results, one by one. */
  results(): AsyncIterableIterator<unknown> {
    // Calls of next() that overlap are answered in their order, as by a generator.
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
      const result = last.then(step);
      last = result.catch(() => {});
      return result;
    };
    return {
      next: () => inTurn(() => this.#nextResult()),
      return: (value?: unknown) => {
        // At once, and not in turn: a next() may be waiting for a result that will not come any more.
        this.#leave();
        return inTurn(() => Promise.resolve({ done: true, value }));
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  // A reader that stops wants nothing more to be done.
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
      // It cannot be sent: as if the iterable had thrown that.
      this.#fail(error);
      this.#leaveIterable();
    }
  }

  // What was taken before is still delivered, then the error.
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
      // What the iterable has to say has no hearer: there is another error, or no reader any more.
    }
  }
}

function lengthOf(iterable: object): number | undefined {
  if (iterable instanceof Set || iterable instanceof Map) return iterable.size;
  if (Array.isArray(iterable)) return iterable.length;
  return ArrayBuffer.isView(iterable) && !(iterable instanceof DataView) ? (iterable as Uint8Array).length : undefined;
}
