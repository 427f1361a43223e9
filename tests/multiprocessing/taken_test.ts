/** What a message holds that a process had taken and not read, or not put yet, when it was killed. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
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
  TimeoutError,
} from "@weft/concurrent/multiprocessing";
import { load } from "../../_internal/atomics.ts";
import { firstLine, OBJECT_HEADER, USED_AT } from "../../_internal/memory/memory.ts";
import { locate } from "../../_internal/memory/shared_object.ts";
import { isAwaited } from "../../_internal/memory/wait_point.ts";
import { processSpace } from "../../_internal/processes/process_memory.ts";
import { PUT_POINT } from "../../_internal/queue/container.ts";
import { countUnput } from "../suites/_memory.ts";
import { until } from "../suites/_until.ts";
import { closeThenPut, get, putOn, receive, sendUntilFull, Trap } from "./_taken_targets.ts";

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
  Queue: () => new Queue({ maxsize: 1 }),
  LifoQueue: () => new LifoQueue({ maxsize: 1 }),
  PriorityQueue: () => new PriorityQueue({ maxsize: 1 }),
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

describe("A process that is killed while it waits to send a message", () => {
  it("leaves nothing of the message behind", LIMIT, async () => {
    const [here, there] = Pipe();
    const lock = new Lock();
    const empty = usedBytes();
    const process = new Process({ target: sendUntilFull, args: [there, lock, LARGE] }).start();
    there.close();
    // The ring has room for two: each takes half of it at most.
    await until(() => usedBytes() > empty + 3 * LARGE && countUnput("process") === 1, "it waits for room");
    await new Promise((resolve) => setTimeout(resolve, 50));
    const full = usedBytes();
    const waiting = referencesOf(lock);
    process.kill();
    await process.join();
    assertEquals(referencesOf(lock), waiting - 1);
    assert(usedBytes() < full - LARGE / 2, "the memory of the message is still in use");
    let received = 0;
    for (;;) {
      try {
        here.recvSync({ timeout: 10_000 });
        received++;
      } catch (error) {
        assert(error instanceof EOFError, String(error));
        break;
      }
    }
    assertEquals(received, 2);
    assert(usedBytes() < empty + LARGE / 2, "the memory of a message is still in use");
  });

  for (const [name, make] of Object.entries(QUEUES)) {
    it(`holds no end of a pipe that it waits to put into a ${name}: the other gets the end`, LIMIT, async () => {
      const queue = make();
      queue.putSync(0);
      const [here, there] = Pipe();
      const process = new Process({ target: closeThenPut, args: [queue, there] }).start();
      there.close();
      assertEquals(await here.recv({ timeout: 30_000 }), "I put it");
      const { space, at } = locate(queue)!;
      const point = firstLine(at + OBJECT_HEADER) + PUT_POINT;
      await until(() => isAwaited(space.words, point) && countUnput("process") === 1, "it waits for room");
      process.kill();
      await assertRejects(() => here.recv({ timeout: 10_000 }), EOFError);
      await process.join();
    });
  }

  it(
    "passes an end of a pipe on that it has put: it is open until the next has read it and closed it",
    LIMIT,
    async () => {
      const first = new Queue<Connection>();
      const second = new Queue<Connection>();
      const [here, there] = Pipe<string>();
      first.putSync(there);
      there.close();
      assertThrows(() => here.recvSync({ timeout: 20 }), TimeoutError);
      const process = new Process({ target: putOn, args: [first, second] }).start();
      assertEquals(await here.recv({ timeout: 30_000 }), "it is on its way");
      process.kill();
      await process.join();
      // No process holds it now, and a message has it.
      assertThrows(() => here.recvSync({ timeout: 200 }), TimeoutError);
      const received = second.getSync() as Connection<string>;
      received.sendSync("it has arrived");
      received.close();
      assertEquals(here.recvSync({ timeout: 10_000 }), "it has arrived");
      assertThrows(() => here.recvSync({ timeout: 10_000 }), EOFError);
    },
  );
});
