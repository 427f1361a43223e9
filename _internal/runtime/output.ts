/**
 * What the program has written and the runtime has not.
 *
 * Deno writes at once. Bun keeps what a pipe does not take of `process.stdout` and `process.stderr` until its event loop
 * gets to it, which it does not in a worker or process that exits; what `console` prints it writes at once.
 *
 * @module
 */

import { isBun, nodeProcess } from "./globals.ts";

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
