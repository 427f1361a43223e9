import { load } from "../../_internal/atomics.ts";
import { NEXT_PARTICIPANT_AT, PARTICIPANT_COUNT, TOP_AT } from "../../_internal/memory/memory.ts";
import type { Scope } from "../../_internal/memory/memory.ts";
import { entryOf, UNPUT } from "../../_internal/memory/participants.ts";
import { spaceOf } from "../../_internal/memory/space.ts";

/** How many bytes of a memory were ever given out. Bytes that are given back and used again count once. */
export function usedBytes(scope: Scope): number {
  return load(spaceOf(scope).words, TOP_AT) * 4;
}

/** How many messages the threads of a scope wait to put, as they have noted it: see _internal/queue/taken.ts. */
export function countUnput(scope: Scope): number {
  const { words } = spaceOf(scope);
  let count = 0;
  for (let id = Math.min(PARTICIPANT_COUNT, load(words, NEXT_PARTICIPANT_AT)); id > 0; id--) {
    // The first word of a message leads to the next.
    for (let at = load(words, entryOf(id) + UNPUT); at !== 0 && count < 100; at = load(words, at)) count++;
  }
  return count;
}
