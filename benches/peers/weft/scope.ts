/** Threads and processes of this library, seen as one. */

import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";

/** A thread or process that was started. */
export interface Started {
  join(): Promise<boolean>;
  result(): Promise<unknown>;
}

/** What the works use. Both modules have the same classes; the types are those of threads. */
export interface Scope {
  readonly kind: typeof threading;
  readonly processes: boolean;
  /** Starts a thread or process that calls the function. */
  start<A extends unknown[]>(target: (...args: A) => unknown, args: A): Started;
}

/** The scope of a player's name. */
export function scopeNamed(name: string): Scope {
  if (name === "threads") {
    return {
      kind: threading,
      processes: false,
      start: (target, args) => new threading.Thread({ target, args }).start(),
    };
  }
  const kind = multiprocessing as unknown as typeof threading;
  const { Process } = name === "forkserver" ? multiprocessing.getContext("forkserver") : multiprocessing;
  return { kind, processes: true, start: (target, args) => new Process({ target, args }).start() };
}
