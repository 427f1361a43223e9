/**
 * Writes a file.
 *
 * @module
 */

import { nodeProcess } from "./globals.ts";

/** Writes text to a file, at once. Deno asks for `--allow-write` of it. */
export function writeTextFile(path: string, text: string): void {
  const { Deno } = globalThis as { Deno?: { writeTextFileSync(path: string, text: string): void } };
  if (Deno !== undefined) {
    Deno.writeTextFileSync(path, text);
  } else {
    const fs = nodeProcess().getBuiltinModule("node:fs") as { writeFileSync(path: string, text: string): void };
    fs.writeFileSync(path, text);
  }
}
