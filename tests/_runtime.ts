/** The runtime that runs the tests, and how a test starts a program on it. */

import process from "node:process";

export const isDeno: boolean = "Deno" in globalThis;
export const isBun: boolean = "Bun" in globalThis;
export const isNode: boolean = !isDeno && !isBun;

/**
 * The flags between `process.execPath` and the file of a program.
 *
 * @param deno The flags for Deno, which alone has to be told what a program may do.
 */
export function runFlags(...deno: string[]): string[] {
  if (isDeno) return ["run", "--no-check", ...deno];
  if (isBun) return [];
  // Without the first, `node:ffi` prints a warning. The other is how Node finds the packages that deno.json maps.
  return ["--disable-warning=ExperimentalWarning", ...process.execArgv.filter((flag) => flag.startsWith("--import="))];
}

/** The flags for a program that may do everything. */
export const RUN_FLAGS: readonly string[] = runFlags("-A");
