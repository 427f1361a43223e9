/** A function that returns its thread and process. */

import { currentProcess } from "@weft/concurrent/multiprocessing";
import { currentThread } from "@weft/concurrent/threading";
import { isWorker } from "../../_internal/runtime/this_thread.ts";

/** The name of the thread that calls, or of the process whose main thread calls. */
export function ownName(): string {
  return isWorker() ? currentThread().name : currentProcess().name;
}
