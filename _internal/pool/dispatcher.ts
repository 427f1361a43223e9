/**
 * The owner's side of a pool of this machine: posts the tasks of jobs, passes outcomes to the jobs, and acts on their answers.
 *
 * ```text
 *   sources ──take()──▶ trays ──publish──▶ board ◀──begin── workers
 *      ▲                                     │
 *   done / failed / lost / again ◀── collect ┘
 * ```
 *
 * @module
 */

import { now } from "../atomics.ts";
import { decode } from "../codec/decode.ts";
import { isRoomWanted } from "../memory/room.ts";
import type { Scope } from "../memory/memory.ts";
import { type Space, spaceOf } from "../memory/space.ts";
import { lookLater, lookNoMore } from "../work/starting.ts";
import { Board, RESOLVING } from "./board.ts";
import { Crew, type CrewOptions, type Hired, type StartWorker } from "./crew.ts";
import { Errands } from "./errands.ts";
import { CallSite, Functions } from "./functions.ts";
import type { Job, Source } from "./job.ts";
import { Losses } from "./losses.ts";
import type { Owner, OwnerOptions } from "./owner.ts";
import type { PoolParts } from "./parts.ts";
import { Posted, type PostedHost } from "./posted.ts";
import { Posting } from "./posting.ts";
import { dropOutcome } from "./task.ts";
import { Trays } from "./trays.ts";
import { Watch, type Watched } from "./watch.ts";

/** Options of a dispatcher. */
export interface DispatcherOptions extends CrewOptions {
  space: Space;
}

/** Creates owners whose workers are on this machine and are started by `start`. */
export function workersHere(scope: Scope, start: StartWorker): (options: OwnerOptions) => Dispatcher {
  return (options) => new Dispatcher({ ...options, space: spaceOf(scope), start });
}

