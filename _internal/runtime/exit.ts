/**
 * Ends the thread that calls.
 *
 * @module
 */

import { wait } from "../atomics.ts";
import { deno, nodeProcess } from "./globals.ts";

/** Stops a worker at once: no `finally` of the program runs. In a worker that is what exit does, on either runtime. */
export function exitThread(): never {
  if (deno !== undefined) deno.exit();
  else nodeProcess().exit();
  return halt();
}

// Deno's exit returns in a worker that was told to terminate already, as those of a thread are that ended before it: the
// runtime stops its code where it next looks, which is not here. Nothing of the program may run in a thread that others
// take for ended, so it stays here until the runtime gets to it.
function halt(): never {
  const words = new Int32Array(new SharedArrayBuffer(4));
  for (;;) wait(words, 0, 0, 10);
}

/** The exit code that the program has set for the end of this process, as the system keeps it. */
export function exitCodeSet(): number {
  const code = deno !== undefined
    ? (deno as unknown as { exitCode: number }).exitCode
    : (nodeProcess() as unknown as { exitCode?: number | string }).exitCode;
  return Number(code ?? 0) & 0xff;
}

/** Ends the process that calls, with all its threads. */
export function exitProcess(code: number): never {
  return deno !== undefined ? deno.exit(code) : nodeProcess().exit(code);
}
