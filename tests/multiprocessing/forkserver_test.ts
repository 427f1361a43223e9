/** Processes that warm runtimes become. */

import {
  Event,
  getContext,
  getStartMethod,
  InvalidStateError,
  Pool,
  Process,
  setStartMethod,
} from "@weft/concurrent/multiprocessing";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { describe, it } from "node:test";
import * as targets from "./_process_targets.ts";

const LIMIT = { timeout: 60_000 };
setStartMethod("forkserver");

/** Runtimes that are children of this process. */
function runtimes(): number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(parent) === process.pid && state !== "Z" &&
        readlinkSync(`/proc/${pid}/exe`) === realpathSync(process.execPath);
    } catch {
      return false;
    }
  });
}

function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

async function until<T>(look: () => T | undefined | false): Promise<T> {
  const begin = performance.now();
  for (;;) {
    const found = look();
    if (found) return found;
    assert(performance.now() - begin < 30_000, "it does not come");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("forkserver", () => {
  it("is set once, unless by force", () => {
    assertEquals(getStartMethod(), "forkserver");
    assertThrows(() => setStartMethod("spawn"), InvalidStateError, "force");
    setStartMethod("forkserver", { force: true });
  });

  it("makes processes of runtimes that were there before", LIMIT, async () => {
    const before = await until(() => runtimes().length >= 2 && runtimes());
    const child = new Process({ target: targets.who, name: "of a spare" }).start();
    assert(before.includes(child.pid!));
    const { name, pid, parentPid } = await child.result();
    assertEquals({ name, pid, parentPid }, { name: "of a spare", pid: child.pid, parentPid: process.pid });
    assertEquals(child.exitCode, 0);
  });

  it("uses each once, and has others come up", LIMIT, async () => {
    const pids = new Set<number>();
    for (let i = 0; i < 6; i++) {
      const child = new Process({ target: targets.add, args: [i, 1] }).start();
      pids.add(child.pid!);
      assertEquals(await child.result(), i + 1);
    }
    assertEquals(pids.size, 6);
    await until(() => runtimes().length >= 2);
  });

  it("starts many at once", LIMIT, async () => {
    const children = Array.from({ length: 6 }, (_, i) => new Process({ target: targets.add, args: [i, 1] }).start());
    for (const [i, child] of children.entries()) assertEquals(await child.result(), i + 1);
  });

  it("starts them where the starter is, with the folder and variables that are asked for", LIMIT, async () => {
    const folder = realpathSync(tmpdir());
    await until(() => runtimes().length >= 2);
    const there = new Process({ target: targets.surroundings, args: ["OTHER"], cwd: folder });
    assertEquals(await there.start().result(), { cwd: folder, variable: undefined, told: undefined });
    const told = new Process({ target: targets.surroundings, args: ["OTHER"], env: { OTHER: "a" } });
    assertEquals(await told.start().result(), { cwd: process.cwd(), variable: "a", told: undefined });
    process.env.OTHER = "changed";
    const changed = new Process({ target: targets.surroundings, args: ["OTHER"] });
    assertEquals((await changed.start().result()).variable, "changed");
    delete process.env.OTHER;
  });

  it("starts them in a folder that was made anew", LIMIT, async () => {
    const folder = `${realpathSync(tmpdir())}/weft-anew-${process.pid}`;
    for (let round = 0; round < 5; round++) {
      mkdirSync(folder);
      const there = new Process({ target: targets.surroundings, args: ["OTHER"], cwd: folder });
      assertEquals((await there.start().result()).cwd, folder);
      rmSync(folder, { recursive: true });
      await until(() => runtimes().length >= 2);
    }
  });

  it("goes on having spares where a program turns to something else", LIMIT, async () => {
    for (let i = 0; i < 4; i++) {
      assertEquals(await new Process({ target: targets.add, args: [i, 1] }).start().result(), i + 1);
    }
    for (let i = 0; i < 4; i++) {
      const before = await until(() => runtimes().length >= 2 && runtimes());
      const other = new Process<[], unknown>({ target: i % 2 === 0 ? targets.who : targets.method }).start();
      await other.result();
      // The first finds spares that are for what ran before.
      if (i > 1) assert(before.includes(other.pid!), "there was no spare");
    }
  });

  it("ends by a signal as others do", LIMIT, async () => {
    const started = new Event();
    const child = new Process({ target: targets.spin, args: [started] }).start();
    assert(await started.wait({ timeout: 30_000 }));
    child.terminate();
    assert(child.joinSync({ timeout: 10_000 }));
    assertEquals(child.exitCode, -15);
  });

  it("does without spares that were killed", LIMIT, async () => {
    const killed = await until(() => runtimes().length >= 2 && runtimes());
    for (const pid of killed) process.kill(pid, "SIGKILL");
    // The system takes a moment: until then they are there.
    await until(() => !killed.some(isRunning));
    assertEquals(await new Process({ target: targets.add, args: [1, 1] }).start().result(), 2);
  });

  it("is what children start theirs with; a context has its own", LIMIT, async () => {
    assertEquals(await new Process({ target: targets.method }).start().result(), "forkserver");
    const spawning = new (getContext("spawn").Process)({ target: targets.add, args: [1, 1] });
    const before = runtimes();
    spawning.start();
    assert(!before.includes(spawning.pid!));
    assertEquals(await spawning.result(), 2);
  });

  it("the pool of a context starts its workers by the context's method", LIMIT, async () => {
    for (const method of ["spawn", "forkserver"] as const) {
      const before = await until(() => runtimes().length >= 2 && runtimes());
      await using pool = new (getContext(method).Pool)(1);
      assertInstanceOf(pool, Pool);
      assertEquals(before.includes((await pool.apply(targets.who)).pid), method === "forkserver");
    }
  });
});
