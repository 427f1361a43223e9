import { assertEquals, assertMatch } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Process } from "@weft/concurrent/multiprocessing";
import { TargetError, task, Thread } from "@weft/concurrent/threading";
import { run } from "../../tools/_run.ts";
import { namedWithin } from "../_named.ts";
import { isLong } from "../_rounds.ts";
import { isDeno, RUN_FLAGS } from "../_runtime.ts";

const LIMIT = { timeout: 30_000 };

describe("the module of a target", () => {
  it("alone is imported where another hands the function on", LIMIT, async () => {
    const file = fileURLToPath(new URL("./_handed_program.ts", import.meta.url));
    const command = [process.execPath, ...RUN_FLAGS, file];
    const { code, output } = await run(command, { limit: 20_000 });
    assertEquals({ code, output }, { code: 0, output: "42\n" });
  });

  it("is not confused with a module that has a variable of that name", LIMIT, async () => {
    const file = fileURLToPath(new URL("./_named_twice_program.ts", import.meta.url));
    const command = [process.execPath, ...RUN_FLAGS, file];
    const { code, output } = await run(command, { limit: 20_000 });
    assertEquals({ code, output }, { code: 0, output: "42\n" });
  });

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
    const command = [process.execPath, ...RUN_FLAGS, file];
    const { code, output } = await run(command, { limit: 50_000 });
    assertEquals(code, 0, output);
    const named = output.split("\n").filter((line) => /_never\.ts has not finished loading after 10 s/.test(line));
    assertEquals(named.map((line) => line.split("-")[0]).sort(), ["ProcessPool", "Thread", "ThreadPool"]);
    const stuck = output.split("\n").filter((line) => /_blocks\.ts has not finished loading after 11 s/.test(line));
    assertEquals(stuck.map((line) => line.split(" ")[0]).sort(), ["InPool-1", "Process", "Thread"]);
  });

  for (const [kind, Kind] of Object.entries({ thread: Thread, process: Process as unknown as typeof Thread })) {
    // Deno stops no thread that computes: it would take time from all tests that follow.
    const file = kind === "process" || !isDeno ? "_loops.ts" : "_blocks.ts";
    const same = task<(x: number) => number>(new URL(file, import.meta.url), "same");
    const messageOf = (name: string): string =>
      `${name} cannot begin with its ${kind} target "same" as ${new URL(
        file,
        import.meta.url,
      )} has not finished loading after 0.3 s: code at the top of it, or of a module that it imports, computes without end or blocks`;

    it(`that computes forever at its top level is named once by the starter of a ${kind}`, LIMIT, async () => {
      await namedWithin(300, async (named) => {
        const threads: Thread<unknown[]>[] = [];
        for (const name of ["first", "second"]) {
          threads.push(new Kind({ target: same, args: [1], name, daemon: true }).start());
          await named(threads.length);
        }
        assertEquals(await named(2), [messageOf("first"), messageOf("second")]);
        for (const thread of threads) thread.terminate();
      });
    });

    it(`is named also where the starter of a ${kind} blocks`, LIMIT, async () => {
      await namedWithin(300, async (named, said) => {
        const thread = new Kind({ target: same, args: [1], name: "waited for", daemon: true }).start();
        for (const until = performance.now() + 20_000; said.length === 0 && performance.now() < until;) {
          assertEquals(thread.joinSync({ timeout: 50 }), false);
        }
        assertEquals(await named(1), [messageOf("waited for")]);
        thread.terminate();
      });
    });

    it(`that comes up in time is not named by the starter of a ${kind}`, LIMIT, async () => {
      await namedWithin(20_000, async (_, said) => {
        const slow = task<(x: number) => number>(new URL("_slow.ts", import.meta.url), "same");
        assertEquals(await new Kind({ target: slow, args: [4] }).start().result(), 4);
        assertEquals(said, []);
      });
    });
  }
});
