/** The C library beside what a program has put on `Object.prototype`. */

import { assertEquals } from "@std/assert";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { runFlags } from "../_runtime.ts";

const PROGRAM = fileURLToPath(new URL("./_polluted_program.ts", import.meta.url));
const LIMIT = 30_000;

describe("the processes' memory", () => {
  it("is there whatever Object.prototype has", { timeout: LIMIT }, async () => {
    const command = [process.execPath, ...runFlags("-A", "--quiet"), PROGRAM];
    const { code, output } = await run(command, { limit: LIMIT });
    assertEquals({ code, output: output.trimEnd() }, { code: 0, output: "true" });
  });
});
