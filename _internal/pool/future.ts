/**
 * Futures: the results of tasks, which their callers await.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { REFUSAL } from "../codec/refusal.ts";
import { bindContext } from "../runtime/this_thread.ts";
import { atDeadline, deadlineOf, show, validateWait, type WaitOptions } from "../options.ts";
import { CancelledError, TimeoutError } from "../errors.ts";
import { READINESS } from "../memory/kinds.ts";

/**
 * The state of a {@linkcode Future}.
 *
 * - `"pending"`: no worker has begun with the task.
 * - `"running"`: a worker has begun with the task, which is not settled.
 * - `"finished"`: the task returned or threw, or was lost, or its `timeout` passed.
 * - `"cancelled"`: the task was cancelled by {@linkcode Future.cancel} or its signal, or its pool was terminated.
 *
 * Python: the methods `running`, `done` and `cancelled` of `concurrent.futures.Future`.
 */
export type FutureState = "pending" | "running" | "finished" | "cancelled";

/** The task of a future, as its pool knows it. */
export interface FutureTask {
  /** Whether a worker has begun with the task. */
  isRunning(): boolean;
  /** Takes the task back if no worker has begun with it. Returns whether it did. */
  takeBack(): boolean;
}

/** Whether a future was settled with an error, or cancelled. */
let hasFailed: (future: Future<unknown>) => boolean;

/** Calls `fn` when a future is settled, at once if it already is. */
let whenSettled: (future: Future<unknown>, fn: () => void) => () => void;

/** Settles a future. It is not a method, so that only pools can call it. */
export let settle: (
  future: Future<unknown>,
  state: "finished" | "cancelled",
  error: Thrown | undefined,
  value: unknown,
) => void;

/**
 * The result of a task that was submitted to a pool: a promise that also has a state and can be cancelled.
 *
 * `await` gives what the task returned, or throws what the task threw. A rejection without a handler is not reported, so a
 * future whose result is not needed can be ignored. Futures are created by {@linkcode BasePool.submit} and
 * {@linkcode BasePool.apply}.
 *
 * Python: `concurrent.futures.Future`, `multiprocessing.pool.AsyncResult`.
 *
 * @example
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const future = pool.submit(Math.sqrt, 16);
 * assertEquals(await future, 4);
 * assertEquals(future.state, "finished");
 * ```
 */
export class Future<R> extends Promise<R> {
  readonly #task: FutureTask;
  // The type is not R: with R, Future<R> would not be covariant in R.
  readonly #resolve: (value: never) => void;
  readonly #reject: (error: unknown) => void;
  #state: "pending" | "finished" | "cancelled" = "pending";
  #failed = false;
  #callbacks: ((future: never) => void)[] | undefined;

  static {
    hasFailed = (future) => future.#failed;
    whenSettled = (future, fn) => future.#listen(fn);
    settle = (future, state, error, value) => future.#settle(state, error, value);
  }

