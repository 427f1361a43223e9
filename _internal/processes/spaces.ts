/**
 * How a thread gets its view of the processes' memory.
 *
 * @module
 */

import { Space } from "../memory/space.ts";
import { setProcessSpaceFactory, spaceOf } from "../memory/spaces.ts";
import { exitThread } from "../runtime/exit.ts";
import { onExit } from "../runtime/last_words.ts";
import { loadLibc } from "../runtime/libc.ts";
import { isWorker } from "../runtime/worker.ts";
import { ProcessMemory } from "./process_memory.ts";
import { existingRegion, leaveRegion, region } from "./region.ts";
import { sweep, sweepAtExit } from "./segments.ts";

setProcessSpaceFactory(() => {
  const isFirst = existingRegion() === undefined;
  const memory = new ProcessMemory(region());
  const space = Space.join(memory, memory.region.index, exitThread);
  // What a tree that was killed has left, and what this one would.
  if (isFirst) {
    const libc = loadLibc("remove shared memory");
    sweep(libc);
    libc.sweep();
  }
  if (!isWorker()) {
    onExit(() => {
      sweepAtExit();
      leaveRegion();
    });
  }
  return space;
});

/** This thread's view of the processes' memory. */
export function processSpace(): Space {
  return spaceOf("process");
}
