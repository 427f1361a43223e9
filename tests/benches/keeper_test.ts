/** What a run of benchmarks leaves in its file, and beside it, if it is stopped. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { checkWritable, fromCaller } from "../../benches/lib/paths.ts";
import { readRun } from "../../benches/lib/results.ts";
import { ROOT } from "../../tools/_install.ts";
import { withFolder } from "./_folder.ts";
import { makeRun } from "./_made_runs.ts";

const LIMIT = { timeout: 60_000 };
const PROGRAM = fileURLToPath(new URL("./_keeps.ts", import.meta.url));

/** Stops a run that has so many of its groups. Resolves to its exit code and what it said in the end. */
async function stop(file: string, done: number, signal: "SIGINT" | "SIGTERM"): Promise<[code: number, said: string]> {
  const child = spawn(process.execPath, ["run", "-A", "--no-check", "--quiet", PROGRAM, file, String(done)], {
    env: { ...process.env, NO_COLOR: "1" },
  });
  let said = "";
  // On Deno, a child that `kill` of its own was called on has no exit code.
  child.stdout.once("data", () => process.kill(child.pid!, signal));
  child.stderr.on("data", (bytes) => said += bytes);
  const code = await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
  return [code, said.trim()];
}

// The programs run on Deno alone.
if ("Deno" in globalThis) {
  const { Keeper } = await import("../../benches/lib/keeper.ts");

  it(
    "a run that is stopped leaves its part in the file, marked, where there was none",
    LIMIT,
    () =>
      withFolder(async (folder) => {
        const file = join(folder, "run.json");
        assertEquals(await stop(file, 3, "SIGINT"), [130, `stopped: 3 of 40 groups in ${file}`]);
        assertEquals(readdirSync(folder), ["run.json"]);
        const { stopped, groups } = readRun(file);
        assertEquals([stopped, groups.length], ["3 of 40 groups", 1]);
      }),
  );

  it(
    "a run that is stopped leaves the file that was there, and its part beside it",
    LIMIT,
    () =>
      withFolder(async (folder) => {
        const [file, part] = [join(folder, "run.json"), join(folder, "run.partial.json")];
        writeFileSync(file, "old");
        assertEquals(await stop(file, 3, "SIGTERM"), [143, `stopped: 3 of 40 groups in ${part}`]);
        assertEquals(readFileSync(file, "utf8"), "old");
        assertEquals(readRun(part).stopped, "3 of 40 groups");
      }),
  );

  it(
    "a run that is stopped before its first group leaves what was there, and says so",
    LIMIT,
    () =>
      withFolder(async (folder) => {
        const file = join(folder, "run.json");
        writeFileSync(file, "old");
        assertEquals(await stop(file, 0, "SIGINT"), [130, `stopped: 0 of 40 groups, ${file} has nothing of them`]);
        assertEquals(readdirSync(folder), ["run.json"]);
      }),
  );

  it("a whole run takes the place of what was there, and its parts go", LIMIT, () =>
    withFolder((folder) => {
      const file = join(folder, "run.json");
      writeFileSync(file, "old");
      const groups = [...makeRun({ seed: 1, starts: 1, rounds: 1 }).groups];
      const keeper = new Keeper({ kind: "cores", quick: false, file, total: 2, parts: "pieces" });
      keeper.part({ groups, versions: {} }, 1);
      assertEquals(readdirSync(folder).sort(), ["run.json", "run.partial.json"]);
      const run = keeper.whole({ groups, versions: { Deno: "1.2.3" }, note: "Something was left out" });
      assertEquals(readdirSync(folder), ["run.json"]);
      assertEquals<unknown>(readRun(file), run);
      assertEquals([run.kind, run.stopped, run.note], ["cores", undefined, "Something was left out"]);
      assertMatch(run.command, /^deno task bench:cores/);
    }));
}

it(
  "a file that cannot be written is refused before anything is measured, and a folder that is missing is made",
  LIMIT,
  () =>
    withFolder((folder) => {
      const file = join(folder, "new/folder/run.json");
      checkWritable("out", file);
      assertEquals(readdirSync(join(folder, "new/folder")), []);
      writeFileSync(file, "old");
      checkWritable("out", file);
      assertEquals(readFileSync(file, "utf8"), "old");
      mkdirSync(join(folder, "run.json"));
      for (const wrong of [join(folder, "run.json"), join(file, "run.json")]) {
        assertThrows(
          () => checkWritable("out", wrong),
          TypeError,
          `--out must be a file that can be written: received '${wrong}'`,
        );
      }
    }),
);

it("paths count from where a task was called, and elsewhere from where the program runs", LIMIT, () => {
  const [cwd, called] = [process.cwd(), process.env.INIT_CWD];
  try {
    process.env.INIT_CWD = "/called/from";
    process.chdir(ROOT);
    assertEquals(fromCaller("run.json"), "/called/from/run.json");
    process.chdir("/");
    assertEquals(fromCaller("run.json"), "/run.json");
    assertEquals(fromCaller("/a/run.json"), "/a/run.json");
  } finally {
    process.chdir(cwd);
    if (called === undefined) delete process.env.INIT_CWD;
    else process.env.INIT_CWD = called;
  }
});
