/**
 * Jobs: what callers have asked a pool to do. A job is a list of tasks. The dispatcher asks it for the next task, passes it
 * the outcome of each, and acts on its answers. Jobs call no other part.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { encode, type EncodeOptions } from "../codec/encode.ts";
import { addReferences, dropReferences } from "../codec/format.ts";
import { giveAway, takeAgain } from "../codec/output.ts";
import { WorkerLostError } from "../errors.ts";
import type { Destination } from "../memory/memory.ts";
import type { Ending } from "../work/runner.ts";
import type { Packed } from "./task.ts";

/** Whether other tasks of the job are no longer wanted: they are to be taken back, or given up if they run. */
export type Unwanted = boolean;

/** A job, as the dispatcher sees it. Tasks are numbered by their index in the job. */
export interface Job {
  /** Address of the function's description. */
  readonly fn: number;
  /** The function's name. */
  readonly name: string;
  /** Whether inputs are lists of arguments. */
  readonly spread: boolean;
  /** How many tasks a worker takes together; 0: the worker chooses. */
  readonly together: number;
  /** How many milliseconds a task may run on after it was given up, before its worker is replaced; `undefined`: no limit. */
  readonly killAfter: number | undefined;
  /** When the job was created, on the clock of `now`. */
  readonly since: number;
  /** The job itself, if several of its items may go as one batch. */
  readonly many?: NumberJob | undefined;
  /** Whether it gets outcomes as bytes that are not decoded. */
  readonly isRaw?: boolean;
  /** The source from which its tasks are taken. */
  readonly source: Source;
  /** The input of a task. */
  inputOf(index: number): Packed;
  /** The number of the task's next try, from 1. */
  attemptOf(index: number): number;
  /** Writes the task's name, four words that are the same in each try. */
  writeName(words: Int32Array, at: number, index: number): void;
  /** Whether buffers go beside the input of a task. */
  hasBuffers(index: number): boolean;
  /** Takes these buffers from the job; `undefined` if there are none any more. */
  takeBuffers(index: number): ArrayBuffer[] | undefined;
  /** Called when its task was written to the board, under this number. */
  posted?(number: number): void;
  /** Called when a task has returned. */
  done(index: number, value: unknown): Unwanted;
  /** Called when a task has thrown. */
  failed(index: number, error: unknown): Unwanted;
  /** Called when a task's worker has ended before the task was over. `"again"`: the job has the task back, for another try. */
  lost(index: number, ending: Ending & Identity): Unwanted | "again";
  /** Called when a task that no worker has begun with is back. Returns `false` if no caller wants it: then it is dropped. */
  again(index: number): boolean;
  /** Drops the references in the input of a task, which no worker will read. */
  drop(index: number): void;
  /** Whether the outcome of a task is wanted. */
  wants(index: number): boolean;
  /** Gives up the whole job: its callers' promises reject with the error. */
  abort(error: unknown): void;
}

/** A job whose items are numbers, of which several may go as one batch. */
export interface NumberJob extends Job {
  /** Takes up to `most` consecutive items. Returns how many; {@linkcode Source.index} is the first. */
  takeMany(most: number): number;
  /** The numbers of `count` items from `index` on. */
  numbersOf(index: number, count: number): Float64Array;
  /** Called when `count` items from `index` on have returned numbers: those in `values` from `from` on. */
  doneMany(index: number, count: number, values: Float64Array, from: number): Unwanted;
}

/** Delivers tasks one after the other: those of one job, or of several. */
export interface Source {
  /** Sources with lower numbers are served first. */
  readonly priority: number;
  /** The job of the next task, if there is one now. */
  peek(): Job | undefined;
  /** Takes that task. {@linkcode Source.index} is its index in the job. */
  take(): void;
  readonly index: number;
  /** Whether there is no task now. The source is added again when it gets one: by a call, or when a task comes back. */
  readonly exhausted: boolean;
  /** The number of waiting tasks, as far as it is known. */
  readonly waiting: number;
  /** Gives up all waiting tasks. If the source has one job only, gives up its posted tasks too. */
  abort(error: unknown): void;
  /** Gives up the waiting tasks that call this function. Returns how many, as far as it is known. */
  refuse(fn: number, error: () => Error): number;
  /** Takes all items and keeps the results, even if no caller reads them: a caller waits for the end of the pool. */
  hurry?(): void;
}

