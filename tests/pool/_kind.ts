/** What the tests of pools need from the kind that they are bound to. */

import type * as threading from "@weft/concurrent/threading";

/** Threads or processes with the objects that they share; or workers on other machines, which share nothing. */
export type Kind =
  & {
    readonly name: "thread" | "process" | "fleet";
    readonly Pool: typeof threading.Pool;
    /** Ends some worker whose pool has this name, by force; `false` if there is none. */
    killWorker(pool: string): boolean;
    /** The same for the worker that was started last. */
    killNewestWorker(pool: string): boolean;
  }
  & Pick<
    typeof threading,
    "Barrier" | "Event" | "Lock" | "Queue" | "RLock" | "RWLock" | "Semaphore" | "SharedArray" | "Value"
  >;

/** A worker that can be ended by force. */
interface Victim {
  readonly name: string;
}

/** Makes the two functions that end workers of a pool. */
export function killersOf<V extends Victim>(
  all: () => V[],
  kill: (victim: V) => void,
): Pick<Kind, "killWorker" | "killNewestWorker"> {
  const number = ({ name }: Victim): number => Number(name.slice(name.lastIndexOf("-") + 1));
  const end = (pool: string, choose: (workers: V[]) => V | undefined): boolean => {
    const victim = choose(all().filter(({ name }) => name.startsWith(`${pool}-`)));
    if (victim !== undefined) kill(victim);
    return victim !== undefined;
  };
  return {
    killWorker: (pool) => end(pool, (workers) => workers[Math.floor(Math.random() * workers.length)]),
    killNewestWorker: (pool) => end(pool, (workers) => workers.sort((a, b) => number(a) - number(b)).at(-1)),
  };
}
