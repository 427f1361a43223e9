/**
 * How a worker runs tasks, one at a time or several beside one another, and reports their outcomes to the owner.
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

/** The options of a worker that are used here. */
export interface RunningOptions {
  desk: number;
  worker: number;
  maxMemory: number;
  epoch: number;
}

/** How often a worker checks how much memory it uses, at most: milliseconds. */
const MEMORY_MS = 50;
/** After this time the worker stops a batch, since its items are slow: milliseconds. */
const BATCH_MS = 0.5;
/** The worker reads the clock after each CLOCK + 1 items of a batch. A power of two minus 1. */
const CLOCK = 31;

/** The result of a batch in which all calls returned numbers. */
const NUMBERS: unique symbol = Symbol("numbers");

const SCOPES = ["thread", "process"] as const;
const NOTHING: ReadonlySet<number> = new Set();

/** The tasks that a worker runs. */
export class Running {
  /** The number of tasks that this worker has begun. */
  tasks = 0;
  /** The number of tasks that run beside one another now. */
  beside = 0;
  /** When the first of the unreported tasks began. */
  began = 0;
  /** Whether the worker takes no more tasks, and ends. */
  isLeaving = false;
  readonly #space: Space;
  readonly #options: RunningOptions;
  readonly #functions: ReadonlyMap<number, Callable>;
  readonly #finished: Finished;
  readonly #results: Results;
  readonly #asking: Asking;
  /** What the initializer left held: it stays held. */
  readonly #kept: Record<Scope, ReadonlySet<number>> = { thread: NOTHING, process: NOTHING };
  readonly #worker: number;
  /** When the pool began, on the clock of this thread. */
  readonly #zero: number;
  /** The function of the unreported tasks; -1: they have several. */
  #fn = 0;
  /** The number of items that were called in the task that ends next. */
  #items = 1;
  readonly #values: Float64Array;
  /** Handles of objects that tasks hold, or have left held, while several tasks run. */
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

  /** The number of finished items that are not reported. */
  get untold(): number {
    return this.#finished.count;
  }

  /**
   * Runs a task. Returns whether this worker goes on. It returns a promise only if the task does, since awaiting one costs more
   * than a small task.
   */
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

  // Calls the items of a batch. Returns NUMBERS when there are no more items, or when the time is up. If an item throws or
  // returns something other than a number, that is the outcome of the task. The owner gives the items behind it to other workers.
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

  /** Runs a task. Other tasks can run beside it while it awaits. */
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
    // When this task began, not the others that have begun meanwhile.
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

  // Ends a task. Returns whether this worker goes on.
  #end(task: number): boolean {
    if (!finish(this.#space, task, this.#worker)) {
      // The owner has given this worker up and replaced it. If this thread was killed, it ends here.
      this.#space.endIfKilled();
      return false;
    }
    this.#finished.add(task, this.#items);
    this.#items = 1;
    return true;
  }

  // Objects that a finished task left held cannot be distinguished from those that running tasks hold. They are released when
  // no task runs. Until then their handles must not be garbage-collected, since the objects are found by them.
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

  // Abandons what a finished task left held.
  #release(): void {
    for (const scope of SCOPES) {
      const space = existingSpace(scope);
      if (space !== undefined && space.handles.size > 0) abandonHeld(space, this.#kept[scope]);
    }
  }

  /** Resolves when one of the running tasks is over. */
  whenOver(): Promise<void> {
    return new Promise((resolve) => this.#over = resolve);
  }

  /** Calls `over` when one of the running tasks is over. It replaces {@linkcode Running.whenOver}. */
  onOver(over: () => void): void {
    this.#over = over;
  }

  /** Whether output must go out before the report: the program may end the worker as soon as it has the results. */
  mustFlush(ran: number): boolean {
    return keepsOutput && (isOutputUsed() || ran > FIRST_USE_MS);
  }

  /** Reports finished tasks to the owner, after the output of the tasks has gone out. */
  async tellInTime(): Promise<void> {
    if (this.untold === 0) return;
    const ran = now() - this.began;
    if (this.mustFlush(ran)) await pendingOutput();
    this.tell(ran);
  }

  /** Reports finished tasks to the owner now. */
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
