/** What is said of modules that do not finish loading. */

import { setPatience } from "../_internal/work/starting.ts";

/**
 * Runs a test in which a starter waits so many milliseconds for a module.
 *
 * @param test Gets a function that waits until so many modules were named, and what was said so far.
 */
export async function namedWithin(
  ms: number,
  test: (named: (count: number) => Promise<string[]>, said: string[]) => Promise<void>,
): Promise<void> {
  const { error } = console;
  const said: string[] = [];
  console.error = (...args: unknown[]) => {
    if (String(args[0]).includes("has not finished loading")) said.push(String(args[0]));
    else error(...args);
  };
  const before = setPatience(ms);
  try {
    await test(async (count) => {
      while (said.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
      return said;
    }, said);
  } finally {
    setPatience(before);
    console.error = error;
  }
}
