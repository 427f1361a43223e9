/**
 * What has the tasks of a pool done, as the calls of the pool see it: workers of this machine, or agents on others.
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

/** What a pool's owner is made of that has its calls. */
export interface OwnerOptions extends Omit<CrewOptions, "start"> {
  /** How many workers the program has asked for; `undefined`: it has not. */
  asked: number | undefined;
}

/** Has the tasks of a pool done, by workers of this machine or of others: what the calls of a pool ask for. */
export interface Owner extends StreamHost {
  readonly posted: TaskHost & {
    readonly completed: number;
    readonly failed: number;
    readonly waitTimes: Histogram;
    readonly runTimes: Histogram;
  };
  readonly functions: { addressOf(fn: AnyFunction): number };
  /** How many workers are reckoned with. */
  readonly size: number;
  /** How many there are. */
  readonly workers: number;
  /** How many workers run something, or come to it. */
  readonly busy: number;
  /** How many tasks no worker has begun with. */
  readonly queued: number;
  /** Why nothing more can be done, if so. */
  readonly broken: { error: unknown } | undefined;
  /** What runs a task once in every worker, where they are this program's. */
  readonly errands: Errands | undefined;
  /** Runs a task once in every worker, where they are not. Resolves with what each has returned. */
  each?(fn: number, name: string, input: { packed: Packed; spread: boolean }): Promise<unknown[]>;
  /** Where a function is handed over. */
  siteOf(fn: number): CallSite;
  /** Takes a new source of tasks on. */
  begin(source: Source): void;
  /** A task was given up, which is posted under that number if that is not below 0. */
  withdrawOne(number: number, job: Job): void;
  /** Runs what gives several jobs up, and only then withdraws their tasks. */
  together(giveUp: () => void): void;
  /** Resolves when so many workers are ready. */
  warm(count: number): Promise<void>;
  /** Has all jobs taken on to their end, also those whose results no caller reads yet. */
  hurry(): void;
  /** No more jobs will come; `empty` is called when all is done and all workers are gone. */
  close(empty: () => void): void;
  /** Gives everything up. */
  terminate(error: unknown): void;
}
