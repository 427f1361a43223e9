import { load } from "../../_internal/atomics.ts";
import { TOP_AT } from "../../_internal/memory/memory.ts";
import type { Scope } from "../../_internal/memory/memory.ts";
import { spaceOf } from "../../_internal/memory/space.ts";

/** How many bytes of a memory were ever given out. Bytes that are given back and used again count once. */
export function usedBytes(scope: Scope): number {
  return load(spaceOf(scope).words, TOP_AT) * 4;
}
