/**
 * Each object of the library alone in a test with all of the runner's sanitizers on; run by `sanitizers_test.ts`.
 */

import { deepStrictEqual, equal, rejects } from "node:assert/strict";
import * as sync from "@weft/concurrent/sync";
import * as threading from "@weft/concurrent/threading";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import { half, hold, setIt, waitFor } from "./_targets.ts";

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, sanitizeOps: true, sanitizeResources: true, sanitizeExit: true, fn });
}

/** A wait that ends by itself. */
const SHORT = { timeout: 20 };

test("threads: a thread", async () => {
  await using thread = new threading.Thread({ target: half, args: [4] }).start();
  equal(await thread.result(), 2);
});

test("threads: threads one after the other and at once", async () => {
  for (let i = 0; i < 3; i++) {
    await using thread = new threading.Thread({ target: half, args: [i] }).start();
    equal(await thread.result(), i / 2);
  }
  const threads = [1, 2, 3].map((i) => new threading.Thread({ target: half, args: [i] }).start());
  deepStrictEqual(await Promise.all(threads.map((thread) => thread.result())), [0.5, 1, 1.5]);
  for (const thread of threads) await thread.join();
});

test("threads: a blocking join", () => {
  const thread = new threading.Thread({ target: half, args: [4] }).start();
  equal(thread.joinSync(), true);
});

test("threads: a thread that is terminated", async () => {
  using event = new sync.Event();
  await using thread = new threading.Thread({ target: waitFor, args: [event] }).start();
  thread.terminate();
});

test("threads: a timer", async () => {
  using event = new sync.Event();
  await using timer = new threading.Timer(1, setIt, [event]);
  timer.start();
  equal(await event.wait(), true);
});

test("threads: a timer that is cancelled", async () => {
  await using timer = new threading.Timer(60_000, half, [1]);
  timer.start();
  timer.cancel();
});

test("threads: sleep", async () => {
  await sync.sleep(5);
  sync.sleepSync(5);
  await rejects(sync.sleep(60_000, { signal: AbortSignal.abort() }));
});

for (
  const [name, scope, Worker] of [
    ["threads", threading, threading.Thread],
    ["processes", multiprocessing, multiprocessing.Process],
  ] as const
) {
  test(`${name}: a pool`, async () => {
    await using pool = new scope.Pool(2);
    deepStrictEqual(await pool.map(half, [2, 4]), [1, 2]);
  });

  test(`${name}: a pool that is closed and joined`, async () => {
    const pool = new scope.Pool(1);
    equal(await pool.apply(half, [4]), 2);
    pool.close();
    equal(await pool.join(), true);
  });

  for (const kind of ["Lock", "RLock", "Semaphore", "BoundedSemaphore"] as const) {
    test(`${name}: ${kind}`, async () => {
      using lock = new scope[kind]();
      lock.acquireSync()[Symbol.dispose]();
      const held = await lock.acquire();
      const next = lock.acquire();
      await rejects(lock.acquire(SHORT), sync.TimeoutError);
      held[Symbol.dispose]();
      (await next)[Symbol.dispose]();
    });
  }

  test(`${name}: a lock that passes from one to the other`, async () => {
    using lock = new scope.Lock();
    using held = new scope.Event();
    using go = new scope.Event();
    await using other = new Worker({ target: hold, args: [lock, held, go] }).start();
    equal(await held.wait(), true);
    const waiting = lock.acquire();
    go.set();
    (await waiting)[Symbol.dispose]();
    equal(await other.join(), true);
  });

  test(`${name}: a wait that is aborted`, async () => {
    using event = new scope.Event();
    const abort = new AbortController();
    const waiting = event.wait({ signal: abort.signal });
    setTimeout(() => abort.abort(new RangeError("no")), 5);
    await rejects(waiting, RangeError);
  });

  test(`${name}: RWLock`, async () => {
    using lock = new scope.RWLock();
    lock.readSync()[Symbol.dispose]();
    const read = await lock.read();
    const write = lock.write();
    setTimeout(() => read[Symbol.dispose](), 5);
    (await write)[Symbol.dispose]();
  });

  test(`${name}: Event`, async () => {
    using event = new scope.Event();
    equal(await event.wait(SHORT), false);
    equal(event.waitSync(SHORT), false);
    const waiting = event.wait();
    setTimeout(() => event.set(), 5);
    equal(await waiting, true);
  });

  test(`${name}: Condition`, async () => {
    using condition = new scope.Condition(new scope.Lock());
    using _guard = await condition.acquire();
    equal(await condition.wait(SHORT), false);
  });

  test(`${name}: Barrier`, async () => {
    using barrier = new scope.Barrier(2);
    deepStrictEqual((await Promise.all([barrier.wait(), barrier.wait()])).sort(), [0, 1]);
  });

  test(`${name}: Latch`, async () => {
    using latch = new scope.Latch(1);
    const waiting = latch.wait();
    setTimeout(() => latch.countDown(), 5);
    equal(await waiting, true);
  });

  test(`${name}: Value and SharedArray`, async () => {
    using value = new scope.Value("i32", 1);
    using array = new scope.SharedArray("f64", [1, 2]);
    using _first = await value.lock.acquire();
    using _second = await array.lock.acquire();
    equal(value.add(1) + array.array[1], 3);
  });

  for (const kind of ["Queue", "LifoQueue", "PriorityQueue"] as const) {
    test(`${name}: ${kind}`, async () => {
      using queue = new scope[kind]<number>({ maxsize: 1 });
      const getting = queue.get();
      await queue.put(1);
      equal(await getting, 1);
      await rejects(queue.get(SHORT), sync.QueueEmptyError);
      queue.putSync(2);
      equal(queue.getSync(), 2);
    });
  }

  test(`${name}: waitAny`, async () => {
    using event = new scope.Event();
    using lock = new scope.Lock();
    using _guard = lock.acquireSync();
    equal(await sync.waitAny([lock, event], SHORT), undefined);
    equal(sync.waitAnySync([lock, event], SHORT), undefined);
    event.set();
    equal(await sync.waitAny([lock, event]), 1);
  });
}

test("processes: a process", async () => {
  await using process = new multiprocessing.Process({ target: half, args: [4] }).start();
  equal(await process.result(), 2);
});

test("processes: a blocking join", async () => {
  await using process = new multiprocessing.Process({ target: half, args: [4] }).start();
  equal(process.joinSync(), true);
});

test("processes: a process that is killed", async () => {
  using event = new multiprocessing.Event();
  await using process = new multiprocessing.Process({ target: waitFor, args: [event] }).start();
  process.kill();
});

test("processes: forkserver", async () => {
  const { Process } = multiprocessing.getContext("forkserver");
  for (let i = 0; i < 2; i++) {
    await using process = new Process({ target: half, args: [4] }).start();
    equal(await process.result(), 2);
  }
});

test("processes: Pipe", async () => {
  const [left, right] = multiprocessing.Pipe<string>();
  using _left = left;
  using _right = right;
  const receiving = right.recv();
  await left.send("hello");
  equal(await receiving, "hello");
  left.sendSync("again");
  equal(right.recvSync(), "again");
});

test("processes: SharedMemory", () => {
  using memory = new multiprocessing.SharedMemory({ size: 4096 });
  equal(memory.size, 4096);
  memory.unlink();
});
