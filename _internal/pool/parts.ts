/**
 * The parts of a pool's owner, as the other parts use them.
 *
 * @module
 */

import type { Board } from "./board.ts";
import type { Crew } from "./crew.ts";
import type { Functions } from "./functions.ts";
import type { Job } from "./job.ts";
import type { Posted } from "./posted.ts";
import type { Trays } from "./trays.ts";

/** A pool's owner, as its parts see it. */
export interface PoolParts {
  readonly board: Board;
  readonly crew: Crew;
  readonly trays: Trays;
  readonly posted: Posted;
  readonly functions: Functions;
  /** The maximum number of workers. */
  readonly size: number;
  /** The error with which all tasks reject, if the pool cannot run tasks any more. */
  readonly broken: { error: unknown } | undefined;
  /** Whether the pool has ended and its memory is freed. */
  readonly isDestroyed: boolean;
  /** Posts waiting tasks soon. */
  plan(): void;
  /** Notes that a job has tasks to post again. */
  again(job: Job): void;
  /** Finds workers that have ended, even if no event has reported it. */
  reap(): void;
  /** Collects finished tasks. Returns whether there were any. */
  collect(): boolean;
  /** Starts workers for the posted tasks, and at least this number. */
  hire(least: number): void;
  /** Ends the work of the pool: all tasks reject with this error, now and later. */
  break(error: unknown): void;
  /** Checks whether an initializer has thrown, and breaks the pool if so. Returns whether it did now. */
  hasFailed(): boolean;
  /** Rejects all tasks of a function with which no worker can begin. */
  refuse(fn: number, error: () => Error): void;
}
