/**
 * What a pool has been asked to do, and how that is cut into chunks.
 *
 * A job gives out chunks when the dispatcher has room for one, and hears what became of each: done, failed, or lost with
 * its worker.
 *
 * @module
 */

import { CancelledError, WorkerLostError } from "../../sync/errors.ts";
import { ARGS, EACH, ITEMS } from "./board.ts";
import { Future, type FutureTask, settle, Thrown } from "./future.ts";
import type { Failure } from "./worker.ts";

/** A piece of a job, for one worker. */
export interface Chunk {
  readonly job: Job;
  readonly mode: number;
  /** What the worker gets. */
  readonly input: readonly unknown[];
  /** Index of its first item in the job. */
  readonly first: number;
  /** Where it is on the board; 0: nowhere. */
  slot: number;
}

/** How a worker ended. */
export interface Ending {
  exitCode?: number;
  signal?: string;
  /** What kept it from working at all. */
  error?: unknown;
}

/** What jobs ask of the dispatcher. */
export interface Board {
  /** The job has something to take, again. */
  add(job: Job): void;
  /** Chunks may be taken, again. */
  pump(): void;
  /** How many workers there can be. */
  readonly size: number;
  /** How many items a chunk may have at most. */
  readonly maxChunk: number;
  /** Whether a worker has begun with the chunk. */
  isRunning(chunk: Chunk): boolean;
  /** Takes it back if no worker has. */
  takeBack(chunk: Chunk): boolean;
  /** Tells the worker to give up; after `killAfter` ms, if that is given, replaces it. */
  cancel(chunk: Chunk, killAfter: number | undefined): void;
}

/** Something to do. */
export interface Job {
  /** Address of the function's description. */
  readonly fn: number;
  /** For the trace. */
  readonly name: string;
  /** The next chunk, if there is one now. */
  take(): Chunk | undefined;
  /** Whether no more chunks will come. */
  readonly exhausted: boolean;
  /** Items that wait for a worker, as far as is known. */
  readonly waiting: number;
  /** All results of the chunk. */
  done(chunk: Chunk, results: unknown[], ms: number): void;
  /** The chunk failed at an item. */
  failed(chunk: Chunk, failure: Failure): void;
  /** The chunk's worker died at an item; `results` are those of the items before, in mode EACH. */
  lost(chunk: Chunk, ending: Ending, progress: number, results: Outcome[]): void;
  /** Gives the whole job up: settles whoever waits. */
  abort(error: unknown): void;
}

/** One result in mode EACH. */
export type Outcome = [unknown] | Failure;

/** How long a chunk should run at least, so that handing it over does not count: milliseconds. */
const WORTHWHILE = 0.2;
/** And at most, so that workers end at about the same time. */
const FAIR = 10;
/** The size of chunks while nothing is known of their cost. */
const PROBE = 32;

/** The error for a task whose worker died. */
export function lostError(ending: Ending, taskIndex: number): WorkerLostError {
  const how = ending.signal !== undefined
    ? `by signal ${ending.signal}`
    : ending.exitCode !== undefined
    ? `with exit code ${ending.exitCode}`
    : "before it was done";
  return new WorkerLostError(
    `Cannot finish task ${taskIndex} as its worker ended ${how}; the pool has another by now`,
    {
      exitCode: ending.exitCode,
      signal: ending.signal,
      taskIndex,
    },
  );
}

/** What a running average of the milliseconds an item takes knows. */
export class Cost {
  #ms: number | undefined;

  /** Milliseconds an item, if known. */
  get ms(): number | undefined {
    return this.#ms;
  }

  note(items: number, ms: number): void {
    if (items === 0) return;
    const each = ms / items;
    this.#ms = this.#ms === undefined ? each : this.#ms * 0.7 + each * 0.3;
  }
}

