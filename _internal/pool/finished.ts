/**
 * The tasks that a worker has finished and not reported to the owner yet: a stack, linked by NEXT.
 *
 * @module
 */

import type { Board } from "./board.ts";
import { BEGAN, COUNT, NEXT, RAN } from "./task.ts";

/** The tasks that a worker has finished since its last report. */
export class Finished {
  readonly #board: Board;
  readonly #words: Int32Array;
  #last = 0;
  #first = 0;
  #count = 0;

  constructor(board: Board) {
    this.#board = board;
    this.#words = board.words;
  }

  /** The number of their items. */
  get count(): number {
    return this.#count;
  }

  /** Adds a task that is over, with the number of its items. */
  add(task: number, items: number): void {
    const words = this.#words;
    words[task + COUNT] = 0;
    words[task + NEXT] = this.#last;
    if (this.#count === 0) this.#first = task;
    this.#last = task;
    this.#count += items;
  }

  /** Reports all of them to the owner. `began`: milliseconds from the pool's beginning; `ran`: how many milliseconds they took. */
  tell(began: number, ran: number): void {
    if (this.#count === 0) return;
    const words = this.#words;
    const last = this.#last;
    words[last + BEGAN] = Math.round(began * 100) | 0;
    words[last + RAN] = Math.min(0x7fffffff, Math.round(ran * 1000));
    words[last + COUNT] = this.#count;
    this.#count = 0;
    this.#board.push(last, this.#first + NEXT);
  }
}
