/**
 * The pool, whatever its workers are.
 *
 * @module
 */

import { REFUSAL } from "../codec/refusal.ts";
import { InvalidStateError } from "../errors.ts";
import { show, validateWait, type WaitOptions } from "../options.ts";
import type { AnyFunction } from "../targets/source.ts";
import { Calls, type PoolKind } from "./pool_calls.ts";
import { type Future, within } from "./future.ts";
import type { MapOptions, MapRangeOptions, PoolOptions, PoolStats, TaskOptions } from "./pool_options.ts";
import type { PoolTrace } from "./trace.ts";

/**
 * What every pool can do; {@linkcode threading.Pool} and {@linkcode multiprocessing.Pool} say what its workers are.
 *
 * This holds for all methods that take a function:
 *
 * - **Functions**: an exported function can run in a worker, and so can a function that uses nothing but its arguments
 *   and the imports, exports and globals of its module. For any other there is a {@linkcode TargetError}. The worker
 *   awaits what the function returns.
 * - **Values**: arguments, items and results are copied as by `structuredClone`, and the objects of this package stay
 *   shared. Arguments and items are copied at the call, those of `imap` when they are taken: what the caller changes
 *   later is not seen. For what cannot be copied there is a `DataCloneError`, which names the path.
 * - **Order**: of the tasks that wait, those with the lowest `priority` begin first; equal ones that were submitted
 *   begin in the order of their calls. Maps and submitted tasks of one priority take turns, so that a long map keeps
 *   nothing else from running.
 * - **Cancellation**: `signal` and `timeout` settle the caller at once: see {@linkcode TaskOptions}. After
 *   {@linkcode BasePool.terminate} all that is open rejects with {@linkcode CancelledError}.
 * - **Death**: a task whose worker ends before it is over rejects with {@linkcode WorkerLostError}, or is tried again
 *   where `retries` says so. All other tasks go on in other workers. If the initializer throws, all tasks reject with
 *   its error.
 * - **Refusals**: {@linkcode InvalidStateError} once the pool is closed, or while a worker imports the module that
 *   calls it; {@linkcode DeadlockError} where a task uses its own pool; `TypeError` and `RangeError` for options of a
 *   wrong kind or out of range. A task whose arguments or result do not fit into the shared memory, however long they
 *   wait, rejects with a `RangeError` that has `needed` and `available`.
 *
 * What can be known at the call, `apply`, `submit`, `imap` and `imapUnordered` throw; everything else rejects what they
 * return. Methods that are `async` reject in either case.
 *
 * @example The life of a pool without `await using`
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const pool = new Pool(1);
 * const root = pool.submit(Math.sqrt, 16);
 * pool.close(); // It takes no more tasks, and does those that it has.
 * if (!await pool.join({ timeout: 60_000 })) pool.terminate();
 * assertEquals(await root, 4);
 * ```
 */
export abstract class BasePool implements AsyncDisposable {
  readonly #calls: Calls;

  /** Makes a pool; workers start with the first task. @ignore */
  protected constructor(kind: PoolKind, workers: number | undefined, options: PoolOptions | undefined) {
    this.#calls = new Calls(kind, workers, options);
  }

  /**
   * Runs one task, `fn(...args)`, in a worker. Python: `Pool.apply_async`.
   *
   * @returns A future, which is a promise, of what `fn` returns. It rejects with what `fn` throws.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * assertEquals(await pool.apply(Math.max, [1, 2], { timeout: 60_000, priority: -1 }), 2);
   * ```
   */
  apply<A extends unknown[], R>(
    fn: (...args: A) => R,
    args?: A | Readonly<A>,
    options?: TaskOptions,
  ): Future<Awaited<R>> {
    if (args !== undefined && !Array.isArray(args)) {
      throw new TypeError(`Cannot run task as 'args' must be an array: received ${show(args)}`);
    }
    return this.#calls.submit(fn as AnyFunction, args ?? [], options) as Future<Awaited<R>>;
  }

  /**
   * Runs one task: {@linkcode BasePool.apply} with the arguments one after the other. Python: `Executor.submit`.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * assertEquals(await pool.submit(Math.max, 1, 2), 2);
   * ```
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    return this.#calls.submit(fn as AnyFunction, args, undefined) as Future<Awaited<R>>;
  }

  /**
   * Calls `fn` with each item and nothing else, and returns the results in the order of the items. Each item is a task
   * of its own. Python: `Pool.map`.
   *
   * @throws The error of the lowest item that failed or was lost; no item behind it is begun any more.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * assertEquals(await pool.map(Math.sqrt, [4, 9, 16]), [2, 3, 4]);
   * ```
   */
  async map<T, R>(fn: (item: T) => R, iterable: Iterable<T>, options?: MapOptions): Promise<Awaited<R>[]> {
    return await this.#calls.map(fn as AnyFunction, iterable, false, options) as Awaited<R>[];
  }

