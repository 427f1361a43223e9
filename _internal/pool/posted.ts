/**
 * What the owner of a pool does with posted tasks: it reads their outcomes, takes back those that are not wanted, and notifies
 * workers whose tasks were given up.
 *
 * @module
 */

import { load } from "../atomics.ts";
import type { Space } from "../memory/space.ts";
import type { Batch } from "./batch.ts";
import type { Board } from "./board.ts";
import type { Crew } from "./crew.ts";
import type { Functions } from "./functions.ts";
import { Histogram } from "./histogram.ts";
import type { Job } from "./job.ts";
import type { TaskHost } from "./submit_job.ts";
import {
  BEGAN,
  BEGUN,
  COUNT,
  FUNCTION,
  isFailure,
  NEXT,
  OVER,
  phaseOf,
  RAN,
  STATE,
  takeBack,
  takeOutcome,
  takePacked,
  tell,
  TOLD,
  workerOf,
} from "./task.ts";
import type { Trays } from "./trays.ts";

/** What the posted tasks need of the owner. */
export interface PostedHost {
  /** Called when a job has tasks to post again. */
  again(job: Job): void;
  /** Called when there is room for other tasks. */
  plan(): void;
  /** Called when a task of this function was given up and taken back: a worker may be importing its module for nothing. */
  releaseStuck(fn: number, killAfter: number): void;
  /** Called when a worker was notified that the task that it runs was given up. */
  leaveAfter(killAfter: number, number: number, worker: number): void;
}

/** The posted tasks of a pool. */
export class Posted implements TaskHost {
  /** The number of tasks that returned. */
  completed = 0;
  /** The number of tasks that failed or were lost. */
  failed = 0;
  readonly waitTimes: Histogram = new Histogram();
  readonly runTimes: Histogram = new Histogram();
  /** Functions of which a call in a batch has returned something other than a number. */
  readonly others: Set<number> = new Set();
  readonly #host: PostedHost;
  readonly #space: Space;
  readonly #board: Board;
  readonly #trays: Trays;
  readonly #crew: Crew;
  readonly #functions: Functions;
  /** Whether there may be unwanted tasks, which the owner looks for at the end of the present call. */
  #unwanted = false;
  #together = 0;
  /** Tasks whose outcomes were read before their workers had reported them. Some may be reported by now. */
  readonly #ahead: Set<number> = new Set();

  constructor(host: PostedHost, board: Board, trays: Trays, crew: Crew, functions: Functions) {
    this.#host = host;
    this.#space = board.space;
    this.#board = board;
    this.#trays = trays;
    this.#crew = crew;
    this.#functions = functions;
  }

