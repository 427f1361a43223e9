/**
 * What the owner of a pool does with tasks that are posted: takes their outcomes in, takes those back that are not wanted, and
 * tells those that run to give up.
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

/** What follows from what happens to tasks. */
export interface PostedHost {
  /** The job has tasks to post, again. */
  again(job: Job): void;
  /** There is place for others. */
  plan(): void;
  /** A task of this function was taken back: workers that import its module may do so in vain. */
  releaseStuck(fn: number, killAfter: number): void;
  /** A worker was told to give the task up. */
  leaveAfter(killAfter: number, number: number, worker: number): void;
}

/** The tasks that are posted. */
export class Posted implements TaskHost {
  /** Tasks that returned. */
  completed = 0;
  /** Tasks that failed or were lost. */
  failed = 0;
  readonly waitTimes: Histogram = new Histogram();
  readonly runTimes: Histogram = new Histogram();
  /** Functions of which a call has returned something else than a number. */
  readonly others: Set<number> = new Set();
  readonly #host: PostedHost;
  readonly #space: Space;
  readonly #board: Board;
  readonly #trays: Trays;
  readonly #crew: Crew;
  readonly #functions: Functions;
  /** Tasks may be unwanted: they are looked for when the present call is over. */
  #unwanted = false;
  #together = 0;

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

  /** The numbers of the workers that run something. */
  get busy(): Set<number> {
    const busy = new Set<number>();
    for (const number of this.#trays.live()) {
      const state = load(this.#space.words, this.#trays.taskOf(number) + STATE);
      if (phaseOf(state) === BEGUN || phaseOf(state) === TOLD) busy.add(workerOf(state));
    }
    return busy;
  }

  /** Takes in what the workers have told. Whether there was anything. */
  collect(): boolean {
    const trays = this.#trays;
    const { words } = this.#space;
    // What was finished last comes first.
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

  // How long the tasks took that a worker has told together.
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

  /** Tells a job the outcome of a task that is over. */
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
      // As long as it returns nothing else, a function is not called in vain for the items that stand behind.
      if (!isFailure(this.#space.words, task)) this.others.add(job.fn);
      this.#deliverOne(task, index + done, job);
    }
    this.#giveBack(job, index + count, rest);
  }

  #deliverMany(index: number, count: number, job: Job, { values, from }: Batch): void {
    this.completed += count;
    if (count > 0) this.call(() => job.many!.doneMany(index, count, values, from));
  }

  /** Tells a job what its batch has done whose worker has ended. The item that is lost with the worker; -1: none. */
  deliverLost(number: number, job: Job, batch: Batch): number {
    const rest = this.#trays.takeRest(number);
    const { doneForSure, count } = batch;
    const index = this.#trays.indexes[number];
    this.#trays.settle(number);
    this.#deliverMany(index, doneForSure, job, batch);
    this.#giveBack(job, index + count, rest);
    return doneForSure < count ? index + doneForSure : -1;
  }

  /** Takes those items of batches that stand behind a slow one. Whether there were any. */
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

  // Gives the items of a task back to its job to which no worker has come. Whether there were any.
  #takeRest(number: number): boolean {
    const rest = this.#trays.takeRest(number);
    if (rest === 0) return false;
    this.#giveBack(this.#trays.jobs[number]!, this.#trays.indexes[number] + this.#trays.batches[number]!.count, rest);
    return true;
  }

  // Gives so many items back to their job, from `index` on. Whether any of them is wanted.
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

  /** Calls a job, outside of {@linkcode Posted.deliver}. What a callback of the program throws must not stop the pool. */
  call(job: () => boolean): void {
    try {
      if (job()) this.#unwanted = true;
    } catch (error) {
      reportError(error);
    }
  }

  /** Reads outcomes of tasks that are over although their workers have not told so. Whether there were any. */
  readUntold(): boolean {
    let found = false;
    for (const number of this.#trays.live()) {
      if (phaseOf(load(this.#space.words, this.#trays.taskOf(number) + STATE)) !== OVER) continue;
      found = true;
      this.deliver(number, this.#trays.jobs[number]!);
    }
    this.settle();
    if (found) this.#host.plan();
    return found;
  }

  /** Takes a task back, if no worker has begun with it. */
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

  /** Takes back all of these with which no worker has begun. */
  takeBackAll(numbers: Iterable<number>): void {
    for (const number of [...numbers]) this.takeBack(number);
  }

  /** Runs what gives several jobs up, and only then withdraws their tasks. */
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
   * Takes back what is not wanted any more, and only then tells those that run: a worker that gives up at once finds none of the
   * others.
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

  /** The same for one task, which was given up and is posted under that number if that is not below 0. */
  withdrawOne(number: number, job: Job): void {
    if (number < 0 || this.#trays.jobs[number] !== job) return;
    if (this.#together > 0) this.#unwanted = true;
    else if (!this.takeBack(number)) this.#tell(number);
  }

  /** Withdraws what calls of jobs have shown to be unwanted. */
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
