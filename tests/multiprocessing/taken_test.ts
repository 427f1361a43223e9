/** What a message holds that a process had taken, and not read, when it was killed. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import {
  type Connection,
  EOFError,
  Event,
  LifoQueue,
  Lock,
  Pipe,
  PriorityQueue,
  Process,
  Queue,
} from "@weft/concurrent/multiprocessing";
import { load } from "../../_internal/atomics.ts";
import { USED_AT } from "../../_internal/memory/memory.ts";
import { locate } from "../../_internal/memory/shared_object.ts";
import { processSpace } from "../../_internal/processes/process_memory.ts";
import { get, receive, Trap } from "./_taken_targets.ts";

const LIMIT = { timeout: 60_000 };
const LARGE = 1 << 20;

function referencesOf(lock: Lock): number {
  return load(processSpace().words, locate(lock)!.at + 1);
}

function usedBytes(): number {
  return load(processSpace().words, USED_AT) * 4;
}

/** Has a process take the message, kills it while it reads, and waits for its end. */
async function killInTheTrap(process: Process<never[]>): Promise<void> {
  const trapped = new Event({ name: "in the trap" });
  trapped.clear();
  process.start();
  trapped.waitSync({ timeout: 30_000 });
  process.kill();
  await process.join();
}

const QUEUES: Record<string, () => Queue<unknown>> = {
  Queue: () => new Queue(),
  LifoQueue: () => new LifoQueue(),
  PriorityQueue: () => new PriorityQueue(),
};

describe("A process that is killed while it reads a message", () => {
  for (const [name, make] of Object.entries(QUEUES)) {
    it(`gives up the objects that the item of a ${name} names, and its memory`, LIMIT, async () => {
      const queue = make();
      const lock = new Lock();
      const before = referencesOf(lock);
      // Before the trap the one is not reached, behind it the other.
      queue.putSync([new Trap(), lock, "x".repeat(LARGE)]);
      const used = usedBytes();
      assertEquals(referencesOf(lock), before + 1);
      await killInTheTrap(new Process({ target: get, args: [queue] }) as never);
      assertEquals(referencesOf(lock), before);
      assert(usedBytes() < used - LARGE / 2, "the memory of the message is still in use");
      queue.putSync(lock);
      assertEquals(queue.getSync(), lock);
      assertEquals(referencesOf(lock), before);
    });
  }

  it("gives up the objects that a message of a pipe names, and its memory", LIMIT, async () => {
    const [here, there] = Pipe();
    const lock = new Lock();
    const before = referencesOf(lock);
    here.sendSync([new Trap(), lock, "x".repeat(LARGE)]);
    const used = usedBytes();
    await killInTheTrap(new Process({ target: receive, args: [there] }) as never);
    assertEquals(referencesOf(lock), before);
    assert(usedBytes() < used - LARGE / 2, "the memory of the message is still in use");
  });

  it("holds no end of a pipe: the other gets the end", LIMIT, async () => {
    const queue = new Queue<unknown>();
    const [here, there] = Pipe();
    queue.putSync([new Trap(), there]);
    const process = new Process({ target: get, args: [queue] });
    // This thread has never used its end.
    there satisfies Connection;
    await killInTheTrap(process as never);
    assertThrows(() => here.recvSync({ timeout: 10_000 }), EOFError);
  });
});
