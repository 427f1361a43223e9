/**
 * Names of threads. A name is a block of its own, so that whoever reads one while it is changed reads the old one or the
 * new one; old names are kept until the thread's record goes.
 *
 * ```text
 *   0  the name before, 0: none      1  length in bytes      2…  UTF-8
 * ```
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { type Attachment, OBJECT_HEADER } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import { NAME } from "./record.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Gives the thread of a record a name. */
export function writeName(space: Space, record: number, name: string): void {
  const bytes = encoder.encode(name);
  const block = space.allocate(2 + ((bytes.length + 3) >> 2), "name a thread");
  store(space.words, block, load(space.words, record + NAME));
  store(space.words, block + 1, bytes.length);
  space.memory.bytes.set(bytes, (block + 2) * 4);
  store(space.words, record + NAME, block);
}

/** The name of the thread of a record. */
export function readName(space: Space, record: number): string {
  const block = load(space.words, record + NAME);
  if (block === 0) return "";
  return decoder.decode(space.memory.bytes.slice((block + 2) * 4, (block + 2) * 4 + load(space.words, block + 1)));
}

/** The name of the thread whose record is this object. */
export function labelOf({ space, at }: Attachment): string {
  return readName(space, at + OBJECT_HEADER);
}

/** Gives all names of a record back. */
export function freeNames(space: Space, record: number): void {
  for (let block = load(space.words, record + NAME); block !== 0;) {
    const before = load(space.words, block);
    space.free(block);
    block = before;
  }
}
