/**
 * Hands chunks of jobs to workers, and looks after the workers.
 *
 * ```text
 *   jobs ──take()──▶ chunks ──post──▶ board ◀──claim── workers
 *    ▲                                  │
 *    └────── done / lost / again ───────┘ drain()
 * ```
 *
 * Only so many chunks are on the board as the workers need to stay busy; the rest stays with its job, where it can be
 * cut as is best by then, and taken back without asking anyone.
 *
 * While anything is on the board this thread waits, which keeps the program alive. It waits for nothing else: workers are
 * daemons, and one that ends while there is nothing to do is missed when there is.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { decode } from "../codec/decode.ts";
import { ROOM_AT } from "../memory/memory.ts";
import { isRoomWanted, keptForResults, RoomWait } from "../memory/room.ts";
import { dropReferences } from "../codec/format.ts";
import { noRoom, type Space } from "../memory/space.ts";
import { notify } from "../memory/wait_point.ts";
import { later } from "../runtime/runtime.ts";
import type { TargetDescriptor } from "../targets/describe.ts";
import type { Ending } from "../work/runner.ts";
import { lookLater, lookNoMore, patienceLeft, takeLate } from "../work/starting.ts";
import { Board, type Cursor, DONE, FREE, OVER, PART, POSTED, RESULT, RESULTS } from "./board.ts";
import { FailedStarts, Patience, TRIES } from "./crew.ts";
import { CallSite, Functions, readFunction } from "./functions.ts";
import { type Chunk, endingError, type Identity, type Job, type JobBoard, type Outcome, type Unit } from "./jobs.ts";
import type { Trace } from "./current_task.ts";
import type { Failure, WorkerOptions } from "./worker.ts";

/** A worker, from its owner's side. */
export interface PoolWorker {
  /** Which one it is, for messages. */
  readonly identity: Identity;
  /** Its record, in the pool's memory. */
  readonly record: number;
  /** Wait points in the pool's memory that are notified when it ends. */
  readonly points: readonly number[];
  /** How it ended, once it can run no more; `exactly`: also where the event loop was not told yet. */
  ending(exactly: boolean): Ending | undefined;
  /** Ends it by force. */
  kill(): void;
}

/** What makes workers: threads or processes. */
export type StartWorker = (options: WorkerOptions, initargs: readonly unknown[], label: string) => PoolWorker;

/** How a pool is set up. */
export interface DispatcherOptions {
  space: Space;
  start: StartWorker;
  size: number;
  name: string;
  initializer: TargetDescriptor | null;
  initargs: readonly unknown[];
  maxTasks: number;
  idle: number;
  trace: Trace | undefined;
}

/** How long to look for results without the event loop having had a turn, as far as is known: milliseconds. */
const TURN = 4;
/** How often at least: the event loop has had turns of which nothing is known here. */
const TURNLESS = 8;
/** A chunk is not left in one piece if a unit of it takes so long: milliseconds. */
const STUCK = 5;
/** While no worker is free to take what is behind such a unit, this thread looks for it only so often: each look wakes it. */
const SELDOM = 40;
/** What a worker has before it is shared with a free one if it takes longer than this: milliseconds. */
const SHARED = 1;
/** How long one may wait for workers that were told to end, where they cannot be stopped: milliseconds. */
const GRACE = 1000;

/** What there was no room for is tried again after so long: milliseconds. */
const SOON = 100;
/** Inputs up to here have room in their slots: bytes. */
const SMALL = 400;

/** How often it is asked whether workers live, if nothing tells that they do not: milliseconds. */
const ASK = 150;

interface Hired {
  readonly id: number;
  readonly handle: PoolWorker;
  /** When it was started. */
  readonly since: number;
  /** Whether it has taken a chunk. */
  worked: boolean;
}

/** So long a worker may take until it begins with its first unit, in ms; from then on nothing is expected of it. */
const START = 15_000;

