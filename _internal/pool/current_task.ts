/**
 * What a task may know of itself while it runs.
 *
 * @module
 */

import { load } from "../atomics.ts";
import { type AsyncContext, createAsyncContext } from "../runtime/this_thread.ts";
import { ATTEMPT, BATCH, BESIDE, LEFT, nameAt, nameFrom, phaseOf, STATE, TOLD } from "./task.ts";

/** A task while it runs, from inside: what {@linkcode currentTask} returns. Python has no equivalent. */
export interface CurrentTask {
  /**
   * Whether the caller has given the task up: by its signal or timeout, because an item before it in its map has
   * failed, the loop over its `imap` was left, or the pool was terminated. It is read from shared memory, so it becomes
   * true at once, also in a busy loop. Once the task is over it does not change.
   */
  readonly cancelled: boolean;
  /**
   * The same as a signal, for `fetch` and other functions that take one. It is aborted within some 10 ms, when the
   * event loop of the worker turns.
   */
  readonly signal: AbortSignal;
  /**
   * What the task is known by: the same in each of its tries, and no other task's, of no program. So what a task writes into a
   * database, say, is written once, though it begins again.
   */
  readonly id: string;
  /**
   * Which try of the task this is: 1, and with `retries` one more for each worker that ended before the task was over.
   */
  readonly attempt: number;
  /**
   * What the pool's `initializer` returned in this worker, or what that promise became: the same object in all tasks of
   * the worker. `undefined` without an initializer.
   */
  readonly state: unknown;
}

/** How often a task whose signal is in use is checked: milliseconds. */
const CHECK = 10;

let words: Int32Array | undefined;
/** The task that runs, where only one does at a time; 0: none. */
let running = 0;
/** How far its item is behind the first one of a batch. */
let item = 0;
let current: Task | undefined;
let state: unknown;
/** Where several run at a time: the task of the code that runs. */
let beside: AsyncContext<Task> | undefined;
let count = 0;

class Task implements CurrentTask {
  readonly #words: Int32Array;
  readonly #task: number;
  /** What it was when the task ended: its words are another's then. */
  #outcome: boolean | undefined;
  #controller: AbortController | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly attempt: number;
  readonly #name: Int32Array;
  readonly #item: number;

  constructor(itsWords: Int32Array, task: number, item: number) {
    this.#words = itsWords;
    this.#task = task;
    this.#item = item;
    this.attempt = itsWords[task + ATTEMPT] & ~(BESIDE | BATCH);
    // Copied: the words are another task's when this one is over.
    const at = nameAt(itsWords, task);
    this.#name = itsWords.slice(at, at + 4);
  }

  get id(): string {
    return nameFrom(this.#name, 0, this.#item);
  }

  get state(): unknown {
    return state;
  }

  get cancelled(): boolean {
    if (this.#outcome !== undefined) return this.#outcome;
    const phase = phaseOf(load(this.#words, this.#task + STATE));
    return phase === TOLD || phase === LEFT;
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

/** What `initializer` returned. */
export function setState(itsState: unknown): void {
  state = itsState;
}

/** Says that a task begins, or that item of a batch. Its object is made when the program asks for it. */
export function beginTask(itsWords: Int32Array, task: number, itsItem: number): void {
  words = itsWords;
  running = task;
  item = itsItem;
}

/** Says that it is over, before anything can happen to its words. */
export function endTask(): void {
  running = 0;
  if (current === undefined) return;
  current.end();
  current = undefined;
}

/** Calls a function as a task, beside which others may run. Its end is to be said by what this returns with the result. */
export function runBeside<R>(itsWords: Int32Array, task: number, call: () => R): { result: R; end: () => void } {
  beside ??= createAsyncContext<Task>();
  const its = new Task(itsWords, task, 0);
  count++;
  const end = (): void => {
    count--;
    its.end();
  };
  try {
    return { result: beside.run(its, call), end };
  } catch (error) {
    end();
    throw error;
  }
}

/** Whether a task runs. */
export function isTaskRunning(): boolean {
  return running !== 0 || count > 0;
}

/**
 * The task to which the code that calls this belongs; `undefined` outside of a pool's tasks.
 *
 * Where a pool's `concurrency` lets several tasks run in one worker, each gets its own, also after an `await`. Python
 * has no equivalent.
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
  if (running !== 0) return current ??= new Task(words!, running, item);
  return beside?.getStore();
}
