/** Hands functions of others on; it is for the program's own thread alone. */

import { Thread } from "@weft/concurrent/threading";

if ((globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope !== undefined) {
  throw new Error("imported in vain");
}
if ((globalThis as { Bun?: { isMainThread: boolean } }).Bun?.isMainThread === false) {
  throw new Error("imported in vain");
}

/** Starts a thread with a function. */
export function startWith<A extends unknown[], R>(fn: (...args: A) => R, args: A): Thread<A, R> {
  return new Thread({ target: fn, args }).start();
}
