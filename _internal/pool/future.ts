/**
 * Results that are not there yet.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { REFUSAL } from "../codec/refusal.ts";
import { bindContext } from "../runtime/this_thread.ts";
import { atDeadline, deadlineOf, show, validateWait, type WaitOptions } from "../options.ts";
import { CancelledError, TimeoutError } from "../errors.ts";
import { READINESS } from "../memory/kinds.ts";

/** Where a {@linkcode Future} is in its life. */
export type FutureState = "pending" | "running" | "finished" | "cancelled";

/** What a pool knows of the task behind a future. */
export interface FutureTask {
  /** Whether a worker has begun with it. */
  isRunning(): boolean;
  /** Takes it back, if no worker has begun with it. */
  takeBack(): boolean;
}

/** Whether a future was settled with an error. */
let hasFailed: (future: Future<unknown>) => boolean;

/** Calls `fn` when a future is settled, at once if it is. */
let whenSettled: (future: Future<unknown>, fn: () => void) => void;

/** Settles a future; only its pool can. */
export let settle: (
  future: Future<unknown>,
  state: "finished" | "cancelled",
  error: Thrown | undefined,
  value: unknown,
) => void;

/**
 * The result of a task in a {@linkcode Pool}. A promise, with what Python's `concurrent.futures.Future` knows besides.
 *
 * A rejection that nobody looks at is not reported: a future may be dropped.
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
  // Not of type R, in which a future would then not be covariant.
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

  /** What `then`, `catch` and `finally` return: there is no task behind those. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Only pools make futures. @ignore */
  constructor(task: FutureTask) {
    // As by Future.resolve() or Future.all(), which are inherited.
    if (typeof task !== "object") {
      throw new TypeError(
        "Cannot make future as only a pool does, for a task: use the functions of Promise, and new Promise",
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

  /** What becomes of the task: `running` from when a worker has taken it, `finished` also when it threw. */
  get state(): FutureState {
    return this.#state === "pending" && this.#task.isRunning() ? "running" : this.#state;
  }

  /**
   * Takes the task back if no worker has begun with it; the future then rejects with {@linkcode CancelledError}.
   *
   * @returns Whether that was so. A task that runs is not disturbed: give a `signal` for that.
   */
  cancel(): boolean {
    if (this.#state !== "pending") return this.#state === "cancelled";
    if (!this.#task.takeBack()) return false;
    const error = new CancelledError("Cannot get the result of a task as it was cancelled");
    this.#settle("cancelled", new Thrown(error), undefined);
    return true;
  }

  /**
   * Waits for the result.
   *
   * @throws What the task threw.
   * @throws {TimeoutError} If `timeout` passes first. The task goes on.
   * @throws The signal's reason, if it is aborted first. The task goes on.
   */
  result(options?: WaitOptions): Promise<R> {
    const timeout = validateWait(options, "get the result of a task");
    return within<R>(this, timeout, options?.signal, () => {
      throw new TimeoutError(`Cannot get the result of a task as it took more than the ${timeout} ms of 'timeout'`);
    });
  }

  /**
   * Calls `fn` with this future once it is settled, at once if it is, in the async context of this call. What `fn` throws is
   * printed.
   */
  addDoneCallback(fn: (future: Future<R>) => void): void {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot add done callback as it must be a function: received ${show(fn)}`);
    }
    if (this.#state !== "pending") this.#call(fn);
    else this.#listen(bindContext(fn));
  }

  /** Why it does not cross. @ignore */
  get [REFUSAL](): string {
    return "a future belongs to the thread that has its pool: await it, and send what it becomes";
  }

  /** For `waitAny`. @ignore */
  [READINESS](): { isReady(): boolean; whenReady(onReady: () => void): () => void } {
    return {
      isReady: () => this.#state !== "pending",
      whenReady: (onReady) => {
        let listening = true;
        this.#listen(() => {
          if (listening) onReady();
        });
        return () => listening = false;
      },
    };
  }

  #listen(fn: (future: never) => void): void {
    if (this.#state !== "pending") this.#call(fn);
    else (this.#callbacks ??= []).push(fn);
  }

  #settle(state: "finished" | "cancelled", error: Thrown | undefined, value: unknown): void {
    if (this.#state !== "pending") return;
    this.#state = state;
    if (error !== undefined) {
      this.#failed = true;
      // Before the rejection: there may be no handler, and a future may be dropped. Promises that came of this one are
      // reported as ever.
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

/** Something that was thrown, which may be `undefined`. */
export class Thrown {
  constructor(readonly value: unknown) {}
}

/** Futures one by one, in the order in which they are settled. */
export interface FutureIterator<R> {
  /** The next one that is settled. Calls that overlap are answered in their order. */
  next(): Promise<IteratorResult<Future<R>, undefined>>;
  /** Ends the iteration; the futures are left as they are. */
  return(): Promise<IteratorResult<Future<R>, undefined>>;
  /** Itself. */
  [Symbol.asyncIterator](): FutureIterator<R>;
}

/** The same as {@linkcode FutureIterator}: see {@linkcode SettledFutures}. */
export interface FutureIterable<R> extends FutureIterator<R> {
  /** Itself. */
  [Symbol.asyncIterator](): FutureIterable<R>;
}

/**
 * What {@linkcode asCompleted} returns: an async iterable of futures, in which `for await` finds the futures.
 *
 * TypeScript takes the elements of an `AsyncIterable` of promises for what those become, which is right for generators only:
 * `for await` itself does not await what an async iterator gives it. It does not so with a union of types of which none is an
 * `AsyncIterable`.
 */
export type SettledFutures<R> = FutureIterator<R> | FutureIterable<R>;

/**
 * The futures in the order in which they are settled.
 *
 * Python: `concurrent.futures.as_completed`.
 *
 * @param options `timeout` is for all of them together.
 * @throws {TypeError} If one of them is not a future.
 * @throws {TimeoutError} If `timeout` passes while some are not settled.
 * @throws The signal's reason, if it is aborted first.
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
  for (const future of all) {
    whenSettled(future, () => {
      settled.push(future);
      wake?.();
    });
  }
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
  // Not a generator: that would yield what the future becomes.
  return {
    next: () => {
      const result = last.then(async (): Promise<IteratorResult<Future<R>>> => {
        if (taken >= all.length) return { done: true, value: undefined };
        await arrive(taken);
        return { done: false, value: settled[taken++] };
      });
      last = result.catch(() => {});
      return result;
    },
    return: () => {
      taken = all.length;
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** When {@linkcode wait} returns. */
export interface WaitFuturesOptions extends WaitOptions {
  /** After the first is settled, after the first error (or all), or after all. By default `"all"`. */
  when?: "first" | "first-error" | "all";
}

/**
 * Waits for some or all of the futures.
 *
 * Python: `concurrent.futures.wait`.
 *
 * @returns Those that are settled and those that are not. When `timeout` passes first, as they are then.
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
 */
export async function wait<R>(
  futures: Iterable<Future<R>>,
  options?: WaitFuturesOptions,
): Promise<{ done: Set<Future<R>>; notDone: Set<Future<R>> }> {
  const all = validateFutures(futures, "wait for futures");
  const timeout = validateWait(options, "wait for futures");
  const when = options?.when ?? "all";
  if (when !== "all" && when !== "first" && when !== "first-error") {
    throw new TypeError(
      `Cannot wait for futures as 'when' must be "first", "first-error" or "all": received ${show(when)}`,
    );
  }
  const enough = new Promise<void>((resolve) => {
    let left = all.length;
    if (left === 0) resolve();
    for (const future of all) {
      whenSettled(future, () => {
        left--;
        if (left === 0 || when === "first" || when === "first-error" && hasFailed(future)) resolve();
      });
    }
  });
  await within(enough, timeout, options?.signal, () => {});
  const isDone = (future: Future<R>): boolean => future.state === "finished" || future.state === "cancelled";
  return {
    done: new Set(all.filter(isDone)),
    notDone: new Set(all.filter((future) => !isDone(future))),
  };
}

/** The promise, or what `expired` makes of it after the timeout, or a rejection by the signal. */
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
  const all = [...futures];
  for (const future of all) {
    if (!(future instanceof Future)) {
      throw new TypeError(`Cannot ${action} as each must be a Future: received ${show(future)}`);
    }
  }
  return all;
}
