/**
 * What a pool was asked to do. A job is a list of tasks: the dispatcher asks it for the next one, tells it what became of
 * each, and acts by what it answers. Jobs call no other part.
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

/** Whether others of the job's tasks are not wanted any more: they are to be taken back, or told to give up. */
export type Unwanted = boolean;

/** Whose a task is. */
export interface Job {
  /** Address of the function's description. */
  readonly fn: number;
  /** The function's name. */
  readonly name: string;
  /** Whether inputs are lists of arguments. */
  readonly spread: boolean;
  /** How many tasks a worker takes together; 0: as is best. */
  readonly together: number;
  /** So many milliseconds after one of its tasks was told to give up, the task's worker is replaced. */
  readonly killAfter: number | undefined;
  /** When it was handed over, on the clock of `now`. */
  readonly since: number;
  /** The job, if several of its items may be one task. */
  readonly many?: NumberJob | undefined;
  /** Whether it gets the bytes of outcomes, and not what they mean. */
  readonly isRaw?: boolean;
  /** Where its tasks are taken from. */
  readonly source: Source;
  /** The input of a task. */
  inputOf(index: number): Packed;
  /** Which try of the task the next one is, from 1. */
  attemptOf(index: number): number;
  /** Writes the four words by which the task is known, the same in each try. */
  writeName(words: Int32Array, at: number, index: number): void;
  /** Whether buffers go beside the input of a task. */
  hasBuffers(index: number): boolean;
  /** Gives them away; `undefined`: there are none any more. */
  takeBuffers(index: number): ArrayBuffer[] | undefined;
  /** The task is on the board, under that number. */
  posted?(number: number): void;
  /** A task returned. */
  done(index: number, value: unknown): Unwanted;
  /** A task threw. */
  failed(index: number, error: unknown): Unwanted;
  /** A task's worker ended before it was over. `"again"`: it is the job's again, for another try. */
  lost(index: number, ending: Ending & Identity): Unwanted | "again";
  /** No worker has begun with the task, and it is the job's again. `false`: no caller wants it, and it is dropped. */
  again(index: number): boolean;
  /** No worker will read the input of a task: gives back what it names. */
  drop(index: number): void;
  /** Whether the outcome of a task is wanted. */
  wants(index: number): boolean;
  /** Gives the whole job up: the callers that wait for it are told so. */
  abort(error: unknown): void;
}

/** A job whose items are numbers: several of them may be one task. */
export interface NumberJob extends Job {
  /** Takes up to so many of the next items, if they stand side by side: {@linkcode Source.index} is the first. How many. */
  takeMany(most: number): number;
  /** Their numbers. */
  numbersOf(index: number, count: number): Float64Array;
  /** So many items returned numbers, which stand from `from` on. */
  doneMany(index: number, count: number, values: Float64Array, from: number): Unwanted;
}

/** Where tasks come from, one after the other. */
export interface Source {
  /** Sources with lower numbers come first. */
  readonly priority: number;
  /** The job whose task is next, if there is one now. */
  peek(): Job | undefined;
  /** Takes that task: {@linkcode Source.index} says which it is. */
  take(): void;
  readonly index: number;
  /** Whether no more tasks will come, but for those that come back. */
  readonly exhausted: boolean;
  /** Tasks that wait, as far as is known. */
  readonly waiting: number;
  /** Gives up all that waits; and what is posted, where that is one job's. */
  abort(error: unknown): void;
  /** Gives up what waits and needs this function. How many tasks that were, as far as is known. */
  refuse(fn: number, error: () => Error): number;
  /** Takes all there is, and keeps the results: a caller waits for the end of the job before they are read. */
  hurry?(): void;
}

/** Which worker it was. */
export interface Identity {
  /** Its name. */
  readonly worker: string;
  /** Its process's number. */
  readonly pid?: number;
  /** Its thread's number. */
  readonly ident?: number;
}

/** The error for a task whose worker ended. */
export function lostError(ending: Ending & Identity, taskIndex: number): WorkerLostError {
  return endingError(`Cannot finish task ${taskIndex} as its worker`, ending, { taskIndex });
}

/** An error whose message says how a worker ended, after `start`, and then `hint`. */
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

/** Gives back what an input names that will not be sent. */
export function dropPacked(packed: Packed): void {
  if (typeof packed !== "number") dropReferences(packed);
}

/** Bytes of the blocks into which small messages are packed side by side. */
const PAGE = 1 << 16;
/** Larger messages have a buffer of their own. */
const APART = 1 << 12;

/** Packs many values as they are now: the messages of small ones stand side by side in one buffer. */
export class Packer {
  readonly #options: EncodeOptions;
  #page: Uint8Array | undefined;
  #used = 0;

  constructor(scope: Destination) {
    this.#options = { root: "", scope };
  }

  /** Packs a value; in messages it is called `items[index]`. */
  pack(value: unknown, index: number): Packed {
    if (typeof value === "number") return value;
    let bytes: Uint8Array;
    try {
      bytes = encode(value, this.#options);
    } catch {
      // Once more by its name, which is made where it is needed only.
      bytes = encode(value, { root: `items[${index}]`, scope: this.#options.scope });
    }
    const { length } = bytes;
    if (length >= PAGE) {
      // The next message is written elsewhere.
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

/** How a job is done. */
export interface JobOptions {
  together: number;
  killAfter: number | undefined;
  priority: number;
  retries: number;
}

/** A random number of 48 bits for the program, as two words. */
const PROGRAM: Int32Array = crypto.getRandomValues(new Int32Array(2));
PROGRAM[1] &= 0xffff;
let jobs = 0;

/** What jobs have in common: that a task is tried again where its worker ended, and whose the references in its input are. */
export abstract class AnyJob implements Job {
  readonly since: number = now();
  readonly together: number;
  killAfter: number | undefined;
  readonly priority: number;
  /** The buffers that go beside the input of each task. */
  buffers: Map<number, ArrayBuffer[]> | undefined;
  readonly #retries: number;
  readonly isRaw: boolean = false;
  /** Its number among the jobs of the program. */
  readonly ordinal: number = ++jobs;
  /** How often each task was lost. */
  #losses: Map<number, number> | undefined;

  constructor(
    readonly fn: number,
    readonly name: string,
    readonly spread: boolean,
    options: JobOptions,
  ) {
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

  /** The input of a task, whose references are the job's. */
  protected abstract packedOf(index: number): Packed;

  inputOf(index: number): Packed {
    const packed = this.packedOf(index);
    // What a worker has read is its own; for another try the job needs references of its own.
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

  /** A task is not on the board any more, and no worker has read its input. */
  protected withdrawn(index: number): void {
    if (this.#retries > 0) this.drop(index);
  }

  drop(index: number): void {
    dropPacked(this.packedOf(index));
  }

  /** A task has its outcome: its input is not needed any more. */
  protected settled(index: number): void {
    if (this.#retries > 0) this.drop(index);
    const packed = this.packedOf(index);
    if (typeof packed === "number" || packed.length < PAGE) return;
    this.forget(index);
    takeAgain(packed.buffer as ArrayBuffer);
  }

  /** No part reads the input of a task from here on. */
  protected abstract forget(index: number): void;

  /** Whether a task that was lost is to be tried again. */
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

/** Tasks that are their job's again, the first of them first. */
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

  /** Takes out those from `first` on, and returns them. */
  from(first: number): number[] {
    const kept: number[] = [];
    const taken: number[] = [];
    for (const index of this.#indexes) (index < first ? kept : taken).push(index);
    this.#indexes.splice(0, Infinity, ...kept);
    this.#sorted = false;
    return taken;
  }
}
