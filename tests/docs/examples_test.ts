/**
 * The examples in the documentation of the public members, run as a reader runs them: pasted into a file, as a program.
 *
 * `deno test --doc` runs them as tests, in which `import.meta.main` is false and no worker imports them again.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { describe, it } from "node:test";
import { sourceFiles, textOf } from "../../tools/_house.ts";
import { run } from "../../tools/_run.ts";
import { isDeno } from "../_runtime.ts";
import { write } from "./_programs.ts";

const LIMIT = 30_000;
const AT_ONCE = 2;
const EXAMPLE = /^[ \t]*\* ```ts\n((?:[ \t]*\*.*\n)*?)[ \t]*\* ```$/gm;

/** The examples of each file, by the line in which they begin. */
function examples(): Map<string, Map<number, string>> {
  const found = new Map<string, Map<number, string>>();
  for (const file of sourceFiles()) {
    const text = textOf(file);
    const own = new Map<number, string>();
    for (const { 1: lines, index } of text.matchAll(EXAMPLE)) {
      // What belongs into a worker waits for a message as a program.
      if (lines!.includes('addEventListener("message"')) continue;
      own.set(text.slice(0, index).split("\n").length + 1, lines!.replace(/^[ \t]*\* ?/gm, ""));
    }
    if (own.size > 0) found.set(file, own);
  }
  return found;
}

describe("the examples of the documentation", () => {
  const all = examples();

  it("are found", { timeout: 60_000 }, () => {
    const count = [...all.values()].reduce((sum, { size }) => sum + size, 0);
    assert(count > 200, `${count} examples`);
  });

  for (const [file, own] of all) {
    it(`of ${file} run as programs`, { timeout: 240_000 }, async () => {
      const folder = mkdtempSync(`${tmpdir()}/examples-`);
      try {
        write(folder, new Map([...own].map(([line, text]) => [`line${line}.ts`, text])));
        const command = isDeno
          ? [process.execPath, "run", "-A", "--quiet", "--no-lock", "--no-check"]
          : [process.execPath];
        const failed: string[] = [];
        const pending = [...own.keys()];
        await Promise.all(Array.from({ length: AT_ONCE }, async () => {
          for (let line = pending.shift(); line !== undefined; line = pending.shift()) {
            const { code, output } = await run([...command, `line${line}.ts`], { cwd: folder, limit: LIMIT });
            if (code !== 0) failed.push(`${file}:${line} ended with ${code}: ${output}`);
          }
        }));
        assertEquals(failed.join("\n"), "");
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
