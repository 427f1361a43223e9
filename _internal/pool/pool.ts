/**
 * The public class of pools, without regard to what their workers are.
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
 * The methods that all pools have. {@linkcode threading.Pool} runs tasks in threads, {@linkcode multiprocessing.Pool} in
 * processes, and {@linkcode distributed.Pool} on other machines.
 *
 * | Method | Calls | Result |
 * | --- | --- | --- |
 * | `submit`, `apply` | `fn(...args)` once | a {@linkcode Future} |
 * | `map`, `starmap` | `fn(item)`, `fn(...item)` for each item | an array, in the order of the items |
 * | `mapRange` | `fn(begin, end, ...args)` for each range of indexes | an array, in the order of the ranges |
 * | `imap`, `imapUnordered` | `fn(item)` for each item, read as needed | an async iterator |
 * | `each` | `fn(...args)` once in every worker | an array, one result for each worker |
 *
 * These rules hold for all methods that take a function:
 *
 * - **Functions**: `fn` is an exported function, or a function that uses only its arguments and the imports, exports and
 *   globals of its module: see docs/functions.md. Any other function leads to a {@linkcode TargetError}. If `fn` returns a promise, the worker
 *   awaits it.
 * - **Values**: arguments, items and results are copied as by `structuredClone`; objects of this package stay shared.
 *   Arguments and items are copied during the call, those of `imap` and `imapUnordered` when they are read from the
 *   iterable: a worker does not see later changes. A value that cannot be copied leads to a `DataCloneError` that
 *   names its path.
 * - **Visibility**: a task sees what its caller wrote to shared memory before the call. The caller sees what the task wrote
 *   once it has the result.
 * - **Order**: waiting tasks with the lowest `priority` begin first. Submitted tasks of equal priority begin in the order
 *   of their calls. Maps and submitted tasks of equal priority take turns, so a long map does not block other calls.
 * - **Cancellation**: `signal` and `timeout` reject the caller's promise at once, see {@linkcode TaskOptions}.
 *   {@linkcode BasePool.terminate} rejects all pending results with {@linkcode CancelledError}.
 * - **Death**: if a worker ends during a task, the task rejects with {@linkcode WorkerLostError}, or runs again if
 *   `retries` allows it. All other tasks go on in other workers. If the initializer throws, all tasks reject with its
 *   error.
 * - **Errors of a call**: {@linkcode InvalidStateError} if the pool is closed, or if a worker is still importing the
 *   module that makes the call; {@linkcode DeadlockError} if a task uses the pool that runs it; `TypeError` or
 *   `RangeError` if an argument or option is invalid.
 * - **Memory**: a task whose arguments or result can never fit into the shared memory rejects with a `RangeError` that
 *   has `needed` and `available`, in bytes.
 *
 * `apply`, `submit`, `imap` and `imapUnordered` throw errors that are known during the call, and reject their result with
 * later ones. The methods that are `async` always reject.
 *
 * Python: `multiprocessing.pool.Pool`, or `concurrent.futures.Executor`.
 *
 * @example The life of a pool without `await using`
 * ```ts
 * import { Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const pool = new Pool(1);
 * const root = pool.submit(Math.sqrt, 16);
 * pool.close(); // The pool takes no more tasks, and finishes those that it has.
 * if (!await pool.join({ timeout: 60_000 })) pool.terminate();
 * assertEquals(await root, 4);
 * ```
 */
export abstract class BasePool implements AsyncDisposable {
  readonly #calls: Calls;

  /**
   * Creates a pool. Its workers start with the first task.
   *
   * @param kind What the workers are.
   * @param workers How many workers there are at most. By default as many as processors.
   * @param options See {@linkcode PoolOptions}.
   * @throws {TypeError} If an option has the wrong type.
   * @throws {RangeError} If a number among the arguments and options is out of range.
   * @ignore
   */
  protected constructor(kind: PoolKind, workers: number | undefined, options: PoolOptions | undefined) {
    this.#calls = new Calls(kind, workers, options);
  }

