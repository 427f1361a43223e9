import process from "node:process";

/** Whether this is `deno task test:long`. */
export const isLong: boolean = process.env.WEFT_LONG_TESTS === "1";

/**
 * How often a test repeats what chance decides. `deno task test` shows that it works at all; `deno task test:long` gives
 * chance time.
 */
export function rounds(long: number, short: number): number {
  return isLong ? long : short;
}
