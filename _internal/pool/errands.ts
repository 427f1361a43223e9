/**
 * Errands: tasks for one worker only. This module also waits until workers are ready for tasks.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { ALL_SLEEPERS, notify } from "../memory/wait_point.ts";
import type { Ending } from "../work/runner.ts";
import { ERRAND, LEAST, WORK } from "./board.ts";
import type { Hired } from "./crew.ts";
import { Thrown } from "./future.ts";
import { AnyJob, type Identity, lostError, type Source, type Unwanted } from "./job.ts";
import type { PoolParts } from "./parts.ts";
import type { Packed } from "./task.ts";

/** The job of `each`: `fn(...args)` once in each worker. */
export class EachJob extends AnyJob implements Source {
  readonly index = -1;
  readonly exhausted = true;
  readonly waiting = 0;
  readonly promise: Promise<unknown[]>;
  /** The workers that have, or had, a task of this job. */
  readonly workers: Set<Hired> = new Set();
  readonly #inputs: Packed[];
  readonly #results: unknown[] = [];
  #open: number;
  #over = false;
  #isGivenUp = false;
  #resolve!: (results: unknown[]) => void;
  #reject!: (error: unknown) => void;

  constructor(fn: number, name: string, spread: boolean, inputs: Packed[]) {
    super(fn, name, spread, { together: 0, killAfter: undefined, priority: 0, retries: 0 });
    this.#inputs = inputs;
    this.#open = inputs.length;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get source(): Source {
    return this;
  }

  protected override packedOf(index: number): Packed {
    return this.#inputs[index];
  }

  protected override forget(index: number): void {
    this.#inputs[index] = 0;
  }

  peek(): undefined {}

  take(): void {}

  done(index: number, value: unknown): Unwanted {
    this.settled(index);
    this.#results[index] = value;
    if (--this.#open === 0 && !this.#over) {
      this.#over = true;
      this.#resolve(this.#results);
    }
    return false;
  }

  failed(index: number, error: unknown): Unwanted {
    this.settled(index);
    this.#open--;
    this.#fail(error);
    return false;
  }

  lost(index: number, ending: Ending & Identity): Unwanted {
    return this.failed(index, lostError(ending, index));
  }

  again(index: number): boolean {
    this.drop(index);
    return false;
  }

  // Each worker runs its task, even if the task of another worker has failed.
  wants(): boolean {
    return !this.#isGivenUp;
  }

  refuse(fn: number, error: () => Error): number {
    if (fn === this.fn) this.#fail(error());
    return 0;
  }

  abort(error: unknown): void {
    this.#isGivenUp = true;
    this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#reject(error);
  }
}

/** Waits for workers, and gives them their errands. */
export class Errands {
  readonly #its: PoolParts;
  readonly #waiting: { count: number; resolve: () => void; reject: (error: unknown) => void }[] = [];
  /** The numbers of the tasks that each worker is to be given. */
  readonly #queues: Map<Hired, number[]> = new Map();
  /** The numbers of tasks whose workers returned before they began with them: other workers run them. */
  readonly #left: number[] = [];
  /** The number of calls that are not over. */
  #calls = 0;
  /** The error of a pool that starts no more workers. */
  #error: Thrown | undefined;

  constructor(its: PoolParts) {
    this.#its = its;
  }

  /** Whether a caller waits for workers, or an `each` is not over. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0 || this.#calls > 0;
  }

  /** Begins a call: the pool does not end before the call is over. Returns the function that ends it. */
  begin(): () => void {
    this.#calls++;
    this.#keepWorkers();
    return () => {
      this.#calls--;
      this.#keepWorkers();
      this.#its.plan();
    };
  }

  /** Starts workers until there are `count` of them, and resolves when they are ready for tasks. */
  warm(count: number): Promise<void> {
    const error = this.#its.broken ?? (this.#error === undefined ? undefined : { error: this.#error.value });
    if (error !== undefined) return Promise.reject(error.error);
    // Workers that ended while nothing was pending are noticed only now.
    this.#its.reap();
    const ready = new Promise<void>((resolve, reject) => this.#waiting.push({ count, resolve, reject }));
    this.#keepWorkers();
    this.#its.hire(count);
    this.#its.plan();
    return ready;
  }

  // As long as a caller waits for workers, no worker ends for lack of work.
  #keepWorkers(): void {
    const { board, crew, size, isDestroyed } = this.#its;
    if (!isDestroyed) store(board.words, board.at + LEAST, this.isWaiting ? size : crew.options.least);
  }

