/**
 * The workers of a pool, from the owner's side: how they are started, given up, and counted, and how their ends are noticed.
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

/** The thread or process of a worker. */
export interface PoolWorker {
  /** Identifies the worker in error messages. */
  readonly identity: Identity;
  /** The address of its record, in the pool's memory. */
  readonly record: number;
  /** Wait points in the pool's memory that are notified when it ends. */
  readonly points: readonly number[];
  /** How it ended; `undefined`: it may still run. `exactly`: asks the system, instead of waiting for an event. */
  ending(exactly: boolean): Ending | undefined;
  /** Ends it by force. */
  kill(): void;
  /** Sends it buffers without a copy, if its kind can do so. */
  hand?(handed: Handed): void;
}

/** Starts a worker: a thread or a process. */
export type StartWorker = (options: WorkerOptions, initargs: readonly unknown[], label: string) => PoolWorker;

/** Options of the workers of a pool. */
export interface CrewOptions {
  start: StartWorker;
  /** The maximum number of workers. */
  size: number;
  /** The number of workers that start with the first task, and stay when there is nothing to do. */
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

/** A worker, as the owner knows it. */
export interface Hired {
  /** The worker's number. */
  readonly id: number;
  readonly handle: PoolWorker;
  readonly desk: number;
  /** The index of its desk on the board. */
  readonly place: number;
  /** When it was started. */
  readonly since: number;
}

/** After this time, a worker that has not begun with a task is not expected to do so: milliseconds. */
const START = 15_000;
/** When a start that failed for lack of room is tried again: milliseconds. */
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
  /** Cancels the next try. */
  #again: (() => void) | undefined;

  constructor(board: Board, options: CrewOptions) {
    this.#board = board;
    this.options = options;
    this.#places = Array.from({ length: options.size }, (_, place) => place).reverse();
  }

  /** The workers that are alive. */
  get living(): Hired[] {
    return [...this.workers.values()].filter(({ handle }) => handle.ending(true) === undefined);
  }

  /** The number of the worker that was started last. */
  get newest(): number {
    return this.#newest;
  }

  /**
   * Starts workers until there are as many as are wanted. If there is no room for a worker, `retry` is called later.
   *
   * @returns Whether any worker was started.
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

  // Handles an error of a start. Starting a worker needs a little room: if there is none, the other workers go on without it.
  // Returns whether the start is tried again, or not needed.
  #isToBeTriedAgain(error: unknown, retry: () => void): boolean {
    const { needed } = error as { needed?: number };
    if (needed === undefined) return false;
    this.#room ??= new RoomWait(this.#board.space);
    if (this.workers.size > 0) return true;
    if (this.#room.judge(needed) !== undefined) return false;
    // This timer does not keep the program alive; the posted tasks do.
    this.#again ??= later(() => {
      this.#again = undefined;
      retry();
    }, SOON);
    return true;
  }

  /**
   * Removes the workers that have ended, given up or not, and returns how they ended. A worker is returned once, even if the
   * runtime runs other code of this thread, and with it another `reap`, while it says how the worker ended.
   */
  reap(exactly: boolean): { worker: Hired; ending: Ending }[] {
    const ended: { worker: Hired; ending: Ending }[] = [];
    for (const worker of this.workers.values()) {
      const ending = worker.handle.ending(exactly);
      if (ending === undefined || !this.workers.delete(worker.id)) continue;
      this.#vacate(worker);
      ended.push({ worker, ending });
    }
    for (const worker of this.left) {
      const ending = worker.handle.ending(exactly);
      if (ending !== undefined && this.left.delete(worker)) ended.push({ worker, ending });
    }
    return ended;
  }

  /** Clears the desk of a worker that has ended, for another worker. Returns the block in PENDING; 0: none. */
  clear({ desk }: Hired): number {
    const { words } = this.#board;
    const pending = load(words, desk + PENDING);
    for (const word of [PENDING, NEED, STARTED, WORKED, RESOLVING, ERRAND, ASKS, AWAY]) store(words, desk + word, 0);
    this.#spareDesks.push(desk);
    return pending;
  }

  /** Sends workers the buffers that they ask for. Returns whether any worker asked. */
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

  /** Gives up a worker without waiting for its end, since Deno cannot stop a thread that computes. */
  leave(worker: Hired): void {
    this.workers.delete(worker.id);
    this.#vacate(worker);
    // Otherwise the owner would rely on this worker forever if it was searching.
    this.#board.endSearching(worker.id);
    this.left.add(worker);
    worker.handle.kill();
  }

  #vacate({ place, desk }: Hired): void {
    const { words, at } = this.#board;
    this.#board.setDesk(place, 0);
    this.#places.push(place);
    // A worker that leaves for lack of work has taken itself off STAFF, since another worker may read STAFF before this thread
    // learns of it.
    if (load(words, desk + AWAY) === 0) add(words, at + STAFF, -1);
  }

  /** Reads a word of a worker's desk. */
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

  /** Whether a worker up to this number may still begin with its first task. */
  readonly mayBegin = (upTo: number): boolean => {
    const late = now() - START;
    for (const worker of this.workers.values()) {
      if (worker.id <= upTo && worker.since > late && this.deskOf(worker, WORKED) === 0) return true;
    }
    return false;
  };

  /**
   * Prints which modules do not come up in workers that cannot do so themselves. Returns after how many milliseconds to look again;
   * `Infinity`: no task is posted and no worker imports a module.
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

  /** Ends all workers by force. */
  kill(): void {
    for (const { handle } of this.workers.values()) handle.kill();
  }

  /** Wakes the owner, so that its wait includes the wait points of workers that were just started. */
  announce(): void {
    notify(this.#board.space, this.#board.at + DONE, 1);
  }

  /** Cancels the next try of a start. */
  stop(): void {
    this.#again?.();
  }

  /** Frees the desks. No worker may be left. */
  destroy(): void {
    for (const desk of this.#spareDesks) this.#board.space.free(desk);
  }
}

// Workers that end before they begin with a task are counted, so that a pool does not start workers forever.
//
// They are counted in rounds. The workers of a round start side by side and may all end for the same reason, which may be gone a
// moment later. So the first failure of a round counts, and those of workers that had been started by then do not. As long as one
// of these may still begin with a task, failures of later workers do not count either: workers that the system kills one after
// the other say nothing about a worker that has not begun yet.

/** The number of rounds in a row that may fail. */
export const TRIES = 3;

/** Failed starts in a row, by the function that the worker was importing; 0: it was importing none. */
export class FailedStarts {
  readonly #rounds: Map<number, { failed: number; newest: number }> = new Map();

  /**
   * Notes that a worker has ended.
   *
   * @param newest The number of the worker that was started last.
   * @param mayBegin Whether a worker up to this number is still on its way to its first task.
   * @returns Whether that was the last try. Each failed round after it is the last one again, until a worker succeeds.
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
