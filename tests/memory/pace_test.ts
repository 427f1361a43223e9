import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { CONTENDED, LOOKED, Pace, type WaitingThread } from "../../_internal/memory/wait_point.ts";

const LIMIT = { timeout: 60_000 };

/** What a pace needs to know of its thread: that it may look, and that it has woken no other thread lately. */
const thread = { spins: 1, wokeAt: -Infinity } as WaitingThread;
/** Enough for a single look. */
const ONE_LOOK = 1;

/** How many looks a call takes when there are so many items. */
function looksOf(pace: Pace, items: number): number {
  let looks = 0;
  const found = pace.find(thread, () => {
    looks++;
    return items;
  }, ONE_LOOK);
  assertEquals(found, looks > 0 && items > 0);
  return looks;
}

/** How many calls take no look before a call takes some, if that is in vain as well. */
function restsOf(pace: Pace): number {
  for (let rests = 0;; rests++) if (looksOf(pace, 0) > 0) return rests;
}

describe("pace", () => {
  it("after looks in vain, a thread sleeps at once for more and more waits, and then looks again", LIMIT, () => {
    const pace = new Pace();
    assertEquals(Array.from({ length: 8 }, () => restsOf(pace)), [0, 1, 2, 4, 8, 16, 16, 16]);
  });

  it("a look that finds something ends that", LIMIT, () => {
    const pace = new Pace();
    for (let i = 0; i < 4; i++) restsOf(pace);
    for (let i = 0; i < 8; i++) assertEquals(looksOf(pace, 1), 0);
    assertEquals(looksOf(pace, 1), 1);
    assertEquals(restsOf(pace), 0);
    assertEquals(restsOf(pace), 1);
  });

  it("the wait after a look in vain does not look again, also if the thread sleeps at once", LIMIT, () => {
    const pace = new Pace();
    assertEquals(pace.pauses, CONTENDED);
    looksOf(pace, 0);
    assertEquals(pace.pauses, LOOKED);
    looksOf(pace, 0);
    assertEquals(pace.pauses, LOOKED);
  });

  it("a thread that has just woken another takes no look, but the wait that follows may look", LIMIT, () => {
    const pace = new Pace();
    restsOf(pace);
    looksOf(pace, 0);
    let looks = 0;
    pace.find({ ...thread, wokeAt: Infinity }, () => looks++, ONE_LOOK);
    assertEquals([looks, pace.pauses], [0, CONTENDED]);
  });
});