/** Hands chunks of jobs to workers. */
export class Dispatcher implements JobBoard {
  readonly board: Board;
  readonly functions: Functions;
  readonly size: number;
  readonly maxChunk: number;
  readonly maxUnit: number;
  readonly #options: DispatcherOptions;
  /** The one that was served longest ago first. */
  readonly #jobs: Set<Job> = new Set();
  readonly #free: number[];
  readonly #posted: Map<number, Chunk> = new Map();
  readonly #workers: Map<number, Hired> = new Map();
  /** Workers that were given up, each with the slot to which it may still write, and what was read of it. */
  readonly #lost: Map<Hired, { slot: number; cursor: Cursor } | undefined> = new Map();
  readonly #patience: Patience = new Patience();
  readonly #sites: Map<number, CallSite> = new Map();
  readonly #epoch: number = performance.timeOrigin + now();
  #nextWorker = 0;
  #sequence = 0;
  /** What is to be posted next waits for room. */
  #room: RoomWait | undefined;
  readonly #failedStarts: FailedStarts = new FailedStarts();
  #watching = false;
  #planned = false;
  #nursing: ReturnType<typeof setTimeout> | undefined;
  /** How long it waits for that: milliseconds. */
  #pause = STUCK;
  #turned: number = now();
  #asked = 0;
  /** How often it found something since the event loop had a turn. */
  #found = 0;
  #closing = false;
  #terminated = 0;
  #broken: { error: unknown } | undefined;
  #destroyed = false;
  /** Takes the wait for the board off, with the mark that it leaves there, before the board is given back. */
  readonly #over: AbortController = new AbortController();
  #onEmpty: (() => void) | undefined;
  completed = 0;
  failures = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.size = options.size;
    // So that a worker does as many tasks as it may, or nearly: it takes a chunk as a whole.
    this.maxChunk = options.maxTasks === 0 ? Infinity : Math.max(1, options.maxTasks >> 3);
    this.maxUnit = Math.max(1 << 16, options.space.memory.capacity >> 4);
    this.board = Board.create(options.space, options.size * 2);
    this.functions = new Functions(options.space);
    this.#free = this.board.table().reverse();
  }

  /** Why the pool can do nothing more, if so. */
  get broken(): { error: unknown } | undefined {
    return this.#broken;
  }

  /** How many workers live. */
  get workers(): number {
    let living = 0;
    for (const { handle } of this.#workers.values()) if (handle.ending(true) === undefined) living++;
    return living;
  }

  /** How many run something. */
  get busy(): number {
    if (this.#destroyed) return 0;
    let busy = 0;
    for (const slot of this.#posted.keys()) if (this.board.claimOf(slot) > 0) busy++;
    return busy;
  }

  /** How many tasks wait. */
  get queued(): number {
    if (this.#destroyed) return 0;
    let queued = 0;
    for (const job of this.#jobs) queued += job.waiting;
    for (const [slot, chunk] of this.#posted) {
      const begun = this.board.begunOf(slot);
      for (let i = begun; i < chunk.end; i++) queued += chunk.units[i].count;
    }
    return queued;
  }

  /** Where a function is handed over. Calls of one turn are taken for one: to look costs as much as all else. */
  siteOf(fn: number): CallSite {
    let site = this.#sites.get(fn);
    if (site === undefined) this.#sites.set(fn, site = new CallSite());
    return site;
  }

  /** Takes a job on, or goes on with it. */
  add(job: Job): void {
    this.#jobs.add(job);
    this.plan();
  }

  /** Hands out what there is, soon: calls of one turn go together. */
  plan(): void {
    if (this.#planned || this.#destroyed) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      if (this.#sites.size > 0) this.#sites.clear();
      this.#pump();
      if (!this.#isWaiting) return;
      if (this.#posted.size > 0 && this.#look()) {
        // The program has to hear of it: its reactions come before what is planned here.
        this.plan();
      } else {
        this.#watch();
      }
    });
  }

  isRunning(chunk: Chunk, unit: number): boolean {
    return chunk.slot !== 0 && this.board.claimOf(chunk.slot) !== FREE && unit < this.board.begunOf(chunk.slot);
  }

  recall(chunk: Chunk, first: number): readonly Unit[] {
    const { slot, end } = chunk;
    if (slot === 0) return [];
    if (first === 0 && this.board.takeBack(slot)) {
      this.#posted.delete(slot);
      this.#free.push(slot);
      chunk.slot = 0;
      chunk.end = 0;
      chunk.job.finished(chunk, 0, 0);
      this.plan();
      return chunk.units.slice(0, end);
    }
    const range = this.board.recall(slot, first);
    if (range.begin === range.end) return [];
    chunk.end = range.begin;
    return chunk.units.slice(range.begin, range.end);
  }

  /** What is told to give up once all that is given up with it was taken back. */
  #late: (() => void)[] | undefined;

  together(giveUp: () => void): void {
    if (this.#late !== undefined) return giveUp();
    const late: (() => void)[] = this.#late = [];
    try {
      giveUp();
    } finally {
      this.#late = undefined;
      for (const tell of late) tell();
    }
  }

  tell(chunk: Chunk, unit: number | undefined, killAfter: number | undefined): void {
    if (this.#late === undefined) this.cancel(chunk, unit, killAfter);
    else this.#late.push(() => this.cancel(chunk, unit, killAfter));
  }

  /** Tells a unit, or all, at once. */
  cancel(chunk: Chunk, unit: number | undefined, killAfter: number | undefined): void {
    const { slot } = chunk;
    if (slot === 0) return;
    this.board.cancel(slot, unit);
    if (killAfter === undefined) return;
    const running = unit ?? this.board.begunOf(slot) - 1;
    if (running < 0) {
      this.abandon(chunk, killAfter);
      return;
    }
    this.#replace(chunk, killAfter, () => {
      this.#harvest(slot, chunk);
      return chunk.cursor.count <= running && this.board.begunOf(slot) > running;
    });
  }

  abandon(chunk: Chunk, killAfter: number): void {
    const { slot } = chunk;
    // Its worker may import a module that never comes up. Where others still want a unit of the chunk, that one is theirs.
    const isStuck = (): boolean => chunk.end === 0 && this.board.begunOf(slot) === 0;
    if (slot !== 0 && this.board.begunOf(slot) === 0) this.#replace(chunk, killAfter, isStuck);
  }

  // Gives the worker of a chunk up in a while, if it is to blame then.
  #replace(chunk: Chunk, killAfter: number, isToBlame: () => boolean): void {
    const { slot } = chunk;
    const replace = (): void => {
      if (this.#destroyed || this.#posted.get(slot) !== chunk) return;
      const worker = this.board.claimOf(slot);
      if (worker <= 0 || !isToBlame()) return;
      const hired = this.#workers.get(worker);
      if (hired === undefined) return;
      const other = this.#spare.pop() ?? this.board.tryCreateSlot();
      if (other === 0) {
        later(replace, SOON);
        return;
      }
      if (!this.board.giveUp(slot, worker)) {
        this.#spare.push(other);
        return;
      }
      // Not waited for: on Deno a thread that computes without end cannot be stopped, only left alone. It has the slot for
      // itself until it ends, so that nobody else writes there.
      this.#workers.delete(worker);
      this.board.endSpinning(worker);
      this.board.replace(slot, other);
      this.#free.push(other);
      this.#lost.set(hired, { slot, cursor: chunk.cursor });
      hired.handle.kill();
      this.#posted.delete(slot);
      this.#lose(slot, chunk, hired.handle.identity);
      this.plan();
    };
    // What is posted keeps the program alive.
    later(replace, killAfter);
  }

  /** No more jobs will come; `empty` is called when all is done and all workers are gone. */
  close(empty: () => void): void {
    this.#closing = true;
    this.#onEmpty = empty;
    this.plan();
    this.#watch();
  }

  /** Has all jobs taken on to their end, also those whose results nobody reads yet. */
  hurry(): void {
    for (const job of this.#jobs) job.hurry?.();
    this.plan();
  }

  /** Gives everything up. */
  terminate(error: unknown): void {
    this.#closing = true;
    this.#terminated = now();
    this.#abortAll(error);
    for (const chunk of new Set(this.#posted.values())) this.board.cancel(chunk.slot, undefined);
    this.board.close();
    for (const { handle } of this.#workers.values()) handle.kill();
    this.plan();
  }

  #abortAll(error: unknown): void {
    const jobs = new Set(this.#jobs);
    for (const chunk of this.#posted.values()) jobs.add(chunk.job);
    this.#jobs.clear();
    this.together(() => {
      for (const job of jobs) job.abort(error);
    });
  }

  #pump(): void {
    if (this.#destroyed) return;
    this.#drain();
    this.#bury();
    if (this.#jobs.size === 0) {
      this.#room = undefined;
      this.#share();
    }
    let posted = 0;
    while (this.#mayPost()) {
      const chunk = this.#next();
      if (chunk === undefined || !this.#post(chunk)) break;
      posted++;
    }
    this.#options.trace?.depth(this.queued);
    if (posted > 0) this.board.wake(posted);
    this.#hire();
    this.#checkEmpty();
  }

  // In turns: a long job does not keep short ones from running.
  #next(): Chunk | undefined {
    for (const job of [...this.#jobs]) {
      const chunk = job.take();
      this.#jobs.delete(job);
      // A job that has nothing now comes back by add().
      if (!job.exhausted) this.#jobs.add(job);
      if (chunk !== undefined) return chunk;
    }
    return undefined;
  }

  #mayPost(): boolean {
    if (this.#free.length === 0 || this.#broken !== undefined || this.board.closed) return false;
    return this.#room === undefined || this.#room.isTime;
  }

  #post(chunk: Chunk): boolean {
    const { space } = this.board;
    const slot = this.#free[this.#free.length - 1];
    const inputs = chunk.units.map((unit) => unit.bytes);
    const lent = this.#lent();
    // Room that is wanted for a result is not taken for an input.
    const isPosted = (inputs.length === 1 && inputs[0].length < SMALL || !isRoomWanted(space)) &&
      this.board.post(
        slot,
        ++this.#sequence,
        chunk.job.mode,
        chunk.fn,
        inputs,
        chunk.items,
        keptForResults(space, lent),
      );
    if (isPosted) {
      this.#room = undefined;
      this.#free.pop();
      chunk.slot = slot;
      this.#posted.set(slot, chunk);
      if (chunk.units.length > 1 && this.#nursing === undefined) this.#nurse(STUCK);
      lookLater(this.#lookAtImports);
      return true;
    }
    const bytes = inputs.reduce((sum, { length }) => sum + length, 0);
    this.#room ??= new RoomWait(space);
    const most = this.#room.judge(bytes);
    if (most === undefined || lent > 0) {
      // What is done gives its room back.
      chunk.end = 0;
      chunk.job.finished(chunk, 0, 0);
      chunk.job.again(chunk.units);
      return false;
    }
    this.#room = undefined;
    const error = noRoom("give a task to the pool", bytes, most, "its arguments");
    for (const [unit, { bytes }] of chunk.units.entries()) {
      dropReferences(bytes);
      this.failures++;
      chunk.cursor.count = unit + 1;
      this.#tell(() => chunk.job.done(chunk, unit, { error, index: 0 }));
    }
    chunk.job.finished(chunk, 0, 0);
    return true;
  }

  // Words that inputs of this pool have.
  #lent(): number {
    let bytes = 0;
    for (const [slot, chunk] of this.#posted) {
      if (this.board.holdsInput(slot)) { for (const unit of chunk.units) bytes += unit.bytes.length; }
    }
    return bytes >> 2;
  }

  // A result of this pool, or of another one, has no room: what was read gives back what it has, and so does what no worker
  // has begun with.
  #makeRoom(): void {
    let isWanted = isRoomWanted(this.board.space);
    for (const [slot, chunk] of this.#posted) {
      if (!this.board.isInNeed(slot)) continue;
      isWanted = true;
      this.#harvest(slot, chunk);
    }
    if (!isWanted) return;
    for (const [slot, chunk] of [...this.#posted]) {
      if (this.board.claimOf(slot) !== POSTED || !this.board.holdsInput(slot)) continue;
      const units = this.recall(chunk, 0);
      if (units.length === 0) continue;
      this.#room ??= new RoomWait(this.board.space);
      chunk.job.again(units);
    }
  }

  #hire(): void {
    if (this.#broken !== undefined || this.board.closed) return;
    const wanted = Math.min(this.size, this.#posted.size);
    let hired = false;
    while (this.#workers.size < wanted) {
      const id = ++this.#nextWorker;
      const label = `${this.#options.name}-${id}`;
      const { space, initializer, initargs, maxTasks, idle } = this.#options;
      let handle: PoolWorker;
      try {
        handle = this.#options.start(
          {
            scope: space.memory.scope,
            board: this.board.at,
            worker: id,
            name: label,
            initializer,
            maxTasks,
            idle,
            epoch: this.#epoch,
          },
          initargs,
          label,
        );
      } catch (error) {
        this.#cannotHire(error);
        return;
      }
      hired = true;
      this.#hireRoom = undefined;
      this.#options.trace?.worker(id, label);
      this.#workers.set(id, { id, handle, since: now(), worked: false });
    }
    // Whoever waits has to wait for the new one, too.
    if (hired && this.#watching) notify(this.board.space, this.board.at + DONE, 1);
  }

  #hireRoom: RoomWait | undefined;
  /** Calls off that it is tried again. */
  #hireAgain: (() => void) | undefined;

  // To start a worker takes a little room. The others go on without it.
  #cannotHire(error: unknown): void {
    const { needed } = error as { needed?: number };
    if (needed !== undefined) {
      this.#hireRoom ??= new RoomWait(this.board.space);
      if (this.#workers.size > 0) return;
      if (this.#hireRoom.judge(needed) === undefined) {
        // What is posted keeps the program alive.
        this.#hireAgain ??= later(() => {
          this.#hireAgain = undefined;
          this.plan();
        }, SOON);
        return;
      }
    }
    this.#break(error);
  }

  /** Finds out who has ended. */
  #bury(exactly = false): boolean {
    let found = false;
    for (const worker of this.#workers.values()) {
      const ending = worker.handle.ending(exactly);
      if (ending === undefined) continue;
      found = true;
      this.#workers.delete(worker.id);
      this.#ended(worker, ending);
    }
    for (const [worker, left] of this.#lost) {
      if (worker.handle.ending(exactly) === undefined) continue;
      this.#lost.delete(worker);
      if (left !== undefined) {
        this.board.clear(left.slot, left.cursor);
        this.#spare.push(left.slot);
      }
    }
    if (this.#terminated > 0 && now() - this.#terminated > GRACE) {
      for (const worker of this.#workers.values()) {
        found = true;
        this.#workers.delete(worker.id);
        this.#lost.set(worker, undefined);
        this.#forsake(worker);
      }
    }
    return found;
  }

  /** Slots that are not on the board any more and belong to nobody. */
  readonly #spare: number[] = [];

  // Told to end, and it does not. What it has belongs to it.
  #forsake(worker: Hired): void {
    for (const [slot, chunk] of this.#posted) {
      if (this.board.claimOf(slot) !== worker.id) continue;
      this.#posted.delete(slot);
      this.#lose(slot, chunk, worker.handle.identity);
    }
  }

  #ended(worker: Hired, ending: Ending): void {
    // Before anything is posted: who trusts a spinner that is dead waits for ever.
    this.board.endSpinning(worker.id);
    this.#drain();
    for (const [slot, chunk] of this.#posted) {
      if (this.board.claimOf(slot) !== worker.id || !this.board.giveUp(slot, worker.id)) continue;
      worker.worked = true;
      this.#posted.delete(slot);
      const begun = this.board.begunOf(slot) > 0;
      this.#lose(slot, chunk, { ...ending, ...worker.handle.identity });
      this.board.clear(slot);
      this.#free.push(slot);
      if (begun) this.#failedStarts.succeed(chunk.fn);
      else this.#failToBegin(chunk, worker, ending);
    }
    const failure = this.board.failure();
    if (failure !== undefined) {
      this.#break(errorOf(failure));
    } else if (!worker.worked && ending.returned !== true && this.#terminated === 0) {
      if (this.#failedStarts.note(0, worker.id, this.#nextWorker, this.#mayBegin)) {
        this.#break(
          ending.error ?? endingError(
            `Cannot run tasks as ${TRIES} times in a row workers ended before they had done anything: the last one,`,
            { ...ending, ...worker.handle.identity },
            {
              hint: this.#options.initializer === null
                ? ""
                : ": if it was the initializer that exited, or waits for what nothing brings, have it throw instead",
            },
          ),
        );
      }
    }
    // It may have been woken for a chunk that it did not take.
    if (this.#posted.size > 0) this.board.wake(this.#posted.size);
  }

  // Whether a worker up to this number is still on its way to its first unit. A worker that has begun with a unit is not: it
  // may take an hour for it, and the failures of others have to count meanwhile.
  readonly #mayBegin = (upTo: number): boolean => {
    const late = now() - START;
    const begun = new Set<number>();
    for (const slot of this.#posted.keys()) if (this.board.begunOf(slot) > 0) begun.add(this.board.claimOf(slot));
    for (const { id, since, worked } of this.#workers.values()) {
      if (id <= upTo && !worked && since > late && !begun.has(id)) return true;
    }
    return false;
  };

  // It came for a chunk and ended before it had begun with any of it: while it imported the function's module, most likely.
  // The others may come further, but not for ever. Tasks of other functions are not concerned.
  #failToBegin(chunk: Chunk, worker: Hired, ending: Ending): void {
    if (this.#terminated > 0) return;
    if (!this.#failedStarts.note(chunk.fn, worker.id, this.#nextWorker, this.#mayBegin)) return;
    const descriptor = readFunction(this.board.space, chunk.fn);
    const module = "module" in descriptor ? descriptor.module : undefined;
    const error = (): Error =>
      endingError(
        `Cannot run ${chunk.name}${
          module === undefined ? "" : ` of ${module}`
        } as ${TRIES} times in a row workers ended before they had begun with it: the last one,`,
        { ...ending, ...worker.handle.identity },
        {
          hint:
            ": what a module does at its top it does in each worker, so put the main part under if (import.meta.main)",
        },
      );
    const jobs = new Set(this.#jobs);
    for (const { job } of this.#posted.values()) jobs.add(job);
    for (const job of jobs) this.#tell(() => this.failures += job.refuse(chunk.fn, error));
  }

  // A worker ended in the middle of a chunk: what it finished counts, what it had begun with is lost, and the rest is to be
  // done by another.
  #lose(slot: number, chunk: Chunk, ending: Ending & Identity): void {
    this.#harvest(slot, chunk);
    const range = this.board.recall(slot, 0);
    const again = chunk.units.slice(range.begin, range.end);
    chunk.end = range.begin;
    const lost = chunk.cursor.count;
    const begun = this.board.begunOf(slot);
    chunk.slot = 0;
    if (lost < begun) {
      this.failures++;
      const progress = this.board.progressOf(slot);
      chunk.cursor.count = begun;
      this.#tell(() => chunk.job.lost(chunk, lost, ending, Math.min(progress, chunk.units[lost].count - 1)));
    }
    this.#tell(() => chunk.job.finished(chunk, 0, 0));
    if (again.length > 0) this.#tell(() => chunk.job.again(again));
  }

  #break(error: unknown): void {
    if (this.#broken !== undefined) return;
    this.#broken = { error };
    this.#abortAll(error);
    this.plan();
  }

  #drain(): boolean {
    let found = false;
    for (const [slot, chunk] of this.#posted) {
      if (this.board.claimOf(slot) !== OVER) continue;
      found = true;
      this.#finish(slot, chunk);
    }
    return found;
  }

  #finish(slot: number, chunk: Chunk): void {
    this.#harvest(slot, chunk);
    const ms = this.board.durationOf(slot);
    const begun = this.board.begunBy(slot);
    this.#failedStarts.succeed(chunk.fn);
    const hired = this.#workers.get(begun.worker);
    if (hired !== undefined) hired.worked = true;
    let items = 0;
    for (let i = 0; i < chunk.end; i++) items += chunk.units[i].count;
    this.#options.trace?.slice(begun.worker, chunk.name, begun.time, ms, chunk.units[0].first, items);
    this.#posted.delete(slot);
    chunk.slot = 0;
    this.board.clear(slot);
    this.#free.push(slot);
    this.#tell(() => chunk.job.finished(chunk, items, ms));
    // There is room for what the job has next.
    if (this.#jobs.size > 0) this.plan();
  }

  // Reads outcomes as far as there are any, also of a chunk that still runs.
  #harvest(slot: number, chunk: Chunk): void {
    for (let next; (next = this.board.read(slot, chunk.cursor)) !== undefined;) {
      const unit = chunk.cursor.count - 1;
      let outcome: Outcome;
      try {
        const value = decode(next.data);
        if (next.kind === PART) {
          (chunk.parts ??= []).push(value as unknown[]);
          continue;
        }
        if (next.kind === RESULT) outcome = { results: [value] };
        else if (next.kind === RESULTS) outcome = { results: (chunk.parts ?? []).flat(1).concat(value as unknown[]) };
        else outcome = value as Failure;
      } catch (error) {
        if (next.kind === PART) {
          // What follows of the unit does not make it whole.
          chunk.broken ??= { error, index: chunk.parts?.flat(1).length ?? 0 };
          continue;
        }
        outcome = { error, index: 0 };
      }
      outcome = chunk.broken ?? outcome;
      chunk.parts = chunk.broken = undefined;
      if ("results" in outcome) this.completed += outcome.results.length;
      else this.failures++;
      try {
        chunk.job.done(chunk, unit, outcome);
      } catch (error) {
        reportError(error);
      }
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

  // Small tasks are done before this thread could fall asleep and be woken again. But timers and sockets must have their
  // turn, and others may need the processor.
  #look(): boolean {
    if (this.board.space.spins === 0) return false;
    if (now() - this.#turned > TURN && this.#found > TURNLESS) return false;
    if (!this.#patience.wait(() => this.#drain())) return false;
    this.#found++;
    return true;
  }

  #watch(): void {
    if (this.#watching || this.#destroyed) return;
    this.#watching = true;
    void this.#wait();
  }

  get #isWaiting(): boolean {
    return this.#posted.size > 0 || this.#onEmpty !== undefined || this.#room !== undefined;
  }

  async #wait(): Promise<void> {
    const { space, at } = this.board;
    while (!this.#destroyed && this.#isWaiting) {
      // What others hold of the room may be in the way as well.
      const points = this.#room === undefined ? [at + DONE] : [at + DONE, ROOM_AT];
      // Held until the wait is over: what is waited for is theirs.
      const watched = [...this.#workers.values()];
      for (const { handle } of watched) points.push(...handle.points);
      const size = this.#workers.size;
      const next = this.#nextWorker;
      const waiting = space.async.wait<boolean>(points, {
        attempt: () => {
          if (this.#destroyed) return true;
          const found = [this.#drain(), this.#bury(this.#isTime()), this.#failed()].includes(true);
          this.#makeRoom();
          return found || this.#room?.isTime || !this.#isWaiting || size !== this.#workers.size ||
              next !== this.#nextWorker
            ? true
            : undefined;
        },
        deadline: Infinity,
        expired: () => false,
        signal: this.#over.signal,
      });
      try {
        await waiting;
      } catch (error) {
        if (!this.#destroyed) throw error;
        return;
      } finally {
        watched.length = 0;
      }
      this.#turned = now();
      this.#found = 0;
      this.#pump();
    }
    this.#watching = false;
  }

  // To ask the system whether processes live takes a while. Whoever is told by its event loop need not.
  #isTime(): boolean {
    const time = now();
    if (time - this.#asked < ASK) return false;
    this.#asked = time;
    return true;
  }

  #failed(): boolean {
    if (this.#broken !== undefined) return false;
    const failure = this.board.failure();
    if (failure === undefined) return false;
    this.#break(errorOf(failure));
    return true;
  }

  // Whether a worker has nothing to do, and nothing waits for it.
  get #isIdle(): boolean {
    return this.busy < this.size && !this.board.hasPosted();
  }

  // At the end of a job one worker may have a long chunk before it while another has nothing. What it has not begun with is the
  // job's again, all of it, so that what was called first still begins first.
  #share(): void {
    if (this.#posted.size === 0 || !this.#isIdle) return;
    let longest: { chunk: Chunk; begun: number } | undefined;
    let most = SHARED;
    for (const [slot, chunk] of this.#posted) {
      const begun = this.board.begunOf(slot);
      if (begun === 0 || begun >= chunk.end || this.board.claimOf(slot) <= 0) continue;
      const left = this.board.ageOf(slot, performance.timeOrigin + now() - this.#epoch) / begun * (chunk.end - begun);
      if (left <= most) continue;
      most = left;
      longest = { chunk, begun };
    }
    if (longest !== undefined) {
      const units = this.recall(longest.chunk, longest.begun);
      if (units.length > 0) longest.chunk.job.again(units);
    } else if (this.#nursing !== undefined && this.#pause > STUCK) {
      this.#nurse(STUCK);
    }
  }

  // What stands behind a unit that takes longer than it was thought to is given to another worker; perhaps it even waits for
  // that. And what stands before it is delivered.
  #nurse(pause: number): void {
    clearTimeout(this.#nursing);
    this.#pause = pause;
    this.#nursing = setTimeout(() => {
      this.#nursing = undefined;
      if (this.#destroyed) return;
      let found = false;
      // Only if a worker has nothing else to do: what was called first is to be first.
      const idle = this.#isIdle;
      for (const [slot, chunk] of this.#posted) {
        if (chunk.end <= 1 || this.board.claimOf(slot) <= 0) continue;
        found = true;
        const begun = this.board.begunOf(slot);
        if (begun !== 0 && begun === chunk.begun) {
          this.#harvest(slot, chunk);
          const units = idle ? this.recall(chunk, begun) : [];
          if (units.length > 0) chunk.job.again(units);
        }
        chunk.begun = begun;
      }
      for (const chunk of this.#posted.values()) if (chunk.end > 1) found = true;
      if (found) this.#nurse(idle ? STUCK : Math.min(pause * 2, SELDOM));
    }, pause);
  }

  // Names the modules that do not come up in workers which cannot do so themselves.
  readonly #lookAtImports = (patience: number): number => {
    if (this.#destroyed) return Infinity;
    const { space } = this.board;
    let next = this.#posted.size > 0 ? patience : Infinity;
    for (const { id, handle } of this.#workers.values()) {
      const left = patienceLeft(space, handle.record, patience);
      if (left > 0) {
        next = Math.min(next, left);
        continue;
      }
      const claimed = [...this.#posted].find(([slot]) => this.board.claimOf(slot) === id);
      const target = claimed === undefined ? this.#options.initializer : readFunction(space, claimed[1].fn);
      const late = takeLate(space, handle.record, [target ?? undefined], handle.identity.worker, patience);
      if (late !== undefined && this.board.mayName(late.module)) console.error(late.message);
    }
    return next;
  };

  #checkEmpty(): void {
    if (!this.#closing || this.#posted.size > 0 || this.#jobs.size > 0) return;
    if (!this.board.closed) this.board.close();
    if (this.#workers.size > 0) {
      this.#watch();
      return;
    }
    const empty = this.#onEmpty;
    if (empty === undefined) return;
    this.#onEmpty = undefined;
    this.#destroyed = true;
    clearTimeout(this.#nursing);
    this.#hireAgain?.();
    lookNoMore(this.#lookAtImports);
    this.#over.abort();
    // Slots that a worker on the run may still write to keep the whole board.
    if (this.#lost.size === 0) {
      this.functions.destroy();
      this.board.destroy(this.#spare);
    }
    empty();
  }
}

// Of an initializer. What cannot be read here, of a class that this program has not registered, say, is told by that.
function errorOf(failure: Uint8Array): unknown {
  try {
    return (decode(failure, { keep: true }) as Failure).error;
  } catch (error) {
    return error;
  }
}
