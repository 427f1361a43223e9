/** What the tests of pools need of the kind that they are bound to. */

import type * as threading from "@weft/concurrent/threading";

/** Threads or processes, with the objects that they share. */
export type Kind =
  & {
    readonly name: "thread" | "process";
    readonly Pool: typeof threading.Pool;
    /** Ends some worker whose pool has this name, by force; `false` if there is none. */
    killWorker(pool: string): boolean;
  }
  & Pick<
    typeof threading,
    "Barrier" | "Event" | "Lock" | "Queue" | "RLock" | "RWLock" | "Semaphore" | "Value"
  >;
