import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import {
  Event,
  type Guard,
  InvalidStateError,
  Lock,
  mainThread,
  Queue,
  QueueEmptyError,
  sleepSync,
  Thread,
  Value,
  waitAnySync,
  WorkerLostError,
} from "@weft/concurrent/threading";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import { isDeno } from "../_runtime.ts";
import * as targets from "./_targets.ts";
import { rounds } from "../_rounds.ts";

const LIMIT = { timeout: 30_000 };

/** All ways to wait that any runtime can end from outside. */
const WAITS = [
  "a wait",
  "an asynchronous wait",
  "its event loop",
  "a sleep",
  "a promise that never settles",
  "a loop that calls the library",
  "a loop that calls the library for processes",
  "a wait for processes",
  ...isDeno ? [] : ["a busy loop"],
];

describe("terminate", () => {
  for (const how of WAITS) {
    it(`ends a thread in ${how}, and its lock is abandoned`, LIMIT, async () => {
      for (const blocked of [false, true]) {
        const lock = new Lock();
        const held = new Event();
        const thread = new Thread({ target: targets.holdAndWait, args: [lock, held, how] }).start();
        if (blocked) held.waitSync();
        else await held.wait();
        assertEquals(lock.tryAcquire(), undefined);
        thread.terminate();
        thread.terminate();
        assertEquals(blocked ? thread.joinSync({ timeout: 20_000 }) : await thread.join({ timeout: 20_000 }), true);
        assertEquals([thread.isAlive, lock.locked], [false, true]);
        const guard = blocked ? lock.acquireSync({ timeout: 5_000 }) : await lock.acquire({ timeout: 5_000 });
        assertEquals(guard.abandoned, true);
        guard[Symbol.dispose]();
        await assertRejects(() => thread.result(), WorkerLostError);
      }
    });
  }

  // What a thread does after it has asked another to end, so that no event reaches it. Each blocks for a while.
  const blocking: Record<string, (lock: Lock) => Guard | undefined | void> = {
    "lock.acquireSync()": (lock) => lock.acquireSync({ timeout: 10_000 }),
    "sleepSync()": () => sleepSync(200),
    "event.waitSync()": () => void new Event().waitSync({ timeout: 200 }),
    "queue.getSync()": () => void assertThrows(() => new Queue().getSync({ timeout: 200 }), QueueEmptyError),
    "waitAnySync()": () => void waitAnySync([new Event(), new multiprocessing.Event()], { timeout: 200 }),
    "an event of processes": () => void new multiprocessing.Event().waitSync({ timeout: 200 }),
  };
  for (const [name, block] of Object.entries(blocking)) {
    it(`stops code that runs, and abandons its lock, also where its starter then blocks in ${name}`, {
      ...LIMIT,
      skip: isDeno,
    }, async () => {
      const lock = new Lock();
      const [held, count] = [new Event(), new Value("u32")];
      const thread = new Thread({ target: targets.holdAndCount, args: [lock, held, count] }).start();
      held.waitSync();
      thread.terminate();
      const end = performance.now() + 10_000;
      let guard: Guard | undefined;
      do guard = block(lock) ?? lock.tryAcquire(); while (guard === undefined && performance.now() < end);
      const { value } = count;
      assertEquals(guard?.abandoned, true);
      assertEquals(await thread.join({ timeout: 10_000 }), true);
      assertEquals(count.value, value);
    });
  }

  for (const blocked of [false, true]) {
    it(`by a thread that did not start it stops code that runs: its starter ${blocked ? "blocks" : "turns its loop"}`, {
      ...LIMIT,
      skip: isDeno,
    }, async () => {
      const lock = new Lock();
      const held = new Event();
      const thread = new Thread({ target: targets.holdAndWait, args: [lock, held, "a busy loop"] }).start();
      await held.wait();
      const other = new Thread({ target: targets.terminateOther, args: [thread as never] }).start();
      const guard = blocked ? lock.acquireSync({ timeout: 10_000 }) : await lock.acquire({ timeout: 10_000 });
      assertEquals(guard.abandoned, true);
      assertEquals([await thread.join({ timeout: 10_000 }), await other.join({ timeout: 10_000 })], [true, true]);
    });
  }

  for (const how of ["a return", "an error", "an exit"]) {
    it(`is not needed for that: ${how} abandons a lock, too`, LIMIT, async () => {
      const lock = new Lock();
      const held = new Event();
      const thread = new Thread({ target: targets.holdAndWait, args: [lock, held, how] }).start();
      thread.result().catch(() => {});
      await held.wait();
      const guard = await lock.acquire({ timeout: 10_000 });
      assertEquals([guard.abandoned, lock.locked], [true, true]);
      guard[Symbol.dispose]();
      assertEquals([await thread.join(), lock.locked], [true, false]);
    });
  }

  it("never makes two holders: a thread that runs on keeps its lock until it has ended", LIMIT, async () => {
    const lock = new Lock();
    const counter = new Value("i32");
    const taken = new Value("i32");
    const thread = new Thread({ target: targets.countThenLock, args: [counter, taken, lock] }).start();
    while (counter.value === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    thread.terminate();
    assertEquals(await thread.join(), true);
    const after = counter.value;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assertEquals([counter.value, taken.value], [after, 0]);
  });

  it("before the start and after the end does nothing", LIMIT, async () => {
    const thread = new Thread({ target: targets.add, args: [1, 2] });
    thread.terminate();
    assertEquals(await thread.start().result(), 3);
    thread.terminate();
    assertEquals([await thread.result(), await thread.join()], [3, true]);
  });

  it("of the main thread throws", LIMIT, () => {
    assertThrows(() => mainThread().terminate(), InvalidStateError, "main thread");
  });

  it("ends a thread that is only just starting", LIMIT, async () => {
    for (let delay = 0; delay < 24; delay += 2) {
      const thread = new Thread({ target: targets.waitForEvent, args: [new Event()] }).start();
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      thread.terminate();
      if (delay % 4 === 0) assertEquals(await thread.join({ timeout: 10_000 }), true);
      else assertEquals(thread.joinSync({ timeout: 10_000 }), true);
    }
  });

  it("may be called by any thread", LIMIT, async () => {
    const held = new Event();
    const thread = new Thread({ target: targets.setAndWait, args: [held] }).start();
    await held.wait();
    await new Thread({ target: targets.terminateOther, args: [thread as never] }).start().join();
    assertEquals(await thread.join({ timeout: 10_000 }), true);
  });

  it("ends the threads that the thread started, too", LIMIT, async () => {
    const started = new Event();
    const handles = new Queue<Thread<never>>();
    const thread = new Thread({ target: targets.startWaitingOne, args: [started, handles] }).start();
    const inner = await handles.get({ timeout: 10_000 });
    await started.wait();
    thread.terminate();
    assertEquals(await thread.join({ timeout: 10_000 }), true);
    assertEquals(await inner.join({ timeout: 10_000 }), true);
  });

  it("ends busy ones below it where the runtime can, and says so", { ...LIMIT, skip: isDeno }, async () => {
    const started = new Event();
    const handles = new Queue<Thread<never>>();
    const thread = new Thread({ target: targets.startBusyOne, args: [started, handles] }).start();
    const inner = await handles.get({ timeout: 10_000 });
    await started.wait();
    thread.terminate();
    assertEquals(await thread.join({ timeout: 10_000 }), true);
    assertEquals(await inner.join({ timeout: 10_000 }), true);
  });
});

describe("threads of threads", () => {
  it("are terminated with the thread that started them, also when that has returned", LIMIT, async () => {
    const ready = new Event();
    const handles = new Queue<Thread<never>>();
    const thread = new Thread({ target: targets.leaveWaitingOne, args: [ready, handles] }).start();
    assertEquals(await thread.result(), "returned");
    assertEquals(await ready.wait({ timeout: 10_000 }), true);
    const inner = await handles.get();
    assertEquals([thread.isAlive, inner.isAlive], [false, true]);
    thread.terminate();
    assertEquals(await inner.join({ timeout: 10_000 }), true);
  });

  it("go as deep as one likes", LIMIT, async () => {
    const names = new Queue<string>();
    assertEquals(
      await new Thread({ target: targets.startDeeper, args: [4, names], name: "depth 4" }).start().result(),
      4,
    );
    assertEquals(Array.from({ length: 5 }, () => names.tryGet()), [4, 3, 2, 1, 0].map((depth) => `depth ${depth}`));
  });

  it("go on after the thread that started them has returned", LIMIT, async () => {
    const event = new Event();
    const done = new Event();
    const handles = new Queue<Thread<never>>();
    const thread = new Thread({ target: targets.leaveOneBehind, args: [event, done, handles] }).start();
    assertEquals(await thread.result(), "returned");
    const inner = await handles.get();
    assertEquals([inner.isAlive, inner.daemon, thread.isAlive], [true, false, false]);
    event.set();
    assertEquals(await done.wait({ timeout: 10_000 }), true);
    assertEquals(await inner.join({ timeout: 10_000 }), true);
  });

  it("are many at once", { timeout: 60_000 }, async () => {
    const event = new Event();
    const count = rounds(64, 16);
    const threads = Array.from(
      { length: count },
      () => new Thread({ target: targets.waitForEventLater, args: [event] }).start(),
    );
    assertEquals(new Set(threads.map(({ ident }) => ident)).size, count);
    event.set();
    for (const thread of threads) assertEquals(await thread.result(), "woken");
  });
});
