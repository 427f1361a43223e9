/**
 * Ends the thread that calls.
 *
 * @module
 */

import { wait } from "../atomics.ts";
import { deno, isBun, nodeProcess } from "./runtime.ts";

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

// What a worker still does when it ends or fails, whichever way.

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

// What the program has written and the runtime has not.
//
// Deno writes at once. Bun keeps what a pipe does not take of `process.stdout` and `process.stderr` until its event loop
// gets to it, which it does not in a worker or process that exits; what `console` prints it writes at once.

/** Whether this runtime may have kept some. */
export const keepsOutput: boolean = isBun;

/**
 * A program that uses a stream for the first time takes longer than this, since the runtime has to load it: ms. It takes 12
 * and more; to look whether it was done takes 0.04, which counts for tasks that take little more.
 */
export const FIRST_USE = 4;

interface Sink {
  flush(): unknown;
}

const NAMES = ["stdout", "stderr"] as const;
const used: Set<typeof NAMES[number]> = new Set();

/** Whether the program was seen to use one of the streams. */
export function isOutputUsed(): boolean {
  return used.size > 0;
}

/** Resolves when all is written, or no reader is left. `undefined`: nothing is kept. */
export function pendingOutput(): Promise<void> | undefined {
  if (!keepsOutput) return undefined;
  if (used.size < NAMES.length) look();
  let pending: Promise<unknown>[] | undefined;
  for (const name of used) {
    const flushed = sinkOf(name)?.flush();
    if (flushed instanceof Promise) (pending ??= []).push(flushed.catch(() => {}));
  }
  return pending === undefined ? undefined : Promise.all(pending).then(() => {});
}

// To ask for a stream loads it, in 15 ms, so the object is asked what it has got.
function look(): void {
  const process = nodeProcess();
  const { describe } = process.getBuiltinModule("bun:jsc") as { describe(value: unknown): string };
  const description = describe(process);
  for (const name of NAMES) if (description.includes(`${name}:`)) used.add(name);
}

// What `process.stdout.write` of a file, pipe or terminal writes to; it says more than the stream.
// https://github.com/oven-sh/bun/blob/main/src/js/internal/fs/streams.ts (kWriteStreamFastPath)
function sinkOf(name: typeof NAMES[number]): Sink | undefined {
  const stream = (nodeProcess() as unknown as Record<string, Record<symbol, unknown>>)[name];
  const key = Object.getOwnPropertySymbols(stream).find(({ description }) => description === "kWriteStreamFastPath");
  const sink = key === undefined ? undefined : stream[key] as Partial<Sink> | null | boolean;
  return typeof sink === "object" && typeof sink?.flush === "function" ? sink as Sink : undefined;
}
