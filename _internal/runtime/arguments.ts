/**
 * What the program was called with.
 *
 * @module
 */

import { isBun, nodeProcess } from "./globals.ts";

const { Deno, Bun } = globalThis as unknown as { Deno?: { args: string[] }; Bun: { main: string } };

/** Whether `argv[1]` is the main module although the runtime was started on another. */
let isSet = false;

function argv(): string[] {
  return (nodeProcess() as unknown as { argv: string[] }).argv;
}

/** The program's arguments, behind its main module. */
export function programArguments(): string[] {
  if (Deno !== undefined) return [...Deno.args];
  const all = argv();
  // `bun -e` has no module there.
  return all.slice(isBun && !isSet && all[1] !== Bun.main ? 1 : 2);
}

/** What a worker that is started here is told so that {@linkcode takeArguments} finds it. */
export function workerArguments(): string[] | undefined {
  if (!isBun) return undefined;
  const all = programArguments();
  return [isSet || argv()[1] === Bun.main ? argv()[1] : Bun.main, ...all];
}

/**
 * In a worker of Bun, which has what it was told behind its own module: puts the program's main module in place of that.
 * Deno's workers have the program's arguments by themselves.
 */
export function takeArguments(): void {
  if (!isBun) return;
  argv().splice(1, 1);
  isSet = true;
}

/** In a child: its own main module is the library's, and the program's is `main`. */
export function setMainArgument(main: string | undefined): void {
  if (main === undefined) return;
  isSet = true;
  const { fileURLToPath } = nodeProcess().getBuiltinModule("node:url") as { fileURLToPath(url: string): string };
  argv()[1] = main.startsWith("file:") ? fileURLToPath(main) : main;
}
