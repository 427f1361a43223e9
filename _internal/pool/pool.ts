/**
 * The pool, whatever its workers are.
 *
 * @module
 */

import { joinStacks } from "../codec/error_classes.ts";
import { REFUSAL } from "../codec/refusal.ts";
import { CancelledError, DeadlockError, InvalidStateError, TimeoutError } from "../errors.ts";
import type { Scope } from "../memory/memory.ts";
import { spaceOf } from "../memory/space.ts";
import {
  atDeadline,
  deadlineOf,
  optionsOr,
  show,
  validateInteger,
  validateWait,
  type WaitOptions,
} from "../options.ts";
import { cpuCount } from "../runtime/runtime.ts";
import { importingModule } from "../runtime/this_thread.ts";
import { describeTarget, type TargetDescriptor } from "../targets/describe.ts";
import type { AnyFunction } from "../targets/source.ts";
import type { StartWorker } from "./crew.ts";
import { Dispatcher } from "./dispatcher.ts";
import { EachJob } from "./errands.ts";
import { CallSite, nameOf } from "./functions.ts";
import { type Future, within } from "./future.ts";
import { dropPacked } from "./job.ts";
import { MapJob } from "./map_job.ts";
import {
  detach,
  jobOptionsOf,
  type Limits,
  type MapOptions,
  type MapRangeOptions,
  type PoolOptions,
  type PoolStats,
  type Sizes,
  type TaskOptions,
  validateMapOptions,
  validatePoolOptions,
  validateTaskOptions,
} from "./pool_options.ts";
import { rangesOf } from "./ranges.ts";
import { StreamJob } from "./stream_job.ts";
import { NOTHING, packArgs, SubmitQueue, SubmittedTask } from "./submit_job.ts";
import { type PoolTrace, Trace } from "./trace.ts";
import { isPoolWorker } from "./worker.ts";

/** What tells pools apart. */
export interface PoolKind {
  scope: Scope;
  start: StartWorker;
  /** For messages and labels. */
  label: string;
}

let pools = 0;

/** A pool; {@linkcode threading.Pool} and {@linkcode multiprocessing.Pool} say of what. */
export abstract class BasePool implements AsyncDisposable {
  readonly #kind: PoolKind;
  readonly #sizes: Sizes;
  readonly #options: PoolOptions;
  readonly #name: string;
  readonly #initializer: TargetDescriptor | null;
  readonly #trace: Trace | undefined;
  readonly #recreated: string | undefined;
  /** Submitted tasks by their priorities. */
  readonly #queues: Map<number, SubmitQueue> = new Map();
  #submitted = 0;
  #dispatcher: Dispatcher | undefined;
  #state: "open" | "closed" | "terminated" = "open";
  #ended: Promise<void> | undefined;
  /** The signals that may give something up, and what. */
  readonly #signals: Map<AbortSignal, { calls: Set<() => void>; listener: () => void }> = new Map();

  /** Makes a pool; workers start with the first task. @ignore */
  protected constructor(kind: PoolKind, workers: number | undefined, options: PoolOptions | undefined) {
    this.#sizes = validatePoolOptions(workers, options, cpuCount);
    const { initializer, name, trace } = optionsOr(options);
    this.#kind = kind;
    this.#options = optionsOr(options);
    this.#name = name ?? `${kind.label}-${++pools}`;
    this.#initializer = initializer === undefined
      ? null
      : describeTarget(initializer as AnyFunction, { what: "initializer" });
    this.#trace = trace === undefined || trace === false ? undefined : new Trace(this.#name);
    this.#recreated = importingModule();
    // A worker that imports the pool's module has it again, and would write over the program's.
    if (typeof trace === "string" && this.#recreated === undefined) this.#trace!.writeAtEnd(trace);
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
    return this.#submit(fn as AnyFunction, args ?? [], options) as Future<Awaited<R>>;
  }

  /** Runs one task: {@linkcode BasePool.apply} with the arguments one after the other. */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    return this.#submit(fn as AnyFunction, args, undefined) as Future<Awaited<R>>;
  }

  /**
   * Calls `fn` with each item, in the workers, and returns the results in order. `fn` gets the item and nothing else.
   *
   * @throws The error of the lowest item that failed; what was not begun by then is not run.
   * @throws {WorkerLostError} If a worker died.
   */
  async map<T, R>(fn: (item: T) => R, iterable: Iterable<T>, options?: MapOptions): Promise<Awaited<R>[]> {
    return await this.#map(fn as AnyFunction, iterable, false, options) as Awaited<R>[];
  }

