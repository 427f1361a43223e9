/**
 * Posts the tasks of jobs, tells the jobs what became of them, and acts by what they answer.
 *
 * ```text
 *   sources ──take()──▶ trays ──publish──▶ board ◀──begin── workers
 *      ▲                                     │
 *   done / failed / lost / again ◀── collect ┘
 * ```
 *
 * Only so many tasks are posted as keep the workers busy for a moment; the rest stays with its job, where another job's tasks
 * can go before it, and where it is given up without a word to anyone.
 *
 * @module
 */

import { load, now, store } from "../atomics.ts";
import { decode } from "../codec/decode.ts";
import { isRoomWanted, keptForResults, RoomWait } from "../memory/room.ts";
import { noRoom, type Space } from "../memory/space.ts";
import { lookLater, lookNoMore, patienceLeft, takeLate } from "../work/starting.ts";
import { Board, RESOLVING } from "./board.ts";
import { Crew, type CrewOptions, type Hired } from "./crew.ts";
import { Errands } from "./errands.ts";
import { CallSite, costOf, Functions, readFunction } from "./functions.ts";
import { Histogram } from "./histogram.ts";
import type { Job, Source } from "./job.ts";
import { Losses } from "./losses.ts";
import type { StreamHost } from "./stream_job.ts";
import type { TaskHost } from "./submit_job.ts";
import {
  BEGAN,
  BEGUN,
  COUNT,
  dropOutcome,
  FUNCTION,
  isFailure,
  needsBlock,
  NEXT,
  OVER,
  phaseOf,
  RAN,
  STATE,
  takeBack,
  takeOutcome,
  tell,
  TOLD,
  workerOf,
} from "./task.ts";
import { Trays } from "./trays.ts";
import { Watch, type Watched } from "./watch.ts";

/** How a pool is set up. */
export interface DispatcherOptions extends CrewOptions {
  space: Space;
}

/** So long the tasks that are posted should keep the workers busy: nanoseconds. */
const AHEAD_NS = 10_000_000;
/** The same where several jobs have their turns. */
const FAIR_NS = 2_500_000;
/** The most tasks that are posted and not over. */
const MOST = 1 << 12;
/** So many tasks a worker while nothing is known of their cost. */
const PROBE = 4;
/** A job's tasks are posted so many at a time where others wait as well. */
const TURN = 64;

/** Posts the tasks of jobs. */
export class Dispatcher implements Watched, StreamHost, TaskHost {
  readonly board: Board;
  readonly functions: Functions;
  readonly size: number;
  readonly crew: Crew;
  readonly trays: Trays;
  readonly errands: Errands;
  readonly waitTimes: Histogram = new Histogram();
  readonly runTimes: Histogram = new Histogram();
  completed = 0;
  failures = 0;
  readonly #space: Space;
  readonly #options: DispatcherOptions;
  /** Jobs with tasks to post: the one that was served longest ago first. */
  readonly #sources: Set<Source> = new Set();
  readonly #sites: Map<number, CallSite> = new Map();
  readonly #losses: Losses;
  readonly #watch: Watch;
  /** What is to be posted next waits for room. */
  #room: RoomWait | undefined;
  /** Tasks may be unwanted: they are looked for when the present call is over. */
  #unwanted = false;
  #together = 0;
  #broken: { error: unknown } | undefined;
  #closing = false;
  #onEmpty: (() => void) | undefined;
  #destroyed = false;

  constructor(options: DispatcherOptions) {
    const { space, size } = options;
    this.#options = options;
    this.#space = space;
    this.size = size;
    this.board = Board.create(space, size, options.least);
    this.functions = new Functions(space);
    this.crew = new Crew(this.board, options);
    this.trays = new Trays(this.board);
    this.#losses = new Losses(this);
    this.errands = new Errands(this);
    this.#watch = new Watch(this.board, this);
  }

  /** Why the pool can do nothing more, if so. */
  get broken(): { error: unknown } | undefined {
    return this.#broken;
  }

