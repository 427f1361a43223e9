/** A thread that holds a mutex of the library. */

import { lockMutex } from "../../_internal/memory/participants.ts";
import { spaceOf } from "../../_internal/memory/space.ts";
import type { Event } from "@weft/concurrent/threading";

/** Takes the mutex and never gives it back, and never checks whether it is to end. */
export function holdMutex(at: number, held: Event): void {
  const { memory, id } = spaceOf("thread");
  lockMutex(memory, at, id);
  held.set();
  for (;;);
}