/** The owner of a pool whose workers are on this machine. */
export class Dispatcher implements Watched, Owner, PoolParts {
  readonly board: Board;
  readonly functions: Functions;
  readonly size: number;
  readonly crew: Crew;
  readonly trays: Trays;
  readonly errands: Errands;
  readonly posted: Posted;
  /** The error with which all tasks reject, if the pool cannot run tasks any more. */
  broken: { error: unknown } | undefined;
  readonly #space: Space;
  readonly #options: DispatcherOptions;
  readonly #posting: Posting;
  readonly #sites: Map<number, CallSite> = new Map();
  readonly #losses: Losses;
  readonly #watch: Watch;
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
    const host: PostedHost = {
      again: (job) => this.again(job),
      plan: () => this.plan(),
      releaseStuck: (fn, killAfter) => this.#losses.releaseStuck(fn, killAfter),
      leaveAfter: (killAfter, number, worker) => this.#losses.leaveAfter(killAfter, number, worker),
    };
    this.posted = new Posted(host, this.board, this.trays, this.crew, this.functions);
    // A pool with one worker runs all items in order. With batches it would not: the rest of a batch that ends early comes later.
    const others = size > 1 && options.maxTasks === 0 && options.concurrency === 1 ? this.posted.others : undefined;
    this.#posting = new Posting(space, this.trays, size, options.concurrency, others, (job, index, error) => {
      this.posted.failed++;
      this.posted.call(() => job.failed(index, error));
    });
    this.errands = new Errands(this);
    this.#losses = new Losses(this, this.errands);
    this.#watch = new Watch(this.board, this);
  }

  get isDestroyed(): boolean {
    return this.#destroyed;
  }

  get workers(): number {
    return this.crew.living.length;
  }

  get busy(): number {
    if (this.#destroyed) return 0;
    const { busy } = this.posted;
    for (const worker of this.crew.living) if (this.crew.deskOf(worker, RESOLVING) !== 0) busy.add(worker.id);
    return busy.size;
  }

  get queued(): number {
    if (this.#destroyed) return 0;
    return this.trays.waiting + this.#posting.waiting;
  }

  /**
   * The place in the program that calls the pool with this function now. Calls of one turn share the first one's place, since
   * reading it takes as long as the rest of a call.
   */
  siteOf(fn: number): CallSite {
    let site = this.#sites.get(fn);
    if (site === undefined) this.#sites.set(fn, site = new CallSite());
    return site;
  }

  add(source: Source): void {
    this.#posting.add(source);
    this.plan();
  }

  /**
   * The same for a new call. If nothing is posted, the task is posted at once, since a sleeping worker takes a while to wake. The
   * tasks of later calls in the same turn are posted together.
   */
  begin(source: Source): void {
    this.add(source);
    if (this.trays.out === 0 && !this.#destroyed && this.crew.workers.size > 0) this.#post();
  }

  /** Posts waiting tasks soon. */
  plan(): void {
    this.#watch.plan();
  }

  again(job: Job): void {
    this.add(job.source);
  }

  /** Withdraws tasks that are no longer wanted. */
  withdraw(): void {
    if (!this.#destroyed) this.posted.withdraw();
  }

  withdrawOne(number: number, job: Job): void {
    if (!this.#destroyed) this.posted.withdrawOne(number, job);
  }

  together(giveUp: () => void): void {
    if (this.#destroyed) giveUp();
    else this.posted.together(giveUp);
  }

  close(empty: () => void): void {
    this.#closing = true;
    this.#onEmpty = empty;
    this.plan();
    this.#watch.watch();
  }

  hurry(): void {
    for (const source of this.#posting.sources) source.hurry?.();
    this.plan();
  }

  warm(count: number): Promise<void> {
    return this.errands.warm(count);
  }

  terminate(error: unknown): void {
    // The memory of the board may be in use for something else by now.
    if (this.#destroyed) return;
    this.#closing = true;
    this.#abortAll(error);
    this.board.close();
    this.#losses.terminate();
    this.crew.kill();
    this.plan();
  }

  /** Ends the work of the pool: all tasks reject with this error, now and later. */
  break(error: unknown): void {
    if (this.broken !== undefined) return;
    this.broken = { error };
    this.#abortAll(error);
    this.plan();
  }

  #abortAll(error: unknown): void {
    const { sources } = this.#posting;
    this.#posting.clear();
    this.together(() => {
      for (const source of sources) source.abort(error);
      for (const number of this.trays.live()) this.trays.jobs[number]!.abort(error);
      this.errands.abort(error);
    });
  }

  /** Rejects all tasks of a function with which no worker can begin. */
  refuse(fn: number, error: () => Error): void {
    this.together(() => {
      // Posted tasks are taken back first, and then refused with the waiting ones.
      for (const number of [...this.trays.live()]) if (this.trays.jobs[number]!.fn === fn) this.posted.takeBack(number);
      for (const source of this.#posting.sources) {
        this.posted.call(() => {
          this.posted.failed += source.refuse(fn, error);
          return false;
        });
      }
    });
  }

  // Called by the watch.

  get isPosted(): boolean {
    return this.trays.out > 0;
  }

  get isWaiting(): boolean {
    if (this.#destroyed) return false;
    return this.trays.out > 0 || this.#onEmpty !== undefined || this.wantsRoom || this.errands.isWaiting;
  }

  get wantsRoom(): boolean {
    return this.#posting.wantsRoom;
  }

  get watched(): readonly Hired[] {
    return [...this.crew.workers.values()];
  }

  look(exactly: boolean): boolean {
    if (this.#destroyed) return true;
    this.crew.handOut(this.trays);
    // Finished tasks first: the program reacts to these before the owner looks at anything else.
    if (!exactly && this.collect()) return true;
    const found = [this.collect(), this.#losses.reap(exactly), this.hasFailed(), this.errands.look()].includes(true);
    this.#makeRoom();
    return found || this.#posting.isRoomTime;
  }

  pump(): void {
    if (this.#destroyed) return;
    if (this.#sites.size > 0) this.#sites.clear();
    this.collect();
    this.#losses.reap(false);
    this.#post();
    this.#options.trace?.depth(this.queued, now() - this.crew.began);
    this.hire();
    this.#losses.watchShares();
    this.errands.look();
    if (this.errands.isWaiting) lookLater(this.#lookAtImports);
    this.#checkEmpty();
  }

  collect(): boolean {
    if (this.#destroyed || !this.posted.collect()) return false;
    if (!this.#posting.isEmpty) this.plan();
    return true;
  }

  #post(): void {
    if (this.broken !== undefined || this.board.closed) return;
    this.#posting.post();
    const posted = this.trays.unpublished;
    if (posted === 0) return;
    this.trays.publish();
    this.board.wake(posted);
    lookLater(this.#lookAtImports);
  }

  // A result of this pool, or of another one, has no room. Reading finished outcomes frees their room, and so does taking back
  // tasks that no worker has begun with.
  #makeRoom(): void {
    const isInNeed = this.crew.isInNeed();
    if (isInNeed) this.posted.readUntold();
    if (!isInNeed && !isRoomWanted(this.#space)) return;
    for (const number of [...this.trays.live()]) {
      if (this.trays.isAside(number) || !this.trays.hasBlock(number) || !this.posted.takeBack(number)) continue;
      this.#posting.waitForRoom();
    }
  }

  /** Starts workers for the posted tasks, and at least this number. */
  hire(least = 0): void {
    if (this.broken !== undefined || this.board.closed) return;
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

  hasFailed(): boolean {
    if (this.broken !== undefined) return false;
    const failure = this.board.failure();
    if (failure === undefined) return false;
    this.break(errorOf(failure));
    return true;
  }

  reap(): void {
    this.#losses.reap(true);
  }

  readonly #lookAtImports = (patience: number): number => this.#losses.lookAtImports(patience);

  #checkEmpty(): void {
    if (!this.#closing || this.trays.out > 0 || !this.#posting.isEmpty || this.errands.isWaiting) return;
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
    // A worker that was given up may still write to the memory. As long as one has not ended, nothing is freed.
    if (this.crew.left.size === 0) {
      this.#dropLast();
      this.functions.destroy();
      this.trays.destroy();
      this.crew.destroy();
      this.board.destroy();
    }
    empty();
  }

  // Drops the outcomes that dead workers had not reported and no caller wanted.
  #dropLast(): void {
    for (const number of this.trays.away()) dropOutcome(this.#space, this.trays.taskOf(number));
  }
}

// The error of an initializer, or, if it cannot be decoded, the error that says why: this program may not have registered its
// class.
function errorOf(failure: Uint8Array): unknown {
  try {
    return decode(failure, { keep: true });
  } catch (error) {
    return error;
  }
}
