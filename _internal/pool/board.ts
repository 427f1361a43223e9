/**
 * Where a pool's owner and its workers meet: tasks in a row, of which workers take the next ones, and a stack of those that
 * are finished.
 *
 * ```text
 *   board   0  CLOSED      the owner: workers return when there is nothing left to take
 *           1  FAILURE     address of the error that an initializer threw
 *           2  NAMED       of the module that did not come up and was named last
 *           3  OWNER       the participant that the owner is: results are lent to it, and workers end with it
 *           4  STAFF       workers that are there, or on their way
 *           5  LEAST       so many stay, however long there is nothing to do
 *           6  DESKS       how many desks there can be
 *          16  END         position behind the last task
 *          32  CURSOR      position of the next task that no worker has taken
 *          48  FINISHED    the task that was finished last, and is not collected
 *          64  WORK        wait point: tasks were posted, or the board was closed
 *          80  DONE        wait point: tasks were finished, a worker has begun, an initializer failed, a result needs room
 *          96  SEARCHING   the worker that looks for tasks without sleeping
 *         112… RING        addresses of the trays, by position
 *              then        addresses of the desks; 0: none
 *
 *   tray    256 tasks, side by side: those of 256 positions
 *
 *   desk    0  FROM        the share of its worker: positions from here
 *           1  TO          up to here, not included
 *           2  RESOLVING   the function whose module the worker imports
 *           3  PENDING     block of an input that is being read, or of an outcome that is being written
 *           4  NEED        whether an outcome waits for room: 1, or 0
 *           5  STARTED     whether its worker is ready for tasks: 1, or 0
 *           6  WORKED      whether its worker has begun with a task: 1, or 0
 *           7  ERRAND      a task for this worker and no other, 0: none
 *           8  ASKS        the task for which it waits for buffers that go without a copy, 0: none
 *           9  AWAY        whether its worker has taken itself off STAFF, and ends: 1, or 0
 * ```
 *
 * Only the owner posts: it writes tasks, moves END behind them and notifies WORK. A worker writes the next positions into its
 * desk as its share, moves CURSOR behind them, and begins with one after the other, each by a compare-exchange of its
 * STATE. A worker that finds CURSOR at END begins with tasks of the shares of others, from behind. So what stands behind a
 * slow task is done by the next worker that is free, and what stands in the share of a dead one as well.
 *
 * The share is written before CURSOR is moved, since what is behind CURSOR and in no share would be found by no worker. A
 * share that was written in vain, as another worker moved CURSOR first, names tasks of that worker: to begin with one of
 * them is what any worker may do.
 *
 * @module
 */

import { compareExchange, exchange, load, store } from "../atomics.ts";
import type { Space } from "../memory/space.ts";
import { notify } from "../memory/wait_point.ts";
import { POSITIONS, TASK_WORDS, TRAY_TASKS } from "./task.ts";

const CLOSED = 0;
const FAILURE = 1;
const NAMED = 2;
const OWNER = 3;
export const STAFF = 4;
export const LEAST = 5;
const DESKS = 6;
export const END = 16;
export const CURSOR = 32;
export const FINISHED = 48;
/** Offset of the wait point of workers. */
export const WORK = 64;
/** Offset of the wait point of the owner. */
export const DONE = 80;
/** Offset of the word with the number of the searching worker. */
export const SEARCHING = 96;
const RING = 112;

/** Trays in the ring, at most. */
export const RING_TRAYS = 1024;
/** Tasks of a tray. */
export { TRAY_TASKS };
/** 2 to this many are the tasks of a tray. */
export const TRAY_BITS = 8;
const TABLE = RING + RING_TRAYS;

export const FROM = 0;
export const TO = 1;
export const RESOLVING = 2;
export const PENDING = 3;
export const NEED = 4;
export const STARTED = 5;
export const WORKED = 6;
export const ERRAND = 7;
export const ASKS = 8;
export const AWAY = 9;
const DESK_WORDS = 16;

/** How many positions it is from one to another that comes later. */
export function distance(from: number, to: number): number {
  return (to - from) & (POSITIONS - 1);
}

/** The position so many behind another. */
export function advance(position: number, by: number): number {
  return (position + by) & (POSITIONS - 1);
}

/** A board, from either side. */
export class Board {
  readonly space: Space;
  readonly words: Int32Array;
  readonly at: number;
  readonly desks: number;

  constructor(space: Space, at: number) {
    this.space = space;
    this.words = space.words;
    this.at = at;
    this.desks = load(space.words, at + DESKS);
  }