  /**
   * Calls `fn(...args)` once in a worker, with options for this call.
   *
   * Python: `Pool.apply_async`.
   *
   * @param fn The function to call.
   * @param args Its arguments, copied during this call. By default none.
   * @param options A signal, a timeout, a priority and more: see {@linkcode TaskOptions}.
   * @returns A future of what `fn` returns. A future is a promise. It rejects with what `fn` throws.
   * @throws {TargetError} If it is clear during the call that `fn` cannot run in a worker. Otherwise the future rejects with it.
   * @throws {DOMException} `DataCloneError`, if an argument cannot be copied.
   * @throws {InvalidStateError} If the pool is closed.
   *
   * @example With a timeout and a priority
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const future = pool.apply(Math.max, [1, 2], { timeout: 60_000, priority: -1 });
   * assertEquals(await future, 2);
   * ```
   *
   * @example Giving a task up by a signal
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const controller = new AbortController();
   * const endless = () => new Promise<never>(() => {});
   * const future = pool.apply(endless, [], { signal: controller.signal, killAfter: 0 });
   * controller.abort("not needed");
   * assertEquals(await future.catch((reason) => reason), "not needed");
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
   * Calls `fn(...args)` once in a worker. {@linkcode BasePool.apply} does the same and takes options.
   *
   * Python: `concurrent.futures.Executor.submit`.
   *
   * @param fn The function to call.
   * @param args Its arguments, copied during this call.
   * @returns A future of what `fn` returns. A future is a promise. It rejects with what `fn` throws.
   * @throws {TargetError} If it is clear during the call that `fn` cannot run in a worker. Otherwise the future rejects with it.
   * @throws {DOMException} `DataCloneError`, if an argument cannot be copied.
   * @throws {InvalidStateError} If the pool is closed.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * export function countWords(text: string) {
   *   return text.split(" ").length;
   * }
   *
   * if (import.meta.main) {
   *   await using pool = new Pool(2);
   *   const first = pool.submit(countWords, "warp and weft");
   *   const second = pool.submit(countWords, "a thread");
   *   assertEquals(await Promise.all([first, second]), [3, 2]);
   * }
   * ```
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    return this.#calls.submit(fn as AnyFunction, args, undefined) as Future<Awaited<R>>;
  }

  /**
   * Calls `fn(item)` for each item and returns the results in the order of the items.
   *
   * `fn` receives the item and nothing else: no index and no array. All items are read and copied when `map` is called.
   * The pool chooses how many items a worker takes at a time, from measured times; `chunksize` sets that number. Each
   * item is still a task of its own: a free worker can take it from a busy one.
   *
   * Python: `Pool.map`.
   *
   * @param fn The function to call.
   * @param iterable The items. For an async iterable use {@linkcode BasePool.imap}.
   * @param options See {@linkcode MapOptions}. `signal` and `timeout` give up the whole map.
   * @returns What `fn` returned for each item.
   * @throws The error of the failed item with the lowest index, once all items before it are finished. Items after it that
   * have not begun never run.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * export function square(n: number) {
   *   return n * n;
   * }
   *
   * if (import.meta.main) {
   *   await using pool = new Pool(2);
   *   assertEquals(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
   * }
   * ```
   */
  async map<T, R>(fn: (item: T) => R, iterable: Iterable<T>, options?: MapOptions): Promise<Awaited<R>[]> {
    return await this.#calls.map(fn as AnyFunction, iterable, false, options) as Awaited<R>[];
  }

