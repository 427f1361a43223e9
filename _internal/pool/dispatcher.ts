/**
 * Has the tasks of jobs posted, tells the jobs what became of them, and acts by what they answer.
 *
 * ```text
 *   sources ──take()──▶ trays ──publish──▶ board ◀──begin── workers
 *      ▲                                     │
 *   done / failed / lost / again ◀── collect ┘
 * ```
 *
 * @module
 */

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

/** How a pool is set up. */
export interface DispatcherOptions extends CrewOptions {
  space: Space;
}

/** Has the tasks of a pool done by workers of this machine, which `start` starts. */
export function workersHere(scope: Scope, start: StartWorker): (options: OwnerOptions) => Dispatcher {
  return (options) => new Dispatcher({ ...options, space: spaceOf(scope), start });
}

/** The owner's side of a pool. */
export class Dispatcher implements Watched, Owner, PoolParts {
  readonly board: Board;
  readonly functions: Functions;
  readonly size: number;
  readonly crew: Crew;
  readonly trays: Trays;
  readonly errands: Errands;
  readonly posted: Posted;
  /** Why the pool can do nothing more, if so. */
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
    // The only worker of a pool goes through all items in order: of a batch that ends early the rest would come later.
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

  /** Where a function is handed over. Calls of one turn are taken for one: to look costs as much as all else. */
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
   * The same for a new call. A worker that sleeps takes a while to wake, so it is woken at once; what follows in this turn goes
   * together.
   */
  begin(source: Source): void {
    this.add(source);
    if (this.trays.out === 0 && !this.#destroyed && this.crew.workers.size > 0) this.#post();
  }

  /** Posts what there is, soon. */
  plan(): void {
    this.#watch.plan();
  }

  again(job: Job): void {
    this.add(job.source);
  }

  /** Some tasks are not wanted any more. */
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
    // The board is another's memory by then.
    if (this.#destroyed) return;
    this.#closing = true;
    this.#abortAll(error);
    this.board.close();
    this.#losses.terminate();
    this.crew.kill();
    this.plan();
  }

  /** Nothing more can be done. */
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

  /** No worker can begin with this function. */
  refuse(fn: number, error: () => Error): void {
    this.together(() => {
      // What is posted comes back first, and is refused with the rest.
      for (const number of [...this.trays.live()]) if (this.trays.jobs[number]!.fn === fn) this.posted.takeBack(number);
      for (const source of this.#posting.sources) {
        this.posted.call(() => {
          this.posted.failed += source.refuse(fn, error);
          return false;
        });
      }
    });
  }

  // What the watch asks.

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
    // The callers of what is done first: the rest is looked at when they were told.
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
    this.#options.trace?.depth(this.queued);
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

  // A result of this pool, or of another one, has no room: what was read gives back what it has, and so does what no worker
  // has begun with.
  #makeRoom(): void {
    const isInNeed = this.crew.isInNeed();
    if (isInNeed) this.posted.readUntold();
    if (!isInNeed && !isRoomWanted(this.#space)) return;
    for (const number of [...this.trays.live()]) {
      if (this.trays.isAside(number) || !this.trays.hasBlock(number) || !this.posted.takeBack(number)) continue;
      this.#posting.waitForRoom();
    }
  }

  /** Starts the workers for which there is work. */
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
    // Where a worker that was given up may still write, all stays as it is.
    if (this.crew.left.size === 0) {
      this.#dropLast();
      this.functions.destroy();
      this.trays.destroy();
      this.crew.destroy();
      this.board.destroy();
    }
    empty();
  }

  // What the dead had finished and no caller wanted.
  #dropLast(): void {
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
