/** Notes each time that it is imported: each import has a number of its own. */

import { appendFileSync } from "node:fs";
import process from "node:process";

export const number = crypto.getRandomValues(new Uint32Array(1))[0];
try {
  if (process.env.AHEAD_LOG !== undefined) appendFileSync(process.env.AHEAD_LOG, `${number}\n`);
} catch {
  // The test is over.
}

/** The number of the import that runs this. */
export function importNumber(): number {
  return number;
}

/** Another function of the same module. */
export function add(a: number, b: number): number {
  return a + b;
}
