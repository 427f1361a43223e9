/**
 * Ends the thread that calls.
 *
 * @module
 */

import process from "node:process";

/** Stops a worker at once: no `finally` of the program runs. On Deno and Bun alike, `process.exit` in a worker does so. */
export function exitThread(): never {
  process.exit();
}