  /** As {@linkcode BasePool.map}, but each item is an array of arguments. */
  async starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    iterable: Iterable<A | Readonly<A>>,
    options?: MapOptions,
  ): Promise<Awaited<R>[]> {
    return await this.#map(fn as AnyFunction, iterable, true, options) as Awaited<R>[];
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
    return this.#stream(fn as AnyFunction, iterable, true, options) as AsyncIterableIterator<Awaited<R>>;
  }

  /** As {@linkcode BasePool.imap}, but results come as they are ready. */
  imapUnordered<T, R>(
    fn: (item: T) => R,
    iterable: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<Awaited<R>> {
    return this.#stream(fn as AnyFunction, iterable, false, options) as AsyncIterableIterator<
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
    this.#open("map");
    const ranges = rangesOf(length, options, this.#sizes.size);
    const { onProgress } = optionsOr(options);
    const size = ranges.length === 0 ? 0 : ranges[0][1];
    const total = ranges.length === 0 ? 0 : ranges.at(-1)![1];
    const its: MapOptions = { ...options, chunksize: 1 };
    if (typeof onProgress === "function") {
      its.onProgress = (done, _, { rate, remaining }) =>
        onProgress(Math.min(total, done * size), total, { rate: rate * size, remaining });
    }
    return await this.#map(fn as AnyFunction, ranges, true, its) as Awaited<R>[];
  }

  /**
   * Starts all workers now, of `min` and `max` so many as `min`, and resolves when they are ready: they have run the
   * initializer.
   *
   * @throws {InvalidStateError} If the pool is closed.
   * @throws What the initializer throws.
   */
  async warm(): Promise<void> {
    await this.#open("start workers").errands.warm(this.#sizes.least || this.#sizes.size);
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
    const dispatcher = this.#open("run task in each worker");
    const address = this.#address(fn as AnyFunction, "run task in each worker");
    const { scope } = this.#kind;
    // Copied now, as by submit; and once for each worker, as each has references of its own to what is shared.
    const first = packArgs(args, scope);
    const inputs = [first.packed];
    for (let i = 1; i < this.#sizes.size; i++) inputs.push(packArgs(args, scope).packed);
    const site = new CallSite();
    try {
      await dispatcher.errands.warm(this.#sizes.least || this.#sizes.size);
      const job = dispatcher.errands.send((workers) => {
        for (const packed of inputs.splice(workers)) dropPacked(packed);
        return new EachJob(address, nameOf(fn as AnyFunction), first.spread, inputs);
      });
      return await job.promise as Awaited<R>[];
    } catch (error) {
      joinStacks(error, site.stack);
      throw error;
    }
  }

  /** No more tasks can be given; those that were are done. Idempotent. */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closed";
    this.#end();
  }

  /** Gives everything up, at once: whoever waits gets a {@linkcode CancelledError}, workers are ended. Idempotent. */
  terminate(): void {
    if (this.#state === "terminated") return;
    this.#state = "terminated";
    this.#dispatcher?.terminate(new CancelledError("Cannot get the result of a task as its pool was terminated"));
    this.#end();
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
    if (this.#state === "open") {
      throw new InvalidStateError("Cannot join pool as it still takes tasks: call close() or terminate() first");
    }
    const signal = options?.signal;
    if (signal?.aborted) throw signal.reason;
    this.#dispatcher?.hurry();
    const ended = Promise.resolve(this.#ended).then(() => true);
    return await within(ended, timeout, signal, () => false);
  }

  /** What the pool is doing. Out of date as soon as it is returned. */
  stats(): PoolStats {
    const dispatcher = this.#dispatcher;
    if (dispatcher === undefined) {
      const none = { count: 0, mean: 0, p50: 0, p99: 0 };
      return { workers: 0, busy: 0, queued: 0, completed: 0, failed: 0, waitTime: none, runTime: { ...none } };
    }
    return {
      workers: dispatcher.crew.living,
      busy: dispatcher.busy,
      queued: dispatcher.queued,
      completed: dispatcher.posted.completed,
      failed: dispatcher.posted.failed,
      waitTime: dispatcher.posted.waitTimes.times,
      runTime: dispatcher.posted.runTimes.times,
    };
  }

  /**
   * What the workers did so far, in Chrome's trace format.
   *
   * @throws {InvalidStateError} If the pool was made without `trace`.
   */
  trace(): PoolTrace {
    if (this.#trace === undefined) {
      throw new InvalidStateError(
        "Cannot return the trace of the pool as none was recorded: make it with { trace: true }",
      );
    }
    return this.#trace.toJSON();
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

  #submit(
    fn: AnyFunction,
    args: readonly unknown[],
    options: TaskOptions | undefined,
  ): Future<unknown> {
    const dispatcher = this.#open("run task");
    const limits = validateTaskOptions(options, "run task");
    const address = this.#address(fn, "run task");
    const given = limits === undefined ? undefined : givenUp(limits);
    // Copied now: what the caller does to its arguments from here on is its own affair.
    const input = given !== undefined ? NOTHING : packArgs(args, this.#kind.scope);
    if (options?.transfer !== undefined) detach(options.transfer);
    const jobOptions = jobOptionsOf(options);
    const queue = this.#queueOf(jobOptions.priority);
    const task = new SubmittedTask(dispatcher, queue, this.#submitted++, address, nameOf(fn), input, jobOptions);
    task.site = dispatcher.siteOf(address);
    const { broken } = dispatcher;
    if (given !== undefined || broken !== undefined) {
      task.giveUp(broken === undefined && limits?.signal?.aborted ? "cancelled" : "finished", (broken ?? given)!.error);
      return task.future;
    }
    if (limits !== undefined) {
      this.#limit(limits, task.future, (error, state) => {
        const { number } = task;
        task.giveUp(state, error);
        dispatcher.withdrawOne(number, task);
      });
    }
    queue.add(task);
    dispatcher.add(queue);
    return task.future;
  }

  #queueOf(priority: number): SubmitQueue {
    let queue = this.#queues.get(priority);
    if (queue === undefined) this.#queues.set(priority, queue = new SubmitQueue(priority));
    return queue;
  }

  async #map(
    fn: AnyFunction,
    iterable: Iterable<unknown>,
    spread: boolean,
    options: MapOptions | undefined,
  ): Promise<unknown[]> {
    const dispatcher = this.#open("map");
    const { bulk, limits } = validateMapOptions(options, "map");
    const address = this.#address(fn, "map");
    if (typeof iterable?.[Symbol.iterator] !== "function") {
      const hint = Symbol.asyncIterator in Object(iterable) ? ", which imap takes" : "";
      throw new TypeError(`Cannot map as the items must be iterable: received ${show(iterable)}${hint}`);
    }
    const given = limits === undefined ? undefined : givenUp(limits);
    if (limits?.signal?.aborted) throw given!.error;
    const items: ArrayLike<unknown> = ArrayBuffer.isView(iterable)
      ? iterable as unknown as ArrayLike<unknown>
      : [...iterable];
    if (spread) {
      for (let i = 0; i < items.length; i++) {
        if (!Array.isArray(items[i])) {
          throw new TypeError(`Cannot map as each item must be an array of arguments: received ${show(items[i])}`);
        }
      }
    }
    if (items.length === 0) return [];
    if (given !== undefined) throw given.error;
    const job = new MapJob(address, nameOf(fn), items, spread, bulk, this.#kind.scope);
    if (options?.transfer !== undefined) detach(options.transfer);
    if (dispatcher.broken !== undefined) {
      job.abort(dispatcher.broken.error);
    } else {
      if (limits !== undefined) this.#giveUpBy(limits, job.promise, job, dispatcher);
      dispatcher.add(job);
    }
    const site = new CallSite();
    try {
      return await job.promise;
    } catch (error) {
      joinStacks(error, site.stack);
      throw error;
    }
  }

  #stream(
    fn: AnyFunction,
    iterable: Iterable<unknown> | AsyncIterable<unknown>,
    ordered: boolean,
    options: MapOptions | undefined,
  ): AsyncIterableIterator<unknown> {
    const dispatcher = this.#open("map");
    const { bulk, limits } = validateMapOptions(options, "map");
    const address = this.#address(fn, "map");
    const source = iterable as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
    if (typeof source?.[Symbol.iterator] !== "function" && typeof source?.[Symbol.asyncIterator] !== "function") {
      throw new TypeError(`Cannot map as the items must be iterable: received ${show(iterable)}`);
    }
    const job = new StreamJob(
      dispatcher,
      this.#sizes.size,
      address,
      nameOf(fn),
      iterable,
      ordered,
      bulk,
      this.#kind.scope,
    );
    job.site = new CallSite();
    const given = dispatcher.broken ?? (limits === undefined ? undefined : givenUp(limits));
    if (given !== undefined) {
      job.abort(given.error);
    } else {
      if (limits !== undefined) this.#giveUpBy(limits, job.over, job, dispatcher);
      dispatcher.add(job);
    }
    if (options?.transfer !== undefined) void job.over.then(() => detach(options.transfer!));
    return job.results();
  }

  #open(action: string): Dispatcher {
    if (this.#state !== "open") {
      throw new InvalidStateError(`Cannot ${action} as the pool is closed: make a new Pool`);
    }
    const importing = importingModule();
    if (importing !== undefined) {
      throw new InvalidStateError(
        `Cannot ${action} as ${importing} and is not through yet: put the main part of the program under if (import.meta.main)`,
      );
    }
    if (this.#recreated !== undefined) {
      // In a task, this is a pool that waits for itself; elsewhere it is just another pool than was meant.
      if (isPoolWorker()) {
        throw new DeadlockError(
          `Cannot ${action} as a task would wait for the pool that it occupies (${this.#recreated}, and each worker would make a pool of its own): make the inner pool in the task`,
        );
      }
      throw new InvalidStateError(
        `Cannot ${action} as the pool was created again when ${this.#recreated}: make it where it is used`,
      );
    }
    if (this.#dispatcher === undefined) {
      const { initargs, maxTasksPerChild, maxMemory, concurrency } = this.#options;
      const { size, least, idle } = this.#sizes;
      this.#dispatcher = new Dispatcher({
        space: spaceOf(this.#kind.scope),
        start: this.#kind.start,
        size,
        least,
        name: this.#name,
        initializer: this.#initializer,
        initargs: initargs ?? [],
        maxTasks: maxTasksPerChild ?? 0,
        maxMemory: maxMemory ?? 0,
        idle,
        concurrency: concurrency ?? 1,
        trace: this.#trace,
      });
    }
    return this.#dispatcher;
  }

  #address(fn: AnyFunction, action: string): number {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot ${action} as it must be given a function: received ${show(fn)}`);
    }
    return this.#dispatcher!.functions.addressOf(fn);
  }

  #giveUpBy(limits: Limits, settled: Promise<unknown>, job: MapJob | StreamJob, dispatcher: Dispatcher): void {
    this.#limit(limits, settled, (error) => {
      job.abort(error);
      dispatcher.withdraw();
    });
  }

  #limit(
    limits: Limits,
    settled: Promise<unknown>,
    giveUp: (error: unknown, state: "finished" | "cancelled") => void,
  ): void {
    const { signal, timeout } = limits;
    const over = (): void => {
      callOff?.();
      if (signal !== undefined) this.#forget(signal, onAbort);
    };
    const onAbort = (): void => {
      over();
      giveUp(signal!.reason, "cancelled");
    };
    const callOff = timeout === Infinity ? undefined : atDeadline(deadlineOf(timeout), () => {
      over();
      giveUp(timeoutError(timeout), "finished");
    });
    if (signal !== undefined) this.#listen(signal, onAbort);
    settled.then(over, over);
  }

  // One listener for all that a signal gives up: what has not begun must be taken back before a worker hears that what it
  // runs is given up, or it would take the next.
  #listen(signal: AbortSignal, onAbort: () => void): void {
    const known = this.#signals.get(signal);
    if (known !== undefined) {
      known.calls.add(onAbort);
      return;
    }
    const calls = new Set([onAbort]);
    const listener = (): void => this.#dispatcher!.together(() => calls.forEach((call) => call()));
    this.#signals.set(signal, { calls, listener });
    signal.addEventListener("abort", listener, { once: true });
  }

  #forget(signal: AbortSignal, onAbort: () => void): void {
    const known = this.#signals.get(signal);
    if (known === undefined || !known.calls.delete(onAbort) || known.calls.size > 0) return;
    this.#signals.delete(signal);
    signal.removeEventListener("abort", known.listener);
  }

  #end(): void {
    this.#ended ??= new Promise<void>((resolve) => {
      if (this.#dispatcher === undefined) resolve();
      else this.#dispatcher.close(resolve);
    }).then(() => {
      this.#trace?.write();
    });
    // Whoever does not join does not care.
    this.#ended.catch(() => {});
  }
}

function timeoutError(timeout: number): TimeoutError {
  return new TimeoutError(`Cannot finish task as it took more than the ${timeout} ms of 'timeout'`);
}

/** The error of what is given up before it begins: its signal is aborted, or there is no time for it at all. */
function givenUp({ signal, timeout }: Limits): { error: unknown } | undefined {
  if (signal?.aborted) return { error: signal.reason };
  return timeout === 0 ? { error: timeoutError(0) } : undefined;
}
