import { assertEquals, assertMatch } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { TargetError, task, Thread } from "@weft/concurrent/threading";
import { run } from "../../tools/_run.ts";
import { isLong } from "../_rounds.ts";

const LIMIT = { timeout: 30_000 };

describe("the module of a target", () => {
  it("that cannot be parsed is named with file and line, also where another imports it", LIMIT, async () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-"));
    try {
      writeFileSync(join(folder, "broken.ts"), "export function f(x: number) {\n  return x +;\n}\n");
      writeFileSync(join(folder, "whole.ts"), 'export { f } from "./broken.ts";\n');
      for (const name of ["broken.ts", "whole.ts"]) {
        const target = task<(x: number) => number>(pathToFileURL(join(folder, name)), "f");
        const thread = new Thread({ target, args: [1] }).start();
        let error: unknown;
        try {
          await thread.result();
        } catch (thrown) {
          error = thrown;
        }
        if (!(error instanceof TargetError)) throw error;
        assertMatch(error.message, /cannot be parsed[^]*broken\.ts:2:13/);
        assertEquals(/no such module/.test(error.message), false);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("that does not come up is named, once by each pool", { timeout: 60_000, skip: !isLong }, async () => {
    const file = fileURLToPath(new URL("./_slow_program.ts", import.meta.url));
    const command = [process.execPath, ...("Bun" in globalThis ? [] : ["run", "-A", "--no-check"]), file];
    const { code, output } = await run(command, { limit: 50_000 });
    assertEquals(code, 0, output);
    const named = output.split("\n").filter((line) => /_never\.ts has not come up for 10 s/.test(line));
    assertEquals(named.map((line) => line.split("-")[0]).sort(), ["ProcessPool", "Thread", "ThreadPool"]);
  });
});
