/** What holds a mutex of the library's own. */

import { lockMutex } from "../../_internal/memory/participants.ts";
import { spaceOf } from "../../_internal/memory/space.ts";
import type { Event } from "@weft/concurrent/threading";

/** Takes it and never gives it back, nor looks whether it shall end. */
export function holdMutex(at: number, held: Event): void {
  const { memory, id } = spaceOf("thread");
  lockMutex(memory, at, id);
  held.set();
  for (;;);
}
