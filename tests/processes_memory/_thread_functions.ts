/** What threads of the other processes do. */

import { processSpace } from "../../_internal/processes/process_memory.ts";
import { Event, Lock, Queue } from "../../multiprocessing/mod.ts";

export function holdLock(): void {
  new Lock({ name: "lock" }).acquireSync();
  new Queue({ name: "ids" }).putSync(processSpace().id);
  new Event({ name: "never" }).waitSync();
}

export function openInThread(): number {
  // Blocks on the memory, and wakes others in it.
  const lock = new Lock({ name: "lock" });
  for (let i = 0; i < 1000; i++) lock.acquireSync()[Symbol.dispose]();
  return processSpace().id;
}
