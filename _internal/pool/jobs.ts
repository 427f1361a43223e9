/**
 * What a pool has been asked to do, and how that is cut into chunks.
 *
 * A job gives out chunks when the dispatcher has room for one, and hears what became of each unit: its outcome, that it
 * was lost with its worker, or that nobody began with it and it is the job's again.
 *
 * @module
 */

import { encode, encodeApart, type EncodeOptions } from "../codec/encode.ts";
import { joinStacks } from "../codec/error_classes.ts";
import { dropReferences } from "../codec/format.ts";
import { type Snapshot, snapshotContext } from "../runtime/this_thread.ts";
import { CancelledError, WorkerLostError } from "../errors.ts";
import type { Ending } from "../work/runner.ts";
import { type ARGS, Cursor, ITEMS, MAX_UNITS, ONE } from "./board.ts";
import type { CallSite } from "./functions.ts";
import { Future, type FutureTask, settle, Thrown } from "./future.ts";
import type { Failure } from "./worker.ts";

/** What a worker begins with as a whole: encoded when it was handed over, so what the caller changes later is not seen. */
export interface Unit {
  readonly bytes: Uint8Array;
  /** Index of its first item in the job. */
  readonly first: number;
  /** How many items it has. */
  readonly count: number;
}

/** Some units of a job, for one worker. */
export class Chunk {
  /** Where it is on the board; 0: nowhere. */
  slot = 0;
  /** Outcomes that were read. */
  readonly cursor: Cursor = new Cursor();
  /** How many units had been begun when it was looked at last. */
  begun = 0;
  /** Units from here on were taken back. */
  end: number;
  /** First results of the unit that is being read, which comes in several pieces; and what was wrong with them. */
  parts: unknown[][] | undefined;
  broken: Failure | undefined;

  constructor(readonly job: Job, readonly fn: number, readonly name: string, readonly units: readonly Unit[]) {
    this.end = units.length;
  }

  get items(): number {
    let items = 0;
    for (const unit of this.units) items += unit.count;
    return items;
  }
}

/** Which worker it was. */
export interface Identity {
  /** Its name. */
  readonly worker: string;
  /** Its process's number. */
  readonly pid?: number;
  /** Its thread's number. */
  readonly ident?: number;
}

/** What jobs ask of the dispatcher. */
export interface JobBoard {
  /** How many workers there can be. */
  readonly size: number;
  /** How many items a chunk may have at most. */
  readonly maxChunk: number;
  /** How many bytes several items together may have at most. */
  readonly maxUnit: number;
  /** The job has something to take, again. */
  add(job: Job): void;
  /** Chunks may be taken, again: soon. */
  plan(): void;
  /** Whether a worker has begun with a unit of the chunk. */
  isRunning(chunk: Chunk, unit: number): boolean;
  /**
   * Takes the units from `first` on back that no worker has begun with, and returns them; they will not be heard of
   * again.
   */
  recall(chunk: Chunk, first: number): readonly Unit[];
  /** Tells a unit, or all, to give up if it runs; after `killAfter` ms, if that is given, its worker is replaced. */
  tell(chunk: Chunk, unit: number | undefined, killAfter: number | undefined): void;
  /** Runs what gives several up, and only then tells those that run: a worker that is free finds none of the others. */
  together(giveUp: () => void): void;
  /**
   * Units of the chunk were taken back: if a worker has claimed it, none of it is wanted any more and the worker has not come
   * so far as to begin within `killAfter` ms, it is replaced.
   */
  abandon(chunk: Chunk, killAfter: number): void;
}

/** What became of a unit: its results, or at which item it failed. */
export type Outcome = { results: unknown[] } | Failure;

