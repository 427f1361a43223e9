import { Thread } from "@weft/concurrent/threading";
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { holdNamed, use } from "./made_at_import_targets.ts";

describe("locks and the like that a module makes at its top level", () => {
  it("are another one in each thread, and so cannot be used there unless they have a name or are meant so", {
    timeout: 60_000,
  }, async () => {
    using _held = holdNamed();
    assertEquals(await new Thread({ target: use }).start().result(), [
      "Lock: InvalidStateError, created again",
      "RLock: InvalidStateError, created again",
      "Semaphore: InvalidStateError, created again",
      "BoundedSemaphore: InvalidStateError, created again",
      "Event: InvalidStateError, created again",
      "Condition over a lock: InvalidStateError, created again",
      "Condition: InvalidStateError, created again",
      "Barrier: InvalidStateError, created again",
      "Thread, its name: InvalidStateError, created again",
      "Thread, daemon: InvalidStateError, created again",
      "Thread, isAlive: InvalidStateError, created again",
      "Thread, its ident: InvalidStateError, created again",
      "Thread, its end: InvalidStateError, created again",
      "Condition of its own: used",
      "Condition with a name: TimeoutError",
    ]);
  });

  it("can be used in the thread that made them", { timeout: 60_000 }, () => {
    assertEquals(use().every((outcome) => outcome.endsWith("used")), true);
  });
});
