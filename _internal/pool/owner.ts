/**
 * The owner of a pool, as the calls of the pool use it. It has tasks run by workers of this machine, or by agents on others.
 *
 * @module
 */

import type { AnyFunction } from "../targets/source.ts";
import type { CrewOptions } from "./crew.ts";
import type { Errands } from "./errands.ts";
import type { CallSite } from "./functions.ts";
import type { Histogram } from "./histogram.ts";
import type { Job, Source } from "./job.ts";
import type { StreamHost } from "./stream_job.ts";
import type { TaskHost } from "./submit_job.ts";
import type { Packed } from "./task.ts";

/** What an owner needs to know of its pool. */
export interface OwnerOptions extends Omit<CrewOptions, "start"> {
  /** The number of workers that the program has asked for; `undefined` if it has not. */
  asked: number | undefined;
}

/** Has the tasks of a pool run. */
export interface Owner extends StreamHost {
  readonly posted: TaskHost & {
    readonly completed: number;
    readonly failed: number;
    readonly waitTimes: Histogram;
    readonly runTimes: Histogram;
  };
  readonly functions: { addressOf(fn: AnyFunction): number };
  /** The number of workers that is expected, by which work is divided. */
  readonly size: number;
  /** The number of workers that are alive. */
  readonly workers: number;
  /** The number of workers that run a task, or import the module of one. */
  readonly busy: number;
  /** The number of tasks that no worker has begun with. */
  readonly queued: number;
  /** The error with which all tasks reject, if the pool cannot run tasks any more. */
  readonly broken: { error: unknown } | undefined;
  /** Runs a task once in every worker, if the workers are on this machine. */
  readonly errands: Errands | undefined;
  /** Runs a task once in every worker, if they are on other machines. Resolves with what each call returned. */
  each?(fn: number, name: string, input: { packed: Packed; spread: boolean }): Promise<unknown[]>;
  /** The place in the program that calls the pool with this function now. */
  siteOf(fn: number): CallSite;
  /** Takes on a new source of tasks. */
  begin(source: Source): void;
  /** Withdraws a task that was given up. Its number on the board is `number`; below 0: it is not posted. */
  withdrawOne(number: number, job: Job): void;
  /** Runs a function that gives up several jobs, and withdraws their tasks only after that. */
  together(giveUp: () => void): void;
  /** Resolves when this number of workers is ready. */
  warm(count: number): Promise<void>;
  /** Runs all jobs to their end, even if no caller reads their results. */
  hurry(): void;
  /** Notes that no more jobs will come. Calls `empty` when all tasks are over and all workers have ended. */
  close(empty: () => void): void;
  /** Gives up all jobs, and ends the workers. */
  terminate(error: unknown): void;
}