  get isDestroyed(): boolean {
    return this.#destroyed;
  }

  get isClosing(): boolean {
    return this.#closing;
  }

  /** How many workers run something, or come to it. */
  get busy(): number {
    if (this.#destroyed) return 0;
    const busy = new Set<number>();
    for (const number of this.trays.live()) {
      const state = load(this.#space.words, this.trays.taskOf(number) + STATE);
      if (phaseOf(state) === BEGUN || phaseOf(state) === TOLD) busy.add(workerOf(state));
    }
    for (const worker of this.crew.workers.values()) if (this.crew.deskOf(worker, RESOLVING) !== 0) busy.add(worker.id);
    return busy.size;
  }

  /** How many tasks no worker has begun with. */
  get queued(): number {
    if (this.#destroyed) return 0;
    let queued = this.trays.waiting;
    for (const source of this.#sources) queued += source.waiting;
    return queued;
  }

  /** Where a function is handed over. Calls of one turn are taken for one: to look costs as much as all else. */
  siteOf(fn: number): CallSite {
    let site = this.#sites.get(fn);
    if (site === undefined) this.#sites.set(fn, site = new CallSite());
    return site;
  }

  /** Takes a source of tasks on, or goes on with it. */
  add(source: Source): void {
    this.#sources.add(source);
    this.plan();
  }

  /** Posts what there is, soon. */
  plan(): void {
    this.#watch.plan();
  }

  isRunning(number: number): boolean {
    const phase = phaseOf(load(this.#space.words, this.trays.taskOf(number) + STATE));
    return phase === BEGUN || phase === TOLD || phase === OVER;
  }

  /** Takes a task back, if no worker has begun with it. */
  takeBack(number: number): boolean {
    const job = this.trays.jobs[number];
    if (job === undefined || !takeBack(this.#space, this.trays.taskOf(number))) return false;
    this.#giveBack(number, job);
    if (job.killAfter !== undefined) this.#losses.releaseStuck(job.fn, job.killAfter);
    return true;
  }

  #giveBack(number: number, job: Job): void {
    const index = this.trays.indexes[number];
    this.trays.settle(number);
    this.trays.back(number);
    if (job.again(index)) this.again(job);
    this.plan();
  }

  /** A job has tasks that came back. */
  again(job: Job): void {
    this.add(job.source);
  }

  /** Takes back all that is taken for itself by `which`, if no worker has begun with it. */
  takeBackAll(which: Iterable<number>): void {
    for (const number of [...which]) this.takeBack(number);
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
   * Takes back what is posted and not wanted any more, and only then tells those that run: a worker that gives up at once
   * finds none of the others.
   */
  withdraw(): void {
    if (this.#together > 0 || this.#destroyed) return;
    this.#unwanted = false;
    const begun: number[] = [];
    for (const number of [...this.trays.live()]) {
      const job = this.trays.jobs[number];
      if (job === undefined || job.wants(this.trays.indexes[number])) continue;
      if (!this.takeBack(number)) begun.push(number);
    }
    for (const number of begun) this.giveUp(number);
    this.plan();
  }

  /** Withdraws one task, which was given up and is posted under that number if that is not below 0. */
  withdrawOne(number: number, job: Job): void {
    if (number < 0 || this.#destroyed || this.trays.jobs[number] !== job) return;
    if (this.#together > 0) this.#unwanted = true;
    else if (!this.takeBack(number)) this.giveUp(number);
  }

  /** Tells the worker that runs a task to give up. */
  giveUp(number: number): void {
    const job = this.trays.jobs[number];
    if (job === undefined) return;
    const worker = tell(this.#space, this.trays.taskOf(number));
    if (worker !== 0 && job.killAfter !== undefined) this.#losses.leaveAfter(job.killAfter, number, worker);
  }

  /** No more jobs will come; `empty` is called when all is done and all workers are gone. */
  close(empty: () => void): void {
    this.#closing = true;
    this.#onEmpty = empty;
    this.plan();
    this.#watch.watch();
  }

  /** Has all jobs taken on to their end, also those whose results nobody reads yet. */
  hurry(): void {
    for (const source of this.#sources) source.hurry?.();
    this.plan();
  }

  /** Gives everything up. */
  terminate(error: unknown): void {
    this.#closing = true;
    this.#abortAll(error);
    this.board.close();
    this.#losses.terminate();
    this.crew.kill();
    this.plan();
  }

  /** Nothing more can be done. */
  break(error: unknown): void {
    if (this.#broken !== undefined) return;
    this.#broken = { error };
    this.#abortAll(error);
    this.plan();
  }

  #abortAll(error: unknown): void {
    const sources = [...this.#sources];
    this.#sources.clear();
    this.together(() => {
      for (const source of sources) source.abort(error);
      for (const number of this.trays.live()) this.trays.jobs[number]!.abort(error);
      this.errands.abort(error);
    });
  }

  /** No worker can begin with this function. */
  refuse(fn: number, error: () => Error): void {
    this.together(() => {
      // What is posted comes back first, and is refused with the rest.
      for (const number of [...this.trays.live()]) if (this.trays.jobs[number]!.fn === fn) this.takeBack(number);
      for (const source of [...this.#sources]) this.call(() => (this.failures += source.refuse(fn, error), false));
    });
  }

  // What the watch asks.

  get isPosted(): boolean {
    return this.trays.out > 0;
  }

  get isWaiting(): boolean {
    if (this.#destroyed) return false;
    return this.trays.out > 0 || this.#onEmpty !== undefined || this.#room !== undefined || this.errands.isWaiting;
  }

  get wantsRoom(): boolean {
    return this.#room !== undefined;
  }

  get watched(): readonly Hired[] {
    return [...this.crew.workers.values()];
  }

  look(exactly: boolean): boolean {
    if (this.#destroyed) return true;
    const found = [this.collect(), this.#losses.reap(exactly), this.#hasFailed(), this.errands.look()].includes(true);
    this.#makeRoom();
    return found || (this.#room?.isTime ?? false);
  }

  pump(): void {
    if (this.#destroyed) return;
    if (this.#sites.size > 0) this.#sites.clear();
    this.collect();
    this.#losses.reap(false);
    if (this.#sources.size === 0) this.#room = undefined;
    this.#post();
    this.#options.trace?.depth(this.queued);
    this.hire();
    this.#losses.watchShares();
    this.errands.look();
    this.#checkEmpty();
  }

  /** Takes in what the workers have told. */
  collect(): boolean {
    let task = this.#destroyed ? 0 : this.board.takeFinished();
    if (task === 0) return false;
    const { words } = this.#space;
    // What was finished last comes first.
    const tasks: number[] = [];
    for (; task !== 0; task = words[task + NEXT]) tasks.push(task);
    for (let i = tasks.length - 1; i >= 0; i--) {
      task = tasks[i];
      const number = this.trays.numberOf(task);
      const job = this.trays.jobs[number];
      if (words[task + COUNT] > 0) this.#note(task, job, this.trays.indexes[number]);
      if (job !== undefined) this.deliver(number, job);
      this.trays.back(number);
    }
    if (this.#unwanted) this.withdraw();
    if (this.#sources.size > 0) this.plan();
    return true;
  }

  // How long the tasks took that a worker has told together.
  #note(task: number, job: Job | undefined, index: number): void {
    const { words } = this.#space;
    const count = words[task + COUNT];
    const ran = words[task + RAN] / 1000;
    const began = words[task + BEGAN] / 100;
    this.runTimes.add(ran / count, count);
    if (job !== undefined) {
      this.crew.failedStarts.succeed(job.fn);
      this.waitTimes.add(Math.max(0, began - (job.since - this.crew.began)), count);
      this.#options.trace?.slice(
        workerOf(words[task + STATE]),
        job.name,
        began,
        ran,
        Math.max(0, index - count + 1),
        count,
      );
    }
  }

  /** Tells a job the outcome of a task that is over. */
  deliver(number: number, job: Job): void {
    const index = this.trays.indexes[number];
    const task = this.trays.taskOf(number);
    this.trays.settle(number);
    let failed = isFailure(this.#space.words, task);
    let value: unknown;
    try {
      value = takeOutcome(this.#space, task);
    } catch (error) {
      failed = true;
      value = error;
    }
    if (failed) this.failures++;
    else this.completed++;
    this.call(() => failed ? job.failed(index, value) : job.done(index, value));
  }

  /** Calls a job. What a callback of the program throws must not stop the pool. */
  call(job: () => boolean): void {
    try {
      if (job()) this.#unwanted = true;
    } catch (error) {
      reportError(error);
    }
  }

  /** Withdraws what is not wanted after calls of jobs. */
  settle(): void {
    if (this.#unwanted) this.withdraw();
  }

  // In turns: a long job does not keep short ones from running.
  #post(): void {
    if (!this.#mayPost()) return;
    let priorities: Iterable<number> = new Set([...this.#sources].map(({ priority }) => priority));
    if ((priorities as Set<number>).size > 1) priorities = [...priorities].sort((a, b) => a - b);
    for (const priority of priorities) {
      while (this.#postRound(priority));
    }
    const posted = this.trays.unpublished;
    if (posted === 0) return;
    this.trays.publish();
    this.board.wake(posted);
    lookLater(this.#lookAtImports);
  }

  // Has each source of a priority post some tasks. Whether there may be more.
  #postRound(priority: number): boolean {
    let hasMore = false;
    for (const source of [...this.#sources]) {
      if (source.priority !== priority) continue;
      if (!this.#mayPost()) return false;
      this.#sources.delete(source);
      if (this.#postSome(source)) hasMore = true;
      // A source that has nothing now comes back by add().
      if (!source.exhausted) this.#sources.add(source);
    }
    return hasMore;
  }

  #mayPost(): boolean {
    if (this.#broken !== undefined || this.board.closed || this.#sources.size === 0) return false;
    return this.#room === undefined || this.#room.isTime;
  }

  // Posts tasks of a source. Whether it may have more, and they may be posted.
  #postSome(source: Source): boolean {
    const trays = this.trays;
    const most = this.#sources.size > 0 ? TURN : MOST;
    let fn = 0;
    let limit = 0;
    for (let n = 0; n < most; n++) {
      if (!trays.canPut()) return trays.mayGrow && this.#waitForRoom(undefined, 0, undefined);
      if (limit > 0 && trays.out >= limit) return false;
      const job = source.take();
      if (job === undefined) return false;
      const { index } = source;
      if (job.fn !== fn) {
        fn = job.fn;
        limit = this.#limitOf(job);
      }
      const input = job.inputOf(index);
      const isLarge = needsBlock(input);
      // Room that is wanted for a result is not taken for an input.
      const number = isLarge && isRoomWanted(this.#space)
        ? -1
        : trays.put(job, index, input, isLarge ? keptForResults(this.#space, trays.lent) : 0);
      if (number < 0) return this.#waitForRoom(job, index, (input as Uint8Array).length);
      this.#room = undefined;
      job.posted?.(number);
      if (trays.out >= limit) return false;
    }
    return true;
  }

  // How many tasks may be posted and not over while those of this job are.
  #limitOf(job: Job): number {
    const { size } = this;
    const least = size * this.#options.concurrency * 2;
    if (job.together > 0) return Math.min(MOST, Math.max(least, 2 * size * job.together));
    const cost = costOf(this.#space, job.fn);
    if (cost === 0) return Math.max(least, size * PROBE);
    return Math.max(least, Math.min(MOST, Math.ceil(size * (this.#sources.size > 0 ? FAIR_NS : AHEAD_NS) / cost)));
  }

  #waitForRoom(job: Job | undefined, index: number, bytes: number | undefined): boolean {
    this.#room ??= new RoomWait(this.#space);
    const most = this.#room.judge(bytes ?? 1 << 14);
    if (job === undefined) return false;
    const { lent } = this.trays;
    if (most === undefined || lent > 0 || bytes === undefined) {
      // What is done gives its room back.
      if (job.again(index)) this.#sources.add(job.source);
      return false;
    }
    this.#room = undefined;
    this.failures++;
    job.drop(index);
    this.call(() => job.failed(index, noRoom("give a task to the pool", bytes, most, "its arguments")));
    return true;
  }

  // A result of this pool, or of another one, has no room: what was read gives back what it has, and so does what no worker
  // has begun with.
  #makeRoom(): void {
    const isInNeed = this.crew.isInNeed();
    if (isInNeed) this.#losses.readUntold();
    if (!isInNeed && !isRoomWanted(this.#space)) return;
    for (const number of [...this.trays.live()]) {
      if (!this.trays.hasBlock(number) || !this.takeBack(number)) continue;
      this.#room ??= new RoomWait(this.#space);
    }
  }

  /** Starts the workers for which there is work. */
  hire(least = 0): void {
    if (this.#broken !== undefined || this.board.closed) return;
    const { out } = this.trays;
    const wanted = Math.max(least, Math.ceil(out / this.#options.concurrency));
    if (wanted === 0) return;
    try {
      const hired = this.crew.hire(Math.max(wanted, this.#options.least), () => this.plan());
      if (hired && this.#watch.isWatching) this.crew.announce();
    } catch (error) {
      this.break(error);
    }
  }

  #hasFailed(): boolean {
    if (this.#broken !== undefined) return false;
    const failure = this.board.failure();
    if (failure === undefined) return false;
    this.break(errorOf(failure));
    return true;
  }

  /** The error that an initializer threw, if one has. */
  breakIfFailed(): boolean {
    return this.#hasFailed() || this.#broken !== undefined;
  }

  // Names the modules that do not come up in workers which cannot do so themselves.
  readonly #lookAtImports = (patience: number): number => {
    if (this.#destroyed) return Infinity;
    const space = this.#space;
    let next = this.trays.out > 0 ? patience : Infinity;
    for (const worker of this.crew.workers.values()) {
      const { handle } = worker;
      const left = patienceLeft(space, handle.record, patience);
      if (left > 0) {
        next = Math.min(next, left);
        continue;
      }
      const fn = this.crew.deskOf(worker, RESOLVING);
      const target = fn === 0 ? this.#options.initializer ?? undefined : readFunction(space, fn);
      const late = takeLate(space, handle.record, [target], handle.identity.worker, patience);
      if (late !== undefined && this.board.mayName(late.module)) console.error(late.message);
    }
    return next;
  };

  #checkEmpty(): void {
    if (!this.#closing || this.trays.out > 0 || this.#sources.size > 0 || this.errands.isWaiting) return;
    if (!this.board.closed) this.board.close();
    if (this.crew.workers.size > 0) {
      this.#watch.watch();
      return;
    }
    const empty = this.#onEmpty;
    if (empty === undefined) return;
    this.#onEmpty = undefined;
    this.#destroyed = true;
    this.#losses.stop();
    this.crew.stop();
    lookNoMore(this.#lookAtImports);
    this.#watch.stop();
    // Where a worker that was given up may still write, all stays as it is.
    if (this.crew.left.size === 0) {
      this.collectLast();
      this.functions.destroy();
      this.trays.destroy();
      this.crew.destroy();
      this.board.destroy();
    }
    empty();
  }

  // What the dead had finished and nobody wanted.
  private collectLast(): void {
    for (const number of this.trays.away()) dropOutcome(this.#space, this.trays.taskOf(number));
  }
}

// Of an initializer. What cannot be read here, of a class that this program has not registered, say, is told by that.
function errorOf(failure: Uint8Array): unknown {
  try {
    return decode(failure, { keep: true });
  } catch (error) {
    return error;
  }
}
