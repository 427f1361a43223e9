/**
 * How a worker calls tasks, one at a time or some beside one another, and tells what became of them.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { setHanded } from "../codec/format.ts";
import { CancelledError } from "../errors.ts";
import { abandonHeld, heldBy } from "../memory/kinds.ts";
import type { Scope } from "../memory/memory.ts";
import { existingSpace, type Space } from "../memory/space.ts";
import { memoryInUse } from "../runtime/runtime.ts";
import { FIRST_USE_MS, isOutputUsed, keepsOutput, pendingOutput } from "../runtime/this_thread.ts";
import type { Callable } from "../targets/source.ts";
import { doublesOf } from "../memory/memory.ts";
import { Asking } from "./asking.ts";
import { firstItem, nextItem, stop } from "./batch.ts";
import { type Board, PENDING, WORKED } from "./board.ts";
import { beginTask, endTask, runBeside } from "./current_task.ts";
import { Finished } from "./finished.ts";
import { callOn, callWith, noteCost } from "./functions.ts";
import { Results } from "./results.ts";
import { ATTEMPT, BATCH, BESIDE, finish, FUNCTION, isSpread, takeInput } from "./task.ts";

/** What of a worker's options matters here. */
export interface RunningOptions {
  desk: number;
  worker: number;
  maxMemory: number;
  epoch: number;
}

/** How often it is looked how much memory is in use: milliseconds. */
const MEMORY_MS = 50;
/** A batch that takes longer than this has slow items: milliseconds. */
const BATCH_MS = 0.5;
/** How often that is looked at: each so many items, and one. */
const CLOCK = 31;

/** What a batch returns of which all items that were called returned numbers. */
const NUMBERS: unique symbol = Symbol("numbers");

const SCOPES = ["thread", "process"] as const;
const NOTHING: ReadonlySet<number> = new Set();

/** The tasks that a worker runs. */
export class Running {
  /** Tasks that were begun. */
  tasks = 0;
  /** Tasks that await, beside one another. */
  beside = 0;
  /** When the first task began of those that were not told. */
  began = 0;
  /** The worker takes no more tasks. */
  isLeaving = false;
  readonly #space: Space;
  readonly #options: RunningOptions;
  readonly #functions: ReadonlyMap<number, Callable>;
  readonly #finished: Finished;
  readonly #results: Results;
  readonly #asking: Asking;
  /** What the initializer left held is meant to be. */
  readonly #kept: Record<Scope, ReadonlySet<number>> = { thread: NOTHING, process: NOTHING };
  readonly #worker: number;
  /** Where the clock of the pool is at 0 on that of this thread. */
  readonly #zero: number;
  /** The function of all that was not told; -1: they are of several. */
  #fn = 0;
  /** How many items the task has that is about to be over. */
  #items = 1;
  readonly #values: Float64Array;
  /** Handles of what tasks may have left held that ran beside others. */
  readonly #held: Set<object> = new Set();
  #over: (() => void) | undefined;
  #memoryAsked = 0;

  constructor(board: Board, functions: ReadonlyMap<number, Callable>, options: RunningOptions) {
    this.#space = board.space;
    this.#values = doublesOf(board.space.memory);
    this.#options = options;
    this.#functions = functions;
    this.#worker = options.worker;
    this.#zero = options.epoch - performance.timeOrigin;
    this.#finished = new Finished(board);
    this.#results = new Results(board, options.desk, () => this.tell());
    this.#asking = new Asking(board, options.desk);
    for (const scope of SCOPES) {
      const space = existingSpace(scope);
      if (space !== undefined) this.#kept[scope] = heldBy(space);
    }
  }

  /** How many finished tasks the owner was not told of. */
  get untold(): number {
    return this.#finished.count;
  }

  /** Runs a task. Whether this worker goes on; a promise only where the task makes one: awaiting costs more than a small task. */
  run(task: number): boolean | Promise<boolean> {
    const { words } = this.#space;
    const fn = this.#begin(task);
    beginTask(words, task, 0);
    let written: void | Promise<void> = undefined;
    try {
      const result = (words[task + ATTEMPT] & BATCH) === 0 ? this.#call(task, fn) : this.#callItems(task, fn);
      if (isThenable(result)) return this.#runSlowly(task, result);
      this.#release();
      if (result !== NUMBERS) written = this.#results.put(task, result);
    } catch (error) {
      this.#release();
      written = this.#results.fail(task, error);
    }
    if (written !== undefined) return this.#endAfter(task, written);
    endTask();
    return this.#end(task);
  }

  // Calls the items of a batch until there are no more or they take long, which returns NUMBERS; or until an item throws or returns
  // something else than a number: that is the task's outcome then. What stands behind is another worker's.
  #callItems(task: number, fn: Callable): unknown {
    const { words } = this.#space;
    const values = this.#values;
    const batch = takeInput(this.#space, task, this.#options.desk + PENDING) as number;
    const until = now() + BATCH_MS;
    let called = 0;
    let stops = true;
    try {
      const first = firstItem(batch);
      for (let item = first; item >= 0; item = nextItem(words, batch)) {
        this.#items = ++called;
        beginTask(words, task, item - first);
        const result = callOn(fn, values[item]);
        if (typeof result !== "number") return result;
        this.#release();
        endTask();
        values[item] = result;
        if ((called & CLOCK) === 0 && now() > until) break;
      }
      stops = false;
      return NUMBERS;
    } finally {
      if (stops) stop(words, batch);
    }
  }

