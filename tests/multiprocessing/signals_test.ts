/** What a signal to the whole group of processes does to children. */

import { assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { isBun, RUN_FLAGS } from "../_runtime.ts";

const PROGRAM = fileURLToPath(new URL("./_signals_program.ts", import.meta.url));
const SIGNALS = ["SIGINT", "SIGHUP", ...isBun && process.platform !== "linux" ? [] : ["SIGTERM"]];

function drained(signal: string, method: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const program = spawn(process.execPath, [...RUN_FLAGS, PROGRAM, signal, method], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    let signalled = false;
    program.stderr!.on("data", (data) => output += data);
    program.stdout!.on("data", (data) => {
      output += data;
      if (signalled || !output.includes("ready\n")) return;
      signalled = true;
      process.kill(-program.pid!, signal as "SIGINT");
    });
    program.on("error", reject);
    program.on("close", () => resolve(output));
  });
}

describe("a signal to the group, for which the main program has a handler", () => {
  for (const signal of SIGNALS) {
    for (const method of ["spawn", "forkserver"]) {
      it(`${signal} leaves tasks under way, ${method}`, { timeout: 30_000 }, async () => {
        assertEquals(await drained(signal, method), 'ready\n["busy","idle"]\n');
      });
    }
  }
});