/** One task that somebody submitted. */
export class Task implements FutureTask {
  readonly future: Future<unknown>;
  chunk: Chunk | undefined;
  readonly job: SubmitJob;
  readonly args: readonly unknown[];
  /** Runs in a chunk of its own: it can be given up. */
  readonly single: boolean;

  constructor(job: SubmitJob, args: readonly unknown[], single: boolean) {
    this.job = job;
    this.args = args;
    this.single = single;
    this.future = new Future(this);
  }

  isRunning(): boolean {
    return this.chunk !== undefined && this.job.board.isRunning(this.chunk);
  }

  takeBack(): boolean {
    return this.job.takeBack(this);
  }
}

/** Single tasks of one function, several a chunk where they are small. */
export class SubmitJob implements Job {
  #pending: Task[] = [];
  #head = 0;
  readonly #cost = new Cost();
  readonly #tasks: Map<Chunk, Task[]> = new Map();

  constructor(readonly board: Board, readonly fn: number, readonly name: string) {}

  get waiting(): number {
    return this.#pending.length - this.#head;
  }

  get exhausted(): boolean {
    return this.waiting === 0;
  }

  add(task: Task): void {
    this.#pending.push(task);
  }

  take(): Chunk | undefined {
    const waiting = this.waiting;
    if (waiting === 0) return undefined;
    const ms = this.#cost.ms;
    let size = 1;
    if (ms !== undefined && !this.#pending[this.#head].single) {
      const share = Math.ceil(waiting / (this.board.size * 2));
      size = Math.max(1, Math.min(share, Math.floor(WORTHWHILE / Math.max(ms, 1e-4)), 256, this.board.maxChunk));
    }
    const tasks: Task[] = [];
    while (tasks.length < size && this.waiting > 0) {
      const task = this.#pending[this.#head];
      if (task.single && tasks.length > 0) break;
      this.#head++;
      tasks.push(task);
      if (task.single) break;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#pending.length) {
      this.#pending = this.#pending.slice(this.#head);
      this.#head = 0;
    }
    const chunk: Chunk = { job: this, mode: EACH, input: tasks.map((task) => task.args), first: 0, slot: 0 };
    for (const task of tasks) task.chunk = chunk;
    this.#tasks.set(chunk, tasks);
    return chunk;
  }

  /** Gives a task up that no worker has begun with. */
  takeBack(task: Task): boolean {
    const { chunk } = task;
    if (chunk === undefined) {
      const index = this.#pending.indexOf(task, this.#head);
      if (index < 0) return false;
      this.#pending.splice(index, 1);
      return true;
    }
    if (!this.board.takeBack(chunk)) return false;
    const others = this.#tasks.get(chunk)!.filter((other) => other !== task);
    this.#tasks.delete(chunk);
    task.chunk = undefined;
    this.#again(others);
    return true;
  }

  done(chunk: Chunk, results: unknown[], ms: number): void {
    const tasks = this.#tasks.get(chunk)!;
    this.#tasks.delete(chunk);
    this.#cost.note(tasks.length, ms);
    const outcomes = results as Outcome[];
    let last: Outcome = { error: new CancelledError("Cannot get the result of a task as it was not run"), index: 0 };
    for (let i = 0; i < tasks.length; i++) {
      // Fewer outcomes than tasks: the last one is about all that are left.
      if (i < outcomes.length) last = outcomes[i];
      settleWith(tasks[i], last);
    }
  }

  failed(chunk: Chunk, failure: Failure): void {
    const tasks = this.#tasks.get(chunk)!;
    this.#tasks.delete(chunk);
    for (const task of tasks) settleWith(task, failure);
  }

  lost(chunk: Chunk, ending: Ending, _progress: number, results: Outcome[]): void {
    const tasks = this.#tasks.get(chunk)!;
    this.#tasks.delete(chunk);
    for (let i = 0; i < results.length; i++) settleWith(tasks[i], results[i]);
    const task = tasks[results.length];
    if (task === undefined) return;
    settleWith(task, { error: lostError(ending, 0), index: 0 });
    this.#again(tasks.slice(results.length + 1));
  }

