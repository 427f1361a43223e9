/**
 * The parts of a pool's owner, for those of them that need others.
 *
 * @module
 */

import type { Board } from "./board.ts";
import type { Crew } from "./crew.ts";
import type { Functions } from "./functions.ts";
import type { Job } from "./job.ts";
import type { Posted } from "./posted.ts";
import type { Trays } from "./trays.ts";

/** The owner's side of a pool, as its parts see it. */
export interface PoolParts {
  readonly board: Board;
  readonly crew: Crew;
  readonly trays: Trays;
  readonly posted: Posted;
  readonly functions: Functions;
  /** How many workers there are at most. */
  readonly size: number;
  /** Why nothing more can be done, if so. */
  readonly broken: { error: unknown } | undefined;
  /** Whether the memory is given back. */
  readonly isDestroyed: boolean;
  /** Posts what there is, soon. */
  plan(): void;
  /** The job has tasks to post, again. */
  again(job: Job): void;
  /** Finds out which workers have ended, also where nothing has told. */
  reap(): void;
  /** Takes in what the workers have told. */
  collect(): boolean;
  /** Starts the workers for which there is work, and so many at least. */
  hire(least: number): void;
  /** Nothing more can be done. */
  break(error: unknown): void;
  /** Whether an initializer has thrown since this was asked last; then nothing more can be done. */
  hasFailed(): boolean;
  /** No worker can begin with this function. */
  refuse(fn: number, error: () => Error): void;
}
