/**
 * The workers of a pool, from the owner's side: how they are started, missed, given up and counted.
 *
 * @module
 */

import { add, load, now, store } from "../atomics.ts";
import { notify } from "../memory/wait_point.ts";
import { RoomWait } from "../memory/room.ts";
import { later } from "../runtime/runtime.ts";
import type { TargetDescriptor } from "../targets/describe.ts";
import type { Ending } from "../work/runner.ts";
import { type Handed, patienceLeft, takeLate } from "../work/starting.ts";
import { ASKS, AWAY, type Board, DONE, ERRAND, NEED, PENDING, RESOLVING, STAFF, STARTED, WORKED } from "./board.ts";
import { readFunction } from "./functions.ts";
import type { Identity } from "./job.ts";
import type { Trace } from "./trace.ts";
import type { Trays } from "./trays.ts";
import type { WorkerOptions } from "./worker.ts";

/** A worker, as what started it knows it. */
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
  /** Sends it buffers without a copy, where that can be. */
  hand?(handed: Handed): void;
}

/** What makes workers: threads or processes. */
export type StartWorker = (options: WorkerOptions, initargs: readonly unknown[], label: string) => PoolWorker;

/** How workers are started. */
export interface CrewOptions {
  start: StartWorker;
  /** How many there are at most. */
  size: number;
  /** How many there are at least, once there are any. */
  least: number;
  name: string;
  initializer: TargetDescriptor | null;
  initargs: readonly unknown[];
  maxTasks: number;
  maxMemory: number;
  idle: number;
  concurrency: number;
  trace: Trace | undefined;
}

/** A worker, as the pool knows it. */
export interface Hired {
  readonly id: number;
  readonly handle: PoolWorker;
  readonly desk: number;
  /** Where the board has its desk. */
  readonly place: number;
  /** When it was started. */
  readonly since: number;
}

/** So long a worker may take until it begins with its first task, in ms; from then on nothing is expected of it. */
const START = 15_000;
/** What there was no room for is tried again after so long: milliseconds. */
const SOON = 100;

/** The workers of a pool. */
export class Crew {
  readonly options: CrewOptions;
  /** When the pool began, on the clock of `now`. */
  readonly began: number = now();
  readonly workers: Map<number, Hired> = new Map();
  /** Workers that were given up and have not ended. */
  readonly left: Set<Hired> = new Set();
  readonly failedStarts: FailedStarts = new FailedStarts();
  readonly #board: Board;
  readonly #places: number[];
  readonly #spareDesks: number[] = [];
  #newest = 0;
  #room: RoomWait | undefined;
  /** Calls off that it is tried again. */
  #again: (() => void) | undefined;

  constructor(board: Board, options: CrewOptions) {
    this.#board = board;
    this.options = options;
    this.#places = Array.from({ length: options.size }, (_, place) => place).reverse();
  }

  /** Those that live. */
  get living(): Hired[] {
    return [...this.workers.values()].filter(({ handle }) => handle.ending(true) === undefined);
  }

  /** The number of the worker that was started last. */
  get newest(): number {
    return this.#newest;
  }

  /**
   * Starts workers until there are as many as are wanted. What cannot be started for want of room is tried again by `retry`.
   *
   * @returns Whether any were started.
   * @throws What starting a worker throws.
   */
  hire(wanted: number, retry: () => void): boolean {
    let hired = false;
    while (this.workers.size < Math.min(wanted, this.options.size)) {
      try {
        this.#start();
      } catch (error) {
        if (!this.#isToBeTriedAgain(error, retry)) throw error;
        break;
      }
      hired = true;
      this.#room = undefined;
    }
    return hired;
  }

  #start(): void {
    const { initializer, initargs, maxTasks, maxMemory, idle, concurrency, name, start, trace } = this.options;
    const { space, at, words } = this.#board;
    const desk = this.#spareDesks.pop() ?? this.#board.createDesk();
    const place = this.#places.pop()!;
    const id = this.#newest + 1;
    const label = `${name}-${id}`;
    this.#board.setDesk(place, desk);
    const options: WorkerOptions = {
      scope: space.memory.scope,
      board: at,
      desk,
      worker: id,
      name: label,
      initializer,
      maxTasks,
      maxMemory,
      idle,
      concurrency,
      epoch: performance.timeOrigin + this.began,
    };
    let handle: PoolWorker;
    try {
      handle = start(options, initargs, label);
    } catch (error) {
      this.#board.setDesk(place, 0);
      this.#places.push(place);
      this.#spareDesks.push(desk);
      throw error;
    }
    this.#newest = id;
    trace?.worker(id, label);
    this.workers.set(id, { id, handle, desk, place, since: now() });
    add(words, at + STAFF, 1);
  }

