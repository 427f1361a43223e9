/**
 * Signals to a whole group of processes, as a child on Deno leaves them to its starter.
 *
 * Deno catches these signals in every process, and ends it where there is no listener. One that does nothing is enough to
 * leave them to the starter, also while code runs that never returns to the event loop. But SIGTERM is also what
 * `terminate()` sends, and whether the program has a listener of its own for it nothing can tell. So a starter asks first, by
 * SIGURG, which does nothing by itself: then the child takes its own listener off and sends itself the SIGTERM, for which the
 * program's listeners are called, or which ends it.
 *
 * @module
 */

import { deno } from "./globals.ts";

interface Signals {
  addSignalListener(signal: string, listener: () => void): void;
  removeSignalListener(signal: string, listener: () => void): void;
}

const signals = deno as unknown as Signals | undefined;

const ignore = (): void => {};

/** On Deno: has SIGINT, SIGHUP and SIGTERM do nothing, until the program has a listener. */
export function ignoreOnDeno(): void {
  for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"]) signals!.addSignalListener(signal, ignore);
}

/** Calls `action` when a starter asks. `false`: not on this runtime. */
export function onAsked(action: () => void): boolean {
  if (signals === undefined) return false;
  signals.addSignalListener("SIGURG", action);
  return true;
}

/** Ends {@linkcode ignoreOnDeno} for SIGTERM. */
export function heedTerminate(): void {
  signals!.removeSignalListener("SIGTERM", ignore);
}