  /**
   * As {@linkcode BasePool.map}, but each item is an array of arguments. Python: `Pool.starmap`.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * assertEquals(await pool.starmap(Math.pow, [[2, 3], [3, 2]]), [8, 9]);
   * ```
   */
  async starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    iterable: Iterable<A | Readonly<A>>,
    options?: MapOptions,
  ): Promise<Awaited<R>[]> {
    return await this.#calls.map(fn as AnyFunction, iterable, true, options) as Awaited<R>[];
  }

  /**
   * As {@linkcode BasePool.map}, but results come one by one, in order, and items are taken only as they are needed: at
   * most four for each worker, times `chunksize` (by default 1), are taken and not yet delivered. Leaving the loop
   * gives the rest up. An item that fails ends the iteration after the results before it. Python: `Pool.imap`.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * for await (const root of pool.imap(Math.sqrt, [16, 16])) assertEquals(root, 4);
   * ```
   */
  imap<T, R>(
    fn: (item: T) => R,
    iterable: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<Awaited<R>> {
    return this.#calls.stream(fn as AnyFunction, iterable, true, options) as AsyncIterableIterator<Awaited<R>>;
  }

  /**
   * As {@linkcode BasePool.imap}, but results come as they are ready, in any order. Python: `Pool.imap_unordered`.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const roots = await Array.fromAsync(pool.imapUnordered(Math.sqrt, [16, 25]));
   * assertEquals(roots.sort(), [4, 5]);
   * ```
   */
  imapUnordered<T, R>(
    fn: (item: T) => R,
    iterable: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<Awaited<R>> {
    return this.#calls.stream(fn as AnyFunction, iterable, false, options) as AsyncIterableIterator<
      Awaited<R>
    >;
  }

  /**
   * Cuts `length` items into ranges, calls `fn(begin, end, ...args)` for each, and returns the results in the order of
   * the ranges: `fn` does its part of a {@linkcode SharedArray} among `args`, say. No item is copied. Python has no
   * equivalent.
   *
   * @param length How many items there are, or something with that `length`.
   * @param options `chunksize` is the length of a range, the last one may be shorter; by default there are 16 for each
   * worker.
   * @throws The error of the lowest range that failed or was lost; no range behind it is begun any more.
   *
   * @example
   * ```ts
   * import { Pool, SharedArray } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const numbers = new SharedArray("f64", 1000);
   * const fill = (begin: number, end: number, { array }: SharedArray<"f64">) => void array.fill(1, begin, end);
   * await pool.mapRange(fill, numbers, { args: [numbers] });
   * assertEquals(numbers.array[999], 1);
   * ```
   */
  async mapRange<A extends unknown[], R>(
    fn: (begin: number, end: number, ...args: A) => R,
    length: number | { readonly length: number },
    options?: MapRangeOptions<A>,
  ): Promise<Awaited<R>[]> {
    return await this.#calls.mapRange(fn as AnyFunction, length, options as MapRangeOptions) as Awaited<R>[];
  }

  /**
   * Starts all workers now, or `min` of them where the pool has that option, and resolves when they have run the
   * initializer and are ready for tasks. Python has no equivalent.
   *
   * @throws What the initializer throws.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * await pool.warm();
   * assertEquals(pool.stats().workers, 2);
   * ```
   */
  async warm(): Promise<void> {
    await this.#calls.warm();
  }

  /**
   * Warms the pool, and then runs `fn(...args)` once in each worker, as soon as that has finished what it runs. Python
   * has no equivalent.
   *
   * @returns What `fn` returned in each worker, in the order in which these were started.
   * @throws The first error; the other workers run it all the same.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * assertEquals(await pool.each(Math.sqrt, 16), [4, 4]);
   * ```
   */
  async each<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>[]> {
    return await this.#calls.each(fn as AnyFunction, args) as Awaited<R>[];
  }

  /** Takes no more tasks; those that the pool has are done, then its workers end. Idempotent. Python: `Pool.close`. */
  close(): void {
    this.#calls.close();
  }

  /**
   * Stops at once: all that is open rejects with a {@linkcode CancelledError}, and the workers are ended, also in the
   * middle of a task. Idempotent. Python: `Pool.terminate`.
   */
  terminate(): void {
    this.#calls.terminate();
  }

  /**
   * Waits until all workers have ended. On Deno, where no thread can be stopped, a worker that was told to end and
   * computes on is waited for no longer than a second. From this call on, `imap` takes all items and keeps the results
   * that are not read yet. Python: `Pool.join`.
   *
   * @returns `true` once they have, `false` if `timeout` passed first. The pool goes on ending, and can be joined
   * again.
   * @throws {InvalidStateError} Before {@linkcode BasePool.close} or {@linkcode BasePool.terminate}.
   * @throws The signal's reason, if it is aborted first.
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const timeout = validateWait(options, "join pool");
    if (this.#calls.state === "open") {
      throw new InvalidStateError("Cannot join pool as it still takes tasks: call close() or terminate() first");
    }
    const signal = options?.signal;
    if (signal?.aborted) throw signal.reason;
    this.#calls.hurry();
    const ended = Promise.resolve(this.#calls.ended).then(() => true);
    return await within(ended, timeout, signal, () => false);
  }

  /**
   * What the pool is doing, and what it has done. Out of date as soon as it is returned. Python has no equivalent.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * await pool.map(Math.sqrt, [4, 9]);
   * assertEquals(pool.stats().completed, 2);
   * ```
   */
  stats(): PoolStats {
    return this.#calls.stats();
  }

  /**
   * What the workers did so far, in Chrome's trace format. Python has no equivalent.
   *
   * @throws {InvalidStateError} If the pool was made without `trace`.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1, { trace: true });
   * await pool.submit(Math.sqrt, 16);
   * assertEquals(pool.trace().traceEvents.some(({ name }) => name === "sqrt"), true);
   * ```
   */
  trace(): PoolTrace {
    const { trace } = this.#calls;
    if (trace === undefined) {
      throw new InvalidStateError(
        "Cannot return the trace of the pool as none was recorded: make it with { trace: true }",
      );
    }
    return trace.toJSON();
  }

  /** Why it does not cross. @ignore */
  get [REFUSAL](): string {
    return "a pool belongs to the thread that made it, and a task that waits for its own pool might wait for ever: make a pool where it is used";
  }

  /** Terminates the pool and joins it: `await using pool = …`. Python: `with Pool`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate();
    await this.join();
  }
}
