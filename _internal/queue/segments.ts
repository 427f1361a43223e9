/**
 * Segments: blocks with messages, of which the containers of queues make lists.
 *
 * @module
 */

import type { Space } from "../memory/space.ts";
import { MESSAGE_WORDS } from "./message.ts";

/** In a segment: the next segment, and the address after its last word. */
export const NEXT = 0;
export const END = 1;
/** In a segment of a stack: the segment below, and the position in it where the stack continues. */
export const PREVIOUS = 2;
export const BELOW = 3;
/** Where the first message is. */
export const FIRST = 4;

/** Words of 64 KiB, less the header that the allocator adds. */
const LARGEST = 16384 - 2;

/** Makes a segment of twice `before` words that has room for a message of `size` words. Returns 0 if there is no memory. */
export function makeSegment(space: Space, before: number, size: number): number {
  const words = Math.max(Math.min(before * 2, LARGEST), Math.min(size, MESSAGE_WORDS) + FIRST + 2);
  // If the memory is nearly full, room for the message is enough.
  let length = words;
  let segment = space.tryAllocate(length, false);
  if (segment === 0) segment = space.tryAllocate(length = size + FIRST + 2, false);
  if (segment === 0) return 0;
  space.words[segment + NEXT] = 0;
  space.words[segment + END] = segment + length;
  return segment;
}