  /**
   * Calls `fn(...item)` for each item, as {@linkcode BasePool.map} does, where each item is an array of arguments.
   *
   * Python: `Pool.starmap`.
   *
   * @param fn The function to call.
   * @param iterable The arrays of arguments, one for each call. All are read and copied when `starmap` is called.
   * @param options See {@linkcode MapOptions}. `signal` and `timeout` give up the whole map.
   * @returns What `fn` returned for each item, in the order of the items.
   * @throws The error of the failed item with the lowest index, as {@linkcode BasePool.map}.
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
   * Calls `fn(item)` for each item and delivers the results one by one, in the order of the items.
   *
   * Items are read from the iterable only as they are needed, so it may be long or endless: at most 4 items for each
   * worker, times `chunksize` (by default 1), are read and not yet delivered. Leaving the loop gives up all items that are
   * not delivered. If an item fails, the iteration delivers the results before it and then throws its error.
   *
   * Python: `Pool.imap`.
   *
   * @param fn The function to call.
   * @param iterable The items, from an iterable or an async iterable. Each item is copied when it is read.
   * @param options See {@linkcode MapOptions}. `signal` and `timeout` give up the whole iteration.
   * @returns An async iterator of what `fn` returned for each item.
   * @throws {TargetError} If it is clear during the call that `fn` cannot run in a worker. Otherwise the iteration rejects with it.
   * @throws {InvalidStateError} If the pool is closed.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * function* numbers() {
   *   for (let n = 1;; n++) yield n; // It has no end, which map would wait for.
   * }
   *
   * await using pool = new Pool(2);
   * const roots: number[] = [];
   * for await (const root of pool.imap(Math.sqrt, numbers())) {
   *   if (root > 1.5) break;
   *   roots.push(root);
   * }
   * assertEquals(roots, [1, Math.SQRT2]);
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
   * Calls `fn(item)` for each item, as {@linkcode BasePool.imap} does, but delivers each result as soon as it is there.
   *
   * The results come in no particular order, so a slow item does not hold back the others. If an item fails, its error is
   * thrown in its turn and ends the iteration.
   *
   * Python: `Pool.imap_unordered`.
   *
   * @param fn The function to call.
   * @param iterable The items, from an iterable or an async iterable. Each item is copied when it is read.
   * @param options See {@linkcode MapOptions}. `signal` and `timeout` give up the whole iteration.
   * @returns An async iterator of what `fn` returned, in the order in which the calls finished.
   * @throws {TargetError} If it is clear during the call that `fn` cannot run in a worker. Otherwise the iteration rejects with it.
   * @throws {InvalidStateError} If the pool is closed.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * export function lengthOf(word: string): [word: string, length: number] {
   *   return [word, word.length];
   * }
   *
   * if (import.meta.main) {
   *   await using pool = new Pool(2);
   *   const lengths = new Map<string, number>();
   *   for await (const [word, length] of pool.imapUnordered(lengthOf, ["warp", "thread"])) lengths.set(word, length);
   *   assertEquals(lengths.get("thread"), 6);
   * }
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
   * Cuts the indexes from 0 to `length` into ranges, calls `fn(begin, end, ...args)` for each range, and returns the
   * results in the order of the ranges.
   *
   * A range includes `begin` and excludes `end`. No item is copied: pass a {@linkcode SharedArray} in `args`, and let
   * each call work on its range. What the calls write to shared memory is visible to the caller once the promise resolves.
   *
   * Python has no equivalent.
   *
   * @param fn The function to call.
   * @param length How many items there are, or an object with that `length`.
   * @param options `args` are the further arguments of `fn`. `chunksize` is the length of a range, the last one may be
   * shorter; by default there are 16 ranges for each worker. See {@linkcode MapRangeOptions}.
   * @returns What `fn` returned for each range.
   * @throws The error of the failed range with the lowest indexes, once all ranges before it are finished. Ranges after it
   * that have not begun never run.
   *
   * @example Filling a shared array
   * ```ts
   * import { Pool, SharedArray } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * export function fill(begin: number, end: number, { array }: SharedArray<"f64">) {
   *   array.fill(1, begin, end);
   * }
   *
   * if (import.meta.main) {
   *   await using pool = new Pool(2);
   *   const numbers = new SharedArray("f64", 1000);
   *   await pool.mapRange(fill, numbers, { args: [numbers] });
   *   assertEquals(numbers.array[999], 1);
   * }
   * ```
   *
   * @example Adding up what the ranges return
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * export function sumOf(begin: number, end: number) {
   *   let sum = 0;
   *   for (let n = begin; n < end; n++) sum += n;
   *   return sum;
   * }
   *
   * if (import.meta.main) {
   *   await using pool = new Pool(2);
   *   const sums = await pool.mapRange(sumOf, 1000, { chunksize: 250 });
   *   assertEquals(sums.length, 4);
   *   assertEquals(sums.reduce((a, b) => a + b), 499_500);
   * }
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
   * Starts the workers now, and resolves when they have run the initializer and are ready for tasks.
   *
   * It starts `min` workers if the pool has that option, and otherwise all of them. Call it to keep the start of the
   * workers out of the time of the first tasks.
   *
   * Python has no equivalent.
   *
   * @throws What the initializer throws.
   * @throws {InvalidStateError} If the pool is closed.
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
   * Starts the workers as {@linkcode BasePool.warm} does, and then calls `fn(...args)` once in each of them.
   *
   * A worker makes the call as soon as it has finished the tasks that it has taken, before other waiting tasks. Use it to
   * change something that every worker has for itself, such as a global or a cache.
   *
   * Python has no equivalent.
   *
   * @param fn The function to call.
   * @param args Its arguments, copied during this call.
   * @returns What `fn` returned in each worker, in the order in which the workers were started.
   * @throws The first error of a call. The other workers still make theirs.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * export function setLocale(locale: string) {
   *   Object.assign(globalThis, { locale }); // Every worker has its own globals.
   *   return locale;
   * }
   *
   * if (import.meta.main) {
   *   await using pool = new Pool(2);
   *   assertEquals(await pool.each(setLocale, "de-DE"), ["de-DE", "de-DE"]);
   * }
   * ```
   */
  async each<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>[]> {
    return await this.#calls.each(fn as AnyFunction, args) as Awaited<R>[];
  }

