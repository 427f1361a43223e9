/**
 * Whether an array has properties besides its elements, without a list of all its keys: on both engines that costs more
 * than to copy the array.
 *
 * JavaScriptCore tells how many named properties an object has: its shallow size counts them. V8 does not tell, but copies
 * the values of an array far faster than it makes names of their indexes, and Deno's inspector shows named properties of
 * an array and none of its elements, however long it is. Each is tried on an array that has a named property before it
 * is believed; without any of them the keys are listed.
 *
 * @module
 */

import { deno, isBun, nodeProcess } from "./globals.ts";

/** From here on to have an array of integers shown is faster than to copy its values. */
const LONG = 2048;
/** The same for other numbers, each of which becomes an object in such a copy, so that their keys are listed instead. */
const LONG_NUMBERS = 320;

/** `false`: the array has elements alone, or it has holes and may have more. */
export const mayHaveNamed: (array: unknown[]) => boolean = (isBun ? onBun() : undefined) ?? onV8;

function onBun(): ((array: unknown[]) => boolean) | undefined {
  const { estimateShallowMemoryUsageOf: sizeOf } = nodeProcess().getBuiltinModule("bun:jsc") as {
    estimateShallowMemoryUsageOf?: (value: object) => number;
  };
  if (sizeOf === undefined) return undefined;
  const bare = sizeOf([1, 2, 3]);
  if (bare === sizeOf(Object.assign([1, 2, 3], { named: 1 }))) return undefined;
  return (array) => sizeOf(array) !== bare;
}

function onV8(array: unknown[]): boolean {
  const { length } = array;
  const first = array[0];
  if (typeof first !== "number") return Object.values(array).length !== length;
  const isInteger = (first | 0) === first;
  if (length > (isInteger ? LONG : LONG_NUMBERS) && showsNamed()) {
    return inspect!(array, BRIEF) !== `[ ... ${length} more items ]`;
  }
  return (isInteger ? Object.values(array) : Object.keys(array)).length !== length;
}

const BRIEF = { iterableLimit: 0, depth: 0, colors: false };
const inspect = (deno as { inspect?: (value: unknown, options: object) => string } | undefined)?.inspect;
let shows: boolean | undefined;

function showsNamed(): boolean {
  return shows ??= inspect !== undefined && inspect([1, 2, 3], BRIEF) === "[ ... 3 more items ]" &&
    inspect(Object.assign([1, 2, 3], { named: 1 }), BRIEF) !== "[ ... 3 more items ]";
}

/** Whether `structuredClone` copies what a `Map` or a `Set` has besides its entries. */
export const keepsNamedOfCollections: boolean = isBun;