  /** The class of what `then`, `catch` and `finally` return: promises, since no task belongs to them. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /**
   * Creates a future. Only pools do so.
   *
   * @param task The task whose result it is.
   * @throws {TypeError} If it is not called by a pool.
   * @ignore
   */
  constructor(task: FutureTask) {
    // Future.resolve() and Future.all(), which are inherited, call it with a function.
    if (typeof task !== "object") {
      throw new TypeError(
        "Cannot create future as only a pool can, for a task: use the functions of Promise, and new Promise",
      );
    }
    let resolve!: (value: never) => void;
    let reject!: (error: unknown) => void;
    super((onValue, onError) => {
      resolve = onValue;
      reject = onError;
    });
    this.#task = task;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /**
   * The present state of the task: see {@linkcode FutureState}. A task that threw is `finished`.
   *
   * Python: the methods `running`, `done` and `cancelled` of `concurrent.futures.Future`.
   */
  get state(): FutureState {
    return this.#state === "pending" && this.#task.isRunning() ? "running" : this.#state;
  }

  /**
   * Cancels the task if no worker has begun with it. The future then rejects with {@linkcode CancelledError}.
   *
   * A task that runs goes on, and so does its future. To give up a running task, pass a `signal` to
   * {@linkcode BasePool.apply}.
   *
   * Python: `concurrent.futures.Future.cancel`.
   *
   * @returns `true` if the future is cancelled, by this call or before; `false` if the task runs or is finished.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const future = pool.submit(Math.sqrt, 16);
   * assertEquals(future.cancel(), true); // No worker has started yet.
   * assertEquals(future.state, "cancelled");
   * assertEquals(await future.catch((error) => error.name), "CancelledError");
   * ```
   */
  cancel(): boolean {
    if (this.#state !== "pending") return this.#state === "cancelled";
    if (!this.#task.takeBack()) return false;
    const error = new CancelledError("Cannot get the result of a task as it was cancelled");
    this.#settle("cancelled", new Thrown(error), undefined);
    return true;
  }

  /**
   * Waits for the result, for a limited time if wanted. Without options, `await future` does the same.
   *
   * Python: `concurrent.futures.Future.result`.
   *
   * @param options `timeout` is in milliseconds, by default `Infinity`. `signal` gives the wait up, but not the task.
   * @returns What the task returned.
   * @throws What the task threw.
   * @throws {TimeoutError} If `timeout` passes first. The task goes on.
   * @throws The signal's reason, if it is aborted first. The task goes on.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const endless = pool.submit(() => new Promise<never>(() => {}));
   * const outcome = await endless.result({ timeout: 10 }).catch((error) => error.name);
   * assertEquals(outcome, "TimeoutError");
   * ```
   */
  result(options?: WaitOptions): Promise<R> {
    const timeout = validateWait(options, "get the result of a task");
    return within<R>(this, timeout, options?.signal, () => {
      throw new TimeoutError(
        `Cannot get the result of a task as it took more than the ${timeout} ms of 'timeout'${whereIs(this, "is")}`,
      );
    });
  }

  /**
   * Calls `fn` with this future when it is settled, or at once if it already is.
   *
   * Callbacks run in the order in which they were added, in the async context of this call, and before code that awaits the
   * future. If `fn` throws, the error is printed with `console.error`.
   *
   * Python: `concurrent.futures.Future.add_done_callback`.
   *
   * @param fn The callback.
   * @throws {TypeError} If `fn` is not a function.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const states: string[] = [];
   * const future = pool.submit(Math.sqrt, 16);
   * future.addDoneCallback(({ state }) => states.push(state));
   * await future;
   * assertEquals(states, ["finished"]);
   * ```
   */
  addDoneCallback(fn: (future: Future<R>) => void): void {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot add done callback as it must be a function: received ${show(fn)}`);
    }
    if (this.#state !== "pending") this.#call(fn);
    else this.#listen(bindContext(fn));
  }

  /**
   * Why a future cannot be sent to another thread.
   *
   * @ignore
   */
  get [REFUSAL](): string {
    return "a future belongs to the thread that has its pool: await it, and send its result";
  }

  /**
   * Lets `waitAny` wait for this future.
   *
   * @example
   * ```ts
   * import { Event, waitAny } from "@weft/concurrent/sync";
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * assertEquals(await waitAny([new Event(), pool.submit(Math.sqrt, 16)]), 1);
   * ```
   * @ignore
   */
  [READINESS](): { isReady(): boolean; whenReady(onReady: () => void): () => void } {
    return {
      isReady: () => this.#state !== "pending",
      whenReady: (onReady) => this.#listen(() => onReady()),
    };
  }

  // Returns a function that takes `fn` back: a task may be waited for again and again while it runs.
  #listen(fn: (future: never) => void): () => void {
    if (this.#state !== "pending") {
      this.#call(fn);
      return ignore;
    }
    const callbacks = this.#callbacks ??= [];
    callbacks.push(fn);
    return () => {
      // The last that came is the first to go, as a rule.
      const at = callbacks.lastIndexOf(fn);
      // While they are called there is nothing to take back.
      if (at >= 0 && this.#callbacks === callbacks) callbacks.splice(at, 1);
    };
  }

  #settle(state: "finished" | "cancelled", error: Thrown | undefined, value: unknown): void {
    if (this.#state !== "pending") return;
    this.#state = state;
    if (error !== undefined) {
      this.#failed = true;
      // Before the rejection, which would be reported if there is no handler: a future may be ignored. Promises that were
      // derived from this one are reported as usual.
      super.then(undefined, ignore);
      this.#reject(error.value);
    } else {
      this.#resolve(value as never);
    }
    const callbacks = this.#callbacks;
    this.#callbacks = undefined;
    if (callbacks !== undefined) { for (const fn of callbacks) this.#call(fn); }
  }

  #call(fn: (future: never) => void): void {
    try {
      fn(this as never);
    } catch (error) {
      console.error("Exception in the done callback of a future:", error);
    }
  }
}

function ignore(): void {}

/** Holds a value that was thrown, which may be `undefined`. */
export class Thrown {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** The iterator of {@linkcode asCompleted}: delivers futures in the order in which they are settled. */
export interface FutureIterator<R> {
  /**
   * Waits for the next settled future. Overlapping calls get their futures in the order of the calls.
   *
   * @returns The future itself, which is not awaited; or `done` after the last one.
   */
  next(): Promise<IteratorResult<Future<R>, undefined>>;
  /**
   * Ends the iteration. The futures and their tasks go on.
   *
   * @returns That the iteration is done.
   */
  return(): Promise<IteratorResult<Future<R>, undefined>>;
  /** Returns this iterator. */
  [Symbol.asyncIterator](): FutureIterator<R>;
}

/** The same as {@linkcode FutureIterator}: {@linkcode SettledFutures} says why there are two types. */
export interface FutureIterable<R> extends FutureIterator<R> {
  /** Returns this iterator. */
  [Symbol.asyncIterator](): FutureIterable<R>;
}

/**
 * The result of {@linkcode asCompleted}: an async iterable, from which `for await` gets futures.
 *
 * It is a union of two equal types because of a rule of TypeScript: in a `for await` over an `AsyncIterable` of promises,
 * the variable gets the type of the awaited promise. That is right for async generators only, since `for await` does not
 * await what other async iterators deliver. TypeScript does not apply the rule to a union in which no type is an
 * `AsyncIterable`.
 */
export type SettledFutures<R> = FutureIterator<R> | FutureIterable<R>;

/**
 * Iterates over futures in the order in which they are settled, so that a caller can use each result as soon as it is there.
 *
 * Futures that are already settled come first. The iteration delivers futures and does not await them: `await future` gives
 * the result, or throws the error of that task only. Leaving the loop does not cancel the tasks.
 *
 * Python: `concurrent.futures.as_completed`.
 *
 * @param futures The futures to wait for.
 * @param options `timeout` is in milliseconds and limits the whole iteration, by default `Infinity`. `signal` gives it up.
 * @returns An async iterator of the futures.
 * @throws {TypeError} If an element of `futures` is not a future.
 * @throws {TimeoutError} If `timeout` passes before all futures are settled; the iteration throws it. The tasks go on.
 * @throws The signal's reason, if it is aborted first; the iteration throws it. The tasks go on.
 *
 * @example
 * ```ts
 * import { asCompleted, Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const roots: number[] = [];
 * for await (const future of asCompleted([pool.submit(Math.sqrt, 4), pool.submit(Math.sqrt, 9)])) {
 *   roots.push(await future);
 * }
 * assertEquals(roots.sort(), [2, 3]);
 * ```
 */
export function asCompleted<R>(futures: Iterable<Future<R>>, options?: WaitOptions): SettledFutures<R> {
  const all = validateFutures(futures, "wait for futures");
  const timeout = validateWait(options, "wait for futures");
  const deadline = deadlineOf(timeout);
  const settled: Future<R>[] = [];
  let wake: (() => void) | undefined;
  let taken = 0;
  const callsOff = all.map((future) =>
    whenSettled(future, () => {
      settled.push(future);
      wake?.();
    })
  );
  const leave = (): void => {
    for (const callOff of callsOff) callOff();
  };
  const arrive = async (index: number): Promise<void> => {
    while (settled.length <= index) {
      const next = new Promise<void>((resolve) => wake = resolve);
      await within(next, Math.max(0, deadline - now()), options?.signal, () => {
        throw new TimeoutError(
          `Cannot wait for futures as ${
            all.length - index
          } of ${all.length} were not settled within the ${timeout} ms of 'timeout'`,
        );
      });
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  // Not an async generator: that would await each future and yield its result.
  return {
    next: () => {
      const result = last.then(async (): Promise<IteratorResult<Future<R>>> => {
        if (taken >= all.length) return { done: true, value: undefined };
        await arrive(taken).catch((error) => {
          leave();
          throw error;
        });
        return { done: false, value: settled[taken++] };
      });
      last = result.catch(() => {});
      return result;
    },
    return: () => {
      taken = all.length;
      leave();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** Options of {@linkcode wait}. */
export interface WaitFuturesOptions extends WaitOptions {
  /**
   * When `wait` returns. By default `"all"`.
   *
   * - `"first"`: when a future is settled. Python: `FIRST_COMPLETED`.
   * - `"first-error"`: when a future is rejected, or all are settled. Python: `FIRST_EXCEPTION`.
   * - `"all"`: when all futures are settled. Python: `ALL_COMPLETED`.
   */
  when?: "first" | "first-error" | "all";
}

/**
 * Waits until some or all of the futures are settled.
 *
 * A future that rejects counts as settled: `wait` does not throw its error. When `timeout` passes, `wait` returns normally,
 * with the futures as they are then. It never cancels a task.
 *
 * Python: `concurrent.futures.wait`.
 *
 * @param futures The futures to wait for. If there are none, `wait` returns at once.
 * @param options `when` chooses between the first, the first error and all, by default all. `timeout` is in milliseconds, by
 * default `Infinity`. `signal` gives the wait up.
 * @returns Two Sets: `done`, the futures that are settled, and `notDone`, the others.
 * @throws {TypeError} If an element of `futures` is not a future, or `when` is none of the three words.
 * @throws The signal's reason, if it is aborted first.
 *
 * @example
 * ```ts
 * import { Pool, wait } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const { done, notDone } = await wait([pool.submit(Math.sqrt, 4), pool.submit(Math.sqrt, 9)]);
 * assertEquals([done.size, notDone.size], [2, 0]);
 * ```
 *
 * @example The first result
 * ```ts
 * import { Pool, wait } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * if (import.meta.main) {
 *   await using pool = new Pool(2);
 *   const root = pool.submit(Math.sqrt, 16);
 *   const endless = pool.submit(() => new Promise<number>(() => {}));
 *   const { done, notDone } = await wait([root, endless], { when: "first" });
 *   assertEquals([done.has(root), notDone.has(endless)], [true, true]);
 * }
 * ```
 */
export async function wait<R>(
  futures: Iterable<Future<R>>,
  options?: WaitFuturesOptions,
): Promise<{ done: Set<Future<R>>; notDone: Set<Future<R>> }> {
  const all = validateFutures(futures, "wait for futures");
  const timeout = validateWait(options, "wait for futures");
  const when = options?.when === undefined ? "all" : options.when;
  if (when !== "all" && when !== "first" && when !== "first-error") {
    throw new TypeError(
      `Cannot wait for futures as 'when' must be "first", "first-error" or "all": received ${show(when)}`,
    );
  }
  let callsOff: (() => void)[] = [];
  const enough = new Promise<void>((resolve) => {
    let left = all.length;
    if (left === 0) resolve();
    callsOff = all.map((future) =>
      whenSettled(future, () => {
        left--;
        if (left === 0 || when === "first" || when === "first-error" && hasFailed(future)) resolve();
      })
    );
  });
  try {
    await within(enough, timeout, options?.signal, () => {});
  } finally {
    for (const callOff of callsOff) callOff();
  }
  const isDone = (future: Future<R>): boolean => future.state === "finished" || future.state === "cancelled";
  return {
    done: new Set(all.filter(isDone)),
    notDone: new Set(all.filter((future) => !isDone(future))),
  };
}

/** Where a task is that has not ended in its time, for the end of an error's message. */
export function whereIs(future: Future<unknown>, verb: "is" | "was"): string {
  switch (future.state) {
    case "running":
      return `: it ${verb} running`;
    case "pending":
      return `: it ${verb} waiting for a worker`;
    default:
      return "";
  }
}

/**
 * Returns a promise that settles as `promise` does. After the timeout it settles with what `expired` returns or throws, and
 * when the signal is aborted it rejects with the signal's reason.
 */
export function within<T>(
  promise: Promise<T>,
  timeout: number,
  signal: AbortSignal | undefined,
  expired: () => T,
): Promise<T> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (timeout === Infinity && signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      callOff?.();
      reject(signal!.reason);
    };
    const callOff = timeout === Infinity ? undefined : atDeadline(now() + timeout, () => {
      signal?.removeEventListener("abort", onAbort);
      try {
        resolve(expired());
      } catch (error) {
        reject(error);
      }
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    const over = (): void => {
      callOff?.();
      signal?.removeEventListener("abort", onAbort);
    };
    promise.then((value) => {
      over();
      resolve(value);
    }, (error) => {
      over();
      reject(error);
    });
  });
}

function validateFutures<R>(futures: Iterable<Future<R>>, action: string): Future<R>[] {
  if (typeof (futures as Iterable<unknown> | null | undefined)?.[Symbol.iterator] !== "function") {
    throw new TypeError(`Cannot ${action} as they must be in an array, or be iterable: received ${show(futures)}`);
  }
  const all = [...futures];
  for (const future of all) {
    if (!(future instanceof Future)) {
      throw new TypeError(`Cannot ${action} as each must be a Future: received ${show(future)}`);
    }
  }
  return all;
}
