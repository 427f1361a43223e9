/**
 * What a worker has finished and the owner was not told of yet: a stack of tasks.
 *
 * @module
 */

import type { Board } from "./board.ts";
import { BEGAN, COUNT, NEXT, RAN } from "./task.ts";

/** The tasks that a worker finished since it last told. */
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

  /** How many items they have. */
  get count(): number {
    return this.#count;
  }

  /** Adds a task, which is over, of so many items. */
  add(task: number, items: number): void {
    const words = this.#words;
    words[task + COUNT] = 0;
    words[task + NEXT] = this.#last;
    if (this.#count === 0) this.#first = task;
    this.#last = task;
    this.#count += items;
  }

  /** Tells the owner of all of them, and how long they took: from `began`, in ms since the pool's beginning, `ran` ms. */
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
