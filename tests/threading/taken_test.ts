/** What messages hold that a thread had taken, and not read, when it ended. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { Event, LifoQueue, Lock, PriorityQueue, Queue, Thread } from "@weft/concurrent/threading";
import { load } from "../../_internal/atomics.ts";
import { USED_AT } from "../../_internal/memory/memory.ts";
import { locate } from "../../_internal/memory/shared_object.ts";
import { spaceOf } from "../../_internal/memory/space.ts";
import { until } from "../suites/_until.ts";
import { get, Nest, Thrower, Trap } from "./_taken_targets.ts";

const LIMIT = { timeout: 60_000 };
const LARGE = 1 << 20;

function referencesOf(lock: Lock): number {
  return load(spaceOf("thread").words, locate(lock)!.at + 1);
}

function usedBytes(): number {
  return load(spaceOf("thread").words, USED_AT) * 4;
}

const QUEUES: Record<string, () => Queue<unknown>> = {
  Queue: () => new Queue(),
  LifoQueue: () => new LifoQueue(),
  PriorityQueue: () => new PriorityQueue(),
};

describe("A thread that is terminated while it reads a message", () => {
  for (const [name, make] of Object.entries(QUEUES)) {
    it(`gives up the objects that the items of a ${name} name, and their memory`, LIMIT, async () => {
      const outer = make();
      const inner = make();
      const lock = new Lock();
      const before = referencesOf(lock);
      outer.putSync([new Nest(), lock, "x".repeat(LARGE)]);
      inner.putSync([new Trap(), lock, "x".repeat(LARGE)]);
      const used = usedBytes();
      assertEquals(referencesOf(lock), before + 2);
      const trapped = new Event({ name: "in the trap" });
      trapped.clear();
      const thread = new Thread({ target: get, args: [outer, inner] }).start();
      await trapped.wait({ timeout: 30_000 });
      thread.terminate();
      await thread.join();
      await until(() => referencesOf(lock) === before, "the references are given up");
      assert(usedBytes() < used - LARGE, "the memory of the messages is still in use");
    });
  }
});

describe("A message whose reading throws", () => {
  for (const [name, make] of Object.entries(QUEUES)) {
    it(`gives up the objects that it names, out of a ${name}`, LIMIT, () => {
      const queue = make();
      const lock = new Lock();
      const before = referencesOf(lock);
      queue.putSync([new Thrower(), lock]);
      assertThrows(() => queue.getSync(), TypeError, "cannot be read");
      assertEquals(referencesOf(lock), before);
    });
  }
});
