/**
 * The pool, whatever its workers are.
 *
 * @module
 */

import { encodeApart } from "../codec/encode.ts";
import { joinStacks } from "../codec/error_classes.ts";
import { dropReferences } from "../codec/format.ts";
import { REFUSAL } from "../codec/refusal.ts";
import { CancelledError, DeadlockError, InvalidStateError, TimeoutError } from "../errors.ts";
import type { Scope } from "../memory/memory.ts";
import { type Space, spaceOf } from "../memory/space.ts";
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
import { bindContext, importingModule } from "../runtime/this_thread.ts";
import { describeTarget, type TargetDescriptor } from "../targets/describe.ts";
import type { AnyFunction } from "../targets/source.ts";
import { ARGS, ITEMS } from "./board.ts";
import { type PoolTrace, Trace } from "./current_task.ts";
import { Dispatcher, type StartWorker } from "./dispatcher.ts";
import { CallSite } from "./functions.ts";
import { type Future, settle, Thrown, within } from "./future.ts";
import { type BulkOptions, MapJob, StreamJob, SubmitJob, Task } from "./jobs.ts";
import { isPoolWorker } from "./worker.ts";

/** How a pool is made. */
export interface PoolOptions<I extends unknown[] = unknown[]> {
  /** Called in each worker before its first task. If it throws, all tasks reject with its error. */
  initializer?: (...args: I) => unknown;
  /** The initializer's arguments. */
  initargs?: I | Readonly<I>;
  /** A worker is replaced after so many tasks. By default never. */
  maxTasksPerChild?: number;
  /** A label, for the names of workers and the trace. */
  name?: string;
  /** A worker without work for so many milliseconds ends; another is started when there is work. By default never. */
  idleTimeout?: number;
  /**
   * Records what the workers do: `true` for {@linkcode BasePool.trace}, a path to have it written there in Chrome's trace
   * format when the pool ends, or the program before it.
   */
  trace?: boolean | string;
}

/** Options of a task. */
export interface TaskOptions {
  /** Gives the task up: the caller is settled at once with the signal's reason. */
  signal?: AbortSignal;
  /** Gives the task up after so many milliseconds, with a `TimeoutError`. */
  timeout?: number;
  /**
   * A running task that was given up is told through `currentTask()`; after so many milliseconds its worker is replaced. So
   * is a worker that still imports the module of a task that was given up, if no other task waits for that.
   */
  killAfter?: number;
  /**
   * Buffers that the caller gives away. They are detached at the call (those of `imap` when the iteration ends); what was in
   * them is copied once, into the shared memory, and once out of it.
   */
  transfer?: ArrayBuffer[];
}

/** Options of `map` and its like. */
export interface MapOptions extends TaskOptions {
  /** Items that go to a worker together. By default found by measuring. */
  chunksize?: number;
  /** Called now and then with the number of items that are done, and of all, where that is known. */
  onProgress?: (done: number, total: number | undefined) => void;
}

/** What a pool is doing. */
export interface PoolStats {
  /** Workers that are alive. */
  workers: number;
  /** Workers that run something. */
  busy: number;
  /** Tasks that no worker has begun with, as far as they were taken from their iterables. */
  queued: number;
  /** Tasks that returned. */
  completed: number;
  /** Chunks that failed or were lost. */
  failed: number;
}

/** What tells pools apart. */
export interface PoolKind {
  scope: Scope;
  start: StartWorker;
  /** For messages and labels. */
  label: string;
}

let pools = 0;

const NO_BYTES = new Uint8Array(0);

/** A pool; {@linkcode threading.Pool} and {@linkcode multiprocessing.Pool} say of what. */
export abstract class BasePool implements AsyncDisposable {
  readonly #kind: PoolKind;
  readonly #size: number;
  readonly #options: PoolOptions;
  readonly #name: string;
  readonly #initializer: TargetDescriptor | null;
  readonly #trace: Trace | undefined;
  readonly #recreated: string | undefined;
  #submitJob: SubmitJob | undefined;
  #dispatcher: Dispatcher | undefined;
  #state: "open" | "closed" | "terminated" = "open";
  #ended: Promise<void> | undefined;
  /** The signals that may give something up, and what. */
  readonly #signals: Map<AbortSignal, { calls: Set<() => void>; listener: () => void }> = new Map();

