/**
 * How a worker gets tasks: it takes the next ones as its share, and if there are none, tasks from the shares of other workers.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import { BATCH_ITEMS } from "./batch.ts";
import { advance, type Board, CURSOR, distance, END, FROM, RING_TRAYS, TO, TRAY_TASKS } from "./board.ts";
import { ATTEMPT, BATCH, BEGUN, COUNT, FUNCTION, readyAt, STATE, stateOf } from "./task.ts";

/**
 * How long the tasks of a share should take: nanoseconds. To take a share costs a few tenths of a microsecond, and to report it
 * about one microsecond.
 */
const SHARE_NS = 100_000;
/** The maximum number of tasks of a share. */
const MOST = 1024;
/** The maximum number of positions between a task and END: for older positions the ring no longer has the trays. */
const IN_RING = (RING_TRAYS - 2) * TRAY_TASKS;

/** What {@linkcode Share.next} returns if the worker must first import the function of the next task. */
export const UNKNOWN = -1;

/** The share of one worker. */
export class Share {
  readonly #board: Board;
  readonly #words: Int32Array;
  readonly #desk: number;
  readonly #begun: number;
  readonly #costOf: (fn: number) => number;
  #at = 0;
  #to = 0;
  /** The functions that the worker can call. */
  readonly #known: ReadonlyMap<number, unknown>;
  #last = 0;
  /** The function that {@linkcode UNKNOWN} is about. */
  unknown = 0;

  /** `costOf`: how many nanoseconds a task of the function takes; 0: not known. */
  constructor(
    board: Board,
    desk: number,
    worker: number,
    known: ReadonlyMap<number, unknown>,
    costOf: (fn: number) => number,
  ) {
    this.#board = board;
    this.#words = board.words;
    this.#desk = desk;
    this.#begun = stateOf(BEGUN, worker);
    this.#known = known;
    this.#costOf = costOf;
  }

  /** Begins with the next task of the share, and returns it; 0: none is left. */
  next(): number {
    while (this.#at !== this.#to) {
      const task = this.#begin(this.#at);
      if (task === UNKNOWN) return UNKNOWN;
      this.#at = advance(this.#at, 1);
      if (task !== 0) return task;
    }
    return 0;
  }

  /** Takes the next tasks, at most `most`, as the share. Returns `false` if there are none. */
  take(most: number): boolean {
    const words = this.#words;
    const { at } = this.#board;
    for (;;) {
      const cursor = load(words, at + CURSOR);
      const waiting = distance(cursor, load(words, at + END));
      if (waiting === 0) return false;
      const to = advance(cursor, Math.min(most, this.#sizeOf(cursor, waiting)));
      store(words, this.#desk + FROM, cursor);
      store(words, this.#desk + TO, to);
      if (compareExchange(words, at + CURSOR, cursor, to) !== cursor) continue;
      this.#at = cursor;
      this.#to = to;
      return true;
    }
  }

  /** Begins with a task of another worker's share, and returns it; 0: there is none. */
  steal(): number {
    const words = this.#words;
    const board = this.#board;
    for (let i = 0; i < board.desks; i++) {
      const desk = board.deskAt(i);
      if (desk === 0 || desk === this.#desk) continue;
      const from = load(words, desk + FROM);
      // The last tasks first: the other worker reaches these last.
      let left = distance(from, load(words, desk + TO));
      // The other worker writes FROM and then TO. Between the two writes they are not a share.
      if (left > MOST) continue;
      for (; left > 0; left--) {
        const position = advance(from, left - 1);
        // The share is old: the ring has other tasks at these positions by now, or is about to.
        if (distance(position, load(words, board.at + END)) - 1 >>> 0 >= IN_RING) break;
        const task = this.#begin(position);
        if (task !== 0) return task;
      }
    }
    return 0;
  }

  #begin(position: number): number {
    const words = this.#words;
    const task = this.#board.taskAt(position);
    const ready = readyAt(position);
    if (load(words, task + STATE) !== ready) return 0;
    const fn = words[task + FUNCTION];
    if (fn !== this.#last) {
      if (!this.#known.has(fn)) {
        this.unknown = fn;
        return UNKNOWN;
      }
      this.#last = fn;
    }
    return compareExchange(words, task + STATE, ready, this.#begun) === ready ? task : 0;
  }

  // The number of tasks to take, if the next tasks cost as much as the first one. It is only a part of what waits, so that
  // other workers get shares too and need not search this one.
  #sizeOf(cursor: number, waiting: number): number {
    const words = this.#words;
    const task = this.#board.taskAt(cursor);
    const together = words[task + COUNT];
    if (together > 0) return Math.min(together, waiting, MOST);
    const cost = this.#costOf(words[task + FUNCTION]) * ((words[task + ATTEMPT] & BATCH) === 0 ? 1 : BATCH_ITEMS);
    if (cost === 0) return 1;
    const part = Math.ceil(waiting / (2 * this.#board.desks));
    return Math.max(1, Math.min(part, Math.floor(SHARE_NS / cost), MOST));
  }
}
