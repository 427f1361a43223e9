/** However a program ends, its shared memory goes with it. */

import { assert, assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { flags } from "../processes_memory/_children.ts";

const LIMIT = { timeout: 60_000 };
const FOLDER = "/dev/shm/";
const SCRIPT = fileURLToPath(new URL("./_shared_memory_program.ts", import.meta.url));

/** Runs the program, has `end` end it once it is ready, and says how it ended and with which name of a segment. */
async function run(
  what: string,
  end?: (pid: number) => void,
): Promise<{ name: string; code: number | null; signal: string | null }> {
  const name = `test-${process.pid}-${crypto.randomUUID()} \\x`;
  const child = spawn(process.execPath, [...flags(), SCRIPT, what, name], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  let output = "";
  child.stdout.on("data", (data) => {
    output += data;
    if (!output.endsWith("ready\n")) return;
    assert(existsSync(FOLDER + name));
    end?.(child.pid!);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("close", (code, signal) => resolve([code, signal]))
  );
  assert(output.length > 0, `${what} did not get as far as to make memory`);
  return { name, code, signal };
}

async function untilGone(name: string): Promise<void> {
  const begin = performance.now();
  while (existsSync(FOLDER + name)) {
    assert(performance.now() - begin < 5000, `${name} is still there`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("SharedMemory at the end of its program", { skip: process.platform !== "linux", concurrency: 4 }, () => {
  for (const what of ["create and throw", "create and reject"]) {
    it(`is gone after: ${what}`, LIMIT, async () => {
      const { name, code } = await run(what);
      assertEquals(code, 1);
      await untilGone(name);
    });
  }

  it("is gone after an exit while a child comes up, time after time", LIMIT, async () => {
    for (let i = 0; i < 8; i++) {
      const { name, code } = await run("create, start and exit");
      assertEquals(code, 3);
      await Promise.all([untilGone(name), untilGone(`${name}-child`)]);
    }
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const) {
    it(`is gone after ${signal} to the program and to its group`, LIMIT, async () => {
      for (const sign of [1, -1]) {
        const ended = await run("create and sit", (pid) => process.kill(sign * pid, signal));
        assertEquals(ended.signal, signal);
        await untilGone(ended.name);
      }
    });
  }

  it("is gone with the first process where a child has made it", LIMIT, async () => {
    const { name } = await run("child creates and sits", (pid) => process.kill(pid, "SIGTERM"));
    await untilGone(name);
  });
});