  /** Makes a pool; workers start with the first task. @ignore */
  protected constructor(kind: PoolKind, workers: number | undefined, options: PoolOptions | undefined) {
    if (workers !== undefined) validateInteger(workers, "'workers'", 1, 1024, "create pool");
    if (options !== undefined && (typeof options !== "object" || options === null)) {
      throw new TypeError(`Cannot create pool as the options must be an object: received ${show(options)}`);
    }
    const { initializer, initargs, maxTasksPerChild, name, idleTimeout, trace } = optionsOr(options);
    if (initializer !== undefined && typeof initializer !== "function") {
      throw new TypeError(`Cannot create pool as 'initializer' must be a function: received ${show(initializer)}`);
    }
    if (initargs !== undefined && !Array.isArray(initargs)) {
      throw new TypeError(`Cannot create pool as 'initargs' must be an array: received ${show(initargs)}`);
    }
    if (maxTasksPerChild !== undefined) {
      validateInteger(maxTasksPerChild, "'maxTasksPerChild'", 1, 0x7fffffff, "create pool");
    }
    if (name !== undefined && typeof name !== "string") {
      throw new TypeError(`Cannot create pool as 'name' must be a string: received ${show(name)}`);
    }
    if (idleTimeout !== undefined) validateWait({ timeout: idleTimeout }, "create pool");
    if (trace !== undefined && typeof trace !== "boolean" && typeof trace !== "string") {
      throw new TypeError(`Cannot create pool as 'trace' must be a boolean or a path: received ${show(trace)}`);
    }
    this.#kind = kind;
    this.#size = workers ?? cpuCount();
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
    return await this.#map(fn as AnyFunction, iterable, ITEMS, options) as Awaited<R>[];
  }

