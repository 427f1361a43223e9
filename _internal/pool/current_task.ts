/**
 * What a task may know of itself.
 *
 * @module
 */

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

let current: Task | undefined;

class Task implements CurrentTask {
  readonly #isCancelled: () => boolean;
  #controller: AbortController | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(isCancelled: () => boolean) {
    this.#isCancelled = isCancelled;
  }

  get cancelled(): boolean {
    return this.#isCancelled();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = this.#controller = new AbortController();
      const check = (): void => {
        if (!this.#isCancelled()) return;
        clearInterval(this.#timer);
        controller.abort();
      };
      this.#timer = setInterval(check, CHECK);
      check();
    }
    return this.#controller.signal;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** Says that a task begins. */
export function beginTask(isCancelled: () => boolean): void {
  current = new Task(isCancelled);
}

/** Says that it is over. */
export function endTask(): void {
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
  return current;
}