  abort(error: unknown): void {
    const all = [...this.#tasks.values()].flat().concat(this.#pending.slice(this.#head));
    this.#pending = [];
    this.#head = 0;
    for (const task of all) settleWith(task, { error, index: 0 }, "cancelled");
  }

  #again(tasks: Task[]): void {
    if (tasks.length === 0) return;
    for (const task of tasks) task.chunk = undefined;
    this.#pending = tasks.concat(this.#pending.slice(this.#head));
    this.#head = 0;
    this.board.add(this);
  }
}

function settleWith(task: Task, outcome: Outcome, state: "finished" | "cancelled" = "finished"): void {
  if (Array.isArray(outcome)) settle(task.future, state, undefined, outcome[0]);
  else settle(task.future, state, outcome.error ?? new Thrown(outcome.error), undefined);
}

/** What `map` and its like have in common. */
export interface BulkOptions {
  chunksize: number | undefined;
  onProgress: ((done: number, total: number | undefined) => void) | undefined;
  killAfter: number | undefined;
}

// What the callback throws ends the job: it is the program's own error, and somebody waits for the job.
function report(job: MapJob | StreamJob, done: number, total: number | undefined): boolean {
  try {
    job.options.onProgress?.(done, total);
    return true;
  } catch (error) {
    job.abort(error);
    return false;
  }
}

/** A list whose results are wanted together. */
export class MapJob implements Job {
  readonly promise: Promise<unknown[]>;
  readonly #results: unknown[];
  readonly #chunks: Set<Chunk> = new Set();
  readonly #cost = new Cost();
  #next = 0;
  #done = 0;
  #settled = false;
  /** Lowest index that failed, and how. */
  #failure: { index: number; error: unknown } | undefined;
  #resolve!: (results: unknown[]) => void;
  #reject!: (error: unknown) => void;

  constructor(
    readonly board: Board,
    readonly fn: number,
    readonly name: string,
    readonly items: readonly unknown[],
    readonly mode: typeof ITEMS | typeof ARGS,
    readonly options: BulkOptions,
  ) {
    this.#results = new Array(items.length);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (items.length === 0) this.#settle(() => this.#resolve([]));
  }

  get exhausted(): boolean {
    return this.#settled || this.#next >= this.#end;
  }

  get waiting(): number {
    return this.#settled ? 0 : Math.max(0, this.#end - this.#next);
  }

