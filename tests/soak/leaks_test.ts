/**
 * What many objects leave behind that were made and disposed of, or made and dropped: shared memory, mappings, file
 * descriptors. For the threads' scope see also tests/sync/references_test.ts.
 */

import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import { spaceOf } from "../../_internal/memory/space.ts";
import { isLong } from "../_rounds.ts";
import { usedBytes } from "../suites/_memory.ts";
import { processes } from "../suites/_processes.ts";
import type { Scope } from "../suites/_scope.ts";
import { threads } from "../suites/_threads.ts";

const LIMIT = { timeout: 120_000, skip: !isLong };
const linux = process.platform === "linux";

function makers(scope: Scope): Record<string, () => Disposable> {
  const lock = new scope.RLock();
  return {
    Lock: () => new scope.Lock(),
    RLock: () => new scope.RLock(),
    Semaphore: () => new scope.Semaphore(1),
    BoundedSemaphore: () => new scope.BoundedSemaphore(1),
    Event: () => new scope.Event(),
    Condition: () => new scope.Condition(lock),
    Barrier: () => new scope.Barrier(2),
    RWLock: () => new scope.RWLock(),
    Latch: () => new scope.Latch(1),
    Value: () => new scope.Value("f64", 1),
    SharedArray: () => new scope.SharedArray("f64", [1, 2, 3]),
    Queue: () => new scope.Queue(),
    LifoQueue: () => new scope.LifoQueue(),
    PriorityQueue: () => new scope.PriorityQueue(),
  };
}

interface Held {
  descriptors: number;
  mappings: number;
}

/** Mappings of files, which are the library's or the runtime's own: the heap of an engine has others that come and go. */
function held(): Held {
  if (!linux) return { descriptors: 0, mappings: 0 };
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    mappings: readFileSync("/proc/self/maps", "utf8").split("\n").filter((line) => line.includes("/")).length,
  };
}

/** Lets the garbage collector find what was dropped. */
async function collect(isDone: () => boolean): Promise<void> {
  // What dies young is collected without a look at the rest, so this has to grow old.
  const garbage: number[][] = [];
  for (let i = 0; i < 2_000 && !isDone(); i++) {
    for (let j = 0; j < 20; j++) garbage.push(new Array(10_000).fill(j + 0.5));
    if (garbage.length > 1_500) garbage.length = 0;
    (globalThis as { Bun?: { gc(force: boolean): void } }).Bun?.gc(true);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

for (const scope of [threads, processes]) {
  describe(`10,000 objects of each kind in the ${scope.name} scope`, () => {
    it("leave nothing behind when they are disposed of", LIMIT, () => {
      const all = Object.values(makers(scope));
      for (const make of all) for (let i = 0; i < 10; i++) make()[Symbol.dispose]();
      const [memory, before] = [usedBytes(scope.name), held()];
      for (const make of all) for (let i = 0; i < 10_000; i++) make()[Symbol.dispose]();
      assertEquals(usedBytes(scope.name), memory);
      const after = held();
      assertEquals(after.descriptors, before.descriptors);
      assert(after.mappings <= before.mappings, `${after.mappings} mappings, and ${before.mappings} before`);
    });

    it("are mostly given back, eventually after they were dropped", LIMIT, async () => {
      const { handles } = spaceOf(scope.name);
      const all = Object.values(makers(scope));
      const start = handles.size;
      for (const make of all) for (let i = 0; i < 10_000; i++) make();
      const [dropped, memory, before] = [handles.size, usedBytes(scope.name), held()];
      assert(dropped - start > 50_000, `${dropped - start} handles`);
      const few = start + (dropped - start) / 20;
      await collect(() => handles.size < few);
      assert(handles.size < few, `${handles.size} of ${dropped} handles are left`);
      // Of each kind there are 3,000 at least whose memory is free again.
      for (const make of all) for (let i = 0; i < 2_000; i++) make();
      assertEquals(usedBytes(scope.name), memory);
      const after = held();
      assertEquals(after.descriptors, before.descriptors);
      assert(after.mappings <= before.mappings + 1, `${after.mappings} mappings, and ${before.mappings} before`);
    });
  });
}

describe("pipes and segments", () => {
  it("leave nothing behind when they are closed", LIMIT, () => {
    const use = (): void => {
      const [one, other] = multiprocessing.Pipe<string>();
      one.sendSync("message");
      assertEquals(other.recvSync(), "message");
      one.close();
      other.close();
      using memory = new multiprocessing.SharedMemory({ size: 10_000 });
      new Uint8Array(memory.buffer)[9_999] = 1;
      memory.unlink();
    };
    for (let i = 0; i < 10; i++) use();
    const [memory, before] = [usedBytes("process"), held()];
    for (let i = 0; i < 2_000; i++) use();
    assertEquals(usedBytes("process"), memory);
    assertEquals(held(), before);
  });
});
