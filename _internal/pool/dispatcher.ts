/**
 * Hands chunks of jobs to workers, and looks after the workers.
 *
 * ```text
 *   jobs ──take()──▶ chunks ──post──▶ board ◀──claim── workers
 *    ▲                                  │
 *    └───── done / failed / lost ───────┘ drain()
 * ```
 *
 * Only so many chunks are on the board as the workers need to stay busy; the rest stays with its job, where it can be
 * cut as is best by then, and taken back without asking anyone.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { decode, encode } from "../codec/mod.ts";
import type { Space } from "../memory/space.ts";
import type { TargetDescriptor } from "../targets/describe.ts";
import { Board, DONE, EACH, FREE, OVER } from "./board.ts";
import { Functions } from "./functions.ts";
import type { Board as JobBoard, Chunk, Ending, Job, Outcome } from "./jobs.ts";
import type { Trace } from "./trace.ts";
import type { Failure, WorkerOptions } from "./worker.ts";

/** A worker, from its owner's side. */
export interface PoolWorker {
  /** Settles when it can run no more. Never rejects. */
  readonly ended: Promise<Ending>;
  /** Ends it by force. */
  terminate(): void;
}

/** What makes workers: threads or processes. */
export type StartWorker = (options: WorkerOptions, initargs: unknown[], label: string) => PoolWorker;

/** How a pool is set up. */
export interface DispatcherOptions {
  space: Space;
  start: StartWorker;
  size: number;
  name: string;
  initializer: TargetDescriptor | null;
  initargs: unknown[];
  maxTasks: number;
  idle: number;
  trace: Trace | undefined;
}

/** How long the owner looks for a result before it goes to other things: milliseconds. */
const SPIN = 0.05;
/** So many workers in a row may end before they have done anything. */
const MAX_FAILED_STARTS = 3;

interface Hired {
  readonly handle: PoolWorker;
  /** Whether it has taken a chunk. */
  worked: boolean;
  /** Whether it is about to be replaced. */
  dismissed: boolean;
}

