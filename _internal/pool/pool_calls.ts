/**
 * Handles the calls that a program makes on a pool: checks each, turns it into a job, and passes the job to the owner.
 *
 * @module
 */

import { joinStacks } from "../codec/error_classes.ts";
import { CancelledError, DeadlockError, InvalidStateError } from "../errors.ts";
import type { Destination } from "../memory/memory.ts";
import { optionsOr, show } from "../options.ts";
import { cpuCount } from "../runtime/runtime.ts";
import { importAdvice, importingModule } from "../runtime/this_thread.ts";
import { describeTarget, type TargetDescriptor } from "../targets/describe.ts";
import type { AnyFunction } from "../targets/source.ts";
import { EachJob, type Errands } from "./errands.ts";
import { CallSite, nameOf } from "./functions.ts";
import type { Future } from "./future.ts";
import { GivingAway } from "./giving_away.ts";
import { givenUp, GivingUp } from "./giving_up.ts";
import { dropPacked } from "./job.ts";
import { type BulkOptions, MapJob } from "./map_job.ts";
import {
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
import type { Owner, OwnerOptions } from "./owner.ts";
import { NOTHING, packArgs, SubmitQueue, SubmittedTask } from "./submit_job.ts";
import type { Packed } from "./task.ts";
import { Trace } from "./trace.ts";
import { isPoolWorker } from "./worker.ts";

/** What is different between kinds of pools. */
export interface PoolKind {
  /** Where arguments and results are sent. */
  scope: Destination;
  /** Used in the default names of pools. */
  label: string;
  /** Creates the owner, with the first call. */
  own: (options: OwnerOptions) => Owner;
  /** The default of the tasks' `retries`. */
  retries?: number;
}

/** No buffers to transfer. */
const NONE: GivingAway = new GivingAway([], true);

/** The number of queues of submitted tasks above which empty ones are removed. */
const MANY_QUEUES = 16;

let pools = 0;

/** The calls of a pool. */
export class Calls {
  readonly trace: Trace | undefined;
  state: "open" | "closed" | "terminated" = "open";
  /** Resolves when all workers have ended. */
  ended: Promise<void> | undefined;
  readonly #kind: PoolKind;
  readonly #sizes: Sizes;
  readonly #workers: number | undefined;
  readonly #options: PoolOptions;
  readonly #name: string;
  readonly #initializer: TargetDescriptor | null;
  readonly #recreated: string | undefined;
  /** Queues of submitted tasks, by priority. */
  readonly #queues: Map<number, SubmitQueue> = new Map();
  readonly #givingUp: GivingUp = new GivingUp((giveUp) => this.#dispatcher!.together(giveUp));
  #submitted = 0;
  #dispatcher: Owner | undefined;

  constructor(kind: PoolKind, workers: number | undefined, options: PoolOptions | undefined) {
    this.#sizes = validatePoolOptions(workers, options, cpuCount);
    this.#workers = workers;
    const { initializer, name, trace } = optionsOr(options);
    this.#kind = kind;
    this.#options = optionsOr(options);
    this.#name = name ?? `${kind.label}-${++pools}`;
    this.#initializer = initializer === undefined
      ? null
      : describeTarget(initializer as AnyFunction, { what: "initializer" });
    this.trace = trace === undefined || trace === false ? undefined : new Trace(this.#name);
    this.#recreated = importingModule();
    // A worker that imports the pool's module creates the pool again. It must not overwrite the file of the program's pool.
    if (typeof trace === "string" && this.#recreated === undefined) this.trace!.writeAtEnd(trace);
  }

  submit(
    fn: AnyFunction,
    args: readonly unknown[],
    options: TaskOptions | undefined,
  ): Future<unknown> {
    const dispatcher = this.#open("run task");
    const limits = validateTaskOptions(options, "run task");
    const address = this.#address(fn, "run task");
    const given = givenUp(limits);
    const jobOptions = jobOptionsOf(options, this.#kind.retries);
    const giving = this.#givingAway(options);
    // Copied now: the caller may change its arguments after this call.
    const input = given !== undefined ? NOTHING : giving.pack(0, () => packArgs(args, this.#kind.scope));
    const queue = this.#queueOf(jobOptions.priority);
    const task = new SubmittedTask(dispatcher.posted, queue, this.#submitted++, address, nameOf(fn), input, jobOptions);
    task.buffers = giving.take();
    const { broken } = dispatcher;
    if (given !== undefined || broken !== undefined) {
      task.giveUp(broken === undefined && limits?.signal?.aborted ? "cancelled" : "finished", (broken ?? given)!.error);
      return task.future;
    }
    if (limits !== undefined) {
      this.#givingUp.limit(limits, task.future, (error, state) => {
        const { number } = task;
        task.giveUp(state, error);
        dispatcher.withdrawOne(number, task);
      }, task.future);
    }
    queue.add(task);
    dispatcher.begin(queue);
    // Taken while a worker wakes up: on V8 this takes as long as the rest of the call.
    task.site = dispatcher.siteOf(address);
    return task.future;
  }

  #queueOf(priority: number): SubmitQueue {
    let queue = this.#queues.get(priority);
    if (queue !== undefined) return queue;
    // There may be as many priorities as tasks: a program may use deadlines as priorities.
    if (this.#queues.size > MANY_QUEUES) {
      for (const [priority, { exhausted }] of this.#queues) if (exhausted) this.#queues.delete(priority);
    }
    this.#queues.set(priority, queue = new SubmitQueue(priority));
    return queue;
  }

  async map(
    fn: AnyFunction,
    iterable: Iterable<unknown>,
    spread: boolean,
    options: MapOptions | undefined,
    counted?: BulkOptions["items"],
  ): Promise<unknown[]> {
    const dispatcher = this.#open("map");
    const { bulk, limits } = validateMapOptions(options, "map", this.#kind.retries);
    const address = this.#address(fn, "map");
    if (typeof iterable?.[Symbol.iterator] !== "function") {
      const hint = Symbol.asyncIterator in Object(iterable) ? ", which imap takes" : "";
      throw new TypeError(`Cannot map as the items must be iterable: received ${show(iterable)}${hint}`);
    }
    const given = givenUp(limits);
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
    const giving = this.#givingAway(options);
    const job = new MapJob(address, nameOf(fn), items, spread, { ...bulk, items: counted }, this.#kind.scope, giving);
    job.buffers = giving.take();
    if (dispatcher.broken !== undefined) {
      job.abort(dispatcher.broken.error);
    } else {
      if (limits !== undefined) this.#giveUpBy(limits, job.promise, job, dispatcher);
      dispatcher.begin(job);
    }
    const site = new CallSite();
    try {
      return await job.promise;
    } catch (error) {
      joinStacks(error, site.stack);
      throw error;
    }
  }

  stream(
    fn: AnyFunction,
    iterable: Iterable<unknown> | AsyncIterable<unknown>,
    ordered: boolean,
    options: MapOptions | undefined,
  ): AsyncIterableIterator<unknown> {
    const dispatcher = this.#open("map");
    const { bulk, limits } = validateMapOptions(options, "map", this.#kind.retries);
    const address = this.#address(fn, "map");
    const source = iterable as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
    if (typeof source?.[Symbol.iterator] !== "function" && typeof source?.[Symbol.asyncIterator] !== "function") {
      throw new TypeError(`Cannot map as the items must be iterable: received ${show(iterable)}`);
    }
    const job = new StreamJob(
      dispatcher,
      dispatcher.size,
      address,
      nameOf(fn),
      iterable,
      ordered,
      bulk,
      this.#kind.scope,
    );
    job.site = new CallSite();
    const given = dispatcher.broken ?? givenUp(limits);
    if (given !== undefined) {
      job.abort(given.error);
    } else {
      if (limits !== undefined) this.#giveUpBy(limits, job.over, job, dispatcher);
      dispatcher.begin(job);
    }
    // The buffers are detached only now, since items that are not read yet may contain them.
    if (options?.transfer !== undefined) void job.over.then(() => new GivingAway(options.transfer!, true).take());
    return job.results();
  }

  async mapRange(
    fn: AnyFunction,
    length: number | { readonly length: number },
    options: MapRangeOptions | undefined,
  ): Promise<unknown[]> {
    const ranges = rangesOf(length, options, this.#open("map").size);
    const total = ranges.length === 0 ? 0 : ranges[ranges.length - 1][1];
    const items = { of: (index: number) => ranges[index][1] - ranges[index][0], total };
    return await this.map(fn, ranges, true, { ...options, chunksize: 1 }, items);
  }

  async warm(): Promise<void> {
    await this.#open("start workers").warm(this.#sizes.least || this.#sizes.size);
  }

  async each(fn: AnyFunction, args: readonly unknown[]): Promise<unknown[]> {
    const dispatcher = this.#open("run task in each worker");
    const address = this.#address(fn, "run task in each worker");
    const name = nameOf(fn);
    const site = new CallSite();
    const pack = (): { packed: Packed; spread: boolean } => packArgs(args, this.#kind.scope);
    try {
      if (dispatcher.each !== undefined) return await dispatcher.each(address, name, pack());
      return await eachHere(dispatcher.errands!, this.#sizes, pack, (inputs, spread) => {
        return new EachJob(address, name, spread, inputs);
      });
    } catch (error) {
      joinStacks(error, site.stack);
      throw error;
    }
  }

  close(): void {
    if (this.state !== "open") return;
    this.state = "closed";
    this.#end();
  }

  terminate(): void {
    if (this.state === "terminated") return;
    this.state = "terminated";
    this.#dispatcher?.terminate(
      new CancelledError(
        "Cannot get the result of a task as its pool was terminated: await it before the end of the block of 'await using'",
      ),
    );
    this.#end();
  }

  /** Runs all jobs to their end, even if no caller reads their results. */
  hurry(): void {
    this.#dispatcher?.hurry();
  }

  stats(): PoolStats {
    const dispatcher = this.#dispatcher;
    if (dispatcher === undefined) {
      const none = { count: 0, mean: 0, p50: 0, p99: 0 };
      return { workers: 0, busy: 0, queued: 0, completed: 0, failed: 0, waitTime: none, runTime: { ...none } };
    }
    return {
      workers: dispatcher.workers,
      busy: dispatcher.busy,
      queued: dispatcher.queued,
      completed: dispatcher.posted.completed,
      failed: dispatcher.posted.failed,
      waitTime: dispatcher.posted.waitTimes.times,
      runTime: dispatcher.posted.runTimes.times,
    };
  }

  #open(action: string): Owner {
    checkOpen(this.state, this.#recreated, action);
    if (this.#dispatcher === undefined) {
      const { initargs, maxTasksPerChild, maxMemory, concurrency } = this.#options;
      const { size, least, idle } = this.#sizes;
      this.#dispatcher = this.#kind.own({
        asked: this.#workers,
        size,
        least,
        name: this.#name,
        initializer: this.#initializer,
        initargs: initargs ?? [],
        maxTasks: maxTasksPerChild ?? 0,
        maxMemory: maxMemory ?? 0,
        idle,
        concurrency: concurrency ?? 1,
        trace: this.trace,
      });
    }
    return this.#dispatcher;
  }

  // The buffers of a call. If the task may run again, they are copied: another worker may need their contents.
  #givingAway(options: TaskOptions | undefined): GivingAway {
    const { transfer, retries = this.#kind.retries ?? 0 } = optionsOr(options);
    return transfer === undefined ? NONE : new GivingAway(transfer, this.#kind.scope !== "thread" || retries > 0);
  }

  #address(fn: AnyFunction, action: string): number {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot ${action} as it must be given a function: received ${show(fn)}`);
    }
    return this.#dispatcher!.functions.addressOf(fn);
  }

  #giveUpBy(limits: Limits, settled: Promise<unknown>, job: MapJob | StreamJob, dispatcher: Owner): void {
    this.#givingUp.limit(limits, settled, (error) => {
      job.abort(error);
      dispatcher.withdraw();
    });
  }

  #end(): void {
    this.ended ??= new Promise<void>((resolve) => {
      if (this.#dispatcher === undefined) resolve();
      else this.#dispatcher.close(resolve);
    }).then(() => {
      this.trace?.write();
    });
    // A caller that does not join ignores the error.
    this.ended.catch(() => {});
  }
}

// Runs a task once in each worker, if the workers are on this machine.
async function eachHere(
  errands: Errands,
  { least, size }: Sizes,
  pack: () => { packed: Packed; spread: boolean },
  make: (inputs: Packed[], spread: boolean) => EachJob,
): Promise<unknown[]> {
  const inputs: Packed[] = [];
  let spread = false;
  const end = errands.begin();
  try {
    // Copied now, as by submit. Once for each worker, since each needs its own references to shared objects.
    for (let i = 0; i < size; i++) {
      const input = pack();
      inputs.push(input.packed);
      spread = input.spread;
    }
    const count = least || size;
    let job: EachJob | undefined;
    while (job === undefined) {
      await errands.warm(count);
      job = errands.send(count, (workers) => make(inputs.splice(0, workers), spread));
    }
    return await job.promise;
  } finally {
    for (const packed of inputs) dropPacked(packed);
    end();
  }
}

// Throws if the pool cannot take a call here and now.
function checkOpen(state: Calls["state"], recreated: string | undefined, action: string): void {
  if (state !== "open") {
    throw new InvalidStateError(`Cannot ${action} as the pool is closed: make a new Pool`);
  }
  const importing = importingModule();
  if (importing !== undefined) {
    throw new InvalidStateError(
      `Cannot ${action} as ${importing} and has not finished loading: ${importAdvice()}`,
    );
  }
  if (recreated !== undefined) {
    // In a task, the call would wait for the pool that runs the task. Elsewhere, this pool is another one than the program means.
    if (isPoolWorker()) {
      throw new DeadlockError(
        `Cannot ${action} as a task would wait for the pool that it occupies (${recreated}, and each worker would make a pool of its own): make the inner pool in the task`,
      );
    }
    throw new InvalidStateError(
      `Cannot ${action} as the pool was created again when ${recreated}: make it where it is used`,
    );
  }
}
