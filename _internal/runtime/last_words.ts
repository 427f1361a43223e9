/**
 * What a worker still does when it ends or fails, whichever way.
 *
 * @module
 */

import { deno, nodeProcess } from "./globals.ts";

/** What the library does then. */
export interface LastWords {
  /** Synchronous; the last thing that runs. */
  exit(code: number): void;
  /** An error that nobody caught. */
  uncaught(error: unknown): void;
}

/** Says what is to be done when this worker exits or fails. */
export function onLastWords({ exit, uncaught }: LastWords): void {
  onExit(exit);
  if (deno === undefined) {
    nodeProcess().on("uncaughtException", uncaught);
    nodeProcess().on("unhandledRejection", uncaught);
  }
  // Under `bun test` this is all that comes, also for rejections.
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    uncaught(event.error);
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    uncaught(event.reason);
  });
}

let exiting = false;

/** Whether this worker was told to exit, and stops where the runtime gets to it. Known once the library listens for that. */
export function isExiting(): boolean {
  return exiting;
}

/** Says what is to be done when this worker exits in an orderly way; synchronous, and once. */
export function onExit(exit: (code: number) => void): void {
  let over = false;
  const once = (code: number): void => {
    exiting = true;
    if (over) return;
    over = true;
    exit(code);
  };
  if (deno === undefined) nodeProcess().on("exit", once);
  else {globalThis.addEventListener("unload", () =>
      once((globalThis as { Deno?: { exitCode: number } }).Deno!.exitCode));}
}

/**
 * Says what is to be done when this thread of the program exits or fails in any way that lets it. May be called more than
 * once: an error is told before it is known whether the program handles it.
 */
export function onAnyEnd(end: () => void): void {
  onExit(end);
  // Deno sends no "unload" after these.
  if (deno !== undefined) {
    for (const type of ["error", "unhandledrejection"]) {
      globalThis.addEventListener(type, end);
    }
  }
}

/** In the main thread: asks, when nothing is left that keeps the program alive, whether it shall go on all the same. */
export function onLoopEmpty(goOn: () => boolean): void {
  if (deno === undefined) {
    // What was begun in the listener is what goes on.
    nodeProcess().on("beforeExit", () => void goOn());
  } else {
    globalThis.addEventListener("beforeunload", (event) => {
      if (goOn()) event.preventDefault();
    });
  }
}
