/** A reader that is slower than the writer gets all that a worker wrote before it ended, or before the program did. */

import { assertEquals } from "@std/assert";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { RUN_FLAGS } from "../_runtime.ts";

const LIMIT = 60_000;
const PROGRAM = fileURLToPath(new URL("./_program.ts", import.meta.url));

/** How many characters of the program arrive. Of stderr, errors that are printed besides do not count. */
async function arriving(args: readonly string[], wanted = "2>/dev/null"): Promise<number> {
  const command = `"$@" ${wanted} | (sleep 0.2; tr -cd 'z\\n' | wc -c)`;
  const { output } = await run(["sh", "-c", command, "sh", process.execPath, ...RUN_FLAGS, PROGRAM, ...args], {
    limit: LIMIT - 10_000,
  });
  return Number(output);
}

describe("a million characters into a pipe that is read late", { skip: process.platform === "win32" }, () => {
  for (const kind of ["thread", "process", "thread pool", "process pool"]) {
    for (const what of ["stdout", "stderr", "fails", "print", "ends"]) {
      it(`arrive from a ${kind}: ${what}`, { timeout: LIMIT }, async () => {
        assertEquals(await arriving([kind, what], what === "stderr" ? "2>&1 >/dev/null" : undefined), 1_000_000);
      });
    }
  }

  it("or fewer, from a short task of a pool's process that has printed before", { timeout: LIMIT }, async () => {
    assertEquals(await arriving(["short"]), 200_000);
  });
});

it("what a thread prints appears while it blocks and the main thread blocks", { timeout: LIMIT }, async () => {
  const { output } = await run([process.execPath, ...RUN_FLAGS, PROGRAM, "blocked"], { limit: LIMIT - 10_000 });
  assertEquals(output, "first\nsecond\nthird\n");
});
