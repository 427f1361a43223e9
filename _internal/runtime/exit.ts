/**
 * Ends the thread that calls.
 *
 * @module
 */

import { deno, nodeProcess } from "./globals.ts";

/** Stops a worker at once: no `finally` of the program runs. In a worker that is what exit does, on either runtime. */
export function exitThread(): never {
  return deno !== undefined ? deno.exit() : nodeProcess().exit();
}
