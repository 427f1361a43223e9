import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import * as processes from "@weft/concurrent/multiprocessing";
import { Event, Lock, Queue, RWLock, Semaphore, Thread, Value } from "@weft/concurrent/threading";
import * as targets from "./stops_targets.ts";

const LIMIT = { timeout: 30_000 };
const TIMEOUT = { timeout: 10_000 };

/** One that holds what the others wait for, and does not stop by itself. */
function holder(lock: targets.Holdable): Thread {
  const held = new Event();
  const thread = new Thread({ target: targets.holdAndRunOn, args: [lock, held] }).start();
  assertEquals(held.waitSync(TIMEOUT), true);
  return thread;
}

/** Asks the thread to end, while this thread starts to wait. */
const TELLERS: Record<string, (thread: Thread) => void> = {
  "its starter": (thread) => thread.terminate(),
  "another thread": (thread) => void new Thread({ target: targets.tell, args: [thread] }).start(),
};

/** Waits of the starter that end when the thread has; all without a turn of the event loop. */
const WAITS: Record<string, (tell: (thread: Thread) => void) => void> = {
  "for a lock of processes": (tell) => {
    const lock = new processes.Lock();
    tell(holder(lock));
    assertEquals(lock.acquireSync(TIMEOUT).abandoned, true);
  },
  "for a process, which wants the lock": (tell) => {
    const lock = new processes.Lock();
    const thread = holder(lock);
    const taker = new processes.Process({ target: targets.take, args: [lock] }).start();
    tell(thread);
    assertEquals(taker.joinSync(TIMEOUT), true);
  },
  "for items, which come all the time": (tell) => {
    const thread = holder(new Lock());
    const items = new Queue<number>();
    const stop = new Event();
    const giver = new Thread({ target: targets.giveOften, args: [items, stop] }).start();
    tell(thread);
    for (const end = performance.now() + TIMEOUT.timeout; thread.isAlive && performance.now() < end;) items.getSync();
    stop.set();
    assertEquals([thread.isAlive, giver.joinSync(TIMEOUT)], [false, true]);
  },
};

describe("a thread that runs on and is asked to end", () => {
  for (const [teller, tell] of Object.entries(TELLERS)) {
    for (const [where, wait] of Object.entries(WAITS)) {
      it(`by ${teller} ends while its starter waits ${where}`, LIMIT, () => wait(tell));
    }
  }

  it("by a thread that it started ends with that thread", LIMIT, async () => {
    const lock = new Lock();
    const held = new Event();
    const handles = new Queue<Thread>();
    const thread = new Thread({ target: targets.holdAndRunOnAboveOneThatTells, args: [lock, held, handles] }).start();
    await held.wait();
    handles.putSync(thread);
    assertEquals(lock.acquireSync(TIMEOUT).abandoned, true);
    assertEquals(await thread.join(TIMEOUT), true);
  });

  for (const name of Object.keys(targets.FAILING)) {
    it(`ends while it calls ${name} in vain, again and again`, LIMIT, async () => {
      const lock = new Lock();
      const read = new RWLock();
      const begun = new Event();
      const empty = new Queue<number>();
      empty.putSync(1);
      empty.getSync();
      using _held = lock.acquireSync();
      using _reading = read.readSync();
      const args: Parameters<typeof targets.failOn> = [name, lock, read, new Semaphore(0), empty, begun];
      const thread = new Thread({ target: targets.failOn, args }).start();
      assertEquals(await begun.wait(TIMEOUT), true);
      thread.terminate();
      assertEquals(await thread.join(TIMEOUT), true);
    });
  }

  it("takes no permit of a semaphore with it", LIMIT, async () => {
    for (let i = 0; i < 5; i++) {
      const semaphore = new Semaphore(1);
      const begun = new Event();
      const thread = new Thread({ target: targets.takePermits, args: [semaphore, begun] }).start();
      await begun.wait(TIMEOUT);
      thread.terminate();
      assertEquals([await thread.join(TIMEOUT), semaphore.value], [true, 1]);
    }
  });

  it("by itself ends at that, and runs no `finally`", LIMIT, async () => {
    const counter = new Value("i32");
    const thread = new Thread({ target: targets.tellItself, args: [counter] }).start();
    assertEquals([await thread.join(TIMEOUT), counter.value], [true, 0]);
  });

  for (const how of ["its event loop", "a wait"]) {
    it(`by the starter of its starter ends while that is in ${how}`, LIMIT, async () => {
      const lock = new Lock();
      const held = new Event();
      const handles = new Queue<Thread>();
      const thread = new Thread({ target: targets.waitAbove, args: [lock, held, handles, how] }).start();
      await held.wait();
      const inner = handles.getSync();
      inner.terminate();
      assertEquals(await inner.join(TIMEOUT), true);
      assertEquals([lock.acquireSync(TIMEOUT).abandoned, thread.isAlive], [true, true]);
      thread.terminate();
      assertEquals(await thread.join(TIMEOUT), true);
    });
  }

  for (const how of ["its event loop", "a wait", "code that runs"]) {
    it(`ends with its starter in ${how}, while the starter of that is blocked`, LIMIT, () => {
      const lock = new Lock();
      const held = new Event();
      const handles = new Queue<Thread>();
      const thread = new Thread({ target: targets.waitAbove, args: [lock, held, handles, how] }).start();
      held.waitSync();
      const inner = handles.getSync();
      thread.terminate();
      assertEquals(lock.acquireSync(TIMEOUT).abandoned, true);
      assertEquals([inner.joinSync(TIMEOUT), thread.joinSync(TIMEOUT)], [true, true]);
    });
  }
});