/** Identifies a worker. */
export interface Identity {
  /** Its name. */
  readonly worker: string;
  /** The pid of its process, for a process. */
  readonly pid?: number;
  /** The ident of its thread, for a thread. */
  readonly ident?: number;
}

/** The error of a task whose worker ended. */
export function lostError(ending: Ending & Identity, taskIndex: number): WorkerLostError {
  return endingError(`Cannot finish task ${taskIndex} as its worker`, ending, { taskIndex });
}

/** An error whose message is `start`, then how a worker ended, then `hint`. */
export function endingError(
  start: string,
  { exitCode, signal, error, worker, pid, ident }: Ending & Identity,
  { taskIndex, hint = "" }: { taskIndex?: number; hint?: string } = {},
): WorkerLostError {
  const number = pid !== undefined ? `pid ${pid}` : `thread ${ident}`;
  const how = signal !== undefined
    ? `was ended by ${signal}`
    : error !== undefined
    ? `failed: ${error instanceof Error ? error.message : String(error)}`
    : exitCode !== undefined
    ? `ended with exit code ${exitCode}`
    : "was terminated";
  const cause = error === undefined ? {} : { cause: error };
  const properties = { exitCode, signal, worker, pid, taskIndex, ...cause };
  return new WorkerLostError(`${start} "${worker}" (${number}) ${how}${hint}`, properties);
}

/** Drops the references in an input that will not be sent. */
export function dropPacked(packed: Packed): void {
  if (typeof packed !== "number") dropReferences(packed);
}

/** The number of bytes of a buffer for several small messages. */
const PAGE = 1 << 16;
/** Messages of more bytes get a buffer of their own. */
const APART = 1 << 12;

/** Packs many values. The messages of small ones share buffers. */
export class Packer {
  readonly #options: EncodeOptions;
  #page: Uint8Array | undefined;
  #used = 0;

  constructor(scope: Destination) {
    this.#options = { root: "", scope };
  }

