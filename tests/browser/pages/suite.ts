/** The tests that run in a page that is cross-origin isolated. Each is an exported function that throws if it fails. */

import {
  Barrier,
  Condition,
  configure,
  Event,
  Future,
  Latch,
  LifoQueue,
  Lock,
  Pool,
  PriorityQueue,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  share,
  SharedArray,
  sleep,
  sleepSync,
  task,
  Thread,
  Timer,
  Value,
  waitAny,
  waitAnySync,
} from "@weft/concurrent/threading";
import { Doubler, localSquare } from "./local.ts";
import * as targets from "./targets.ts";

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`expected ${b}, received ${a}`);
}

async function errorOf(run: () => unknown): Promise<Error> {
  try {
    await run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("expected an error");
}

function start<A extends unknown[], R>(target: (...args: A) => R, ...args: A): Thread<A, Awaited<R>> {
  return new Thread({ target: target as (...args: A) => Awaited<R>, args }).start();
}

export async function threads_return_values_and_errors(): Promise<void> {
  equal(await start(targets.add, 1, 2).result(), 3);
  const error = await errorOf(() => start(targets.fail, "as asked").result());
  equal([error.name, error.message, error instanceof RangeError], ["RangeError", "as asked", true]);
  equal(error.cause, { code: 7 });
  equal((await errorOf(() => start(targets.failLater).result())).message, "later");
  equal((await errorOf(() => start(targets.failUncaught).result())).message, "in a timer");
  const named = new Thread({ target: targets.nameOfThis, name: "Käthe 🧵" }).start();
  equal(await named.result(), "Käthe 🧵");
  equal(await named.join(), true);
}

function notExported(x: number): number {
  return x + 1;
}

export async function functions_are_found(): Promise<void> {
  // Exported by a module that this one imports, without a name, written here without an export, and named.
  equal(await start(localSquare, 5).result(), 25);
  equal(await start((x: number) => targets.square(x) + 1, 3).result(), 10);
  equal(await start(notExported, 4).result(), 5);
  const named = task<typeof targets.add>(new URL("./targets.ts", import.meta.url), "add");
  equal(await start(named, 4, 5).result(), 9);
  const doubler = new Doubler(new Value("i32", 4)).start();
  equal(await doubler.join(), true);
  equal(doubler.total.value, 8);
}

export async function what_cannot_be_found_says_so(): Promise<void> {
  const missing = await errorOf(() => start(task(new URL("./missing.ts", import.meta.url), "nothing")).result());
  if (!missing.message.includes("missing.ts")) throw missing;
  const bare = await errorOf(() => start(task(new URL("./bare.ts", import.meta.url), "anything")).result());
  if (bare.name !== "TargetError" || !bare.message.includes("import maps do not reach workers")) throw bare;
}

export async function locks_between_the_page_and_threads(): Promise<void> {
  for (const lock of [new Lock(), new RLock()]) {
    const total = new Value("i32");
    const threads = [1, 2].map(() => start(targets.countWith, lock, total, 500));
    for (let i = 0; i < 500; i++) {
      using _guard = await lock.acquire();
      total.value += 1;
    }
    for (const thread of threads) await thread.result();
    equal(total.value, 1500);
  }
  const [lock, until] = [new Lock(), new Event()];
  const holder = start(targets.holdUntil, lock, until);
  while (!lock.locked) await sleep(5);
  equal(lock.tryAcquire(), undefined);
  equal((await errorOf(() => lock.acquire({ timeout: 20 }))).name, "TimeoutError");
  const reason = new Error("given up");
  equal(await errorOf(() => lock.acquire({ signal: AbortSignal.abort(reason) })) === reason, true);
  until.set();
  (await lock.acquire())[Symbol.dispose]();
  await holder.result();
}

export async function semaphores_and_locks_of_readers(): Promise<void> {
  const semaphore = new Semaphore(2);
  const [inside, over] = [new Value("i32"), new Value("i32")];
  const threads = [1, 2, 3].map(() => start(targets.countWithSemaphore, semaphore, inside, over));
  for (let i = 0; i < 20; i++) {
    using _guard = await semaphore.acquire();
    if (inside.add(1) >= 2) over.add(1);
    await sleep(1);
    inside.sub(1);
  }
  for (const thread of threads) await thread.result();
  equal([inside.value, over.value], [0, 0]);

  const rwlock = new RWLock();
  const pair = [new Value("i32"), new Value("i32")];
  const torn = new Value("i32");
  const writers = [1, 2].map(() => start(targets.readAndWrite, rwlock, pair, torn));
  for (let i = 0; i < 50; i++) {
    {
      using _guard = await rwlock.read();
      if (pair[0].value !== pair[1].value) torn.add(1);
    }
    (await rwlock.write())[Symbol.dispose]();
  }
  for (const thread of writers) await thread.result();
  equal([torn.value, pair[0].value], [0, 200]);
}

export async function events_barriers_latches_and_conditions(): Promise<void> {
  const barrier = new Barrier(3);
  const parties = [1, 2].map(() => start(targets.meet, barrier));
  const own = await barrier.wait();
  const others = await Promise.all(parties.map((party) => party.result()));
  equal([own, ...others].sort(), [0, 1, 2]);

  const latch = new Latch(2);
  const counting = [1, 2].map(() => start(targets.countDown, latch));
  equal(await latch.wait(), true);
  for (const thread of counting) await thread.result();

  const condition = new Condition();
  const stock = new Value("i32");
  const taker = start(targets.lower, condition, stock);
  const raisers = [1, 2].map(() => start(targets.raise, condition, stock));
  {
    using _guard = await condition.acquire();
    await condition.waitFor(() => stock.value > 0);
    stock.value -= 1;
  }
  for (const thread of [taker, ...raisers]) await thread.result();
  equal(stock.value, 0);

  const event = new Event();
  equal(await event.wait({ timeout: 10 }), false);
  await new Timer(20, targets.addTo, [stock, 1]).start().join();
  equal(stock.value, 1);
  event.set();
  equal(await waitAny([new Event(), event]), 1);
}

export async function queues_both_ways(): Promise<void> {
  const requests = new Queue<unknown>({ maxsize: 4 });
  const answers = new Queue<unknown>();
  const thread = start(targets.echo, requests, answers);
  const long = "ü€𝄞".repeat(5_000);
  const items = [1, -2.5, "short", "Käthe 🧵", long, "x".repeat(100), { deep: [new Map([["a", 1]]), null] }, true, 10n];
  const received: unknown[] = [];
  const reading = (async () => {
    for (const _ of items) received.push(await answers.get());
  })();
  for (const item of items) await requests.put(item);
  await reading;
  const plain = (list: unknown[]) => list.map((item) => typeof item === "bigint" ? `${item}n` : item);
  equal(plain(received), plain(items));
  equal((received[6] as { deep: [Map<string, number>] }).deep[0].get("a"), 1);
  equal(await requests.join({ timeout: 5_000 }), true);
  await requests.put(undefined);
  await thread.result();

  const numbers = new Queue<number>();
  const draining = start(targets.drain, numbers);
  await numbers.putMany([1, 2, 3]);
  numbers.shutdown();
  equal(await draining.result(), 6);

  const filled = new Queue<number>();
  await start(targets.fill, filled, 3).result();
  equal(await filled.getMany(10), [0, 1, 2, -1, -2]);
  equal((await errorOf(() => filled.get({ timeout: 10 }))).name, "QueueEmptyError");

  const [stack, ranked] = [new LifoQueue<number>(), new PriorityQueue<string>()];
  await stack.putMany([1, 2]);
  await ranked.put("late", { priority: 2 });
  await ranked.put("soon", { priority: 1 });
  equal([await stack.get(), await ranked.get()], [2, "soon"]);
}

export async function pools(): Promise<void> {
  const pool = new Pool(2);
  equal(await pool.map(targets.square, [1, 2, 3, 4, 5]), [1, 4, 9, 16, 25]);
  equal(await pool.map((x: number) => x + 1, [1, 2]), [2, 3]);
  const future = pool.submit(targets.add, 20, 22);
  equal([await future, future instanceof Future], [42, true]);
  equal((await errorOf(() => pool.submit(targets.fail, "in the pool"))).message, "in the pool");
  const streamed: number[] = [];
  for await (const value of pool.imap(targets.slowSquare, [1, 2, 3])) streamed.push(value);
  equal(streamed, [1, 4, 9]);
  equal(await pool.submit(targets.lengthOf, new Uint8Array(3_000_000)), 3_000_000);

  const begun = new Event();
  const controller = new AbortController();
  const running = errorOf(() => pool.apply(targets.untilCancelled, [begun], { signal: controller.signal }));
  await begun.wait();
  const [busy, queued] = [pool.submit(targets.slowSquare, 3), pool.submit(targets.square, 4)];
  equal([queued.cancel(), (await errorOf(() => queued)).name], [true, "CancelledError"]);
  controller.abort();
  equal([(await running).name, await busy], ["AbortError", 9]);
  equal((await errorOf(() => pool.apply(targets.untilCancelled, [begun], { timeout: 30 }))).name, "TimeoutError");
  equal(await pool.apply(targets.square, [6]), 36);
  pool.close();
  equal(await pool.join(), true);

  await using beside = new Pool(1, { concurrency: 4 });
  equal(await beside.map(targets.hasTask, [1, 2, 3, 4]), [true, true, true, true]);
  equal((await errorOf(() => new Pool(1, { maxMemory: 2 ** 20 }))).name, "NotSupportedError");
  equal((await errorOf(() => new Pool(1, { trace: "trace.json" }))).name, "NotSupportedError");
}

export async function pools_are_terminated(): Promise<void> {
  const pool = new Pool(1);
  equal(await pool.submit(targets.slowSquare, 2), 4);
  const failed = errorOf(() => pool.submit(targets.spin));
  await sleep(100);
  pool.terminate();
  equal((await failed).name, "CancelledError");
  equal(await pool.join({ timeout: 20_000 }), true);

  await using killing = new Pool(1);
  const error = await errorOf(() => killing.apply(targets.spin, [], { timeout: 50, killAfter: 50 }));
  equal(error.name, "TimeoutError");
  equal(await killing.apply(targets.square, [3]), 9);
}

export async function threads_are_terminated(): Promise<void> {
  const [lock, held] = [new Lock(), new Event()];
  // It waits, so it ends at once.
  const waiting = start(targets.waitForever, lock, held);
  await held.wait();
  const begun = performance.now();
  waiting.terminate();
  const after = await lock.acquire();
  equal([after.abandoned, performance.now() - begun < 1_500], [true, true]);
  after[Symbol.dispose]();
  equal(await waiting.join({ timeout: 10_000 }), true);
  equal((await errorOf(() => waiting.result())).name, "WorkerLostError");

  // It computes, so the browser has to stop it.
  held.clear();
  const computing = start(targets.spinHolding, lock, held);
  await held.wait();
  computing.terminate();
  equal(await computing.join({ timeout: 15_000 }), true);
  using taken = await lock.acquire({ timeout: 5_000 });
  equal(taken.abandoned, true);
}

export async function threads_of_threads(): Promise<void> {
  const total = new Value("i32");
  await start(targets.leaveChild, total).join();
  for (let i = 0; i < 100 && total.value === 0; i++) await sleep(20);
  equal(total.value, 5);
  // The starter is blocked, and its child computes.
  equal(await start(targets.stopChild).result(), true);
  // The starter is stopped, and its child with it.
  const starter = start(targets.startHolder, "orphaned");
  await new Event({ name: "orphaned is held" }).wait();
  starter.terminate();
  using guard = await new Lock({ name: "orphaned" }).acquire({ timeout: 20_000 });
  equal(guard.abandoned, true);
}

export async function blocking_forms_work_in_threads(): Promise<void> {
  const [queue, event, lock] = [new Queue<string>(), new Event(), new Lock()];
  using _guard = await lock.acquire();
  const thread = start(targets.blockOnAll, queue, event, lock);
  await queue.put("item");
  await sleep(20);
  event.set();
  equal(await thread.result(), ["item", "true", "false", "TimeoutError", "true", "true"]);
}

export async function blocking_forms_are_refused_in_the_page(): Promise<void> {
  const names: Record<string, string> = {};
  const refused = async (name: string, run: () => unknown) => {
    names[name] = await errorOf(run).then(({ name }) => name, () => "no error");
  };
  const [lock, rlock, rwlock] = [new Lock(), new RLock(), new RWLock()];
  const [writing, until] = [new Event(), new Event()];
  const holders = [start(targets.holdUntil, lock, until), start(targets.holdUntil, rlock, until)];
  while (!lock.locked || !rlock.locked) await sleep(5);
  const writer = start(targets.writeUntil, rwlock, writing, until);
  await writing.wait();
  const [event, barrier, condition] = [new Event(), new Barrier(2), new Condition()];
  const full = new Queue<unknown>({ maxsize: 1 });
  await full.put(1);

  await refused("Lock", () => lock.acquireSync());
  await refused("Lock with a timeout", () => lock.acquireSync({ timeout: 1_000 }));
  await refused("RLock", () => rlock.acquireSync());
  await refused("RWLock.readSync", () => rwlock.readSync());
  await refused("RWLock.writeSync", () => rwlock.writeSync());
  await refused("Semaphore", () => new Semaphore(0).acquireSync());
  await refused("Event", () => event.waitSync());
  await refused("Latch", () => new Latch(1).waitSync());
  await refused("Barrier", () => barrier.waitSync());
  {
    using _guard = condition.acquireSync();
    await refused("Condition.waitSync", () => condition.waitSync());
    await refused("Condition.waitForSync", () => condition.waitForSync(() => false));
    equal(condition.locked, true);
  }
  await refused("Queue.getSync", () => new Queue().getSync());
  await refused("Queue.getManySync", () => new Queue().getManySync(2));
  await refused("Queue.putSync", () => full.putSync({ long: "x".repeat(10_000) }));
  await refused("Queue.putManySync", () => full.putManySync([1, 2]));
  await refused("Queue.joinSync", () => full.joinSync());
  await refused("Thread.joinSync", () => holders[0].joinSync());
  await refused("sleepSync", () => sleepSync(5));
  await refused("waitAnySync", () => waitAnySync([event]));
  await refused("RLock.run", () => new RLock().run(() => 1));
  for (const [name, error] of Object.entries(names)) equal([name, error], [name, "NotSupportedError"]);

  // What a refused form had begun is undone.
  until.set();
  for (const holder of [...holders, writer]) await holder.result();
  (await rwlock.read({ timeout: 1_000 }))[Symbol.dispose]();
  (await rwlock.write({ timeout: 1_000 }))[Symbol.dispose]();
  equal([barrier.broken, barrier.nWaiting, full.size], [false, 0, 1]);
  const party = start(targets.meet, barrier);
  await barrier.wait();
  await party.result();

  // What need not wait works.
  lock.acquireSync()[Symbol.dispose]();
  rlock.acquireSync()[Symbol.dispose]();
  rwlock.readSync()[Symbol.dispose]();
  event.set();
  equal([event.waitSync(), full.getSync(), new Event().waitSync({ timeout: 0 })], [true, 1, false]);
  equal(holders[0].joinSync(), true);
}

export async function workers_of_the_program(): Promise<void> {
  const worker = new Worker(new URL("./foreign.ts", import.meta.url), { type: "module" });
  const [event, array] = [new Event(), new SharedArray("i32", 4)];
  worker.postMessage([share(event, { worker }), share(array)]);
  equal(await event.wait({ timeout: 10_000 }), true);
  equal([...array.array], [7, 0, 0, 3]);
  worker.terminate();
  equal((await errorOf(() => configure({ memory: 2 ** 26 }))).name, "InvalidStateError");
}

export async function many_threads(): Promise<void> {
  const total = new Value("i32");
  for (let round = 0; round < 4; round++) {
    const threads = Array.from({ length: 8 }, () => start(targets.addTo, total, 1));
    for (const thread of threads) await thread.result();
  }
  equal(total.value, 32);
}

export async function processes_are_refused(): Promise<void> {
  const { Lock, Pool, Process } = await import("@weft/concurrent/multiprocessing");
  const error = await errorOf(() => new Process({ target: targets.add, args: [1, 2] }).start());
  if (error.name !== "NotSupportedError" || !/browser/.test(error.message)) throw error;
  equal((await errorOf(() => new Pool(1).map(targets.square, [1]))).name, "NotSupportedError");
  equal((await errorOf(() => new Lock())).name, "NotSupportedError");
}
