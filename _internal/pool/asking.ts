/**
 * How a worker gets the buffers that go beside the input of a task: it asks by the word ASKS of its desk, and gets a message.
 *
 * @module
 */

import { store } from "../atomics.ts";
import { notify } from "../memory/wait_point.ts";
import { type Handed, onHanded } from "../work/starting.ts";
import { ASKS, type Board, DONE } from "./board.ts";

/** The requests of one worker. */
export class Asking {
  readonly #board: Board;
  readonly #desk: number;
  /** The last request. A desk has one word ASKS, so tasks that run beside one another ask in turn. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(board: Board, desk: number) {
    this.#board = board;
    this.#desk = desk;
  }

  /** Gets the buffers for a task; `undefined` if it was given up. */
  ask(task: number): Promise<ArrayBuffer[] | undefined> {
    const asked = this.#last.then(() =>
      new Promise<ArrayBuffer[] | undefined>((resolve) => {
        onHanded(({ buffers }: Handed) => resolve(buffers));
        store(this.#board.words, this.#desk + ASKS, task);
        notify(this.#board.space, this.#board.at + DONE, 1);
      })
    );
    this.#last = asked;
    return asked;
  }
}