  // To start a worker takes a little room. The others go on without it.
  #isToBeTriedAgain(error: unknown, retry: () => void): boolean {
    const { needed } = error as { needed?: number };
    if (needed === undefined) return false;
    this.#room ??= new RoomWait(this.#board.space);
    if (this.workers.size > 0) return true;
    if (this.#room.judge(needed) !== undefined) return false;
    // What is posted keeps the program alive.
    this.#again ??= later(() => {
      this.#again = undefined;
      retry();
    }, SOON);
    return true;
  }

  /** Takes those out that have ended, of both kinds, and returns how. */
  reap(exactly: boolean): { worker: Hired; ending: Ending }[] {
    const ended: { worker: Hired; ending: Ending }[] = [];
    for (const worker of this.workers.values()) {
      const ending = worker.handle.ending(exactly);
      if (ending === undefined) continue;
      this.workers.delete(worker.id);
      this.#vacate(worker);
      ended.push({ worker, ending });
    }
    for (const worker of this.left) {
      const ending = worker.handle.ending(exactly);
      if (ending === undefined) continue;
      this.left.delete(worker);
      ended.push({ worker, ending });
    }
    return ended;
  }

  /** Nothing is left to do with the desk of a worker that has ended. The block that it was about to send; 0: none. */
  clear({ desk }: Hired): number {
    const { words } = this.#board;
    const pending = load(words, desk + PENDING);
    for (const word of [PENDING, NEED, STARTED, WORKED, RESOLVING, ERRAND, ASKS, AWAY]) store(words, desk + word, 0);
    this.#spareDesks.push(desk);
    return pending;
  }

  /** Sends workers the buffers that they ask for. Whether any did. */
  handOut(trays: Trays): boolean {
    let found = false;
    for (const worker of this.workers.values()) {
      const task = this.deskOf(worker, ASKS);
      if (task === 0) continue;
      found = true;
      store(this.#board.words, worker.desk + ASKS, 0);
      const number = trays.numberOf(task);
      const buffers = trays.jobs[number]?.takeBuffers(trays.indexes[number]);
      worker.handle.hand?.({ number, buffers });
    }
    return found;
  }

  /** Gives a worker up, which is not waited for: on Deno no thread that computes can be stopped. */
  leave(worker: Hired): void {
    this.workers.delete(worker.id);
    this.#vacate(worker);
    // A searching worker that is gone would be trusted for ever.
    this.#board.endSearching(worker.id);
    this.left.add(worker);
    worker.handle.kill();
  }

  #vacate({ place, desk }: Hired): void {
    const { words, at } = this.#board;
    this.#board.setDesk(place, 0);
    this.#places.push(place);
    // A worker that takes its leave says so itself, since another may ask before this thread knows.
    if (load(words, desk + AWAY) === 0) add(words, at + STAFF, -1);
  }

  /** What a worker has said at its desk. */
  deskOf({ desk }: Hired, word: number): number {
    return load(this.#board.words, desk + word);
  }

  /** Whether a worker is ready for tasks. */
  isStarted(worker: Hired): boolean {
    return this.deskOf(worker, STARTED) !== 0;
  }

  /** Whether an outcome of a worker waits for room. */
  isInNeed(): boolean {
    for (const worker of this.workers.values()) if (this.deskOf(worker, NEED) !== 0) return true;
    return false;
  }

  /** Whether a worker up to this number is still on its way to its first task. */
  readonly mayBegin = (upTo: number): boolean => {
    const late = now() - START;
    for (const worker of this.workers.values()) {
      if (worker.id <= upTo && worker.since > late && this.deskOf(worker, WORKED) === 0) return true;
    }
    return false;
  };

  /**
   * Names the modules that do not come up in workers which cannot say so themselves. How long until it is worth a look again,
   * while tasks are posted: milliseconds.
   */
  nameLate(patience: number, isPosted: boolean): number {
    const { space } = this.#board;
    let next = isPosted ? patience : Infinity;
    for (const worker of this.workers.values()) {
      const { record, identity } = worker.handle;
      const left = patienceLeft(space, record, patience);
      if (left > 0) {
        next = Math.min(next, left);
        continue;
      }
      const fn = this.deskOf(worker, RESOLVING);
      const target = fn === 0 ? this.options.initializer ?? undefined : readFunction(space, fn);
      const late = takeLate(space, record, [target], identity.worker, patience);
      if (late !== undefined && this.#board.mayName(late.module)) console.error(late.message);
    }
    return next;
  }

  /** Ends all by force. */
  kill(): void {
    for (const { handle } of this.workers.values()) handle.kill();
  }

  /** Has the owner look at the ends of workers that were just started, too. */
  announce(): void {
    notify(this.#board.space, this.#board.at + DONE, 1);
  }

  /** Tries nothing again. */
  stop(): void {
    this.#again?.();
  }

  /** Gives the desks back; no worker may be left. */
  destroy(): void {
    for (const desk of this.#spareDesks) this.#board.space.free(desk);
  }
}

// Workers that end before they have begun with anything are counted, so that a pool does not start them forever.
//
// The workers of a round start side by side and may all end of the same cause, which need not be there a moment later. So
// of those that had been started by the time of a failure only that failure counts. And while one of these may yet begin,
// those that were started after it do not count either: workers that a system kills one after the other say nothing about it.

/** So many rounds in a row may fail. */
export const TRIES = 3;

/** Failed starts in a row: of each function that a worker wanted to begin with, and under 0 of those without any. */
export class FailedStarts {
  readonly #rounds: Map<number, { failed: number; newest: number }> = new Map();

  /**
   * Notes that a worker has ended.
   *
   * @param newest The number of the worker that was started last.
   * @param mayBegin Whether a worker up to this number is still on its way to its first task.
   * @returns Whether that was the last try. The next one is the last again, until something succeeds.
   */
  note(fn: number, worker: number, newest: number, mayBegin: (upTo: number) => boolean): boolean {
    const round = this.#rounds.get(fn);
    if (round === undefined) {
      this.#rounds.set(fn, { failed: 1, newest });
      return false;
    }
    if (worker <= round.newest || mayBegin(round.newest)) return false;
    round.newest = newest;
    round.failed = Math.min(round.failed + 1, TRIES);
    return round.failed === TRIES;
  }

  /** Notes that a worker has begun with a task of the function. */
  succeed(fn: number): void {
    if (this.#rounds.size === 0) return;
    this.#rounds.delete(fn);
    this.#rounds.delete(0);
  }
}
