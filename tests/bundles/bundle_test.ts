/** What a program gets that was bundled or compiled: an answer at the first start, and never its main part again. */

import { assertEquals, assertMatch } from "@std/assert";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { isBun } from "../_runtime.ts";
import { flags } from "../processes_memory/_children.ts";

const LIMIT = { timeout: 60_000 };
const PROGRAM = fileURLToPath(new URL("./_program.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUN = `${ROOT}node_modules/.bin/bun`;
const KINDS = ["thread", "process", "threads", "processes"];

/** Runs a command in a group of its own, which is killed after 20 seconds, and returns what it printed. */
async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  child.stdout.on("data", (data) => output += data);
  child.stderr.on("data", (data) => output += data);
  const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), 20_000);
  const [code, signal] = await new Promise<unknown[]>((resolve) => child.on("close", (...how) => resolve(how)));
  clearTimeout(timer);
  assertEquals([code, signal], [0, null], output);
  return output;
}

async function build(...args: string[]): Promise<void> {
  await run(BUN, ["build", PROGRAM, "--target=bun", ...args]);
}

describe("a program", { skip: !existsSync(BUN) }, () => {
  let folder: string;
  before(() => void (folder = mkdtempSync(`${tmpdir()}/weft-`)));
  after(() => rmSync(folder, { recursive: true }));

  it("that has the library in its bundle gets the advice to leave it out", LIMIT, async () => {
    const bundle = `${folder}/bundle.js`;
    await build(`--outfile=${bundle}`);
    for (const kind of KINDS) {
      const output = await run(process.execPath, [...flags(), bundle, kind]);
      assertMatch(output, /^main\nNotSupportedError: Cannot start \w+ as .* is in a bundle.*--external.*\n$/);
    }
  });

  it("that leaves the library out of its bundle works", LIMIT, async () => {
    // Beside the library, whose name is found from there.
    const bundle = `${ROOT}tests/bundles/_bundle_${process.pid}.js`;
    try {
      await build(`--outfile=${bundle}`, "--external", "@weft/concurrent/*");
      for (const kind of KINDS) {
        assertEquals(await run(process.execPath, [...flags(), bundle, kind]), "main\n9\n");
      }
    } finally {
      rmSync(bundle, { force: true });
    }
  });

  it(
    "that is compiled to a single file runs its main part once",
    { ...LIMIT, skip: !isBun },
    async () => {
      const program = `${folder}/program`;
      await build("--compile", `--outfile=${program}`);
      for (const kind of KINDS) {
        const output = await run(program, [kind]);
        assertMatch(output, /^main\nNotSupportedError: Cannot start \w+ as .* compiled to a single file.*\n$/);
      }
    },
  );
});