  /**
   * Gives each ready worker a task of the job that `make` creates. Returns the job; `undefined` if fewer than `least` workers are
   * ready by now.
   */
  send(least: number, make: (workers: number) => EachJob): EachJob | undefined {
    if (this.#error !== undefined) throw this.#error.value;
    const { trays, crew } = this.#its;
    const workers = [...crew.workers.values()].filter((worker) => crew.isStarted(worker));
    if (workers.length < least) return undefined;
    const job = make(workers.length);
    const numbers = trays.putAside(job, workers.length);
    workers.forEach((worker, i) => this.#give(worker, job, numbers[i]));
    this.#its.plan();
    return job;
  }

  #give(worker: Hired, job: EachJob, number: number): void {
    job.workers.add(worker);
    const queue = this.#queues.get(worker);
    if (queue === undefined) this.#queues.set(worker, [number]);
    else queue.push(number);
  }

  /** Gives out errands, and resolves the promises of callers whose workers are ready. Returns whether there were any such callers. */
  look(): boolean {
    if (this.#left.length > 0) this.#giveLeft();
    if (this.#queues.size > 0) this.#giveOut();
    return this.#waiting.length > 0 && this.#tellReady();
  }

  // Gives the tasks of workers that have returned to workers without a task of the same job, and starts workers if needed.
  #giveLeft(): void {
    const { crew, trays } = this.#its;
    let missing = 0;
    for (const number of this.#left.splice(0)) {
      const job = trays.jobs[number] as EachJob | undefined;
      if (job === undefined) continue;
      let isComing = false;
      let found: Hired | undefined;
      for (const worker of crew.workers.values()) {
        if (job.workers.has(worker)) continue;
        if (crew.isStarted(worker)) found = worker;
        else isComing = true;
      }
      if (found !== undefined) {
        this.#give(found, job, number);
        continue;
      }
      this.#left.push(number);
      if (!isComing) missing++;
    }
    if (missing > 0) this.#its.hire(crew.workers.size + missing);
  }

  #giveOut(): void {
    const { board, trays } = this.#its;
    let given = false;
    for (const [worker, queue] of this.#queues) {
      if (load(board.words, worker.desk + ERRAND) !== 0) continue;
      const number = queue.shift();
      if (number === undefined) {
        this.#queues.delete(worker);
        continue;
      }
      store(board.words, worker.desk + ERRAND, trays.taskOf(number));
      given = true;
    }
    // A notification cannot choose the worker that it wakes, so all of them are woken.
    if (given) notify(board.space, board.at + WORK, ALL_SLEEPERS);
  }

  #tellReady(): boolean {
    const { crew } = this.#its;
    let ready = 0;
    let most = 0;
    for (const worker of crew.workers.values()) if (crew.isStarted(worker)) ready++;
    let found = false;
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      const { count, resolve } = this.#waiting[i];
      most = Math.max(most, count);
      if (ready < count) continue;
      this.#waiting.splice(i, 1);
      resolve();
      found = true;
    }
    if (found) this.#keepWorkers();
    if (crew.workers.size < most) this.#its.hire(most);
    return found;
  }

  /**
   * Handles the end of a worker. `errand` is the task that it was given and has not begun; 0: none. If the worker has returned,
   * as it does after `maxTasksPerChild` tasks or for lack of work, other workers run its errands. Otherwise they are lost.
   */
  lose(worker: Hired, errand: number, how: Ending & Identity): void {
    const { board, trays } = this.#its;
    const queue = this.#queues.get(worker) ?? [];
    this.#queues.delete(worker);
    if (errand !== 0 && trays.jobs[trays.numberOf(errand)] !== undefined) queue.unshift(trays.numberOf(errand));
    if (errand !== 0) store(board.words, worker.desk + ERRAND, 0);
    if (how.returned === true) {
      this.#left.push(...queue);
      return;
    }
    for (const number of queue) {
      const job = trays.jobs[number];
      const index = trays.indexes[number];
      if (this.#its.posted.takeBack(number) && job !== undefined) {
        this.#its.posted.call(() => job.lost(index, how) === true);
      }
    }
  }

  /** Rejects all waiting callers, now and later: no worker will start any more. */
  abort(error: unknown): void {
    this.#error ??= new Thrown(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
