import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { MAGIC, MAGIC_AT, SCOPE_AT, SIZE_AT, VERSION, VERSION_AT } from "../../_internal/memory/memory.ts";
import { isAlive } from "../../_internal/memory/participants.ts";
import { region } from "../../_internal/processes/region.ts";
import { processSpace } from "../../_internal/processes/process_memory.ts";
import { Event, Lock, Queue, Value } from "../../multiprocessing/mod.ts";
import { Child, flags } from "./_children.ts";

const LIMIT = { timeout: 60_000 };

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("memory of processes", () => {
  it("is the same in another process, and its words wake a thread that sleeps there", LIMIT, async () => {
    for (const how of ["sync", "async"]) {
      const child = new Child("echo", how);
      const there = new Queue<number>({ name: "there" });
      const back = new Queue<number>({ name: "back" });
      for (let i = 0; i < 500; i++) {
        there.putSync(i);
        assertEquals(i % 2 === 0 ? back.getSync({ timeout: 20_000 }) : await back.get({ timeout: 20_000 }), i);
      }
      there.putSync(-1);
      assertEquals(await child.ended, 0, child.output);
    }
  });

  it("a sleeper in another process wakes whatever time it has slept", LIMIT, async () => {
    const child = new Child("waitInTurn");
    const there = new Queue<number>({ name: "there" });
    const back = new Queue<number>({ name: "back" });
    for (const pause of [0, 1, 5, 50, 300, 1200]) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      there.putSync(pause);
      assertEquals(await back.get({ timeout: 20_000 }), pause + 1);
    }
    there.putSync(-1);
    assertEquals(await child.ended, 0, child.output);
  });

  it("no addition under a lock is lost between processes", LIMIT, async () => {
    const lock = new Lock({ name: "lock" });
    const total = new Value("i32", 0, { name: "total" });
    const children = [new Child("count", 20_000), new Child("count", 20_000)];
    new Event({ name: "go" }).set();
    for (let i = 0; i < 20_000; i++) {
      using _guard = lock.acquireSync();
      total.value += 1;
    }
    for (const child of children) assertEquals(await child.ended, 0, child.output);
    assertEquals(total.value, 60_000);
  });

  it("the threads of a process have one mapping, and are different participants", LIMIT, async () => {
    const child = new Child("threads");
    const ids = new Queue<number[]>({ name: "ids" }).getSync({ timeout: 30_000 });
    assertEquals(new Set(ids).size, 4);
    assert(!ids.includes(processSpace().id));
    assertEquals(await child.ended, 0, child.output);
    for (const id of ids) assert(!isAlive(processSpace().memory, id));
  });

  it(
    "a process is alive until it can run no more code, and then no more, also before it is reaped",
    LIMIT,
    async () => {
      const { memory } = processSpace();
      const ids = new Queue<number>({ name: "ids" });
      const child = new Child("sit");
      const id = ids.getSync({ timeout: 30_000 });
      for (let i = 0; i < 10_000; i++) assert(isAlive(memory, id));
      child.kill();
      // The event loop does not turn here, so the process is not reaped.
      const until = Date.now() + 10_000;
      while (isAlive(memory, id)) assert(Date.now() < until, "a killed process seems to live");
      for (let i = 0; i < 1000; i++) assert(!isAlive(memory, id));
      assertEquals(await child.ended, "SIGKILL");
      assert(!isAlive(memory, id));
    },
  );

  it("is alive itself, and processes that there never were are not", LIMIT, () => {
    const { memory, id } = processSpace();
    assert(isAlive(memory, id));
    assert(!memory.isProcessAlive(123_456));
    assert(memory.isProcessAlive(region().index));
  });

  for (const holder of ["hold", "holdInThread"]) {
    it(`a lock of a killed process is abandoned: ${holder}`, LIMIT, async () => {
      const lock = new Lock({ name: "lock" });
      const child = new Child(holder);
      new Queue<number>({ name: "ids" }).getSync({ timeout: 30_000 });
      assert(lock.locked);
      assertEquals(lock.tryAcquire(), undefined);
      child.kill();
      const before = performance.now();
      const guard = holder === "hold" ? lock.acquireSync() : await lock.acquire();
      assert(guard.abandoned);
      assert(performance.now() - before < 5000);
      lock.release();
      await child.ended;
    });
  }

  it("a process that listens ends all the same", LIMIT, async () => {
    const child = new Child("leavePending");
    new Queue<number>({ name: "ids" }).getSync({ timeout: 30_000 });
    const before = performance.now();
    assertEquals(await child.ended, 0, child.output);
    // Well before a sleep of the listener would be over by itself.
    assert(performance.now() - before < 900, `${performance.now() - before}`);
  });

  it("reports each change in the event loop until it is stopped", LIMIT, async () => {
    const { memory, words } = processSpace();
    const at = processSpace().allocate(2, "test");
    let heard = 0;
    const stop = memory.listen(at, () => heard++);
    assertEquals(heard, 1);
    for (let i = 1; i <= 20; i++) {
      Atomics.add(words, at, 1);
      memory.notify(at, 1);
      await until(() => heard > i);
    }
    stop();
    const last = heard;
    Atomics.add(words, at, 1);
    memory.notify(at, 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assertEquals(heard, last);
    const again = memory.listen(at, () => heard++);
    assertEquals(heard, last + 1);
    Atomics.add(words, at, 1);
    memory.notify(at, 1);
    await until(() => heard > last + 1);
    again();
  });

  it("cannot be attached to when its last process has ended", LIMIT, async () => {
    const owner = start("_use_and_say.ts");
    await until(() => owner.output.includes("\n"));
    const path = owner.output.trim();
    assertEquals(await attach(path), "attached");
    owner.process.kill("SIGKILL");
    await owner.ended;
    assertMatch(await attach(path), /^AttachError: .* cannot be opened/);
  });

  it("files that are not such a memory are refused", LIMIT, async () => {
    const folder = mkdtempSync(join(tmpdir(), "memory-"));
    try {
      const path = join(folder, "file");
      const size = 2 ** 21;
      const words = new Int32Array(size / 4);
      const write = (): void => writeFileSync(path, new Uint8Array(words.buffer));
      assertMatch(await attach(path), /AttachError: .* cannot be opened/);
      writeFileSync(path, "");
      assertMatch(await attach(path), /AttachError: .* the file is too short/);
      write();
      assertMatch(await attach(path), /AttachError: .* is not the memory of processes/);
      words[MAGIC_AT] = MAGIC;
      words[SCOPE_AT] = 1;
      write();
      assertMatch(await attach(path), /AttachError: .* is not the memory of processes/);
      words[SCOPE_AT] = 2;
      words[VERSION_AT] = VERSION + 1;
      write();
      assertMatch(
        await attach(path),
        new RegExp(`AttachError: .* version .*expected ${VERSION}, received ${VERSION + 1}`),
      );
      words[VERSION_AT] = VERSION;
      words[SIZE_AT] = size / 65536 + 16;
      write();
      assertMatch(await attach(path), /AttachError: .* size was changed/);
      words[SIZE_AT] = size / 65536;
      crypto.getRandomValues(new Uint8Array(words.buffer, 4096, 60_000));
      words.fill(-1, 2048);
      write();
      // What is scribbled over where nothing can be checked is found in a table of participants that is full of nonsense.
      assertMatch(await attach(path), /^(attached|RangeError: .*)$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("a full memory is an error, and goes on after something was given back", LIMIT, async () => {
    const small = start("_fill.ts");
    assertEquals(await small.ended, 0, small.output);
    assertMatch(small.output, /RangeError: .* needed \d+ bytes, available about \d+/);
    assertMatch(small.output, /QueueFullError .*\nitems \d+\ndone\n$/);
  });
});

interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<number | string>;
  output: string;
}

function start(script: string, ...args: string[]): Started {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [...flags(), path, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const started: Started = {
    process: child,
    ended: new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal!))),
    output: "",
  };
  child.stdout.on("data", (data) => started.output += data);
  child.stderr.on("data", (data) => started.output += data);
  return started;
}

async function attach(path: string): Promise<string> {
  const child = start("_attach.ts", path);
  assertEquals(await child.ended, 0, child.output);
  return child.output.trim();
}
