import { assertEquals, assertMatch } from "@std/assert";
import { spawn } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RUN_FLAGS } from "../_runtime.ts";

const OBJECTS = ["Lock", "Queue", "Value", "SharedMemory", "Pipe", "Process", "Pool"];

describe("systems on which processes cannot share memory", () => {
  for (const [os, arch] of [["win32", "x64"], ["freebsd", "x64"], ["win32", "arm64"]]) {
    it(`${os} on ${arch}: threads work, and what processes share says what does`, { timeout: 60_000 }, async () => {
      const lines = await linesOf(os, arch);
      assertEquals(lines[0], "threads: here");
      assertEquals(lines.slice(1).map((line) => line.split(":")[0]), OBJECTS);
      for (const line of lines.slice(1)) {
        assertMatch(line, /^\w+: NotSupportedError: Cannot [^:]*: received /);
        assertMatch(line, new RegExp(`received ${os}\\b.*expected Linux or macOS`));
        assertMatch(line, /@weft\/concurrent\/threading and @weft\/concurrent\/sync works here\)$/);
      }
    });
  }

  it("a macOS that lacks what is needed: the same, with the version that has it", { timeout: 60_000 }, async () => {
    const lines = await linesOf("darwin", "arm64");
    assertEquals(lines[0], "threads: here");
    assertEquals(lines.slice(1).map((line) => line.split(":")[0]), OBJECTS);
    for (const line of lines.slice(1)) {
      assertMatch(line, /^\w+: NotSupportedError: Cannot .*macOS 14\.4 or later/);
    }
  });
});

async function linesOf(os: string, arch: string): Promise<string[]> {
  const program = fileURLToPath(new URL("./_other_system.ts", import.meta.url));
  const child = spawn(process.execPath, [...RUN_FLAGS, program, os, arch], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data) => output += data);
  child.stderr.on("data", (data) => output += data);
  const code = await new Promise((resolve) => child.on("close", resolve));
  assertEquals(code, 0, output);
  return output.trimEnd().split("\n");
}
