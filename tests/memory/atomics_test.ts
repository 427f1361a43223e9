import { assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RUN_FLAGS } from "../_runtime.ts";

const PROGRAM = fileURLToPath(new URL("./_other_processor.ts", import.meta.url));

describe("accesses to a word that need not be atomic on every processor", () => {
  for (const [arch, how] of [["x64", "plain"], ["arm64", "atomic"]] as const) {
    it(`are ${how} on ${arch}`, { timeout: 60_000 }, () => {
      const { stdout, stderr } = spawnSync(process.execPath, [...RUN_FLAGS, PROGRAM, arch], { encoding: "utf8" });
      assertEquals(stdout + stderr, `peek: ${how}\npost: ${how}\n`);
    });
  }
});
