/** `deno task bench:smoke`: what it counts, and what it takes for a failure. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run, type RunResult } from "../../tools/_run.ts";

const LIMIT = 60_000;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs the benches of files beside this one once. */
async function smoke(...names: string[]): Promise<RunResult> {
  const files = names.map((name) => `${ROOT}tests/benches/${name}`);
  return await run([Deno.execPath(), "run", "-A", "--no-check", "--quiet", "tools/bench.ts", "--once", ...files], {
    cwd: ROOT,
    limit: LIMIT,
  });
}

function lastLine({ output }: RunResult): string {
  return output.trimEnd().split("\n").at(-1)!;
}

// The tools run on Deno alone.
if ("Deno" in globalThis) {
  describe("the short benches", () => {
    const file = `${ROOT}tests/benches/_one_bench.ts`;
    const commands: Record<string, string[]> = {
      "deno bench": [Deno.execPath(), "bench", "-A", "--no-check", file],
      "bench:bun": [Deno.execPath(), "run", "-A", "--no-check", "tools/bench.ts", file],
    };
    for (const [name, command] of Object.entries(commands)) {
      it(`say at the end of ${name} what other programs used`, { timeout: LIMIT }, async () => {
        const { code, output } = await run(command, { cwd: ROOT, limit: LIMIT });
        assertEquals(code, 0, output);
        assertStringIncludes(output, "spins");
        if (name === "bench:bun") assertMatch(output, /^some work +Time +over bare$/m);
        // In the order in which Deno prints the table and the program its line, which are two streams.
        assertMatch(output, /^(A quiet machine|The machine was busy|This system does not tell)/m);
      });
    }
  });

  describe("bench:smoke", () => {
    it("fails where a bench throws or is not async, and names it", { timeout: LIMIT }, async () => {
      const result = await smoke("_throws.ts");
      // On Deno and on Bun.
      assertEquals([result.code, lastLine(result)], [1, "2 passed, 4 failed"]);
      assertStringIncludes(result.output, "FAIL some work: throws");
      assertStringIncludes(result.output, "It does not work");
      assertStringIncludes(result.output, "must be 'async'");
    });

    it("fails where a file has no bench", { timeout: LIMIT }, async () => {
      const result = await smoke("_none.ts");
      assertEquals([result.code, lastLine(result)], [1, "0 passed, 2 failed"]);
      assertStringIncludes(result.output, "has no bench");
    });

    it("fails where a file ends before its benches are run", { timeout: LIMIT }, async () => {
      const result = await smoke("_exits.ts");
      assertEquals([result.code, lastLine(result)], [1, "0 passed, 2 failed"]);
      assertStringIncludes(result.output, "ended with 0 before its benches were done");
    });
  });
}
