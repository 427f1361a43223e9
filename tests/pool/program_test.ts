import { describe, it } from "node:test";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { RUN_FLAGS } from "../_runtime.ts";

const PROGRAM = fileURLToPath(new URL("./_program.ts", import.meta.url));
const LIMIT = { timeout: 60_000 };

/** Runs the program and returns what it printed. Rejects unless it exits with code 0. */
function run(...args: string[]): Promise<string> {
  return runFile(PROGRAM, ...args);
}

function runFile(file: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...RUN_FLAGS, file, ...args], { timeout: 30_000 }, (error, stdout, stderr) => {
      if (error === null && stderr === "") resolve(stdout.trim());
      else reject(error ?? new Error(stderr));
    });
  });
}

for (const kind of ["thread", "process"]) {
  describe(`${kind} Pool: the program`, () => {
    it("ends although its pool was never closed", LIMIT, async () => {
      assertEquals((await run(kind, "forgotten")).replaceAll(/\s/g, ""), "[1,4,9]");
    });

    for (const mode of ["late-error", "late-rejection"]) {
      it(`prints errors in a worker after its task is over: ${mode}`, LIMIT, async () => {
        const error = await run(kind, mode).catch((error) => error);
        assert(error instanceof Error, "nothing was printed");
        assertEquals(error.message.match(/after the task/g)?.length, 1, error.message);
        assertMatch(error.message, /(?:thread ThreadPool|Process ProcessPool)-\d+-1/);
      });
    }

    it("does not end while a task is pending", LIMIT, async () => {
      assertEquals(await run(kind, "pending"), "after 300 ms");
    });

    it("uses no processor time while its pool is idle", LIMIT, async () => {
      const ms = Number(await run(kind, "idle"));
      // Within a second. A worker that spins would use all of it.
      assert(ms < 300, `${ms} ms`);
    });

    it("has its timers run between tasks that follow each other", LIMIT, async () => {
      const ticks = Number(await run(kind, "timers"));
      assert(ticks > 5, `${ticks} ticks in half a second`);
    });

    it("finds the trace in a file at the pool's end", LIMIT, async () => {
      const folder = mkdtempSync(join(tmpdir(), "weft-"));
      try {
        const path = join(folder, "trace.json");
        await run(kind, "trace", path);
        const { traceEvents } = JSON.parse(readFileSync(path, "utf8"));
        assert(traceEvents.some((event: { ph: string }) => event.ph === "X"));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it("has its trace written by no worker that imports the pool's module", LIMIT, async () => {
      const folder = mkdtempSync(join(tmpdir(), "weft-"));
      try {
        const path = join(folder, "trace.json");
        const file = fileURLToPath(new URL("./_trace_at_top.ts", import.meta.url));
        assertEquals(await runFile(file, kind, path), "false");
        assert(JSON.parse(readFileSync(path, "utf8")).traceEvents.length > 0);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it("finds the trace of a pool that was never closed, however it ends itself", LIMIT, async () => {
      const folder = mkdtempSync(join(tmpdir(), "weft-"));
      try {
        await Promise.all(["fall", "exit", "error", "rejection"].map(async (way) => {
          const path = join(folder, way);
          await run(kind, `trace-${way}`, path).catch((error) => {
            if (!String(error).includes("uncaught")) throw error;
          });
          const { traceEvents } = JSON.parse(readFileSync(path, "utf8"));
          assert(traceEvents.some((event: { ph: string }) => event.ph === "X"), way);
        }));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
}
