/**
 * Signals to a whole group of processes, as a child on Deno leaves them to its starter.
 *
 * @module
 */

import { deno } from "./globals.ts";

/** Has SIGINT and SIGHUP do nothing. SIGTERM stays: nothing could tell whether the program handles it itself. */
export function ignoreOnDeno(): void {
  const { addSignalListener } = deno as unknown as {
    addSignalListener(signal: string, listener: () => void): void;
  };
  for (const signal of ["SIGINT", "SIGHUP"]) addSignalListener(signal, () => {});
}