/** Hands chunks of jobs to workers. */
export class Dispatcher implements JobBoard {
  readonly board: Board;
  readonly functions: Functions;
  readonly size: number;
  readonly maxChunk: number;
  readonly #options: DispatcherOptions;
  readonly #jobs: Set<Job> = new Set();
  readonly #free: number[] = [];
  readonly #posted: Map<number, Chunk> = new Map();
  /** Slots that a dismissed worker may still write to. */
  readonly #retired: Map<number, number[]> = new Map();
  readonly #workers: Map<number, Hired> = new Map();
  readonly #epoch: number = performance.timeOrigin + now();
  #nextWorker = 0;
  #sequence = 0;
  #failedStarts = 0;
  #watching = false;
  #pumpPlanned = false;
  #closing = false;
  #broken: { error: unknown } | undefined;
  #destroyed = false;
  #onEmpty: (() => void) | undefined;
  completed = 0;
  failures = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.size = options.size;
    this.maxChunk = options.maxTasks === 0 ? Infinity : options.maxTasks;
    const slots = options.size * 2 + 4;
    this.board = Board.create(options.space, slots);
    this.functions = new Functions(options.space);
    for (let i = slots - 1; i >= 0; i--) this.#free.push(this.board.slot(i));
  }

  /** Why the pool can do nothing more, if so. */
  get broken(): { error: unknown } | undefined {
    return this.#broken;
  }

  get workers(): number {
    return this.#workers.size;
  }

  get busy(): number {
    let busy = 0;
    for (const slot of this.#posted.keys()) if (this.board.claimOf(slot) > 0) busy++;
    return busy;
  }

  get queued(): number {
    let queued = 0;
    for (const job of this.#jobs) queued += job.waiting;
    for (const [slot, chunk] of this.#posted) if (this.board.claimOf(slot) <= 0) queued += chunk.input.length;
    return queued;
  }

  /** Takes a job on. */
  add(job: Job): void {
    this.#jobs.add(job);
    this.plan();
  }

  /** Hands out what there is, soon: calls of one turn go together. */
  plan(): void {
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    queueMicrotask(() => {
      this.#pumpPlanned = false;
      this.pump();
      this.#spin();
    });
  }

  pump(): void {
    if (this.#destroyed) return;
    let posted = 0;
    // Twice as many as there are workers: each finds its next chunk without waiting for this thread.
    const window = this.size * 2;
    while (this.#posted.size < window && this.#free.length > 0) {
      const chunk = this.#next();
      if (chunk === undefined) break;
      if (this.#post(chunk)) posted++;
    }
    if (posted > 0) this.board.wake(posted);
    this.#options.trace?.depth(this.queued);
    this.#hire();
    if (this.#posted.size > 0) this.#watch();
    this.#checkEmpty();
  }

  isRunning(chunk: Chunk): boolean {
    return chunk.slot !== 0 && this.board.claimOf(chunk.slot) > 0;
  }

  takeBack(chunk: Chunk): boolean {
    if (chunk.slot === 0 || !this.board.takeBack(chunk.slot)) return false;
    this.#posted.delete(chunk.slot);
    this.#free.push(chunk.slot);
    chunk.slot = 0;
    this.plan();
    return true;
  }

  cancel(chunk: Chunk, killAfter: number | undefined): void {
    const { slot } = chunk;
    if (slot === 0) return;
    this.board.cancel(slot);
    if (killAfter === undefined) return;
    setTimeout(() => {
      if (this.#posted.get(slot) !== chunk) return;
      const worker = this.board.claimOf(slot);
      if (worker <= 0 || !this.board.giveUp(slot, worker)) return;
      this.#posted.delete(slot);
      this.#retired.set(worker, [...this.#retired.get(worker) ?? [], slot]);
      const hired = this.#workers.get(worker);
      if (hired !== undefined) {
        hired.dismissed = true;
        hired.handle.terminate();
        // Not waited for: on Deno a thread that computes without end can not be stopped, only left alone.
        this.#workers.delete(worker);
      }
      chunk.job.lost(chunk, {}, this.board.progressOf(slot), []);
      this.pump();
    }, killAfter);
  }

  /** No more jobs will come; `empty` is called when all is done and all workers are gone. */
  close(empty: () => void): void {
    this.#closing = true;
    this.#onEmpty = empty;
    this.plan();
  }

  /** Gives everything up. */
  terminate(error: unknown): void {
    this.#closing = true;
    for (const job of [...this.#jobs]) {
      this.#jobs.delete(job);
      job.abort(error);
    }
    for (const chunk of this.#posted.values()) chunk.job.abort(error);
    for (const slot of this.#posted.keys()) this.board.cancel(slot);
    this.board.close();
    for (const { handle } of this.#workers.values()) handle.terminate();
    this.plan();
  }

  // The job that was served longest ago: a long one does not keep short ones from running.
  #next(): Chunk | undefined {
    for (const job of [...this.#jobs]) {
      const chunk = job.take();
      if (chunk !== undefined) {
        this.#jobs.delete(job);
        this.#jobs.add(job);
        return chunk;
      }
      if (job.exhausted) this.#jobs.delete(job);
    }
    return undefined;
  }

  #post(chunk: Chunk): boolean {
    const slot = this.#free.pop()!;
    try {
      const input = encode(chunk.input, { root: "args", scope: this.#options.space.memory.scope });
      this.board.post(slot, ++this.#sequence, chunk.mode, chunk.job.fn, input);
    } catch (error) {
      this.#free.push(slot);
      this.failures++;
      chunk.job.failed(chunk, { error, index: 0 });
      return false;
    }
    chunk.slot = slot;
    this.#posted.set(slot, chunk);
    return true;
  }

  #hire(): void {
    let wanted = Math.min(this.size, this.#posted.size);
    if (this.#broken !== undefined || this.board.closed) wanted = 0;
    while (this.#workers.size < wanted) {
      const worker = ++this.#nextWorker;
      const label = `${this.#options.name}-${worker}`;
      let handle: PoolWorker;
      try {
        handle = this.#options.start(
          {
            scope: this.#options.space.memory.scope,
            board: this.board.at,
            worker,
            name: label,
            initializer: this.#options.initializer,
            maxTasks: this.#options.maxTasks,
            idle: this.#options.idle,
            epoch: this.#epoch,
          },
          this.#options.initargs,
          label,
        );
      } catch (error) {
        this.#break(error);
        return;
      }
      this.#options.trace?.worker(worker, label);
      this.#workers.set(worker, { handle, worked: false, dismissed: false });
      handle.ended.then((ending) => this.#ended(worker, ending));
    }
  }

  #ended(worker: number, ending: Ending): void {
    if (this.#destroyed) return;
    const hired = this.#workers.get(worker);
    this.#workers.delete(worker);
    this.#drain();
    for (const slot of this.#retired.get(worker) ?? []) this.#release(slot);
    this.#retired.delete(worker);
    for (const [slot, chunk] of this.#posted) {
      if (this.board.claimOf(slot) !== worker || !this.board.giveUp(slot, worker)) continue;
      if (hired !== undefined) hired.worked = true;
      const results = chunk.mode === EACH ? readOutcomes(this.board.result(slot)) : [];
      const progress = this.board.progressOf(slot);
      this.#posted.delete(slot);
      this.#release(slot);
      this.failures++;
      chunk.job.lost(chunk, ending, progress, results);
    }
    const failure = this.board.failure();
    if (failure !== undefined) {
      this.#break((decode(failure) as Failure).error);
    } else if (hired !== undefined && !hired.worked && ending.error !== undefined) {
      if (++this.#failedStarts >= MAX_FAILED_STARTS) this.#break(ending.error);
    }
    this.pump();
    // It may have been woken for a chunk that it did not take.
    if (this.#posted.size > 0) this.board.wake(this.#posted.size);
  }

  #break(error: unknown): void {
    this.#broken ??= { error };
    for (const [slot, chunk] of this.#posted) {
      if (!this.board.takeBack(slot)) continue;
      this.#posted.delete(slot);
      this.#free.push(slot);
      chunk.slot = 0;
      chunk.job.abort(error);
    }
    for (const job of [...this.#jobs]) {
      this.#jobs.delete(job);
      job.abort(error);
    }
  }

  #drain(): boolean {
    let any = false;
    for (const [slot, chunk] of this.#posted) {
      if (this.board.claimOf(slot) !== OVER) continue;
      any = true;
      this.#posted.delete(slot);
      this.#finish(slot, chunk);
    }
    return any;
  }

  #finish(slot: number, chunk: Chunk): void {
    const ms = this.board.durationOf(slot);
    const begun = this.board.begunBy(slot);
    this.#failedStarts = 0;
    const hired = this.#workers.get(begun.worker);
    if (hired !== undefined) hired.worked = true;
    this.#options.trace?.slice(begun.worker, chunk.job.name, begun.time, ms, chunk.first, chunk.input.length);
    let output: unknown;
    try {
      const bytes = this.board.result(slot);
      output = chunk.mode === EACH ? readOutcomes(bytes) : decode(bytes);
    } catch (error) {
      output = { error, index: 0 };
    }
    this.#release(slot);
    chunk.slot = 0;
    if (Array.isArray(output)) {
      this.completed += output.length;
      this.#tell(() => chunk.job.done(chunk, output as unknown[], ms));
    } else {
      this.failures++;
      this.#tell(() => chunk.job.failed(chunk, output as Failure));
    }
  }

  // A callback of the program that throws must not stop the pool.
  #tell(job: () => void): void {
    try {
      job();
    } catch (error) {
      reportError(error);
    }
  }

  #release(slot: number): void {
    if (this.board.claimOf(slot) !== FREE) this.board.clear(slot);
    this.#free.push(slot);
  }

  // Small tasks are done before this thread could fall asleep and be woken again.
  #spin(): void {
    if (this.#posted.size === 0 || this.board.space.spins === 0) return;
    for (let until = now() + SPIN; this.#posted.size > 0 && now() < until;) {
      if (!this.#drain()) continue;
      this.pump();
      until = now() + SPIN;
      // The program has to hear of results: promises are settled by now, their reactions come after this.
      this.plan();
      return;
    }
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    const { space } = this.#options;
    const watch = async (): Promise<void> => {
      while (this.#posted.size > 0 && !this.#destroyed) {
        await space.async.wait<boolean>(this.board.at + DONE, {
          attempt: () => this.#posted.size === 0 || this.#drain() || this.#failed() ? true : undefined,
          deadline: Infinity,
          expired: () => false,
        });
        this.pump();
        this.#spin();
      }
      this.#watching = false;
    };
    void watch();
  }

  #failed(): boolean {
    if (this.#broken !== undefined) return false;
    const failure = this.board.failure();
    if (failure === undefined) return false;
    this.#break((decode(failure) as Failure).error);
    return true;
  }

  #checkEmpty(): void {
    if (!this.#closing || this.#posted.size > 0) return;
    for (const job of this.#jobs) if (!job.exhausted) return;
    if (!this.board.closed) this.board.close();
    if (this.#workers.size > 0) return;
    if (this.#onEmpty !== undefined) {
      const empty = this.#onEmpty;
      this.#onEmpty = undefined;
      // Slots that a worker on the run may still write to keep the whole board.
      if (this.#retired.size === 0) {
        this.#destroyed = true;
        this.functions.destroy();
        this.board.destroy();
      }
      empty();
    }
  }
}

function readOutcomes(bytes: Uint8Array): Outcome[] {
  const outcomes: Outcome[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at, true);
    outcomes.push(decode(bytes.slice(at + 4, at + 4 + length)) as Outcome);
    at += 4 + length;
  }
  return outcomes;
}
