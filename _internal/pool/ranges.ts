/**
 * Cuts a number of items into ranges, for `mapRange`.
 *
 * @module
 */

import { optionsOr, show, validateInteger } from "../options.ts";

/** The number of ranges for each worker. With fewer, some workers are idle at the end; more cost more than they gain. */
const RANGES = 16;

/** The arguments of the function for each range: its begin, its end, and `args`. */
export function rangesOf(
  length: number | { readonly length: number },
  options: { chunksize?: number; args?: readonly unknown[] } | undefined,
  workers: number,
): [begin: number, end: number, ...args: unknown[]][] {
  const items = typeof length === "object" ? (length as { length?: unknown } | null)?.length : length;
  if (typeof items !== "number") {
    throw new TypeError(
      `Cannot map as the length must be a number, or an object with a 'length': received ${show(length)}`,
    );
  }
  validateInteger(items, "the length", 0, Number.MAX_SAFE_INTEGER, "map");
  const { chunksize, args = [] } = optionsOr(options);
  if (!Array.isArray(args)) throw new TypeError(`Cannot map as 'args' must be an array: received ${show(args)}`);
  if (chunksize !== undefined) validateInteger(chunksize, "'chunksize'", 1, 0x7fffffff, "map");
  const size = chunksize ?? Math.max(1, Math.ceil(items / (workers * RANGES)));
  const ranges: [number, number, ...unknown[]][] = [];
  for (let begin = 0; begin < items; begin += size) ranges.push([begin, Math.min(items, begin + size), ...args]);
  return ranges;
}