/** Something to do. */
export interface Job {
  /** How units are called: ITEMS, ARGS or ONE. */
  readonly mode: number;
  /** The next chunk, if there is one now. */
  take(): Chunk | undefined;
  /** Whether no more chunks will come. */
  readonly exhausted: boolean;
  /** Items that wait, as far as is known. */
  readonly waiting: number;
  /** A unit is over. */
  done(chunk: Chunk, unit: number, outcome: Outcome): void;
  /** The chunk is over: so many items of it were done in so many milliseconds. */
  finished(chunk: Chunk, items: number, ms: number): void;
  /** A unit's worker ended after `progress` of its items. */
  lost(chunk: Chunk, unit: number, ending: Ending & Identity, progress: number): void;
  /** No worker can begin with this function: settles what needs it. Returns how many tasks that were, as far as is known. */
  refuse(fn: number, error: () => Error): number;
  /** Units of the chunk were not begun and are the job's again. */
  again(units: readonly Unit[]): void;
  /** Gives the whole job up: settles whoever waits. */
  abort(error: unknown): void;
  /** Takes all there is, and keeps the results: somebody waits for the end of the job before they are read. */
  hurry?(): void;
}

/** How long a chunk should run at least, so that handing it over does not count: milliseconds. */
const WORTHWHILE = 1;
/** And at most, so that other jobs have their turn. */
const FAIR = 20;
/** How many items go together while nothing is known of their cost. */
const PROBE = 32;
/** The most items of a unit. */
const GRAIN = 64;
/** A job of `map` is cut into so many units for each worker, at least if it has as many items. */
const UNITS = 64;
/** Units go together up to so many bytes: to copy more takes longer than to hand them over one by one, and room besides. */
const CHUNK_BYTES = 1 << 18;

/** The error for a task whose worker ended. */
function lostError(ending: Ending & Identity, taskIndex: number): WorkerLostError {
  return endingError(`Cannot finish task ${taskIndex} as its worker`, ending, { taskIndex });
}

/** An error whose message says how a worker ended, after `start`, and then `hint`. */
export function endingError(
  start: string,
  { exitCode, signal, error, worker, pid, ident }: Ending & Identity,
  { taskIndex, hint = "" }: { taskIndex?: number; hint?: string } = {},
): WorkerLostError {
  const number = pid !== undefined ? `pid ${pid}` : `thread ${ident}`;
  const how = signal !== undefined
    ? `was ended by ${signal}`
    : error !== undefined
    ? `failed: ${error instanceof Error ? error.message : String(error)}`
    : exitCode !== undefined
    ? `ended with exit code ${exitCode}`
    : "was terminated";
  const cause = error === undefined ? {} : { cause: error };
  const properties = { exitCode, signal, worker, pid, taskIndex, ...cause };
  return new WorkerLostError(`${start} "${worker}" (${number}) ${how}${hint}`, properties);
}

/** What a task takes, learnt from the last ones. */
class Cost {
  /** Milliseconds an item, if known. */
  ms: number | undefined;

  note(items: number, ms: number): void {
    if (items === 0) return;
    const each = ms / items;
    // The first tasks take longer than those that follow; what turns out to be slow is given to others in time.
    const weight = this.ms === undefined ? 1 : each < this.ms ? 0.7 : 0.3;
    this.ms = (this.ms ?? 0) * (1 - weight) + each * weight;
  }
}

/** One task that somebody submitted. */
export class Task implements FutureTask, Unit {
  readonly first = 0;
  readonly count = 1;
  readonly future: Future<unknown>;
  chunk: Chunk | undefined;
  /** Its number in the chunk. */
  unit = 0;
  /** It is over, or no caller waits for it: it is passed over. */
  dropped = false;
  killAfter: number | undefined;
  /** Where it was submitted. */
  site: CallSite | undefined;

  constructor(
    readonly job: SubmitJob,
    readonly fn: number,
    readonly name: string,
    readonly bytes: Uint8Array,
  ) {
    this.future = new Future(this);
  }

  isRunning(): boolean {
    return this.chunk !== undefined && this.job.board.isRunning(this.chunk, this.unit);
  }

  takeBack(): boolean {
    const { chunk, killAfter } = this;
    if (!this.job.takeBack(this)) return false;
    if (chunk !== undefined && killAfter !== undefined) this.job.board.abandon(chunk, killAfter);
    return true;
  }

  /** Before it is settled: a callback that gives it up then must find nothing to take back. */
  end(): void {
    this.chunk = undefined;
    this.dropped = true;
  }

