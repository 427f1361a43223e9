import {
  DeadlockError,
  Event,
  InvalidStateError,
  Latch,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  sleep,
  Thread,
  waitAny,
  waitAnySync,
} from "@weft/concurrent/threading";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { READINESS } from "../../_internal/memory/kinds.ts";
import { drainBoth, end, feed, hold, waitFor, waitForAsync, waitForEver } from "./wait_any_targets.ts";

const LIMIT = { timeout: 60_000 };

// A future, as far as waitAny asks: it is settled by hand.
function makeFuture(): { future: Promise<number>; settle(): void } {
  let settled = false;
  const callbacks = new Set<() => void>();
  const future = Object.assign(Promise.resolve(1), {
    [READINESS]: () => ({
      isReady: () => settled,
      whenReady: (onReady: () => void) => {
        callbacks.add(onReady);
        return () => void callbacks.delete(onReady);
      },
    }),
  });
  return {
    future,
    settle: () => {
      settled = true;
      for (const callback of callbacks) callback();
    },
  };
}

describe("waitAny and waitAnySync", () => {
  it("return the lowest index of what is ready, and take nothing", LIMIT, async () => {
    const lock = new Lock();
    const semaphore = new Semaphore(1);
    const queue = new Queue<number>();
    queue.putSync(1);
    assertEquals(waitAnySync([new Event(), queue, lock, semaphore]), 1);
    assertEquals(await waitAny([new Event(), queue, lock, semaphore]), 1);
    assertEquals(await waitAny([new Event(), lock, queue]), 1);
    assertEquals(waitAnySync([semaphore, lock, queue]), 0);
    assertEquals([queue.size, lock.locked, semaphore.value], [1, false, 1]);
  });

  it("know when a thing of each kind is ready", LIMIT, async () => {
    const locked = new Lock();
    locked.acquireSync();
    const entered = new RLock();
    await entered.acquire();
    const event = new Event();
    const latch = new Latch(1);
    const taken = new Semaphore(0);
    const queues = [new Queue<number>(), new LifoQueue<number>(), new PriorityQueue<number>()];
    const go = new Event();
    const thread = new Thread({ target: end, args: [go] }).start();
    const things = [locked, entered, event, latch, taken, ...queues, thread];
    assertEquals(waitAnySync(things, { timeout: 5 }), undefined);
    assertEquals(await waitAny(things, { timeout: 5 }), undefined);
    const makeReady = [
      () => locked.release(),
      () => entered.release(),
      () => event.set(),
      () => latch.countDown(),
      () => taken.release(),
      ...queues.map((queue) => () => queue.putSync(0)),
      () => go.set(),
    ];
    for (let i = things.length - 1; i >= 0; i--) {
      const waiting = waitAny(things.slice(0, i + 1));
      makeReady[i]();
      assertEquals(await waiting, i);
      assertEquals(waitAnySync(things.slice(0, i + 1)), i);
    }
    assertEquals(await thread.join(), true);
  });

  it("take a queue that is shut down and empty for ready, since get does not wait then", LIMIT, async () => {
    const queue = new Queue();
    const waiting = waitAny([new Event(), queue]);
    queue.shutdown();
    assertEquals(await waiting, 1);
    assertEquals(waitAnySync([queue]), 0);
  });

  it("do not miss an event that is set and cleared at once", LIMIT, async () => {
    const event = new Event();
    const waiting = waitAny([event]);
    event.set();
    event.clear();
    assertEquals(await waiting, 0);
    assertEquals(waitAnySync([event], { timeout: 0 }), undefined);
  });

  it("return undefined when the time is over, at once for 0", LIMIT, async () => {
    const things = [new Event(), new Queue()];
    assertEquals(waitAnySync(things, { timeout: 0 }), undefined);
    assertEquals(waitAnySync(things, { timeout: 5 }), undefined);
    assertEquals(await waitAny(things, { timeout: 0 }), undefined);
    assertEquals(await waitAny(things, { timeout: 5 }), undefined);
  });

  it("wake every thread that waits, blocked or not, and a thread that takes loses no wake-up", LIMIT, async () => {
    for (let round = 0; round < 10; round++) {
      const queue = new Queue<number>();
      const event = new Event();
      const waiting = new Latch(4);
      const threads = [waitFor, waitForAsync, waitFor, waitForAsync].map((target) =>
        new Thread({ target, args: [[event, queue], waiting] }).start()
      );
      const taker = queue.get();
      assert(await waiting.wait({ timeout: 30_000 }));
      queue.putSync(1);
      queue.putSync(2);
      assertEquals(await taker, 1);
      for (const thread of threads) assertEquals(await thread.result(), 1);
    }
  });

  it("drain two queues without losing an item or a wake-up", LIMIT, async () => {
    const a = new Queue<number>();
    const b = new Queue<number>({ maxsize: 3 });
    const drainer = new Thread({ target: drainBoth, args: [a, b] }).start();
    const feeders = [1, 10_001].map((from) => new Thread({ target: feed, args: [a, b, from, 1_000] }).start());
    for (const feeder of feeders) await feeder.result();
    a.shutdown();
    b.shutdown();
    const items = (await drainer.result()).sort((x, y) => x - y);
    assertEquals(items, [...range(1, 1_000), ...range(10_001, 1_000)]);
  });

  it("notice that the holder of a lock was terminated", LIMIT, async () => {
    for (const form of [waitFor, waitForAsync]) {
      const lock = new Lock();
      const holding = new Event();
      const holder = new Thread({ target: hold, args: [lock, holding] }).start();
      assert(await holding.wait({ timeout: 30_000 }));
      const waiting = new Latch(1);
      const waiter = new Thread({ target: form, args: [[new Event(), lock], waiting] }).start();
      assert(await waiting.wait({ timeout: 30_000 }));
      holder.terminate();
      assertEquals(await waiter.result(), 1);
      using guard = lock.acquireSync();
      assert(guard.abandoned);
    }
  });

  it("end with their thread when that is terminated", LIMIT, async () => {
    const lock = new Lock();
    lock.acquireSync();
    const waiting = new Latch(1);
    const thread = new Thread({ target: waitForEver, args: [new Event(), lock, waiting] }).start();
    assert(await waiting.wait({ timeout: 30_000 }));
    thread.terminate();
    assert(await thread.join({ timeout: 30_000 }));
  });

  it("leave the promises of the thread as they were, which wait for the same", LIMIT, async () => {
    const queue = new Queue<number>();
    const go = new Event();
    const other = queue.get();
    const feeder = new Thread({ target: feed, args: [queue, queue, 0, 2] });
    feeder.start();
    assertEquals(waitAnySync([go, queue], { timeout: 30_000 }), 1);
    assertEquals(await other, 0);
    assertEquals(queue.getSync({ timeout: 30_000 }), 1);
    await feeder.join();
  });

  it(
    "wait for futures: the promise until a future settles, the blocking form for a settled future",
    LIMIT,
    async () => {
      const one = makeFuture();
      const two = makeFuture();
      const futures = [one.future, two.future] as never[];
      assertThrows(() => waitAnySync(futures), DeadlockError, "await waitAny()");
      // With the shortest, the time is over before the wait begins.
      for (const timeout of [5, 1e-9]) {
        assertEquals(waitAnySync(futures, { timeout }), undefined);
        assertEquals(await waitAny(futures, { timeout }), undefined);
      }
      const event = new Event();
      const waiting = waitAny([...futures, event]);
      await sleep(1);
      two.settle();
      assertEquals(await waiting, 1);
      assertEquals(waitAnySync(futures), 1);
      assertEquals(await waitAny([one.future as never, event], { timeout: 5 }), undefined);
      event.set();
      assertEquals(waitAnySync([one.future as never, event]), 1);
    },
  );

  it("reject with the signal's reason", LIMIT, async () => {
    const abort = new AbortController();
    const set = new Event();
    const waiting = waitAny([new Event(), new Queue()], { signal: abort.signal });
    abort.abort(new Error("never mind"));
    await assertRejects(() => waiting, Error, "never mind");
    set.set();
    await assertRejects(() => waitAny([set], { signal: abort.signal }), Error, "never mind");
  });

  it("refuse what cannot be waited for, saying which it is", LIMIT, async () => {
    for (const things of [undefined, null, 5, new Event(), { length: 1 }]) {
      assertThrows(() => waitAnySync(things as never), TypeError, "in an array");
      await assertRejects(() => waitAny(things as never), TypeError, "in an array");
    }
    assertThrows(() => waitAnySync([]), RangeError, "at least one");
    await assertRejects(() => waitAny([]), RangeError, "at least one");
    for (const thing of [undefined, null, 1, {}, "lock", new RWLock(), Promise.resolve()]) {
      assertThrows(() => waitAnySync([new Event(), thing as never]), TypeError, "things[1]");
      await assertRejects(() => waitAny([new Event(), thing as never]), TypeError, "things[1]");
    }
    const event = new Event();
    assertThrows(() => waitAnySync([event], { timeout: -1 }), RangeError, "'timeout'");
    assertThrows(() => waitAnySync([event], { timeout: "1" as never }), TypeError, "'timeout'");
    await assertRejects(() => waitAny([event], { timeout: NaN }), RangeError);
    await assertRejects(() => waitAny([event], { signal: {} as AbortSignal }), TypeError);
    await assertRejects(() => waitAny([event], 5 as never), TypeError);
  });

  it("throw InvalidStateError for what was disposed of, also while it is waited for", LIMIT, async () => {
    const event = new Event();
    const other = new Event();
    const waiting = waitAny([other, event]);
    event[Symbol.dispose]();
    assertThrows(() => waitAnySync([other, event]), InvalidStateError, "things[1]");
    await assertRejects(() => waitAny([other, event]), InvalidStateError, "things[1]");
    await assertRejects(() => waiting, InvalidStateError, "disposed of");
  });
});

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}
