/** What each entry point needs to be allowed. Deno alone, because Bun allows everything. */

import { assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { isDeno } from "../_runtime.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HERE = `${ROOT}tests/permissions/`;
const LIMIT = 30_000;

// What the workers load: the modules of the package and that of the target.
const WORKER_MODULES = ["_internal", "sync", "threading"].map((folder) => ROOT + folder);
const ALL_MODULES = [...WORKER_MODULES, `${ROOT}multiprocessing`];

async function runWith(flags: string[], file: string): Promise<{ code: number; output: string }> {
  // The permissions to read and to ask are what is tested; packages of npm need none.
  // One is always denied: to a command without any flag for permissions, Deno's node:child_process adds --allow-all.
  const command = [
    process.execPath,
    "run",
    "--no-prompt",
    "--no-lock",
    "--quiet",
    "--deny-sys=cpus",
    ...flags,
    HERE + file,
  ];
  const { code, output } = await run(command, { cwd: ROOT, limit: LIMIT });
  return { code, output: output.trimEnd() };
}

describe("permissions", { skip: !isDeno }, () => {
  it("importing every entry point needs none and starts nothing", { timeout: LIMIT }, async () => {
    assertEquals(await runWith([], "imports_all.ts"), { code: 0, output: "true true function" });
  });

  it("sync needs none", { timeout: LIMIT }, async () => {
    assertEquals(await runWith([], "sync_alone.ts"), { code: 0, output: "done" });
  });

  it("threading needs to read the modules that its workers load, and nothing else", { timeout: LIMIT }, async () => {
    const read = `--allow-read=${[...WORKER_MODULES, `${HERE}threads.ts`].join(",")}`;
    assertEquals(await runWith([read], "threads.ts"), { code: 0, output: "2\n5\n6\n42" });
  });

  it("threading without that names the missing flag", { timeout: LIMIT }, async () => {
    const { code, output } = await runWith([], "threads.ts");
    assertEquals(code, 1);
    assertMatch(output, /NotCapable.*--allow-read/);
  });

  it("multiprocessing needs to read modules, run, ffi and env", { timeout: LIMIT }, async () => {
    const read = `--allow-read=${[...ALL_MODULES, `${HERE}processes.ts`].join(",")}`;
    const flags = [read, "--allow-run", "--allow-ffi", "--allow-env"];
    assertEquals(await runWith(flags, "processes.ts"), { code: 0, output: "42" });
  });

  for (const missing of ["run", "ffi"]) {
    it(`multiprocessing without --allow-${missing} names that flag`, { timeout: LIMIT }, async () => {
      const flags = ["read", "run", "ffi", "env"].filter((flag) => flag !== missing).map((flag) => `--allow-${flag}`);
      const { output } = await runWith(flags, "processes.ts");
      assertMatch(output, RegExp(`NotCapable: .*--allow-${missing}`));
    });
  }
});
