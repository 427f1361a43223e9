/**
 * What a worker still does when it ends or fails, whichever way.
 *
 * @module
 */

import process from "node:process";

/** What the library does then. */
export interface LastWords {
  /** Synchronous; the last thing that runs. */
  exit(code: number): void;
  /** An error that nobody caught. */
  uncaught(error: unknown): void;
}

/** Says what is to be done when this worker exits or fails. */
export function onLastWords(words: LastWords): void {
  onExit(words.exit);
  process.on("uncaughtException", words.uncaught);
  process.on("unhandledRejection", words.uncaught);
}

/** Says what is to be done when this worker exits in an orderly way; synchronous, and once. */
export function onExit(exit: (code: number) => void): void {
  let over = false;
  const once = (code: number): void => {
    if (over) return;
    over = true;
    exit(code);
  };
  process.on("exit", once);
  // Deno.exit() does not pass by node's event.
  globalThis.addEventListener?.("unload", () => once(Number(process.exitCode ?? 0)));
}