  /** Takes it back, or tells it to give up. */
  giveUp(): void {
    if (!this.takeBack() && this.chunk !== undefined) this.job.board.tell(this.chunk, this.unit, this.killAfter);
  }
}

/** Single tasks in the order of their calls, several a chunk where they are small. */
export class SubmitJob implements Job {
  readonly mode = ONE;
  #pending: Task[] = [];
  #head = 0;
  #dropped = 0;
  readonly #costs: Map<number, Cost> = new Map();
  readonly #chunks: Set<Chunk> = new Set();

  constructor(readonly board: JobBoard) {}

  get waiting(): number {
    return this.#pending.length - this.#head - this.#dropped;
  }

  get exhausted(): boolean {
    return this.waiting === 0;
  }

  add(task: Task): void {
    this.#pending.push(task);
  }

  take(): Chunk | undefined {
    const first = this.#shift();
    if (first === undefined) return undefined;
    const { fn } = first;
    const ms = this.#costs.get(fn)?.ms;
    const tasks = [first];
    if (ms !== undefined) {
      const share = Math.ceil(this.waiting / (this.board.size * 2));
      const size = Math.min(share, Math.floor(WORTHWHILE / Math.max(ms, 1e-4)), MAX_UNITS, this.board.maxChunk);
      let bytes = first.bytes.length;
      while (tasks.length < size && this.#pending[this.#head]?.fn === fn) {
        const task = this.#shift();
        if (task === undefined) break;
        bytes += task.bytes.length;
        if (task.fn !== fn || bytes > CHUNK_BYTES) {
          this.#head--;
          break;
        }
        tasks.push(task);
      }
    }
    if (this.#head > 1024 && this.#head * 2 > this.#pending.length) this.#compact();
    const chunk = new Chunk(this, fn, first.name, tasks);
    for (let i = 0; i < tasks.length; i++) {
      tasks[i].chunk = chunk;
      tasks[i].unit = i;
    }
    this.#chunks.add(chunk);
    return chunk;
  }

  #shift(): Task | undefined {
    while (this.#head < this.#pending.length) {
      const task = this.#pending[this.#head++];
      if (!task.dropped) return task;
      this.#dropped--;
    }
    this.#pending = [];
    this.#head = 0;
    this.#dropped = 0;
    return undefined;
  }

  #compact(): void {
    this.#pending = this.#pending.slice(this.#head);
    this.#head = 0;
  }

  /** Gives a task up that no worker has begun with. */
  takeBack(task: Task): boolean {
    const { chunk } = task;
    if (task.dropped) return false;
    if (chunk !== undefined) {
      const units = this.board.recall(chunk, task.unit) as readonly Task[];
      if (!units.includes(task)) {
        this.again(units);
        return false;
      }
      this.again(units.filter((unit) => unit !== task));
      task.chunk = undefined;
    } else {
      this.#dropped++;
    }
    task.dropped = true;
    dropReferences(task.bytes);
    return true;
  }

  done(chunk: Chunk, unit: number, outcome: Outcome): void {
    const task = chunk.units[unit] as Task;
    task.end();
    settleWith(task, outcome);
  }

  finished(chunk: Chunk, items: number, ms: number): void {
    this.#chunks.delete(chunk);
    let cost = this.#costs.get(chunk.fn);
    if (cost === undefined) this.#costs.set(chunk.fn, cost = new Cost());
    cost.note(items, ms);
  }

  lost(chunk: Chunk, unit: number, ending: Ending & Identity): void {
    const task = chunk.units[unit] as Task;
    task.end();
    settleWith(task, { error: lostError(ending, 0), index: 0 });
  }

  again(units: readonly Unit[]): void {
    if (units.length === 0) return;
    for (const task of units as readonly Task[]) task.chunk = undefined;
    this.#pending = (units as readonly Task[]).concat(this.#pending.slice(this.#head));
    this.#head = 0;
    this.board.add(this);
  }

  refuse(fn: number, error: () => Error): number {
    const refused: Task[] = [];
    for (const chunk of this.#chunks) {
      if (chunk.fn === fn) refused.push(...this.board.recall(chunk, 0) as readonly Task[]);
    }
    const pending = this.#pending.slice(this.#head);
    this.#head = 0;
    this.#pending = pending.filter((task) => task.fn !== fn || task.dropped);
    for (const task of pending) if (task.fn === fn && !task.dropped) refused.push(task);
    for (const task of refused) {
      task.end();
      dropReferences(task.bytes);
      settleWith(task, { error: error(), index: 0 });
    }
    return refused.length;
  }

  abort(error: unknown): void {
    this.board.together(() => this.#abort(error));
  }

  #abort(error: unknown): void {
    for (const chunk of this.#chunks) {
      const running = chunk.units as readonly Task[];
      for (const task of this.board.recall(chunk, 0) as readonly Task[]) dropReferences(task.bytes);
      for (const task of running) {
        if (task.chunk !== chunk) continue;
        task.end();
        settle(task.future, "cancelled", new Thrown(error), undefined);
      }
      this.board.tell(chunk, undefined, undefined);
    }
    const pending = this.#pending.slice(this.#head);
    this.#pending = [];
    this.#head = 0;
    this.#dropped = 0;
    for (const task of pending) {
      if (task.dropped) continue;
      task.end();
      dropReferences(task.bytes);
      settle(task.future, "cancelled", new Thrown(error), undefined);
    }
  }
}

