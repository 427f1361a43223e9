/**
 * The pieces of shared memory that messages are written into one behind the other.
 *
 * ```text
 *   word 0   next segment; 0: none
 *        1   its end
 *        2   ┐ where a stack goes on below: segment and position
 *        3   ┘
 *        4…  messages
 * ```
 *
 * @module
 */

import type { Space } from "../memory/space.ts";
import { MESSAGE_WORDS } from "./message.ts";

export const NEXT = 0;
export const END = 1;
export const PREVIOUS = 2;
export const BELOW = 3;
export const FIRST = 4;

/** 64 KiB, less what the allocator adds. */
const LARGEST = 16384 - 2;

/** A segment twice as large as the one before, with room for that many words of a message. 0: there is no memory. */
export function makeSegment(space: Space, before: number, size: number): number {
  const words = Math.max(Math.min(before * 2, LARGEST), Math.min(size, MESSAGE_WORDS) + FIRST + 2);
  // Nearly full memory: what the message needs is enough.
  let length = words;
  let segment = space.tryAllocate(length, false);
  if (segment === 0) segment = space.tryAllocate(length = size + FIRST + 2, false);
  if (segment === 0) return 0;
  space.words[segment + NEXT] = 0;
  space.words[segment + END] = segment + length;
  return segment;
}
