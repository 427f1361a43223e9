/** Properties that a program adds to Object.prototype are not read as options by the library's own calls. */

import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { RUN_FLAGS } from "../_runtime.ts";

const PROGRAM = fileURLToPath(new URL("./_polluted_program.ts", import.meta.url));

describe("a pool and a queue beside a polluted Object.prototype", () => {
  for (const kind of ["thread", "process"]) {
    for (
      const [key, value] of Object.entries({
        timeout: 3,
        name: "x",
        env: "x",
        preload: "x",
        cwd: "/nowhere",
        maxsize: "x",
      })
    ) {
      it(`${kind}: ${key} = ${JSON.stringify(value)}`, { timeout: 30_000 }, async () => {
        const command = [process.execPath, ...RUN_FLAGS, PROGRAM, key, JSON.stringify(value), kind];
        const { code, output } = await run(command, { limit: 20_000 });
        assertEquals({ code, output: output.trim() }, { code: 0, output: "1 2 3" });
      });
    }
  }
});