  /** Packs a value, which is called `items[index]` in error messages. */
  pack(value: unknown, index: number): Packed {
    if (typeof value === "number") return value;
    let bytes: Uint8Array;
    try {
      bytes = encode(value, this.#options);
    } catch {
      // Again with its name, which is built only if there is an error.
      bytes = encode(value, { root: `items[${index}]`, scope: this.#options.scope });
    }
    const { length } = bytes;
    if (length >= PAGE) {
      // The codec writes the next message into another buffer.
      giveAway(bytes.buffer as ArrayBuffer);
      return bytes;
    }
    if (length > APART) return bytes.slice();
    if (this.#page === undefined || this.#used + length > PAGE) {
      this.#page = new Uint8Array(PAGE);
      this.#used = 0;
    }
    const packed = this.#page.subarray(this.#used, this.#used + length);
    packed.set(bytes);
    this.#used += length;
    return packed;
  }
}

/** Options that all jobs have. */
export interface JobOptions {
  together: number;
  killAfter: number | undefined;
  priority: number;
  retries: number;
}

/** A random number of 48 bits that identifies the program, as two words. */
const PROGRAM: Int32Array = crypto.getRandomValues(new Int32Array(2));
PROGRAM[1] &= 0xffff;
let jobs = 0;

/** The base class of jobs. It counts the tries of a task, and keeps track of the references in its input. */
export abstract class AnyJob implements Job {
  readonly since: number = now();
  readonly together: number;
  killAfter: number | undefined;
  readonly priority: number;
  /** The buffers that go beside the inputs, by the tasks' indexes. */
  buffers: Map<number, ArrayBuffer[]> | undefined;
  readonly #retries: number;
  readonly isRaw: boolean = false;
  /** The number of the job in the program. */
  readonly ordinal: number = ++jobs;
  /** How often each task was lost. */
  #losses: Map<number, number> | undefined;
  readonly fn: number;
  readonly name: string;
  readonly spread: boolean;

  constructor(
    fn: number,
    name: string,
    spread: boolean,
    options: JobOptions,
  ) {
    this.fn = fn;
    this.name = name;
    this.spread = spread;
    this.together = options.together;
    this.killAfter = options.killAfter;
    this.priority = options.priority;
    this.#retries = options.retries;
  }

  hasBuffers(index: number): boolean {
    return this.buffers !== undefined && this.buffers.has(index);
  }

  takeBuffers(index: number): ArrayBuffer[] | undefined {
    const taken = this.buffers?.get(index);
    this.buffers?.delete(index);
    return taken;
  }

  /** The input of a task. The job owns the references in it. */
  protected abstract packedOf(index: number): Packed;

  inputOf(index: number): Packed {
    const packed = this.packedOf(index);
    // The worker that reads the input gets the references in it. For another try, the job needs its own.
    if (this.#retries > 0 && typeof packed !== "number") addReferences(packed);
    return packed;
  }

  writeName(words: Int32Array, at: number, index: number): void {
    words[at] = PROGRAM[0];
    words[at + 1] = PROGRAM[1];
    words[at + 2] = this.ordinal;
    words[at + 3] = index;
  }

  attemptOf(index: number): number {
    return 1 + (this.#losses?.get(index) ?? 0);
  }

  /** Called when a task is off the board and no worker has read its input. */
  protected withdrawn(index: number): void {
    if (this.#retries > 0) this.drop(index);
  }

  drop(index: number): void {
    dropPacked(this.packedOf(index));
  }

  /** Called when a task has its outcome, so that its input is no longer needed. */
  protected settled(index: number): void {
    if (this.#retries > 0) this.drop(index);
    const packed = this.packedOf(index);
    if (typeof packed === "number" || packed.length < PAGE) return;
    this.forget(index);
    takeAgain(packed.buffer as ArrayBuffer);
  }

  /** Forgets the input of a task, which is not read any more. */
  protected abstract forget(index: number): void;

  /** Counts the loss of a task. Returns whether it is to be tried again. */
  protected isRetried(index: number): boolean {
    if (this.#retries === 0) return false;
    const losses = (this.#losses?.get(index) ?? 0) + 1;
    if (losses > this.#retries) return false;
    (this.#losses ??= new Map()).set(index, losses);
    return true;
  }

  abstract readonly source: Source;
  abstract done(index: number, value: unknown): Unwanted;
  abstract failed(index: number, error: unknown): Unwanted;
  abstract lost(index: number, ending: Ending & Identity): Unwanted | "again";
  abstract again(index: number): boolean;
  abstract wants(index: number): boolean;
  abstract abort(error: unknown): void;
}

/** The indexes of tasks that are back with their job. The lowest is taken first. */
export class Returned {
  readonly #indexes: number[] = [];
  #sorted = true;

  get size(): number {
    return this.#indexes.length;
  }

  add(index: number): void {
    this.#indexes.push(index);
    this.#sorted = false;
  }

  take(): number {
    if (!this.#sorted) this.#indexes.sort((a, b) => b - a);
    this.#sorted = true;
    return this.#indexes.pop()!;
  }

  /** Removes the indexes from `first` on, and returns them. */
  from(first: number): number[] {
    const kept: number[] = [];
    const taken: number[] = [];
    for (const index of this.#indexes) (index < first ? kept : taken).push(index);
    this.#indexes.splice(0, Infinity, ...kept);
    this.#sorted = false;
    return taken;
  }
}
