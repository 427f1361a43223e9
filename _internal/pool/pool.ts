/**
 * The pool, whatever its workers are.
 *
 * @module
 */

import { REFUSAL } from "../codec/refusal.ts";
import { InvalidStateError } from "../errors.ts";
import { show, validateWait, type WaitOptions } from "../options.ts";
import type { AnyFunction } from "../targets/source.ts";
import { Calls, type PoolKind } from "./calls.ts";
import { type Future, within } from "./future.ts";
import type { MapOptions, MapRangeOptions, PoolOptions, PoolStats, TaskOptions } from "./pool_options.ts";
import type { PoolTrace } from "./trace.ts";

/** A pool; {@linkcode threading.Pool} and {@linkcode multiprocessing.Pool} say of what. */
export abstract class BasePool implements AsyncDisposable {
  readonly #calls: Calls;

  /** Makes a pool; workers start with the first task. @ignore */
  protected constructor(kind: PoolKind, workers: number | undefined, options: PoolOptions | undefined) {
    this.#calls = new Calls(kind, workers, options);
  }

  /**
   * Runs one task.
   *
   * @param fn What the worker runs: see the package's documentation for which functions can.
   * @param args Its arguments, copied as `structuredClone` would; shared objects stay shared.
   * @returns A future, which is a promise, for what it returns; rejects with what it throws.
   * @throws {InvalidStateError} If the pool is closed.
   * @throws {TargetError} If the function cannot run elsewhere, as far as that can be seen from here.
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

  /** Runs one task: {@linkcode BasePool.apply} with the arguments one after the other. */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    return this.#calls.submit(fn as AnyFunction, args, undefined) as Future<Awaited<R>>;
  }

  /**
   * Calls `fn` with each item, in the workers, and returns the results in order. `fn` gets the item and nothing else.
   *
   * @throws The error of the lowest item that failed; what was not begun by then is not run.
   * @throws {WorkerLostError} If a worker died.
   */
  async map<T, R>(fn: (item: T) => R, iterable: Iterable<T>, options?: MapOptions): Promise<Awaited<R>[]> {
    return await this.#calls.map(fn as AnyFunction, iterable, false, options) as Awaited<R>[];
  }

  /** As {@linkcode BasePool.map}, but each item is an array of arguments. */
  async starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    iterable: Iterable<A | Readonly<A>>,
    options?: MapOptions,
  ): Promise<Awaited<R>[]> {
    return await this.#calls.map(fn as AnyFunction, iterable, true, options) as Awaited<R>[];
  }

  /**
   * As {@linkcode BasePool.map}, but results come one by one, in order, and items are taken only as they are needed: at
   * most four for each worker, times `chunksize` (by default 1), are taken and not yet delivered. Leaving the loop gives
   * the rest up.
   */
  imap<T, R>(
    fn: (item: T) => R,
    iterable: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<Awaited<R>> {
    return this.#calls.stream(fn as AnyFunction, iterable, true, options) as AsyncIterableIterator<Awaited<R>>;
  }

  /** As {@linkcode BasePool.imap}, but results come as they are ready. */
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
   * Calls `fn` with the bounds of ranges that together make up so many items, and returns the results in the order of the ranges:
   * `fn(begin, end, ...args)` does its part of a job, say of a {@linkcode SharedArray} among `args`. Nothing but the numbers is
   * copied.
   *
   * @param length How many items there are, or a shared array with as many.
   * @param options `chunksize` is how many items a range has, the last one fewer; by default there are 16 ranges for each worker.
   * @throws The error of the lowest range that failed; what was not begun by then is not run.
   * @throws {WorkerLostError} If a worker died.
   */
  async mapRange<A extends unknown[], R>(
    fn: (begin: number, end: number, ...args: A) => R,
    length: number | { readonly length: number },
    options?: MapRangeOptions<A>,
  ): Promise<Awaited<R>[]> {
    return await this.#calls.mapRange(fn as AnyFunction, length, options as MapRangeOptions) as Awaited<R>[];
  }

  /**
   * Starts all workers now, of `min` and `max` so many as `min`, and resolves when they are ready: they have run the
   * initializer.
   *
   * @throws {InvalidStateError} If the pool is closed.
   * @throws What the initializer throws.
   */
  async warm(): Promise<void> {
    await this.#calls.warm();
  }

  /**
   * Warms the pool, and runs a task once in each of its workers, beside what else it has to do.
   *
   * @returns What it returned in each of them.
   * @throws What it throws in any of them; the others run it all the same.
   * @throws {InvalidStateError} If the pool is closed.
   * @throws {WorkerLostError} If a worker died before it was over.
   */
  async each<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>[]> {
    return await this.#calls.each(fn as AnyFunction, args) as Awaited<R>[];
  }

  /** No more tasks can be given; those that were are done. Idempotent. */
  close(): void {
    this.#calls.close();
  }

  /** Gives everything up, at once: whoever waits gets a {@linkcode CancelledError}, workers are ended. Idempotent. */
  terminate(): void {
    this.#calls.terminate();
  }

  /**
   * Waits until all workers have ended, but for one that was told to and computes on for a second, on Deno, where no thread
   * can be stopped: it is left alone. From then on `imap` does not wait for its results to be read: all items are taken,
   * and the results are kept.
   *
   * @returns `true` once they have, `false` if `timeout` passed first. The pool goes on ending, and can be joined again.
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

  /** What the pool is doing. Out of date as soon as it is returned. */
  stats(): PoolStats {
    return this.#calls.stats();
  }

  /**
   * What the workers did so far, in Chrome's trace format.
   *
   * @throws {InvalidStateError} If the pool was made without `trace`.
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

  /** Terminates the pool and joins it, as Python's `with Pool`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate();
    await this.join();
  }
}
