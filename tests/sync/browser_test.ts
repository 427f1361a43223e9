/** The main thread of a browser may not block. */

import { assertEquals } from "@std/assert";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { isBun, runFlags } from "../_runtime.ts";

const PROGRAM = fileURLToPath(new URL("programs/browser.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

// Bun does not let go of its globals.
describe("the main thread of a browser", { skip: isBun }, () => {
  it("gets a NotSupportedError instead of blocking, and can await the same", { timeout: 60_000 }, async () => {
    const command = [process.execPath, ...runFlags("-A", "--no-lock", "--quiet"), PROGRAM];
    const { output } = await run(command, { cwd: ROOT, limit: 30_000 });
    assertEquals(output.trimEnd().split("\n"), [...new Array(5).fill("NotSupportedError"), "false"]);
  });
});
