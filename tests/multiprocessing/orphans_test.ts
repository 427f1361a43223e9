/** Processes that are still starting when their program ends. */

import { assertEquals, assertMatch } from "@std/assert";
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { rounds } from "../_rounds.ts";
import { isDeno, RUN_FLAGS } from "../_runtime.ts";
import { Random } from "../storm/_random.ts";
import { until } from "../suites/_until.ts";

const PROGRAM = fileURLToPath(new URL("./_orphans_program.ts", import.meta.url));
const ENTRY = fileURLToPath(new URL("../../_internal/entries/child_entry.ts", import.meta.url));
const METHODS = ["spawn", "forkserver", ...isDeno ? ["none"] : []];
const ROUNDS = rounds(40, 4);
const LIMIT = { timeout: rounds(120_000, 60_000) };
/** Processes that are left end within this time: processes that are still starting find out by themselves. */
const SOON = 10_000;

/** The processes of a group, without dead ones that were not reaped yet. */
function membersOf(group: number): string[] {
  const members: string[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state, , itsGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(itsGroup) === group && state !== "Z" && state !== "X") members.push(stat);
    } catch {
      // It has just ended.
    }
  }
  return members;
}

/** The files that a process has open. */
function filesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`));
  } catch {
    return [];
  }
}

interface Child {
  readonly pid: number;
  /** What it wrote, once it is gone. */
  readonly output: Promise<string>;
}

/** A process whose starter is this test: it gets a pipe that ends when its starter does, and memory that is gone. */
function child(lifeline: string): Child {
  const child = spawn(process.execPath, [...RUN_FLAGS, ENTRY], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, WEFT_PROCESS: `70000 ${lifeline} /nowhere` },
  });
  let output = "";
  child.stdout.on("data", (data) => output += data);
  child.stderr.on("data", (data) => output += data);
  return { pid: child.pid!, output: new Promise((resolve) => child.on("close", () => resolve(output))) };
}

/** What the program and all its processes write, without the frames of errors: how many there are depends on the moment. */
function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const program = spawn(process.execPath, [...RUN_FLAGS, PROGRAM, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    program.stdout!.on("data", (data) => output += data);
    program.stderr!.on("data", (data) => output += data);
    program.on("error", reject);
    // Not before each process that could write is gone.
    program.on("close", async () => {
      const end = performance.now() + SOON;
      for (let left; (left = membersOf(program.pid!)).length > 0;) {
        if (performance.now() > end) {
          process.kill(-program.pid!, "SIGKILL");
          reject(new Error(`Still there:\n${left.join("")}`));
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      resolve(output.replace(/^ +at .*\n/gm, ""));
    });
    setTimeout(() => {
      if (program.stderr!.closed) return;
      for (const left of membersOf(program.pid!)) output += `Still there: ${left}\n`;
      process.kill(-program.pid!, "SIGKILL");
    }, 4 * SOON).unref();
  });
}

describe(
  "processes that are starting end with their program, without a word",
  { skip: process.platform !== "linux" },
  () => {
    for (const ending of ["return", "exit", "throw", "kill"]) {
      it(`by ${ending}`, LIMIT, async () => {
        // What the program prints itself.
        const alone = await run(["spawn", ending, "0", "0"]);
        assertEquals(alone.includes("the main module failed"), ending === "throw", alone);
        const random = new Random(Date.now());
        let round = 0;
        const repeat = async () => {
          while (round < ROUNDS) {
            const args = [
              METHODS[round++ % METHODS.length]!,
              ending,
              String(1 + random.below(3)),
              String(random.below(150)),
            ];
            assertEquals(await run(args), alone, args.join(" "));
          }
        };
        await Promise.all([repeat(), repeat()]);
      });
    }

    describe("where the memory of its starter is gone", () => {
      it("and the starter a moment later", LIMIT, async () => {
        const folder = mkdtempSync(join(tmpdir(), "weft-"));
        try {
          const lifeline = join(folder, "lifeline");
          execFileSync("mkfifo", [lifeline]);
          const held = openSync(lifeline, "r+");
          const { pid, output } = child(lifeline);
          await until(() => filesOf(pid).includes(lifeline), "the child has its lifeline");
          // Now it looks for the memory.
          await new Promise((resolve) => setTimeout(resolve, 300));
          closeSync(held);
          assertEquals(await output, "");
        } finally {
          rmSync(folder, { recursive: true });
        }
      });

      it("and the starter before", LIMIT, async () => {
        assertEquals(await child("/nowhere").output, "");
      });

      it("and the starter is there: it says so", LIMIT, async () => {
        const folder = mkdtempSync(join(tmpdir(), "weft-"));
        try {
          const lifeline = join(folder, "lifeline");
          execFileSync("mkfifo", [lifeline]);
          const held = openSync(lifeline, "r+");
          assertMatch(await child(lifeline).output, /Cannot attach to the memory of another process/);
          closeSync(held);
        } finally {
          rmSync(folder, { recursive: true });
        }
      });
    });
  },
);
