/**
 * Submitted tasks, each of which is a job with a future.
 *
 * @module
 */

import { encodeApart } from "../codec/encode.ts";
import { joinStacks } from "../codec/error_classes.ts";
import type { Destination } from "../memory/memory.ts";
import type { Ending } from "../work/runner.ts";
import type { CallSite } from "./functions.ts";
import { Future, type FutureTask, settle, Thrown } from "./future.ts";
import { AnyJob, type Identity, type Job, type JobOptions, lostError, type Source, type Unwanted } from "./job.ts";
import type { Packed } from "./task.ts";

/** What a submitted task needs of the owner. */
export interface TaskHost {
  /** Whether a worker has begun with the task of this number. */
  isRunning(number: number): boolean;
  /** Takes the task of this number back if no worker has begun with it. Returns whether it did. */
  takeBack(number: number): boolean;
}

/** The number of a task that is not on the board. */
const NOWHERE = -1;

/** Takes the place of arguments that will not be sent. */
export const NOTHING: { packed: Packed; spread: boolean } = { packed: 0, spread: false };

/** Packs the arguments of a call. A single argument is packed without a list. */
export function packArgs(args: readonly unknown[], scope: Destination): { packed: Packed; spread: boolean } {
  if (args.length === 1) {
    const [only] = args;
    if (typeof only === "number") return { packed: only, spread: false };
    return { packed: encodeApart(only, { root: "args[0]", scope }), spread: false };
  }
  return { packed: encodeApart(args, { root: "args", scope }), spread: true };
}

/** A submitted task. */
export class SubmittedTask extends AnyJob implements FutureTask {
  readonly future: Future<unknown>;
  readonly #host: TaskHost;
  #packed: Packed;
  /** Its number on the board. */
  number: number = NOWHERE;
  /** Whether it is over, or no caller waits for it. Its queue skips it then. */
  dropped = false;
  /** The place in the program where it was submitted. */
  site: CallSite | undefined;
  readonly source: SubmitQueue;
  readonly sequence: number;

  constructor(
    host: TaskHost,
    source: SubmitQueue,
    sequence: number,
    fn: number,
    name: string,
    input: { packed: Packed; spread: boolean },
    options: JobOptions,
  ) {
    super(fn, name, input.spread, options);
    this.source = source;
    this.sequence = sequence;
    this.#host = host;
    this.#packed = input.packed;
    this.future = new Future(this);
  }

  protected override packedOf(): Packed {
    return this.#packed;
  }

  protected override forget(): void {
    this.#packed = 0;
  }

  posted(number: number): void {
    this.number = number;
  }

  isRunning(): boolean {
    return this.number !== NOWHERE && this.#host.isRunning(this.number);
  }

  takeBack(): boolean {
    if (this.dropped) return false;
    if (this.number !== NOWHERE) {
      const { number } = this;
      // Set before: the host calls again(), which drops the input of a dropped task.
      this.dropped = true;
      if (this.#host.takeBack(number)) return true;
      this.dropped = false;
      return false;
    }
    this.dropped = true;
    this.drop(0);
    return true;
  }

  done(_index: number, value: unknown): Unwanted {
    this.end();
    settle(this.future, "finished", undefined, value);
    return false;
  }

  failed(_index: number, error: unknown): Unwanted {
    this.end();
    this.#fail(error);
    return false;
  }

  lost(_index: number, ending: Ending & Identity): Unwanted | "again" {
    this.number = NOWHERE;
    if (!this.dropped && this.isRetried(0)) {
      this.source.takeAgain(this);
      return "again";
    }
    if (this.dropped) this.settled(0);
    else this.failed(0, lostError(ending, 0));
    return false;
  }

  again(): boolean {
    this.number = NOWHERE;
    this.withdrawn(0);
    if (this.dropped) {
      this.drop(0);
      return false;
    }
    this.source.takeAgain(this);
    return true;
  }

  wants(): boolean {
    return !this.dropped;
  }

  abort(error: unknown): void {
    this.giveUp("cancelled", error);
  }

  /** Settles the future. The caller must then withdraw the task from the board. */
  giveUp(state: "finished" | "cancelled", error: unknown): void {
    if (this.dropped) return;
    this.dropped = true;
    if (this.number === NOWHERE) this.drop(0);
    settle(this.future, state, new Thrown(error), undefined);
  }

  /** Rejects a waiting task that cannot run. */
  refuse(error: Error): void {
    this.drop(0);
    this.dropped = true;
    this.#fail(error);
  }

  #fail(error: unknown): void {
    joinStacks(error, this.site?.stack);
    settle(this.future, "finished", new Thrown(error), undefined);
  }

  /** Marks the task as over. Call it before the future is settled: a callback may abort its signal, and must find no task. */
  protected end(): void {
    this.number = NOWHERE;
    this.dropped = true;
    this.settled(0);
  }
}

/** The submitted tasks of one priority, in the order of their calls. */
export class SubmitQueue implements Source {
  readonly index = 0;
  #tasks: SubmittedTask[] = [];
  #head = 0;
  /** Tasks that have come back. */
  readonly #returned: SubmittedTask[] = [];
  #sorted = true;
  readonly priority: number;

  constructor(priority: number) {
    this.priority = priority;
  }

  add(task: SubmittedTask): void {
    this.#tasks.push(task);
  }

  /** Takes in a task that has come back: it goes before later tasks. */
  takeAgain(task: SubmittedTask): void {
    this.#returned.push(task);
    this.#sorted = false;
  }

  get waiting(): number {
    let count = 0;
    for (let i = this.#head; i < this.#tasks.length; i++) if (!this.#tasks[i].dropped) count++;
    for (const { dropped } of this.#returned) if (!dropped) count++;
    return count;
  }

  get exhausted(): boolean {
    return this.#head === this.#tasks.length && this.#returned.length === 0;
  }

  peek(): Job | undefined {
    if (!this.#sorted) this.#returned.sort((a, b) => b.sequence - a.sequence);
    this.#sorted = true;
    for (let task; (task = this.#returned[this.#returned.length - 1]) !== undefined; this.#returned.pop()) {
      if (!task.dropped) return task;
    }
    for (; this.#head < this.#tasks.length; this.#head++) {
      const task = this.#tasks[this.#head];
      if (!task.dropped) return task;
    }
    this.#tasks = [];
    this.#head = 0;
    return undefined;
  }

  take(): void {
    if (this.#returned.length > 0) this.#returned.pop();
    else this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#tasks.length) {
      this.#tasks = this.#tasks.slice(this.#head);
      this.#head = 0;
    }
  }

  refuse(fn: number, error: () => Error): number {
    let refused = 0;
    for (const task of this.#all()) {
      if (task.fn !== fn || task.dropped) continue;
      refused++;
      task.refuse(error());
    }
    return refused;
  }

  abort(error: unknown): void {
    const tasks = this.#all();
    this.#tasks = [];
    this.#head = 0;
    this.#returned.length = 0;
    for (const task of tasks) task.abort(error);
  }

  #all(): SubmittedTask[] {
    return [...this.#returned, ...this.#tasks.slice(this.#head)];
  }
}
