/**
 * The public `currentTask()`: what a task can learn about itself while it runs.
 *
 * @module
 */

import { load } from "../atomics.ts";
import { type AsyncContext, createAsyncContext } from "../runtime/this_thread.ts";
import { ATTEMPT, BATCH, BESIDE, LEFT, nameAt, nameFrom, phaseOf, STATE, TOLD } from "./task.ts";

/**
 * The task that runs, as its own code sees it: the result of {@linkcode currentTask}.
 *
 * Python has no equivalent.
 */
export interface CurrentTask {
  /**
   * Whether the task was given up: its signal was aborted or its timeout passed, an earlier item of its map failed, the
   * loop over its `imap` was left, or the pool was terminated. It is read from shared memory, so it becomes `true` at once,
   * even in a busy loop. It no longer changes once the task is over.
   */
  readonly cancelled: boolean;
  /**
   * A signal that is aborted when the task is given up, for `fetch` and other functions that take a signal. It is aborted
   * within about 10 ms, provided that the worker's event loop runs.
   */
  readonly signal: AbortSignal;
  /**
   * An identifier of the task, such as `53a1c07d09be-12-0`. It is unique among all tasks of all programs, and the same in
   * each try of the task. A task that may run again can use it as a key, so that it writes a database row only once, for
   * example.
   */
  readonly id: string;
  /**
   * The number of this try: 1, plus 1 for each worker that ended before the task was over. It exceeds 1 only with `retries`.
   */
  readonly attempt: number;
  /**
   * What the pool's `initializer` returned in this worker, awaited. All tasks of the worker get the same object.
   * `undefined` if there is no initializer.
   */
  readonly state: unknown;
}

/** How often a task is checked whose signal is in use: milliseconds. */
const CHECK = 10;

let words: Int32Array | undefined;
/** The task that runs, in a worker that runs one at a time; 0: none. */
let running = 0;
/** The index of its item within a batch. */
let item = 0;
let current: Task | undefined;
let state: unknown;
/** The task of the code that runs, in a worker that runs several tasks at a time. */
let beside: AsyncContext<Task> | undefined;
let count = 0;

class Task implements CurrentTask {
  readonly #words: Int32Array;
  readonly #task: number;
  /** The value of `cancelled` when the task ended: afterwards the words belong to another task. */
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
    // A copy: the words belong to another task when this one is over.
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

/** Sets what the initializer returned. */
export function setState(itsState: unknown): void {
  state = itsState;
}

/** Notes that a task begins, or an item of a batch. The `CurrentTask` is created only when the program asks for it. */
export function beginTask(itsWords: Int32Array, task: number, itsItem: number): void {
  words = itsWords;
  running = task;
  item = itsItem;
}

/** Notes that the task is over. Call it before the words of the task can change. */
export function endTask(): void {
  running = 0;
  if (current === undefined) return;
  current.end();
  current = undefined;
}

/** Calls a function as a task beside which others may run. The caller must call `end` when the task is over. */
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

/** Whether this worker runs a task. */
export function isTaskRunning(): boolean {
  return running !== 0 || count > 0;
}

/**
 * Returns the pool task whose code makes this call.
 *
 * A long task can use it to learn that it was given up, and to end early. In a pool with `concurrency` above 1, each task
 * gets its own object, even after an `await`.
 *
 * Python has no equivalent.
 *
 * @returns The task, or `undefined` if the caller is not part of a pool's task.
 *
 * @example A task that ends when it is given up
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
