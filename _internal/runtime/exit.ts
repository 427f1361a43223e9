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

/** Ends the process that calls, with all its threads. */
export function exitProcess(code: number): never {
  return deno !== undefined ? deno.exit(code) : nodeProcess().exit(code);
}
