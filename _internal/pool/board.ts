/**
 * The board: the shared memory of a pool's owner and its workers. It has a row of tasks, from which workers take the next
 * ones, and a stack of finished tasks.
 *
 * ```text
 *   board   0  CLOSED      1: no more tasks will come, and workers return when none are left. The owner sets it
 *           1  FAILURE     address of the error that an initializer threw
 *           2  NAMED       hash of the module that was named last as one that does not come up
 *           3  OWNER       the participant that the owner is: results are lent to it, and workers end when it ends
 *           4  STAFF       the number of workers, those that are starting included
 *           5  LEAST       the number of workers that stay when there is nothing to do
 *           6  DESKS       the maximum number of desks
 *          16  END         position after the last task
 *          32  CURSOR      position of the next task that is in no share
 *          48  FINISHED    the task that was finished last and is not collected
 *          64  WORK        wait point: tasks were posted, or the board was closed
 *          80  DONE        wait point: tasks were finished, a worker has started, an initializer failed, a result needs room
 *          96  SEARCHING   number of the worker that looks for tasks without sleeping; 0: none
 *         112… RING        addresses of the trays, by position
 *              then        addresses of the desks; 0: none
 *
 *   tray    256 tasks side by side, for 256 positions
 *
 *   desk    0  FROM        first position of the worker's share
 *           1  TO          position after the last one of the share
 *           2  RESOLVING   the function whose module the worker imports; 0: none
 *           3  PENDING     block of an input that is being read, or of an outcome that is being written; 0: none
 *           4  NEED        1: an outcome waits for room
 *           5  STARTED     1: the worker is ready for tasks
 *           6  WORKED      1: the worker has begun with a task
 *           7  ERRAND      a task for this worker only; 0: none
 *           8  ASKS        a task for which the worker wants the buffers that come without a copy; 0: none
 *           9  AWAY        1: the worker has taken itself off STAFF, and ends
 * ```
 *
 * Only the owner posts: it writes tasks, moves END past them, and notifies WORK. A worker writes the next positions into its
 * desk as its share, moves CURSOR past them, and begins with one task after the other, each by a compare-exchange of its
 * STATE. A worker that finds CURSOR at END begins with tasks from the shares of other workers, the last ones first. So tasks
 * behind a slow task go to the next free worker, and so do the tasks in the share of a dead worker.
 *
 * The share is written before CURSOR is moved: no worker would find a task that CURSOR has passed and that is in no share. If
 * another worker moves CURSOR first, the share that was just written names tasks of that worker. This does no harm, since
 * any worker may begin with any of them.
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

/** The maximum number of trays in the ring. */
export const RING_TRAYS = 1024;
/** The number of tasks of a tray. */
export { TRAY_TASKS };
/** The binary logarithm of the number of tasks of a tray. */
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

/** The number of positions from one to another that comes later. */
export function distance(from: number, to: number): number {
  return (to - from) & (POSITIONS - 1);
}

/** The position that is `by` positions after another. */
export function advance(position: number, by: number): number {
  return (position + by) & (POSITIONS - 1);
}

/** A board, as used by its owner and by its workers. */
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

  /** Creates a board for up to `workers` workers at a time, of which `least` stay when there is nothing to do. */
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

  /** The address of the task at a position, which must be in the ring. */
  taskAt(position: number): number {
    const tray = this.words[this.at + RING + (position >>> TRAY_BITS & (RING_TRAYS - 1))];
    return tray + (position & (TRAY_TASKS - 1)) * TASK_WORDS;
  }

  /** Owner: sets the tray of the positions from this one on. */
  setTray(position: number, tray: number): void {
    store(this.words, this.at + RING + (position >>> TRAY_BITS & (RING_TRAYS - 1)), tray);
  }

  /** The address of the desk at an index; 0: there is none. */
  deskAt(index: number): number {
    return load(this.words, this.at + TABLE + index);
  }

  /** Owner: sets the desk at an index; 0 removes it. */
  setDesk(index: number, desk: number): void {
    store(this.words, this.at + TABLE + index, desk);
  }

  /** Owner: allocates a desk. */
  createDesk(): number {
    return this.space.allocate(DESK_WORDS, "start a worker of a pool");
  }

  /** Whether there are posted tasks that are in no share yet. */
  hasNext(): boolean {
    return load(this.words, this.at + CURSOR) !== load(this.words, this.at + END);
  }

  /** The number of posted tasks that are in no share yet. */
  get waiting(): number {
    return distance(load(this.words, this.at + CURSOR), load(this.words, this.at + END));
  }

  /** Owner: wakes workers for `count` posted tasks. */
  wake(count: number): void {
    // A searching worker takes one of the tasks, and wakes others for the rest when it stops searching: see endSearching.
    const left = load(this.words, this.at + SEARCHING) !== 0 ? count - 1 : count;
    if (left > 0) notify(this.space, this.at + WORK, left);
  }

  /** Worker: claims the search for tasks without sleeping. Returns `false` if another worker searches. */
  beginSearching(worker: number): boolean {
    return compareExchange(this.words, this.at + SEARCHING, 0, worker) === 0;
  }

  /**
   * Ends a worker's search, if it searches. The owner notifies a worker for each task that it posts from now on. For tasks
   * that were posted before, the caller must look once more, or wake others.
   */
  endSearching(worker: number): void {
    compareExchange(this.words, this.at + SEARCHING, worker, 0);
  }

  /** Worker: pushes finished tasks, linked by NEXT from `last` on, and notifies the owner. `next`: NEXT of the first one. */
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

  /** Owner: takes all finished tasks off the stack. Returns the one that was pushed last; 0: none. */
  takeFinished(): number {
    const head = this.at + FINISHED;
    return load(this.words, head) === 0 ? 0 : exchange(this.words, head, 0);
  }

  /** Worker: reports that its initializer threw. */
  fail(error: Uint8Array): void {
    const block = this.space.writeBlock(error, "report an error");
    // The first error is kept: one is enough to report.
    if (compareExchange(this.words, this.at + FAILURE, 0, block) !== 0) this.space.free(block);
    notify(this.space, this.at + DONE, 1);
  }

  /** Owner: the encoded error that an initializer threw. */
  failure(): Uint8Array | undefined {
    const block = load(this.words, this.at + FAILURE);
    return block === 0 ? undefined : this.space.readBlock(block);
  }

  /** Whether the caller is to name this module, which does not come up: `false` if another thread has just named it. */
  mayName(module: string): boolean {
    let hash = 1;
    for (let i = 0; i < module.length; i++) hash = Math.imul(hash, 31) + module.charCodeAt(i) | 0;
    return exchange(this.words, this.at + NAMED, hash) !== hash;
  }

  /** Owner: frees the board. No worker may be left. */
  destroy(): void {
    const failure = load(this.words, this.at + FAILURE);
    if (failure !== 0) this.space.free(failure);
    this.space.free(this.at);
  }
}
