/**
 * The record of a process that this library did not start: the program's first.
 *
 * @module
 */

import { store } from "../atomics.ts";
import { PROCESS } from "../memory/kinds.ts";
import { OBJECT_HEADER } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import type { ProcessMemory } from "./process_memory.ts";
import { pidOfThis } from "../runtime/globals.ts";
import { freeNames, writeName } from "../threads/name.ts";
import { FLAGS, FOREIGN, RUNNING, STATE } from "../threads/record.ts";
import { setOwnRecord } from "./lifeline.ts";
import { INDEX, ownRecord, PID, PROCESS_WORDS } from "./record.ts";

/** The record of this process; made where there is none. */
export function ensureOwnRecord(space: Space): number {
  const known = ownRecord();
  if (known !== 0) return known;
  const { words } = space;
  const at = space.allocate(OBJECT_HEADER + PROCESS_WORDS, "start process");
  const record = at + OBJECT_HEADER;
  store(words, at, PROCESS);
  // As long as this process lives.
  store(words, at + 1, 1);
  store(words, record + PID, pidOfThis());
  store(words, record + INDEX, (space.memory as ProcessMemory).region.index);
  store(words, record + FLAGS, FOREIGN);
  store(words, record + STATE, RUNNING);
  writeName(space, record, "MainProcess");
  // Another thread may have made one at the same time.
  if (!setOwnRecord(record)) {
    freeNames(space, record);
    space.free(at);
  }
  return ownRecord();
}
