import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Event, Thread } from "@weft/concurrent/threading";
import { lockMutex, unlockMutex } from "../../_internal/memory/participants.ts";
import { spaceOf } from "../../_internal/memory/space.ts";
import { isDeno } from "../_runtime.ts";
import { holdMutex } from "./mutex_targets.ts";

describe("an internal mutex", () => {
  // Deno cannot stop code that runs, so there the holder gives the mutex back before it ends.
  it("is had from a thread that was stopped while it held it, though its starter waits for just that", {
    timeout: 30_000,
    skip: isDeno,
  }, async () => {
    const { memory, id } = spaceOf("thread");
    const at = spaceOf("thread").allocate(1, "test mutexes");
    const held = new Event();
    const thread = new Thread({ target: holdMutex, args: [at, held] }).start();
    await held.wait();
    thread.terminate();
    assertEquals(lockMutex(memory, at, id), true);
    unlockMutex(memory, at);
    assertEquals(await thread.join(), true);
  });
});