  /** A new board for so many workers at a time, of which `least` stay. */
  static create(space: Space, workers: number, least: number): Board {
    const at = space.allocate(TABLE + workers, "create pool");
    store(space.words, at + DESKS, workers);
    store(space.words, at + OWNER, space.id);
    store(space.words, at + LEAST, least);
    return new Board(space, at);
  }

  /** The participant that the owner is. */
  get owner(): number {
    return load(this.words, this.at + OWNER);
  }

  get closed(): boolean {
    return load(this.words, this.at + CLOSED) !== 0;
  }

  /** Owner: no more tasks will come. */
  close(): void {
    store(this.words, this.at + CLOSED, 1);
    notify(this.space, this.at + WORK, 0xfff);
  }

  /** Where the task of a position is; the position must be one of those that the ring has. */
  taskAt(position: number): number {
    const tray = this.words[this.at + RING + (position >>> TRAY_BITS & (RING_TRAYS - 1))];
    return tray + (position & (TRAY_TASKS - 1)) * TASK_WORDS;
  }

  /** Owner: the tray of the positions from this one on. */
  setTray(position: number, tray: number): void {
    store(this.words, this.at + RING + (position >>> TRAY_BITS & (RING_TRAYS - 1)), tray);
  }

  /** The desk of that index; 0: there is none. */
  deskAt(index: number): number {
    return load(this.words, this.at + TABLE + index);
  }

  /** Owner: puts a desk there, or none. */
  setDesk(index: number, desk: number): void {
    store(this.words, this.at + TABLE + index, desk);
  }

  /** Owner: a new desk. */
  createDesk(): number {
    return this.space.allocate(DESK_WORDS, "start a worker of a pool");
  }

  /** Whether tasks are posted that no worker has taken. */
  hasNext(): boolean {
    return load(this.words, this.at + CURSOR) !== load(this.words, this.at + END);
  }

  /** How many tasks are posted that no worker has taken. */
  get waiting(): number {
    return distance(load(this.words, this.at + CURSOR), load(this.words, this.at + END));
  }

  /** Owner: wakes as many workers as there are tasks for which no worker looks. */
  wake(count: number): void {
    // A searching worker takes one of them, and sees to the others when it does: see endSearching.
    const left = load(this.words, this.at + SEARCHING) !== 0 ? count - 1 : count;
    if (left > 0) notify(this.space, this.at + WORK, left);
  }

  /** Worker: it looks for tasks without sleeping, if no other does. */
  beginSearching(worker: number): boolean {
    return compareExchange(this.words, this.at + SEARCHING, 0, worker) === 0;
  }

  /** That worker does so no more. What is posted from now on notifies; what was posted before, it or a sleeper has to see. */
  endSearching(worker: number): void {
    compareExchange(this.words, this.at + SEARCHING, worker, 0);
  }

  /** Worker: pushes finished tasks, from the last to the first by NEXT, and tells the owner. */
  push(last: number, next: number): void {
    const { words } = this;
    const head = this.at + FINISHED;
    for (;;) {
      const seen = load(words, head);
      words[next] = seen;
      if (compareExchange(words, head, seen, last) === seen) break;
    }
    notify(this.space, this.at + DONE, 1);
  }

  /** Owner: takes all that is finished: the task that was pushed last; 0: none. */
  takeFinished(): number {
    const head = this.at + FINISHED;
    return load(this.words, head) === 0 ? 0 : exchange(this.words, head, 0);
  }

  /** Worker: its initializer threw. */
  fail(error: Uint8Array): void {
    const block = this.space.writeBlock(error, "report an error");
    // Of several errors one is as good as another.
    if (compareExchange(this.words, this.at + FAILURE, 0, block) !== 0) this.space.free(block);
    notify(this.space, this.at + DONE, 1);
  }

  /** Owner: what the initializer threw. */
  failure(): Uint8Array | undefined {
    const block = load(this.words, this.at + FAILURE);
    return block === 0 ? undefined : this.space.readBlock(block);
  }

  /** Whether it falls to the caller to name this module, which does not come up. */
  mayName(module: string): boolean {
    let hash = 1;
    for (let i = 0; i < module.length; i++) hash = Math.imul(hash, 31) + module.charCodeAt(i) | 0;
    return exchange(this.words, this.at + NAMED, hash) !== hash;
  }

  /** Owner: gives the board back; no worker may be left. */
  destroy(): void {
    const failure = load(this.words, this.at + FAILURE);
    if (failure !== 0) this.space.free(failure);
    this.space.free(this.at);
  }
}
