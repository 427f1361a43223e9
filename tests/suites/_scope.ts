/**
 * What a suite of tests needs from its memory: the classes over it, and a way to run a function beside the test.
 *
 * A suite is written once and bound twice, to threads and to processes.
 */

import type * as threading from "@weft/concurrent/threading";

/** The classes that exist over both memories. */
export type Classes = Pick<
  typeof threading,
  | "Lock"
  | "RLock"
  | "Semaphore"
  | "BoundedSemaphore"
  | "Event"
  | "Condition"
  | "Barrier"
  | "RWLock"
  | "Latch"
  | "Value"
  | "SharedArray"
  | "Queue"
  | "LifoQueue"
  | "PriorityQueue"
>;

/** A function that runs in a thread or a process of its own. */
export interface Runner<R> {
  join(options?: threading.WaitOptions): Promise<boolean>;
  joinSync(options?: threading.WaitSyncOptions): boolean;
  /** What the function returned; throws what it threw. */
  result(): Promise<Awaited<R>>;
  /** Ends it from outside: `terminate()` of a thread, `kill()` of a process. */
  kill(): void;
  /** The same, but `terminate()` for a process, too. */
  terminate(): void;
  readonly isAlive: boolean;
  /** Only of a process. */
  readonly pid?: number;
}

/** One of the two memories. */
export interface Scope extends Classes {
  readonly name: "thread" | "process";
  /** Runs a function of a module in a thread or process that is kept for the next: see _hosts.ts. */
  run<A extends unknown[], R>(target: (...args: A) => R | Promise<R>, ...args: A): Runner<R>;
  /** Runs it in a thread or process of its own, which ends with it. */
  start<A extends unknown[], R>(target: (...args: A) => R | Promise<R>, ...args: A): Runner<R>;
}