  /** As {@linkcode BasePool.map}, but each item is an array of arguments. */
  async starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    iterable: Iterable<A | Readonly<A>>,
    options?: MapOptions,
  ): Promise<Awaited<R>[]> {
    return await this.#map(fn as AnyFunction, iterable, ARGS, options) as Awaited<R>[];
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
    if (dispatcher === undefined) return { workers: 0, busy: 0, queued: 0, completed: 0, failed: 0 };
    return {
      workers: dispatcher.workers,
      busy: dispatcher.busy,
      queued: dispatcher.queued,
      completed: dispatcher.completed,
      failed: dispatcher.failures,
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
    const job = this.#submitJob ??= new SubmitJob(dispatcher);
    const given = limits === undefined ? undefined : givenUp(limits);
    // Copied now: what the caller does to its arguments from here on is its own affair.
    const bytes = given !== undefined ? NO_BYTES : encodeApart(args, { root: "args", scope: this.#kind.scope });
    if (options?.transfer !== undefined) detach(options.transfer);
    const task = new Task(job, address, fn.name || "anonymous", bytes);
    task.site = dispatcher.siteOf(address);
    const { broken } = dispatcher;
    if (given !== undefined || broken !== undefined) {
      task.dropped = true;
      dropReferences(bytes);
      const state = broken === undefined && limits?.signal?.aborted ? "cancelled" : "finished";
      settle(task.future, state, new Thrown((broken ?? given)!.error), undefined);
      return task.future;
    }
    task.killAfter = killAfterOf(options);
    if (limits !== undefined) {
      this.#limit(limits, task.future, (error, state) => {
        task.giveUp();
        settle(task.future, state, new Thrown(error), undefined);
      });
    }
    job.add(task);
    dispatcher.add(job);
    return task.future;
  }

  async #map(
    fn: AnyFunction,
    iterable: Iterable<unknown>,
    mode: typeof ITEMS | typeof ARGS,
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
    const items = [...iterable];
    if (mode === ARGS) {
      for (const item of items) {
        if (!Array.isArray(item)) {
          throw new TypeError(`Cannot map as each item must be an array of arguments: received ${show(item)}`);
        }
      }
    }
    if (items.length === 0) return [];
    if (given !== undefined) throw given.error;
    const { scope } = this.#kind;
    const job = new MapJob(dispatcher, address, fn.name || "anonymous", items, mode, bulk, { root: "items", scope });
    if (options?.transfer !== undefined) detach(options.transfer);
    if (dispatcher.broken !== undefined) {
      job.abort(dispatcher.broken.error);
    } else {
      if (limits !== undefined) this.#limit(limits, job.promise, (error) => job.abort(error));
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
    const { scope } = this.#kind;
    const name = fn.name || "anonymous";
    const job = new StreamJob(dispatcher, address, name, iterable, ordered, bulk, { root: "items", scope });
    job.site = new CallSite();
    const given = dispatcher.broken ?? (limits === undefined ? undefined : givenUp(limits));
    if (given !== undefined) {
      job.abort(given.error);
    } else {
      if (limits !== undefined) this.#limit(limits, job.over, (error) => job.abort(error));
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
      const space: Space = spaceOf(this.#kind.scope);
      this.#dispatcher = new Dispatcher({
        space,
        start: this.#kind.start,
        size: this.#size,
        name: this.#name,
        initializer: this.#initializer,
        initargs: this.#options.initargs ?? [],
        maxTasks: this.#options.maxTasksPerChild ?? 0,
        idle: this.#options.idleTimeout === undefined || this.#options.idleTimeout === Infinity
          ? 0
          : Math.max(1, this.#options.idleTimeout),
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

interface Limits {
  signal: AbortSignal | undefined;
  timeout: number;
}

function timeoutError(timeout: number): TimeoutError {
  return new TimeoutError(`Cannot finish task as it took more than the ${timeout} ms of 'timeout'`);
}

/** The error of what is given up before it begins: its signal is aborted, or there is no time for it at all. */
function givenUp({ signal, timeout }: Limits): { error: unknown } | undefined {
  if (signal?.aborted) return { error: signal.reason };
  return timeout === 0 ? { error: timeoutError(0) } : undefined;
}

function validateTaskOptions(options: TaskOptions | undefined, action: string): Limits | undefined {
  if (options === undefined) return undefined;
  const timeout = validateWait(options, action);
  const { signal, killAfter, transfer } = options;
  if (killAfter !== undefined) {
    if (typeof killAfter !== "number") {
      throw new TypeError(
        `Cannot ${action} as 'killAfter' must be a number of milliseconds: received ${show(killAfter)}`,
      );
    }
    if (!(killAfter >= 0)) {
      throw new RangeError(`Cannot ${action} as 'killAfter' must be zero or more milliseconds: received ${killAfter}`);
    }
  }
  if (transfer !== undefined) {
    if (!Array.isArray(transfer) || !transfer.every((buffer) => buffer instanceof ArrayBuffer)) {
      throw new TypeError(`Cannot ${action} as 'transfer' must be an array of ArrayBuffers`);
    }
  }
  if (signal === undefined && timeout === Infinity) return undefined;
  return { signal, timeout };
}

// What is longer than timers take is as good as never.
function killAfterOf(options: TaskOptions | undefined): number | undefined {
  const killAfter = options?.killAfter;
  return killAfter === undefined || killAfter >= 2 ** 31 ? undefined : killAfter;
}

function validateMapOptions(
  options: MapOptions | undefined,
  action: string,
): { bulk: BulkOptions; limits: Limits | undefined } {
  const limits = validateTaskOptions(options, action);
  const { chunksize, onProgress } = optionsOr(options);
  if (chunksize !== undefined) validateInteger(chunksize, "'chunksize'", 1, 0x7fffffff, action);
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError(`Cannot ${action} as 'onProgress' must be a function: received ${show(onProgress)}`);
  }
  const report = onProgress === undefined ? undefined : bindContext(onProgress);
  return { bulk: { chunksize, onProgress: report, killAfter: killAfterOf(options) }, limits };
}

function detach(buffers: ArrayBuffer[]): void {
  for (const buffer of buffers) {
    if (!buffer.detached) buffer.transfer();
  }
}
