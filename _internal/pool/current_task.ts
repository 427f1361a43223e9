/**
 * What a task may know of itself.
 *
 * @module
 */

import type { Board } from "./board.ts";

/** The running task, from inside. */
export interface CurrentTask {
  /**
   * Whether whoever submitted the task has given it up: by signal, by timeout, by terminating the pool. Reads shared
   * memory, so it becomes true at once, also in a busy loop.
   */
  readonly cancelled: boolean;
  /** The same as a signal, which is aborted when the event loop of the worker turns: for `fetch` and the like. */
  readonly signal: AbortSignal;
}

/** How often a task whose signal is in use is checked: milliseconds. */
const CHECK = 10;

let board: Board | undefined;
let slot = 0;
let unit = 0;
let current: Task | undefined;

class Task implements CurrentTask {
  readonly #board: Board;
  readonly #slot: number;
  readonly #unit: number;
  /** What it was when the task ended: the slot is another's then. */
  #outcome: boolean | undefined;
  #controller: AbortController | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(board: Board, slot: number, unit: number) {
    this.#board = board;
    this.#slot = slot;
    this.#unit = unit;
  }

  get cancelled(): boolean {
    return this.#outcome ?? this.#board.isCancelled(this.#slot, this.#unit);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = this.#controller = new AbortController();
      if (this.cancelled) {
        controller.abort();
      } else if (this.#outcome === undefined) {
        this.#timer = setInterval(() => {
          if (!this.cancelled) return;
          clearInterval(this.#timer);
          controller.abort();
        }, CHECK);
      }
    }
    return this.#controller.signal;
  }

  end(): void {
    this.#outcome = this.cancelled;
    clearInterval(this.#timer);
  }
}

/** Says that a task begins. Its object is made when somebody asks for it. */
export function beginTask(its: Board, itsSlot: number, itsUnit: number): void {
  board = its;
  slot = itsSlot;
  unit = itsUnit;
}

/** Whether a task runs. */
export function isTaskRunning(): boolean {
  return board !== undefined;
}

/** Says that it is over. */
export function endTask(): void {
  board = undefined;
  current?.end();
  current = undefined;
}

/**
 * The task that the calling pool worker runs; `undefined` outside of a task.
 *
 * @example
 * ```ts
 * import { currentTask, Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * export function countUntilCancelled(): number {
 *   let n = 0;
 *   while (!currentTask()!.cancelled) n++;
 *   return n;
 * }
 *
 * if (import.meta.main) {
 *   await using pool = new Pool(1);
 *   const outcome = await pool.apply(countUntilCancelled, [], { timeout: 50 }).catch((error) => error.name);
 *   assertEquals(outcome, "TimeoutError");
 * }
 * ```
 */
export function currentTask(): CurrentTask | undefined {
  if (board === undefined) return undefined;
  return current ??= new Task(board, slot, unit);
}