function settleWith(task: Task, outcome: Outcome): void {
  if ("results" in outcome) {
    settle(task.future, "finished", undefined, outcome.results[0]);
  } else {
    joinStacks(outcome.error, task.site?.stack);
    settle(task.future, "finished", new Thrown(outcome.error), undefined);
  }
}

/** What `map` and its like have in common. */
export interface BulkOptions {
  chunksize: number | undefined;
  onProgress: ((done: number, total: number | undefined) => void) | undefined;
  killAfter: number | undefined;
}

// What the callback throws ends the job: it is the program's own error, and somebody waits for the job.
function report(job: MapJob | StreamJob, done: number, total: number | undefined): void {
  try {
    job.options.onProgress?.(done, total);
  } catch (error) {
    job.abort(error);
  }
}

/** Encodes items as a unit; what cannot be sent is named by its index in the whole. */
function encodeUnit(items: unknown[], first: number, options: EncodeOptions): Unit {
  let bytes: Uint8Array;
  try {
    bytes = encodeApart(items, options);
  } catch (error) {
    for (let i = 0; i < items.length; i++) {
      dropReferences(encode(items[i], { root: `items[${first + i}]`, scope: options.scope }));
    }
    throw error;
  }
  return { bytes, first, count: items.length };
}

/** A list whose results are wanted together. */
export class MapJob implements Job {
  readonly promise: Promise<unknown[]>;
  readonly #results: unknown[];
  /** What waits, the next one last. */
  readonly #units: Unit[] = [];
  #waiting: number;
  readonly #chunks: Set<Chunk> = new Set();
  readonly #cost = new Cost();
  readonly #grain: number;
  #done = 0;
  #settled = false;
  /** Lowest index that failed, and how. */
  #failure: { index: number; error: unknown } | undefined;
  #resolve!: (results: unknown[]) => void;
  #reject!: (error: unknown) => void;

  /** @throws What `encode` throws; then nothing was begun. */
  constructor(
    readonly board: JobBoard,
    readonly fn: number,
    readonly name: string,
    items: unknown[],
    readonly mode: typeof ITEMS | typeof ARGS,
    readonly options: BulkOptions,
    encoding: EncodeOptions,
  ) {
    const { length } = items;
    this.#results = new Array(length);
    this.#waiting = length;
    this.#grain = options.chunksize ?? Math.min(
      Math.max(1, Math.floor(length / (board.size * UNITS))),
      GRAIN,
      board.maxChunk,
    );
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    try {
      let grain = this.#grain;
      for (let first = 0; first < length;) {
        const unit = encodeUnit(items.slice(first, first + grain), first, encoding);
        const { bytes, count } = unit;
        if (count > 1 && bytes.length > board.maxUnit) {
          // So much in one piece needs as much room in one piece. Those that follow are as large, it may be.
          grain = Math.max(1, Math.min(count - 1, Math.floor(count * board.maxUnit / bytes.length)));
          dropReferences(bytes);
          continue;
        }
        this.#units.push(unit);
        first += count;
      }
    } catch (error) {
      for (const unit of this.#units) dropReferences(unit.bytes);
      throw error;
    }
    this.#units.reverse();
    if (length === 0) this.#settle(() => this.#resolve([]));
  }

