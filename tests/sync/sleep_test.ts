import { Event, sleep, sleepSync, Thread } from "@weft/concurrent/threading";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { sleepAndReturn, sleepForEver, sleepForEverAsync } from "./sleep_targets.ts";

const LIMIT = { timeout: 60_000 };

describe("sleep and sleepSync", () => {
  it("take at least as long as they should", LIMIT, async () => {
    for (const ms of [0, 1, 20.5]) {
      const before = performance.now();
      await sleep(ms);
      assert(performance.now() - before >= ms);
      const between = performance.now();
      sleepSync(ms);
      assert(performance.now() - between >= ms);
    }
  });

  it("leave the event loop running, or block it", LIMIT, async () => {
    let turned = false;
    setTimeout(() => turned = true, 0);
    sleepSync(10);
    assertEquals(turned, false);
    await sleep(20);
    assertEquals(turned, true);
  });

  it("reject with the signal's reason, at once if it is aborted already", LIMIT, async () => {
    const abort = new AbortController();
    const sleeping = sleep(2 ** 40, { signal: abort.signal });
    setTimeout(() => abort.abort(new Error("wake up")), 1);
    await assertRejects(() => sleeping, Error, "wake up");
    await assertRejects(() => sleep(0, { signal: abort.signal }), Error, "wake up");
    await assertRejects(() => sleep(Infinity, { signal: abort.signal }), Error, "wake up");
  });

  it("take times above 2^31 for what they are", LIMIT, async () => {
    const abort = new AbortController();
    let over = false;
    const sleeping = sleep(2 ** 31 + 10, { signal: abort.signal }).then(() => over = true);
    await sleep(20);
    assertEquals(over, false);
    abort.abort(new Error("enough"));
    await assertRejects(() => sleeping, Error, "enough");
  });

  it("keep a thread alive until they are over", LIMIT, async () => {
    assertEquals(await new Thread({ target: sleepAndReturn, args: [30] }).start().result(), "slept");
  });

  it("end with their thread when that is terminated", LIMIT, async () => {
    for (const target of [sleepForEver, sleepForEverAsync]) {
      const asleep = new Event();
      const thread = new Thread({ target, args: [asleep] }).start();
      assert(await asleep.wait({ timeout: 30_000 }));
      thread.terminate();
      assert(await thread.join({ timeout: 30_000 }));
    }
  });

  it("refuse what is no time", LIMIT, async () => {
    for (const ms of [-1, NaN, -Infinity]) {
      assertThrows(() => sleepSync(ms), RangeError, "'ms' must be zero or more");
      await assertRejects(() => sleep(ms), RangeError, "'ms' must be zero or more");
    }
    for (const ms of ["1", null, undefined, 1n, {}]) {
      assertThrows(() => sleepSync(ms as number), TypeError, "'ms' must be a number");
      await assertRejects(() => sleep(ms as number), TypeError, "'ms' must be a number");
    }
    await assertRejects(() => sleep(1, { signal: {} as AbortSignal }), TypeError, "'signal'");
    await assertRejects(() => sleep(1, 5 as never), TypeError, "options");
    await assertRejects(() => sleep(1, null as never), TypeError, "options");
  });
});