  /**
   * Closes the pool: it takes no more tasks, finishes those that it has, and then its workers end.
   *
   * It does not wait for that: call {@linkcode BasePool.join} afterwards. Later calls on the pool throw
   * {@linkcode InvalidStateError}. Calling it again has no effect.
   *
   * Python: `Pool.close`.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * const pool = new Pool(1);
   * const root = pool.submit(Math.sqrt, 16);
   * pool.close();
   * assertThrows(() => pool.submit(Math.sqrt, 25)); // InvalidStateError
   * assertEquals(await root, 4);
   * await pool.join();
   * ```
   */
  close(): void {
    this.#calls.close();
  }

  /**
   * Stops the pool at once: all pending results reject with {@linkcode CancelledError}, and the workers are ended, even in
   * the middle of a task.
   *
   * It does not wait for the workers to end: call {@linkcode BasePool.join} afterwards. `await using` does both. Calling it
   * again has no effect.
   *
   * Python: `Pool.terminate`.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * const pool = new Pool(1);
   * const endless = pool.submit(() => new Promise<never>(() => {}));
   * pool.terminate();
   * assertEquals(await endless.catch((error) => error.name), "CancelledError");
   * await pool.join();
   * ```
   */
  terminate(): void {
    this.#calls.terminate();
  }

  /**
   * Waits until all tasks are finished and all workers have ended. Call {@linkcode BasePool.close} or
   * {@linkcode BasePool.terminate} first.
   *
   * From this call on, every open `imap` reads its remaining items and keeps the results that are not delivered yet, so an
   * endless iterable keeps the pool from ending. Deno cannot stop a thread that computes: after `terminate`, `join` waits
   * for such a worker for one second at most.
   *
   * Python: `Pool.join`.
   *
   * @param options `timeout` is in milliseconds, by default `Infinity`. `signal` gives the wait up.
   * @returns `true` once all workers have ended, `false` if `timeout` passes first. The pool goes on ending, and can be
   * joined again.
   * @throws {InvalidStateError} If the pool still takes tasks.
   * @throws The signal's reason, if it is aborted first. The pool goes on ending.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * const pool = new Pool(2);
   * const roots = pool.map(Math.sqrt, [4, 9]);
   * pool.close();
   * assertEquals(await pool.join({ timeout: 60_000 }), true);
   * assertEquals(await roots, [2, 3]);
   * ```
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
   * Returns what the pool is doing and what it has done so far.
   *
   * The numbers are a snapshot: the workers may have changed them by the time the caller reads them. It can be called at
   * any time, also after the pool has ended.
   *
   * Python has no equivalent.
   *
   * @returns Numbers of workers and tasks, and how long tasks waited and ran: see {@linkcode PoolStats}.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * await pool.map(Math.sqrt, [4, 9]);
   * const { completed, failed, queued } = pool.stats();
   * assertEquals({ completed, failed, queued }, { completed: 2, failed: 0, queued: 0 });
   * ```
   */
  stats(): PoolStats {
    return this.#calls.stats();
  }

  /**
   * Returns what the workers did so far, in Chrome's trace format.
   *
   * Written to a file as JSON, it can be opened in Perfetto (ui.perfetto.dev) or `chrome://tracing`. With a path as the
   * pool's option `trace`, the pool writes the file itself.
   *
   * Python has no equivalent.
   *
   * @returns An object for `JSON.stringify`.
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

  /**
   * Why a pool cannot be sent to another thread.
   *
   * @ignore
   */
  get [REFUSAL](): string {
    return "a pool belongs to the thread that made it, and a task that waits for its own pool might wait forever: make a pool where it is used";
  }

  /**
   * Terminates the pool and joins it: `await using pool = …` does so at the end of the scope.
   *
   * Python: `with Pool() as pool`.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate();
    await this.join();
  }
}
