/**
 * How a thread gets its view of the processes' memory.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { RECORD } from "../memory/participants.ts";
import { Space } from "../memory/space.ts";
import { existingSpace, setProcessSpaceFactory, spaceOf } from "../memory/spaces.ts";
import { exitThread } from "../runtime/exit.ts";
import { onExit } from "../runtime/last_words.ts";
import { loadLibc } from "../runtime/libc.ts";
import { isWorker } from "../runtime/worker.ts";
import { PROCESS_ID } from "../threads/record.ts";
import { ProcessMemory } from "./process_memory.ts";
import { existingRegion, leaveRegion, region } from "./region.ts";
import { sweep, sweepAtExit } from "./segments.ts";

setProcessSpaceFactory(() => {
  const isFirst = existingRegion() === undefined;
  const memory = new ProcessMemory(region());
  const space = Space.join(memory, memory.region.index, exitThread);
  // A thread that is stopped cannot say there that it has ended.
  const thread = existingSpace("thread");
  const record = thread === undefined ? 0 : load(thread.words, thread.entry + RECORD);
  if (record !== 0) store(thread!.words, record + PROCESS_ID, space.id);
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