  // What comes after a failure is not wanted any more.
  get #end(): number {
    return this.#failure === undefined ? this.items.length : Math.min(this.#failure.index, this.items.length);
  }

  take(): Chunk | undefined {
    if (this.exhausted) return undefined;
    const size = this.options.chunksize ?? this.#chunksize();
    const first = this.#next;
    this.#next = Math.min(this.items.length, first + size);
    const chunk: Chunk = { job: this, mode: this.mode, input: this.items.slice(first, this.#next), first, slot: 0 };
    this.#chunks.add(chunk);
    return chunk;
  }

  // Python's formula, once it is known that its chunks are worth while and not so long that workers idle at the end.
  #chunksize(): number {
    const left = this.items.length - this.#next;
    const { size, maxChunk } = this.board;
    const formula = Math.ceil(Math.max(left / (size * 2), this.items.length / (size * 16)));
    const ms = this.#cost.ms;
    const limit = ms === undefined ? PROBE : Math.max(1, Math.floor(FAIR / Math.max(ms, 1e-5)));
    return Math.max(1, Math.min(formula, limit, maxChunk));
  }

  done(chunk: Chunk, results: unknown[], ms: number): void {
    this.#chunks.delete(chunk);
    this.#cost.note(results.length, ms);
    const { first } = chunk;
    for (let i = 0; i < results.length; i++) this.#results[first + i] = results[i];
    this.#done += results.length;
    if (!this.#settled && report(this, this.#done, this.items.length)) this.#check();
  }

  failed(chunk: Chunk, failure: Failure): void {
    this.#fail(chunk, chunk.first + Math.max(0, failure.index), failure.error);
  }

  lost(chunk: Chunk, ending: Ending, progress: number): void {
    const index = chunk.first + progress;
    this.#fail(chunk, index, lostError(ending, index));
  }

  abort(error: unknown): void {
    this.#settle(() => this.#reject(error));
    this.#withdraw(0);
  }

  #fail(chunk: Chunk, index: number, error: unknown): void {
    this.#chunks.delete(chunk);
    if (this.#failure === undefined || index < this.#failure.index) this.#failure = { index, error };
    this.#withdraw(this.#failure.index);
    this.#check();
  }

  // Takes everything back that comes after an index.
  #withdraw(index: number): void {
    for (const chunk of this.#chunks) {
      if (chunk.first < index) continue;
      if (this.board.takeBack(chunk)) this.#chunks.delete(chunk);
      else this.board.cancel(chunk, this.options.killAfter);
    }
  }

  #check(): void {
    const failure = this.#failure;
    if (failure === undefined) {
      if (this.#done === this.items.length) this.#settle(() => this.#resolve(this.#results));
      return;
    }
    // Only a chunk before it can have failed at a lower index.
    for (const chunk of this.#chunks) if (chunk.first < failure.index) return;
    if (this.#next < failure.index) return;
    this.#settle(() => this.#reject(failure.error));
  }

  #settle(how: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    how();
  }
}

/** An iterable whose results are taken one by one. */
export class StreamJob implements Job {
  readonly #chunks: Set<Chunk> = new Set();
  /** Results in order of their index, or of their arrival. */
  readonly #ready: Map<number, Outcome> = new Map();
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined;
  #taken = 0;
  #delivered = 0;
  #arrived = 0;
  #ended = false;
  #fetching = false;
  readonly #buffer: unknown[] = [];
  #wake: (() => void) | undefined;
  /** Why the whole was given up. */
  #error: Thrown | undefined;
  /** What the iterable threw. */
  #tail: Thrown | undefined;
  #done = 0;

  constructor(
    readonly board: Board,
    readonly fn: number,
    readonly name: string,
    iterable: Iterable<unknown> | AsyncIterable<unknown>,
    readonly ordered: boolean,
    readonly options: BulkOptions,
  ) {
    this.#iterator = Symbol.asyncIterator in iterable
      ? (iterable as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      : (iterable as Iterable<unknown>)[Symbol.iterator]();
    this.isAsync = Symbol.asyncIterator in iterable;
    this.over = new Promise((resolve) => this.#over = resolve);
  }

  readonly isAsync: boolean;

  /** Resolves when nothing more will come. */
  readonly over: Promise<void>;
  #over!: () => void;

  get exhausted(): boolean {
    return this.#error !== undefined || this.#ended && this.#buffer.length === 0;
  }

  get waiting(): number {
    return this.#buffer.length;
  }

  // Taken from the iterable and not yet delivered: so many at most.
  get #window(): number {
    return this.board.size * 4 * (this.options.chunksize ?? 1);
  }

  take(): Chunk | undefined {
    const size = Math.min(this.options.chunksize ?? 1, this.board.maxChunk);
    if (this.isAsync) this.#fetch(size);
    else this.#read(size);
    if (this.#error !== undefined || this.#buffer.length === 0) return undefined;
    if (this.#buffer.length < size && !this.#ended) return undefined;
    const input = this.#buffer.splice(0, size);
    const chunk: Chunk = {
      job: this,
      mode: ITEMS,
      input,
      first: this.#taken - this.#buffer.length - input.length,
      slot: 0,
    };
    this.#chunks.add(chunk);
    return chunk;
  }

  done(chunk: Chunk, results: unknown[], _ms: number): void {
    this.#chunks.delete(chunk);
    for (let i = 0; i < results.length; i++) this.#arrive(chunk.first + i, [results[i]]);
    this.#done += results.length;
    report(this, this.#done, this.#ended ? this.#taken : undefined);
    this.#wake?.();
  }

  failed(chunk: Chunk, failure: Failure): void {
    this.#chunks.delete(chunk);
    for (let i = 0; i < chunk.input.length; i++) this.#arrive(chunk.first + i, failure);
    this.#wake?.();
  }

  lost(chunk: Chunk, ending: Ending, progress: number): void {
    this.failed(chunk, { error: lostError(ending, chunk.first + progress), index: progress });
  }

  abort(error: unknown): void {
    if (this.#error !== undefined) return;
    this.#error = new Thrown(error);
    this.#end();
    this.#wake?.();
  }

  /** Results, one by one. */
  async *results(): AsyncIterableIterator<unknown> {
    try {
      for (;;) {
        const key = this.#delivered;
        const outcome = this.#ready.get(key);
        if (outcome !== undefined) {
          this.#ready.delete(key);
          this.#delivered++;
          this.board.pump();
          if (!Array.isArray(outcome)) throw outcome.error;
          yield outcome[0];
        } else if (this.#error !== undefined) {
          throw this.#error.value;
        } else if (this.#ended && this.#delivered === this.#taken) {
          if (this.#tail !== undefined) throw this.#tail.value;
          return;
        } else {
          await new Promise<void>((resolve) => this.#wake = resolve);
          this.#wake = undefined;
        }
      }
    } finally {
      this.#over();
      // Whoever stops looking wants nothing more to be done.
      if (this.#error === undefined && !(this.#ended && this.#delivered === this.#taken)) {
        this.abort(new CancelledError("Cannot go on as the iteration was left"));
      }
    }
  }

  #arrive(index: number, outcome: Outcome): void {
    this.#ready.set(this.ordered ? index : this.#arrived++, outcome);
  }

  #read(size: number): void {
    while (this.#mayTake(size)) {
      let next: IteratorResult<unknown>;
      try {
        next = (this.#iterator as Iterator<unknown>).next();
      } catch (error) {
        this.#fail(error);
        return;
      }
      if (!this.#accept(next)) return;
    }
  }

  #fetch(size: number): void {
    if (this.#fetching || !this.#mayTake(size)) return;
    this.#fetching = true;
    (this.#iterator as AsyncIterator<unknown>).next().then((next) => {
      this.#fetching = false;
      this.#accept(next);
      this.#wake?.();
      this.board.pump();
    }, (error) => {
      this.#fetching = false;
      this.#fail(error);
    });
  }

  #mayTake(size: number): boolean {
    return this.#error === undefined && !this.#ended && this.#buffer.length < size &&
      this.#taken - this.#delivered < this.#window;
  }

  #accept(next: IteratorResult<unknown>): boolean {
    if (next.done === true) {
      this.#ended = true;
      this.#iterator = undefined;
      this.#wake?.();
      return false;
    }
    this.#buffer.push(next.value);
    this.#taken++;
    return true;
  }

  // The iterable threw: what was taken before is still delivered, then the error.
  #fail(error: unknown): void {
    this.#iterator = undefined;
    this.#ended = true;
    this.#tail = new Thrown(error);
    this.#wake?.();
  }

  #end(): void {
    for (const chunk of this.#chunks) {
      if (this.board.takeBack(chunk)) this.#chunks.delete(chunk);
      else this.board.cancel(chunk, this.options.killAfter);
    }
    this.#buffer.length = 0;
    const iterator = this.#iterator;
    this.#iterator = undefined;
    if (iterator?.return !== undefined) {
      try {
        Promise.resolve(iterator.return()).catch(() => {});
      } catch {
        // The iterable is left behind; what it has to say has no hearer.
      }
    }
  }
}