  get exhausted(): boolean {
    return this.#units.length === 0;
  }

  get waiting(): number {
    return this.#waiting;
  }

  take(): Chunk | undefined {
    if (this.#units.length === 0) return undefined;
    const size = this.options.chunksize === undefined ? Math.max(1, Math.floor(this.#chunksize() / this.#grain)) : 1;
    const units: Unit[] = [];
    let bytes = 0;
    while (units.length < size && this.#units.length > 0) {
      const unit = this.#units[this.#units.length - 1];
      bytes += unit.bytes.length;
      if (units.length > 0 && bytes > CHUNK_BYTES) break;
      this.#units.pop();
      this.#waiting -= unit.count;
      units.push(unit);
    }
    const chunk = new Chunk(this, this.fn, this.name, units);
    this.#chunks.add(chunk);
    return chunk;
  }

  // Python's formula, once it is known that its chunks are worth while and leave other jobs their turn.
  #chunksize(): number {
    const { size, maxChunk } = this.board;
    const formula = Math.ceil(Math.max(this.#waiting / (size * 2), this.#results.length / (size * 16)));
    const ms = this.#cost.ms;
    const limit = ms === undefined ? PROBE : Math.max(1, Math.floor(FAIR / Math.max(ms, 1e-5)));
    return Math.max(1, Math.min(formula, limit, maxChunk, MAX_UNITS * this.#grain));
  }

  done(chunk: Chunk, number: number, outcome: Outcome): void {
    const { first } = chunk.units[number];
    if (!("results" in outcome)) {
      this.#fail(first + outcome.index, outcome.error);
      return;
    }
    const { results } = outcome;
    for (let i = 0; i < results.length; i++) this.#results[first + i] = results[i];
    this.#done += results.length;
    if (this.#settled) return;
    if (this.options.onProgress !== undefined) report(this, this.#done, this.#results.length);
    if (this.#failure !== undefined || this.#done === this.#results.length) this.#check();
  }

  finished(chunk: Chunk, items: number, ms: number): void {
    this.#chunks.delete(chunk);
    this.#cost.note(items, ms);
  }

  lost(chunk: Chunk, unit: number, ending: Ending & Identity, progress: number): void {
    const index = chunk.units[unit].first + progress;
    this.#fail(index, lostError(ending, index));
  }

  again(units: readonly Unit[]): void {
    for (let i = units.length - 1; i >= 0; i--) {
      const unit = units[i];
      if (this.#settled || this.#failure !== undefined && unit.first > this.#failure.index) {
        dropReferences(unit.bytes);
      } else {
        this.#units.push(unit);
        this.#waiting += unit.count;
      }
    }
    if (this.#units.length > 0) this.board.add(this);
  }

  refuse(fn: number, error: () => Error): number {
    if (fn !== this.fn) return 0;
    this.abort(error());
    return 1;
  }

  abort(error: unknown): void {
    this.#settle(() => this.#reject(error));
    this.#withdraw(-1);
  }

  #fail(index: number, error: unknown): void {
    if (this.#failure !== undefined && index > this.#failure.index) return;
    this.#failure = { index, error };
    this.#withdraw(index);
    this.#check();
  }

  // What comes after the failure is not wanted any more. What comes before may fail, too, and would be the one to tell of.
  #withdraw(index: number): void {
    let kept = 0;
    for (const unit of this.#units) {
      if (unit.first > index) {
        this.#waiting -= unit.count;
        dropReferences(unit.bytes);
      } else {
        this.#units[kept++] = unit;
      }
    }
    this.#units.length = kept;
    this.board.together(() => {
      for (const chunk of this.#chunks) {
        const from = chunk.units.findIndex((unit) => unit.first > index);
        if (from < 0) continue;
        for (const unit of this.board.recall(chunk, from)) dropReferences(unit.bytes);
        // The units of a chunk are in order: one that runs and is wanted is the only one that does.
        if (from === 0) this.board.tell(chunk, undefined, this.options.killAfter);
      }
    });
  }

  #check(): void {
    if (this.#settled) return;
    const failure = this.#failure;
    if (failure === undefined) {
      if (this.#done === this.#results.length) this.#settle(() => this.#resolve(this.#results));
      return;
    }
    for (const unit of this.#units) if (unit.first < failure.index) return;
    for (const { cursor, end, units } of this.#chunks) {
      // Outcomes come in the order of the units.
      if (cursor.count < end && units[cursor.count].first < failure.index) return;
    }
    this.#settle(() => this.#reject(failure.error));
  }

  #settle(how: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    how();
  }
}

function lengthOf(iterable: object): number | undefined {
  if (iterable instanceof Set || iterable instanceof Map) return iterable.size;
  if (Array.isArray(iterable)) return iterable.length;
  return ArrayBuffer.isView(iterable) && !(iterable instanceof DataView) ? (iterable as Uint8Array).length : undefined;
}

/** An iterable whose results are taken one by one. */
export class StreamJob implements Job {
  readonly mode = ITEMS;
  readonly #chunks: Set<Chunk> = new Set();
  /** Outcomes by index, or by the order of their arrival. */
  readonly #ready: Map<number, Outcome> = new Map();
  readonly #isAsync: boolean;
  /** The context of the caller, in which its iterable runs whatever the occasion is. */
  readonly #within: Snapshot = snapshotContext();
  readonly #encoding: EncodeOptions;
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined;
  #units: Unit[] = [];
  #taken = 0;
  #delivered = 0;
  #arrived = 0;
  #ended = false;
  #fetching = false;
  #wake: (() => void) | undefined;
  /** Why the whole was given up. */
  #error: Thrown | undefined;
  /** What the iterable threw. */
  #tail: Thrown | undefined;
  #done = 0;
  #over!: () => void;
  /** Resolves when nothing more will come. */
  readonly over: Promise<void>;
  /** How many items there are, where that is known before all are taken. */
  readonly #total: number | undefined;
  /** Whether items are taken also before their results are wanted. */
  #eager = false;
  /** Where it was asked for. */
  site: CallSite | undefined;

  constructor(
    readonly board: JobBoard,
    readonly fn: number,
    readonly name: string,
    iterable: Iterable<unknown> | AsyncIterable<unknown>,
    readonly ordered: boolean,
    readonly options: BulkOptions,
    encoding: EncodeOptions,
  ) {
    this.#isAsync = Symbol.asyncIterator in iterable;
    this.#iterator = this.#isAsync
      ? (iterable as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      : (iterable as Iterable<unknown>)[Symbol.iterator]();
    this.#encoding = encoding;
    this.#total = lengthOf(iterable);
    this.over = new Promise((resolve) => this.#over = resolve);
  }

  get exhausted(): boolean {
    return this.#error !== undefined || this.#ended && this.#units.length === 0;
  }

  get waiting(): number {
    return this.#units.length;
  }

  get #size(): number {
    return Math.min(this.options.chunksize ?? 1, this.board.maxChunk, MAX_UNITS);
  }

  // Taken from the iterable and not yet delivered: so many at most.
  get #window(): number {
    return this.#eager ? Infinity : this.board.size * 4 * this.#size;
  }

  hurry(): void {
    this.#eager = true;
  }

  take(): Chunk | undefined {
    const size = this.#size;
    if (this.#mayTake(size)) this.#within(() => this.#isAsync ? this.#fetch() : this.#read(size));
    if (this.#error !== undefined || this.#units.length === 0) return undefined;
    const count = this.#fitting(size);
    if (count === 0) return undefined;
    const chunk = new Chunk(this, this.fn, this.name, this.#units.splice(0, count));
    this.#chunks.add(chunk);
    return chunk;
  }

  // How many units make a chunk; 0: more are to come first.
  #fitting(size: number): number {
    let bytes = 0;
    for (const [count, unit] of this.#units.entries()) {
      bytes += unit.bytes.length;
      if (count > 0 && bytes > CHUNK_BYTES || count === size) return count;
    }
    return this.#units.length < size && !this.#ended ? 0 : this.#units.length;
  }

  done(chunk: Chunk, unit: number, outcome: Outcome): void {
    this.#arrive(chunk.units[unit].first, outcome);
    this.#done++;
    if (this.options.onProgress !== undefined && this.#error === undefined) {
      report(this, this.#done, this.#ended ? this.#taken : this.#total);
    }
  }

  finished(chunk: Chunk): void {
    this.#chunks.delete(chunk);
  }

  lost(chunk: Chunk, unit: number, ending: Ending & Identity): void {
    const index = chunk.units[unit].first;
    this.#arrive(index, { error: lostError(ending, index), index: 0 });
  }

  again(units: readonly Unit[]): void {
    if (this.#error !== undefined) {
      for (const unit of units) dropReferences(unit.bytes);
    } else {
      this.#units = units.concat(this.#units);
      this.board.add(this);
    }
  }

  refuse(fn: number, error: () => Error): number {
    if (fn !== this.fn) return 0;
    this.abort(error());
    return 1;
  }

  abort(error: unknown): void {
    if (this.#error !== undefined) return;
    this.#error = new Thrown(error);
    for (const unit of this.#units) dropReferences(unit.bytes);
    this.#units = [];
    this.board.together(() => {
      for (const chunk of this.#chunks) {
        for (const unit of this.board.recall(chunk, 0)) dropReferences(unit.bytes);
        this.board.tell(chunk, undefined, this.options.killAfter);
      }
    });
    this.#leaveIterable();
    this.#over();
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
      next: () => inTurn(() => this.#next()),
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

  #left = false;

  // Whoever stops looking wants nothing more to be done.
  #leave(): void {
    this.#left = true;
    this.abort(new CancelledError("Cannot go on as the iteration was left"));
  }

  async #next(): Promise<IteratorResult<unknown>> {
    for (;;) {
      if (this.#left) return { done: true, value: undefined };
      const outcome = this.#ready.get(this.#delivered);
      if (outcome !== undefined && this.#error === undefined) {
        this.#ready.delete(this.#delivered++);
        if ("results" in outcome) {
          this.board.add(this);
          return { done: false, value: outcome.results[0] };
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
        this.#over();
        if (this.#tail !== undefined) throw this.#tail.value;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }

  #arrive(index: number, outcome: Outcome): void {
    if (this.#error !== undefined) return;
    this.#ready.set(this.ordered ? index : this.#arrived++, outcome);
    this.#wake?.();
  }

  #read(size: number): void {
    while (this.#mayTake(size)) {
      let next: IteratorResult<unknown>;
      try {
        next = (this.#iterator as Iterator<unknown>).next();
      } catch (error) {
        this.#iterator = undefined;
        this.#end(error);
        return;
      }
      this.#accept(next);
    }
  }

  #fetch(): void {
    if (this.#fetching) return;
    this.#fetching = true;
    const failed = (error: unknown): void => {
      this.#fetching = false;
      this.#iterator = undefined;
      this.#end(error);
      this.board.add(this);
    };
    try {
      Promise.resolve((this.#iterator as AsyncIterator<unknown>).next()).then((next) => {
        this.#fetching = false;
        this.#accept(next);
        this.board.add(this);
      }).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #mayTake(size: number): boolean {
    return this.#error === undefined && !this.#ended && this.#units.length < size &&
      this.#taken - this.#delivered < this.#window;
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
      this.#units.push(encodeUnit([next.value], this.#taken, this.#encoding));
      this.#taken++;
    } catch (error) {
      // It cannot be sent: as if the iterable had thrown that.
      this.#end(error);
      this.#leaveIterable();
    }
  }

  // What was taken before is still delivered, then the error.
  #end(error: unknown): void {
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
      // What the iterable has to say has no hearer: there is another error, or nobody who listens.
    }
  }
}