  /** Whether a worker has begun with the task. */
  isRunning(number: number): boolean {
    const phase = phaseOf(load(this.#space.words, this.#trays.taskOf(number) + STATE));
    return phase === BEGUN || phase === TOLD || phase === OVER;
  }

  /** The numbers of the workers that run a task. */
  get busy(): Set<number> {
    const busy = new Set<number>();
    for (const number of this.#trays.live()) {
      const state = load(this.#space.words, this.#trays.taskOf(number) + STATE);
      if (phaseOf(state) === BEGUN || phaseOf(state) === TOLD) busy.add(workerOf(state));
    }
    return busy;
  }

  /** Reads the outcomes of the tasks that workers have reported. Returns whether there were any. */
  collect(): boolean {
    const trays = this.#trays;
    const { words } = this.#space;
    // The stack begins with the task that was finished last.
    const tasks: number[] = [];
    for (let task = this.#board.takeFinished(); task !== 0; task = words[task + NEXT]) tasks.push(task);
    for (let i = tasks.length - 1; i >= 0; i--) {
      const number = trays.numberOf(tasks[i]);
      const job = trays.jobs[number];
      if (words[tasks[i] + COUNT] > 0) this.#note(tasks[i], number);
      if (job !== undefined) this.deliver(number, job);
      trays.back(number);
    }
    this.settle();
    return tasks.length > 0;
  }

  // Notes how long the tasks of a report took.
  #note(task: number, number: number): void {
    const { words } = this.#space;
    const count = words[task + COUNT];
    const ran = words[task + RAN] / 1000;
    const began = words[task + BEGAN] / 100;
    const fn = words[task + FUNCTION];
    this.runTimes.add(ran / count, count);
    this.#crew.failedStarts.succeed(fn);
    const { trace } = this.#crew.options;
    const first = this.#trays.indexes[number];
    const behind = first + (this.#trays.batches[number]?.reached ?? 1);
    trace?.slice(
      workerOf(words[task + STATE]),
      this.#functions.nameOf(fn),
      began,
      ran,
      Math.max(0, behind - count),
      count,
    );
    this.waitTimes.add(Math.max(0, began - (this.#trays.sinces[number] - this.#crew.began)), count);
  }

  /** Passes the outcome of a task that is over to its job. */
  deliver(number: number, job: Job): void {
    const batch = this.#trays.batches[number];
    if (batch !== undefined) return this.#deliverBatch(number, job, batch);
    this.#trays.settle(number);
    this.#deliverOne(this.#trays.taskOf(number), this.#trays.indexes[number], job);
  }

  #deliverBatch(number: number, job: Job, batch: Batch): void {
    const rest = this.#trays.takeRest(number);
    const { done, count } = batch;
    const index = this.#trays.indexes[number];
    this.#trays.settle(number);
    this.#deliverMany(index, done, job, batch);
    if (done < count) {
      const task = this.#trays.taskOf(number);
      // The functions of such results get no more batches, since each batch would end at its first item.
      if (!isFailure(this.#space.words, task)) this.others.add(job.fn);
      this.#deliverOne(task, index + done, job);
    }
    this.#giveBack(job, index + count, rest);
  }

  #deliverMany(index: number, count: number, job: Job, { values, from }: Batch): void {
    this.completed += count;
    if (count > 0) this.call(() => job.many!.doneMany(index, count, values, from));
  }

  /** Passes the results of a batch whose worker has ended to its job. Returns the index of the lost item; -1: none is lost. */
  deliverLost(number: number, job: Job, batch: Batch): number {
    const rest = this.#trays.takeRest(number);
    const { doneForSure, count } = batch;
    const index = this.#trays.indexes[number];
    this.#trays.settle(number);
    this.#deliverMany(index, doneForSure, job, batch);
    this.#giveBack(job, index + count, rest);
    return doneForSure < count ? index + doneForSure : -1;
  }

  /** Takes back the items of batches that are behind a slow item. Returns whether there were any. */
  freeBatches(): boolean {
    const trays = this.#trays;
    let found = false;
    for (const number of [...trays.live()]) {
      const batch = trays.batches[number];
      if (batch === undefined || phaseOf(load(this.#space.words, trays.taskOf(number) + STATE)) !== BEGUN) continue;
      if (batch.isStuck && this.#takeRest(number)) found = true;
    }
    return found;
  }

  // Takes back the items of a batch that no worker has claimed. Returns whether any of them is wanted.
  #takeRest(number: number): boolean {
    const rest = this.#trays.takeRest(number);
    if (rest === 0) return false;
    this.#giveBack(this.#trays.jobs[number]!, this.#trays.indexes[number] + this.#trays.batches[number]!.count, rest);
    return true;
  }

  // Gives `count` items from `index` on back to their job. Returns whether any of them is wanted.
  #giveBack(job: Job, index: number, count: number): boolean {
    let isWanted = false;
    for (let i = 0; i < count; i++) if (job.again(index + i)) isWanted = true;
    if (isWanted) this.#host.again(job);
    return isWanted;
  }

  #deliverOne(task: number, index: number, job: Job): void {
    let failed = isFailure(this.#space.words, task);
    let value: unknown;
    try {
      value = job.isRaw ? takePacked(this.#space, task) : takeOutcome(this.#space, task);
    } catch (error) {
      failed = true;
      value = error;
    }
    if (failed) this.failed++;
    else this.completed++;
    try {
      if (failed ? job.failed(index, value) : job.done(index, value)) this.#unwanted = true;
    } catch (error) {
      reportError(error);
    }
  }

  /** Calls a job. An error that a callback of the program throws is reported and must not stop the pool. */
  call(job: () => boolean): void {
    try {
      if (job()) this.#unwanted = true;
    } catch (error) {
      reportError(error);
    }
  }

  /** Reads the outcomes of tasks that are over but not reported. Returns whether there were any. */
  readUntold(): boolean {
    let found = false;
    for (const number of this.#trays.live()) {
      if (phaseOf(load(this.#space.words, this.#trays.taskOf(number) + STATE)) !== OVER) continue;
      found = true;
      this.#ahead.add(number);
      this.deliver(number, this.#trays.jobs[number]!);
    }
    this.settle();
    if (found) this.#host.plan();
    return found;
  }

  /** Looks whether a worker has yet to report a task whose outcome was read. */
  isAhead(): boolean {
    for (const number of this.#ahead) {
      const state = load(this.#space.words, this.#trays.taskOf(number) + STATE);
      const isOver = phaseOf(state) === OVER && this.#trays.jobs[number] === undefined;
      if (isOver && this.#crew.workers.has(workerOf(state))) return true;
      this.#ahead.delete(number);
    }
    return false;
  }

  /** Takes a task back if no worker has begun with it. Returns whether it did. */
  takeBack(number: number): boolean {
    const trays = this.#trays;
    const job = trays.jobs[number];
    if (job === undefined || !takeBack(this.#space, trays.taskOf(number))) return false;
    const index = trays.indexes[number];
    const count = trays.batches[number]?.count ?? 1;
    trays.settle(number);
    trays.back(number);
    if (!this.#giveBack(job, index, count) && job.killAfter !== undefined) {
      this.#host.releaseStuck(job.fn, job.killAfter);
    }
    this.#host.plan();
    return true;
  }

  /** Takes back those of these tasks that no worker has begun. */
  takeBackAll(numbers: Iterable<number>): void {
    for (const number of [...numbers]) this.takeBack(number);
  }

  /** Runs a function that gives up several jobs, and withdraws their tasks only after that. */
  together(giveUp: () => void): void {
    this.#together++;
    try {
      giveUp();
    } finally {
      this.#together--;
      this.withdraw();
    }
  }

  /**
   * Takes back all unwanted tasks, and only then notifies the workers that run one. In the other order, a worker that ends its
   * task at once could begin with another unwanted task.
   */
  withdraw(): void {
    this.#unwanted = this.#together > 0;
    if (this.#unwanted) return;
    const begun: number[] = [];
    for (const number of [...this.#trays.live()]) {
      const job = this.#trays.jobs[number];
      if (job === undefined || job.wants(this.#trays.indexes[number])) continue;
      if (!this.takeBack(number)) begun.push(number);
    }
    for (const number of begun) this.#tell(number);
    this.#host.plan();
  }

  /** The same for one task that was given up. Its number on the board is `number`; below 0: it is not posted. */
  withdrawOne(number: number, job: Job): void {
    if (number < 0 || this.#trays.jobs[number] !== job) return;
    if (this.#together > 0) this.#unwanted = true;
    else if (!this.takeBack(number)) this.#tell(number);
  }

  /** Withdraws unwanted tasks, if the answers of jobs say that there are any. */
  settle(): void {
    if (this.#unwanted) this.withdraw();
  }

  #tell(number: number): void {
    const job = this.#trays.jobs[number];
    if (job === undefined) return;
    this.#takeRest(number);
    const worker = tell(this.#space, this.#trays.taskOf(number));
    if (worker !== 0 && job.killAfter !== undefined) this.#host.leaveAfter(job.killAfter, number, worker);
  }
}
