/** Whatever ends a program, nothing is left of it. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RUN_FLAGS } from "../_runtime.ts";

const LIMIT = { timeout: 60_000 };
const PROGRAM = fileURLToPath(new URL("./_death_program.ts", import.meta.url));
const EXITS = fileURLToPath(new URL("./_exit_program.ts", import.meta.url));

interface Run {
  program: ChildProcess;
  pids: number[];
  output: () => string;
  ended: Promise<{ code: number | null; signal: string | null }>;
}

async function start(method: string, ending: string, detached = false): Promise<Run> {
  const program = spawn(process.execPath, [...RUN_FLAGS, PROGRAM, method, ending], {
    stdio: ["ignore", "pipe", "pipe"],
    detached,
  });
  let output = "";
  let errors = "";
  program.stderr!.on("data", (data) => errors += data);
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    program.on("exit", (code, signal) => resolve({ code, signal }))
  );
  const pids = await new Promise<number[]>((resolve, reject) => {
    program.stdout!.on("data", (data) => {
      output += data;
      if (output.includes("\n")) resolve(JSON.parse(output.slice(0, output.indexOf("\n"))));
    });
    program.on("exit", (code) => reject(new Error(`It ended by itself with ${code}: ${output}${errors}`)));
  });
  assertEquals(pids.length, 8);
  return { program, pids, output: () => errors, ended };
}

// Zombies are dead: the process that inherits orphans may be slow.
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** How long it takes until none of them runs, in milliseconds. */
async function untilGone(pids: readonly number[]): Promise<number> {
  const begin = performance.now();
  while (pids.some(isRunning)) {
    assert(performance.now() - begin < 20_000, `${pids.filter(isRunning)} still run`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - begin;
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

describe("the end of a program with busy, idle and blocked children, and theirs", () => {
  for (const method of ["spawn", "forkserver"]) {
    it(`kill -9, ${method}`, LIMIT, async () => {
      const { program, pids, output, ended } = await start(method, "wait");
      program.kill("SIGKILL");
      assert(await untilGone(pids) < 2000);
      assertEquals((await ended).signal, "SIGKILL");
      assertEquals(output(), "");
    });
  }

  it("kill -9 while it blocks", LIMIT, async () => {
    const { program, pids, output } = await start("spawn", "block");
    program.kill("SIGKILL");
    assert(await untilGone(pids) < 2000);
    assertEquals(output(), "");
  });

  it("SIGTERM", LIMIT, async () => {
    const { program, pids } = await start("spawn", "wait");
    program.kill("SIGTERM");
    assert(await untilGone(pids) < 2000);
  });

  it("kill -9 of a child ends its own children and no others", LIMIT, async () => {
    const { program, pids } = await start("spawn", "wait");
    const [first, spinning, idling, blocked, middle, ...below] = pids;
    process.kill(middle!, "SIGKILL");
    assert(await untilGone([middle!, ...below]) < 2000);
    assert([first!, spinning!, idling!, blocked!].every(isRunning));
    program.kill("SIGKILL");
    await untilGone(pids);
  });

  for (const ending of ["wait", "block"]) {
    it(`SIGINT to the group, while main is in ${ending}`, LIMIT, async () => {
      const { pids, output } = await start("spawn", ending, true);
      process.kill(-pids[0]!, "SIGINT");
      assert(await untilGone(pids) < 2000);
      assert(linesOf(output()).length <= 1, output());
    });

    it(`SIGINT to the program alone, while main is in ${ending}`, LIMIT, async () => {
      const { pids, output } = await start("spawn", ending, true);
      process.kill(pids[0]!, "SIGINT");
      assert(await untilGone(pids) < 2000);
      assert(linesOf(output()).length <= 1, output());
    });
  }

  it("its end: daemons end without a word", LIMIT, async () => {
    const { pids, output, ended } = await start("spawn", "end");
    assertEquals((await ended).code, 0);
    assert(await untilGone(pids) < 2000);
    assertEquals(output(), "");
  });

  it("exit in main ends all at once", LIMIT, async () => {
    const { pids, output, ended } = await start("spawn", "exit");
    assertEquals((await ended).code, 3);
    assert(await untilGone(pids) < 2000);
    assertEquals(output(), "");
  });

  it("an uncaught error in main ends all at once", LIMIT, async () => {
    const { pids, output, ended } = await start("spawn", "throw");
    assertEquals((await ended).code, 1);
    assert(await untilGone(pids) < 2000);
    assertMatch(output(), /the main module failed/);
  });
});

describe("process.exit", () => {
  it("does not wait for the sleep of a worker of the library", LIMIT, () => {
    // The sleep takes a second, so the fastest of three exits tells on a busy machine, too.
    const times = [1, 2, 3].map(() => {
      const exited = Number(execFileSync(process.execPath, [...RUN_FLAGS, EXITS], { encoding: "utf8" }));
      return Date.now() - exited;
    });
    assert(Math.min(...times) < 500, `${times} ms`);
  });
});
