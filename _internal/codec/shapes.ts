/**
 * The keys of objects that come again and again. Programs send many messages whose objects have the same keys in the same order:
 * the same shape.
 *
 * The writer keeps the keys of recent shapes as they are written, as a block of words. It writes a shape that comes in a second
 * message as such a block. The reader compares a block with the blocks that it has read before, and takes the keys of an equal
 * one. The message is complete by itself: a reader that does not know the block reads the keys from it.
 *
 * @module
 */

import { MAX_KEYED } from "./format.ts";

/** The keys of some objects, in order. */
export interface Shape {
  readonly keys: readonly string[];
  /** Its place in the table. */
  readonly place: number;
  /** Its number in the last message that has it; negative: there was none. */
  number: number;
  /** The keys as they are written; `undefined`: they were in one message only, or are too long. */
  block: Int32Array | undefined;
}

// The table of the writer. A shape may be in some few places, which depend on its keys.

const SETS = 64;
const PLACES = 4;
const shapes: (Shape | undefined)[] = new Array(SETS * PLACES).fill(undefined);
let turn = 0;

/** The shape with these keys, of which there is at least one. */
export function shapeOf(keys: readonly string[]): Shape {
  const { length } = keys;
  const first = keys[0];
  const last = keys[length - 1];
  const set = (length * 5 + first.length * 7 + last.length * 3 + first.charCodeAt(0) * 11 + last.charCodeAt(0)) &
    (SETS - 1);
  const begin = set * PLACES;
  for (let place = begin; place < begin + PLACES; place++) {
    const shape = shapes[place];
    if (shape === undefined || shape.keys.length !== length) continue;
    let same = 0;
    while (same < length && shape.keys[same] === keys[same]) same++;
    if (same === length) return shape;
  }
  const place = begin + (turn++ & (PLACES - 1));
  turn &= PLACES - 1;
  return shapes[place] = { keys, place, number: -1, block: undefined };
}

/** Takes a shape with long keys out of the table, so that it does not keep them. */
export function forgetShape(shape: Shape): void {
  if (shapes[shape.place] === shape) shapes[shape.place] = undefined;
}

/** The largest number of bytes of the keys in a block. The first byte of the block is their number. */
export const BLOCK_BYTES: number = MAX_KEYED * 4 - 1;

/** Makes the block of a shape from its written keys. */
export function makeBlock(shape: Shape, written: Uint8Array): void {
  if (written.length > BLOCK_BYTES) return;
  const block = new Int32Array((1 + written.length + 3) >> 2);
  const bytes = new Uint8Array(block.buffer);
  // Each key has two bytes at least, so the number of keys fits into one byte.
  bytes[0] = shape.keys.length;
  bytes.set(written, 1);
  shape.block = block;
}

// The table of the reader. It has one place for a block.

const SLOTS = 128;
let blocks: Int32Array | undefined;
const sizes: number[] = new Array(SLOTS).fill(0);
const known: (readonly string[])[] = new Array(SLOTS).fill([]);

/** Where the table of the reader has a block that is `words[at]` up to `words[at + size]`. */
export function slotOf(words: Int32Array, at: number, size: number): number {
  return Math.imul(words[at] ^ Math.imul(words[at + size - 1] + size, 0x01000193), 0x9e3779b1) >>> 25;
}

/** The keys of a block; `undefined` if the reader does not know it. */
export function keysIn(slot: number, words: Int32Array, at: number, size: number): readonly string[] | undefined {
  if (sizes[slot] !== size) return undefined;
  const table = blocks!;
  const begin = slot * MAX_KEYED;
  for (let i = 0; i < size; i++) if (table[begin + i] !== words[at + i]) return undefined;
  return known[slot];
}

/** Notes the keys of a block, and returns them as the runtime has them: it finds the properties of objects faster by these. */
export function noteKeys(
  slot: number,
  words: Int32Array,
  at: number,
  size: number,
  keys: readonly string[],
): readonly string[] {
  // First, since it may throw: a block must not stand beside the keys of another.
  const properties = asProperties(keys);
  blocks ??= new Int32Array(SLOTS * MAX_KEYED);
  sizes[slot] = 0;
  for (let i = 0; i < size; i++) blocks[slot * MAX_KEYED + i] = words[at + i];
  known[slot] = properties;
  sizes[slot] = size;
  return properties;
}

function asProperties(keys: readonly string[]): readonly string[] {
  const properties = Object.keys(Object.fromEntries(keys.map((key) => [key, 0])));
  // Keys that are indexes have another order in an object. Only broken messages have a key twice.
  return properties.length === keys.length && properties.every((key, i) => key === keys[i]) ? properties : keys;
}
