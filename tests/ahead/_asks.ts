/** Asks at its top level which thread or process imports it. */

import { currentProcess } from "@weft/concurrent/multiprocessing";
import { currentThread } from "@weft/concurrent/threading";

const isWorker = typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function" ||
  (globalThis as { Bun?: { isMainThread: boolean } }).Bun?.isMainThread === false;
export const name = isWorker ? currentThread().name : currentProcess().name;

/** What it was told. */
export function nameAtTop(): string {
  return name;
}
