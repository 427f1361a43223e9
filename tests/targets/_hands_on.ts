/** Hands functions of others on, and says where it is imported although no thread needs it. */

import { currentThread, Thread } from "@weft/concurrent/threading";

if (currentThread().ident !== 1) console.log("imported in vain");

/** Starts a thread with a function. */
export function startWith<A extends unknown[], R>(fn: (...args: A) => R, args: A): Thread<A, R> {
  return new Thread({ target: fn, args }).start();
}
