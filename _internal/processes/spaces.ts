/**
 * How a thread gets its view of the processes' memory.
 *
 * @module
 */

import { Space } from "../memory/space.ts";
import { setProcessSpaceFactory, spaceOf } from "../memory/spaces.ts";
import { exitThread } from "../runtime/exit.ts";
import { ProcessMemory } from "./process_memory.ts";
import { region } from "./region.ts";

setProcessSpaceFactory(() => {
  const memory = new ProcessMemory(region());
  return Space.join(memory, memory.region.index, exitThread);
});

/** This thread's view of the processes' memory. */
export function processSpace(): Space {
  return spaceOf("process");
}
