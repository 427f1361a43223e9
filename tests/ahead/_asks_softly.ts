/** As _asks.ts, and goes on where it is not told. */

import { currentProcess } from "@weft/concurrent/multiprocessing";
import { currentThread } from "@weft/concurrent/threading";

const isWorker = typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function" ||
  (globalThis as { Bun?: { isMainThread: boolean } }).Bun?.isMainThread === false;
let name = "none";
try {
  name = isWorker ? currentThread().name : currentProcess().name;
} catch {
  // Then it has no name.
}

/** What it was told. */
export function nameAtTop(): string {
  return name;
}
