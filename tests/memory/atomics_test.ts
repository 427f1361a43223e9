import { assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const flags = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
const PROGRAM = fileURLToPath(new URL("./_other_processor.ts", import.meta.url));

describe("accesses to a word that need not be atomic on every processor", () => {
  for (const [arch, how] of [["x64", "plain"], ["arm64", "atomic"]] as const) {
    it(`are ${how} on ${arch}`, { timeout: 60_000 }, () => {
      const { stdout, stderr } = spawnSync(process.execPath, [...flags, PROGRAM, arch], { encoding: "utf8" });
      assertEquals(stdout + stderr, `peek: ${how}\npost: ${how}\n`);
    });
  }
});
