/** Hands functions of others on, and says where it is imported although no thread needs it. */

import { Thread } from "@weft/concurrent/threading";

if ((globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope !== undefined) {
  console.log("imported in vain");
}
if ((globalThis as { Bun?: { isMainThread: boolean } }).Bun?.isMainThread === false) {
  console.log("imported in vain");
}

/** Starts a thread with a function. */
export function startWith<A extends unknown[], R>(fn: (...args: A) => R, args: A): Thread<A, R> {
  return new Thread({ target: fn, args }).start();
}
