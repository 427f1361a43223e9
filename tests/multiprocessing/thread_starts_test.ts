/** A process belongs to the process that started it, and not to the thread. */

import { Event, type Process, Queue } from "@weft/concurrent/multiprocessing";
import { Thread } from "@weft/concurrent/threading";
import { assert, assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { flags } from "../processes_memory/_children.ts";
import { startPool, startProcess } from "./_thread_starts_targets.ts";

const LIMIT = { timeout: 60_000 };

describe("a process that a thread started", () => {
  for (const ending of ["terminated", "exits", "returns"] as const) {
    for (const daemon of [false, true]) {
      it(`${daemon ? "as a daemon " : ""}goes on when the thread ${ending}`, LIMIT, async () => {
        const handles = new Queue<Process<[Event], number>>();
        const go = new Event();
        const thread = new Thread({ target: startProcess, args: [handles, go, ending, daemon] }).start();
        const child = await handles.get();
        if (ending === "terminated") thread.terminate();
        assert(await thread.join({ timeout: 20_000 }));
        // What would end it comes with the end of the worker, a moment later.
        assertEquals(await child.join({ timeout: 400 }), false);
        assert(child.isAlive);
        go.set();
        assertEquals(await child.result(), 5);
        assertEquals(child.exitCode, 0);
      });
    }
  }

  it("keeps the program alive when the thread is gone", LIMIT, async () => {
    const script = fileURLToPath(new URL("./_thread_starts_program.ts", import.meta.url));
    const program = spawn(process.execPath, [...flags(), script], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    program.stdout.on("data", (data) => output += data);
    const code = await new Promise((resolve) => program.on("close", resolve));
    assertEquals([code, output], [0, "begun\ndone\n"]);
  });

  it("for its pool ends when it has nothing more to do", LIMIT, async () => {
    const pids = new Queue<number>();
    const thread = new Thread({ target: startPool, args: [pids] }).start();
    const pid = await pids.get();
    assert(isRunning(pid));
    thread.terminate();
    await thread.join();
    const begin = performance.now();
    while (isRunning(pid)) {
      assert(performance.now() - begin < 10_000, "the worker is still there");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
});

function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