  #call(task: number, fn: Callable): unknown {
    const { words } = this.#space;
    if ((words[task + ATTEMPT] & BESIDE) !== 0) return this.#callWithBuffers(task, fn);
    return isSpread(words, task)
      ? callWith(fn, takeInput(this.#space, task, this.#options.desk + PENDING) as unknown[])
      : callOn(fn, takeInput(this.#space, task, this.#options.desk + PENDING));
  }

  async #callWithBuffers(task: number, fn: Callable): Promise<unknown> {
    const buffers = await this.#asking.ask(task);
    if (buffers === undefined) throw new CancelledError("Cannot run task as it was given up");
    const spread = isSpread(this.#space.words, task);
    let input: unknown;
    setHanded(buffers);
    try {
      input = takeInput(this.#space, task, this.#options.desk + PENDING);
    } finally {
      setHanded([]);
    }
    return await (spread ? callWith(fn, input as unknown[]) : callOn(fn, input));
  }

  async #endAfter(task: number, written: Promise<void>): Promise<boolean> {
    await written;
    endTask();
    return this.#end(task);
  }

  async #runSlowly(task: number, pending: unknown): Promise<boolean> {
    let written: void | Promise<void>;
    try {
      const result = await pending;
      this.#release();
      written = this.#results.put(task, result);
    } catch (error) {
      this.#release();
      written = this.#results.fail(task, error);
    }
    if (written !== undefined) await written;
    endTask();
    return this.#end(task);
  }

  /** Runs a task, and lets others run beside it while it awaits. */
  runBeside(task: number): void {
    this.beside++;
    void this.#finishBeside(task, this.#begin(task));
  }

  async #finishBeside(task: number, fn: Callable): Promise<void> {
    const { words } = this.#space;
    const { began } = this;
    let end: (() => void) | undefined;
    let written: void | Promise<void>;
    try {
      const run = runBeside(words, task, () => this.#call(task, fn));
      end = run.end;
      const result = await run.result;
      written = this.#results.put(task, result);
    } catch (error) {
      written = this.#results.fail(task, error);
    }
    if (written !== undefined) await written;
    end?.();
    this.beside--;
    if (this.beside === 0) this.#releaseLate();
    else this.#keepHeld();
    if (!this.#end(task)) this.isLeaving = true;
    // Its own: others have begun meanwhile.
    this.began = began;
    await this.tellInTime();
    this.#over?.();
  }

  #begin(task: number): Callable {
    const { words } = this.#space;
    const fn = words[task + FUNCTION];
    if (this.untold === 0) {
      this.began = now();
      this.#fn = fn;
      if (this.tasks === 0) words[this.#options.desk + WORKED] = 1;
    } else if (fn !== this.#fn) {
      this.#fn = -1;
    }
    this.tasks++;
    return this.#functions.get(fn)!;
  }

  // A task is over. Whether this worker goes on.
  #end(task: number): boolean {
    if (!finish(this.#space, task, this.#worker)) {
      // Given up: the owner has another worker by now, and a killed one stops here.
      this.#space.endIfKilled();
      return false;
    }
    this.#finished.add(task, this.#items);
    this.#items = 1;
    return true;
  }

  // What a task left held cannot be told from what others hold that still run. Until these are over, no handle may be collected
  // by which it is found.
  #keepHeld(): void {
    for (const scope of SCOPES) {
      const space = existingSpace(scope);
      if (space === undefined || space.handles.size === 0) continue;
      for (const at of heldBy(space)) {
        const handle = space.handles.get(at)?.deref();
        if (handle !== undefined) this.#held.add(handle);
      }
    }
  }

  #releaseLate(): void {
    this.#release();
    this.#held.clear();
  }

  // A task is over: what it left held is abandoned.
  #release(): void {
    for (const scope of SCOPES) {
      const space = existingSpace(scope);
      if (space !== undefined && space.handles.size > 0) abandonHeld(space, this.#kept[scope]);
    }
  }

  /** Resolves when one of the tasks is over that run beside one another. */
  whenOver(): Promise<void> {
    return new Promise((resolve) => this.#over = resolve);
  }

  /** Calls `over`, instead of that. */
  onOver(over: () => void): void {
    this.#over = over;
  }

  /** Whether what was written has to go out first: a worker may be ended as soon as its results are known. */
  mustFlush(ran: number): boolean {
    return keepsOutput && (isOutputUsed() || ran > FIRST_USE_MS);
  }

  /** Tells the owner what is finished, once what the tasks have written is out. */
  async tellInTime(): Promise<void> {
    if (this.untold === 0) return;
    const ran = now() - this.began;
    if (this.mustFlush(ran)) await pendingOutput();
    this.tell(ran);
  }

  /** Tells the owner what is finished, now. */
  tell(ran: number = now() - this.began): void {
    this.#space.endIfKilled();
    const count = this.untold;
    if (count === 0) return;
    if (this.#fn > 0) noteCost(this.#space, this.#fn, count, ran);
    this.#finished.tell(this.began - this.#zero, ran);
    const time = this.began + ran;
    if (this.#options.maxMemory > 0 && time - this.#memoryAsked > MEMORY_MS) {
      this.#memoryAsked = time;
      if (memoryInUse(this.#space.memory.scope) > this.#options.maxMemory) this.isLeaving = true;
    }
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
