/** A function that returns its thread and process. */

import { currentProcess } from "@weft/concurrent/multiprocessing";
import { currentThread } from "@weft/concurrent/threading";

/** Whether a thread calls that is not its program's main one. */
const isWorker = typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function" ||
  (globalThis as { Bun?: { isMainThread: boolean } }).Bun?.isMainThread === false;

/** The name of the thread that calls, or of the process whose main thread calls. */
export function ownName(): string {
  return isWorker ? currentThread().name : currentProcess().name;
}
