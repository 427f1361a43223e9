import {
  InvalidStateError,
  QueueEmptyError,
  QueueFullError,
  QueueShutDownError,
  registerSerializable,
  sleep,
  TimeoutError,
} from "@weft/concurrent/threading";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as sync from "@weft/concurrent/sync";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { usedBytes } from "./_memory.ts";
import type { Scope } from "./_scope.ts";
import { queueManySuite } from "./queue_many.ts";
import {
  collect,
  consume,
  consumeAsync,
  echo,
  failToGet,
  failToPut,
  inWaves,
  joins,
  type Nested,
  produce,
  produceAsync,
  putAndLeave,
  putForEver,
  putWhen,
  type Stamped,
  takeForEver,
  takeOne,
  takeWithin,
  useNested,
  work,
} from "./queue_targets.ts";
import { isLong, rounds } from "../_rounds.ts";

const LIMIT = { timeout: 60_000 };

class Celsius {
  readonly degrees: number;

  constructor(degrees: number) {
    this.degrees = degrees;
  }
}
registerSerializable(Celsius, {
  name: "test/celsius",
  serialize: ({ degrees }) => degrees,
  deserialize: (degrees) => {
    if (degrees === 451) throw new RangeError("too hot");
    return new Celsius(degrees as number);
  },
});

class Unwilling {}
registerSerializable(Unwilling, {
  name: "test/unwilling",
  serialize: () => {
    throw new Error("will not be written");
  },
  deserialize: () => new Unwilling(),
});

/** Tests of what `Queue`, `LifoQueue` and `PriorityQueue` have in common, and of their orders. */
export function queueSuite(scope: Scope): void {
  for (const kind of ["Queue", "LifoQueue", "PriorityQueue"] as const) {
    commonSuite(scope, kind);
    queueManySuite(scope, kind);
  }
  orderSuite(scope);
}

function commonSuite(scope: Scope, kind: "Queue" | "LifoQueue" | "PriorityQueue"): void {
  const { Event, Latch, Lock, Value } = scope;
  const Queue = scope[kind] as typeof scope.Queue;

  describe(`${kind} (${scope.name})`, () => {
    it("gives what was put", LIMIT, async () => {
      const queue = new Queue<unknown>();
      assertEquals([queue.size, queue.empty, queue.full], [0, true, false]);
      for (
        const item of [1, -1, 2 ** 30, 0.5, -0, NaN, "text", "ünï🦊", "", null, true, 7n, [1, , 3], { a: { b: [] } }]
      ) {
        queue.putSync(item);
        assertEquals([queue.size, queue.empty], [1, false]);
        assertEquals(queue.getSync(), item);
        await queue.put(item);
        assertEquals(await queue.get(), item);
        assertEquals(queue.tryPut(item), true);
        assertEquals(queue.tryGet(), item);
      }
      assertEquals(queue.size, 0);
    });

    it("is a Queue, and not an instance of the other module's classes", LIMIT, () => {
      class Own extends Queue {}
      assert(new Queue() instanceof scope.Queue && new Own() instanceof scope.Queue && new Own() instanceof Own);
      assert(new Queue() instanceof sync.Queue);
      assertEquals(new Queue() instanceof multiprocessing.Queue, scope.name === "process");
      assertEquals([{}, null, Queue.prototype].map((value) => value instanceof Own), [false, false, false]);
    });

    it("tells the item undefined from no item, except in tryGet", LIMIT, async () => {
      const queue = new Queue<undefined>();
      queue.putSync(undefined);
      assertEquals(queue.size, 1);
      assertEquals(queue.getSync({ timeout: 0 }), undefined);
      assertThrows(() => queue.getSync({ timeout: 0 }), QueueEmptyError);
      await queue.put(undefined);
      assertEquals(await queue.get({ timeout: 0 }), undefined);
      await assertRejects(() => queue.get({ timeout: 0 }), QueueEmptyError);
      queue.putSync(undefined);
      assertEquals(queue.tryGet(), undefined);
      assertEquals(queue.size, 0);
      const waiting = queue.get();
      queue.putSync(undefined);
      assertEquals(await waiting, undefined);
    });

    it("copies an item at the put", LIMIT, async () => {
      const queue = new Queue<{ list: number[] }>({ maxsize: 1 });
      const item = { list: [1] };
      queue.putSync(item);
      item.list.push(2);
      const late = queue.put(item);
      item.list.push(3);
      assertEquals(queue.getSync(), { list: [1] });
      await late;
      assertEquals(queue.getSync(), { list: [1, 2] });
    });

    it("takes no more than maxsize, and counts", LIMIT, async () => {
      const queue = new Queue<number>({ maxsize: 2 });
      assertEquals(queue.tryPut(1), true);
      assertEquals([queue.size, queue.full], [1, false]);
      queue.putSync(2);
      assertEquals([queue.size, queue.full, queue.empty], [2, true, false]);
      assertEquals(queue.tryPut(3), false);
      const error = assertThrows(() => queue.putSync(3, { timeout: 0 }), QueueFullError, "'maxsize' of 2");
      assertEquals(error.item, 3);
      assertInstanceOf(error, TimeoutError);
      assertThrows(() => queue.putSync(3, { timeout: 5 }), QueueFullError, "5 ms");
      await assertRejects(() => queue.put(3, { timeout: 0 }), QueueFullError);
      const late = await assertRejects(() => queue.put(4, { timeout: 5 }), QueueFullError);
      assertEquals((late as QueueFullError).item, 4);
      assertEquals([queue.getSync(), queue.getSync()].sort(), [1, 2]);
      assertEquals(queue.size, 0);
    });

    it("throws QueueEmptyError when nothing comes in time", LIMIT, async () => {
      const queue = new Queue();
      assertEquals(queue.tryGet(), undefined);
      assertThrows(() => queue.getSync({ timeout: 0 }), QueueEmptyError, "it is empty");
      const error = assertThrows(() => queue.getSync({ timeout: 5 }), QueueEmptyError, "5 ms");
      assertInstanceOf(error, TimeoutError);
      await assertRejects(() => queue.get({ timeout: 0 }), QueueEmptyError);
      await assertRejects(() => queue.get({ timeout: 5 }), QueueEmptyError);
      queue.putSync("still works");
      assertEquals(await queue.get(), "still works");
    });

    it("takes nothing and puts nothing when the signal is aborted", LIMIT, async () => {
      const queue = new Queue<number>({ maxsize: 1 });
      const aborted = AbortSignal.abort(new Error("not now"));
      await assertRejects(() => queue.put(1, { signal: aborted }), Error, "not now");
      assertEquals(queue.size, 0);
      const abort = new AbortController();
      const getting = queue.get({ signal: abort.signal });
      abort.abort(new Error("gave up"));
      queue.putSync(2);
      await assertRejects(() => getting, Error, "gave up");
      await assertRejects(() => queue.get({ signal: aborted }), Error, "not now");
      const again = new AbortController();
      const putting = queue.put(3, { signal: again.signal });
      again.abort(new Error("gave up"));
      await assertRejects(() => putting, Error, "gave up");
      assertEquals(queue.getSync(), 2);
      assertEquals(queue.size, 0);
    });

    it("feeds a thread that is blocked from another, while the main thread is blocked, too", LIMIT, async () => {
      const queue = new Queue<string>();
      const waiting = new Event();
      const go = new Latch(1);
      const taker = scope.run(takeOne<string>, queue, waiting);
      const putter = scope.run(putWhen, queue, go, "item");
      assert(waiting.waitSync({ timeout: 30_000 }));
      go.countDown();
      assert(taker.joinSync({ timeout: 30_000 }));
      assert(putter.joinSync({ timeout: 30_000 }));
      assertEquals(await taker.result(), "item");
    });

    it("passes an item from thread to thread and back, both blocked and not", LIMIT, async () => {
      const there = new Queue<number>();
      const back = new Queue<number>();
      const other = scope.run(echo, there, back);
      for (let i = 1; i <= 200; i++) {
        there.putSync(i);
        assertEquals(i % 2 === 0 ? back.getSync({ timeout: 30_000 }) : await back.get({ timeout: 30_000 }), i);
      }
      there.putSync(0);
      await other.result();
      assertEquals(back.getSync(), 0);
    });

    // A limit does the same in all kinds.
    for (const maxsize of kind === "Queue" || isLong ? [0, 1, 10] : [10]) {
      it(`delivers each item once, from many threads to many (maxsize: ${maxsize})`, LIMIT, async () => {
        const ordered = kind === "Queue";
        const queue = new Queue<Stamped>({ maxsize });
        const count = maxsize === 1 ? 300 : 2_000;
        const producers = [produce, produceAsync, produce].map((form, producer) =>
          scope.run(form, queue, producer, count)
        );
        // Only a Queue keeps the order of each producer.
        const consumers = ordered
          ? [consume, consumeAsync].map((form) => scope.run(form, queue))
          : [scope.run(collect, queue), scope.run(collect, queue)];
        for (const producer of producers) await producer.result();
        queue.shutdown();
        const all: number[][] = [[], [], []];
        for (const consumer of consumers) {
          (await consumer.result()).forEach((numbers, producer) => all[producer].push(...numbers ?? []));
        }
        for (const numbers of all) {
          assertEquals(numbers.sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
        }
      });
    }

    it("wakes all waiters when it is shut down, those that get and those that put", LIMIT, async () => {
      for (const immediate of [false, true]) {
        const empty = new Queue();
        const full = new Queue<unknown>({ maxsize: 1 });
        full.putSync("first");
        const waiting = [new Event(), new Event()];
        const getter = scope.run(failToGet, empty, waiting[0]);
        const putter = scope.run(failToPut, full, waiting[1]);
        const getting = assertRejects(() => empty.get(), QueueShutDownError);
        const putting = assertRejects(() => full.put("second"), QueueShutDownError);
        for (const event of waiting) assert(await event.wait({ timeout: 30_000 }));
        empty.shutdown({ immediate });
        full.shutdown({ immediate });
        assertEquals(await getter.result(), "QueueShutDownError");
        assertEquals(await putter.result(), "QueueShutDownError");
        await getting;
        await putting;
        if (!immediate) assertEquals(full.getSync(), "first");
        assertThrows(() => full.getSync(), QueueShutDownError);
        assertThrows(() => full.tryGet(), QueueShutDownError);
        assertThrows(() => full.tryPut("x"), QueueShutDownError);
        assertThrows(() => full.putSync("x", { timeout: 0 }), QueueShutDownError);
        await assertRejects(() => full.get({ timeout: 0 }), QueueShutDownError);
        await assertRejects(() => full.put("x"), QueueShutDownError);
      }
    });

    it("can be emptied after it was shut down, and shut down at once after that", LIMIT, async () => {
      const queue = new Queue<number>();
      for (const item of [1, 2, 3]) queue.putSync(item);
      queue.shutdown();
      queue.shutdown();
      assertEquals(queue.size, 3);
      queue.getSync();
      queue.shutdown({ immediate: true });
      assertEquals([queue.size, queue.empty], [0, true]);
      assertThrows(() => queue.getSync(), QueueShutDownError);
      // The item that was taken is not done yet, as in Python.
      assertEquals(queue.joinSync({ timeout: 0 }), false);
      queue.taskDone();
      assertEquals(queue.joinSync({ timeout: 0 }), true);
      assertEquals(await queue.join(), true);
      assertThrows(() => queue.taskDone(), InvalidStateError);
    });

    it("ends join when it is shut down at once, and not when it is only shut down", LIMIT, async () => {
      const queue = new Queue<number>();
      queue.putSync(1);
      queue.putSync(2);
      const waiting = new Event();
      const joiner = scope.run(joins, queue, waiting);
      const joining = queue.join();
      assert(await waiting.wait({ timeout: 30_000 }));
      queue.shutdown();
      assertEquals(queue.joinSync({ timeout: 5 }), false);
      queue.shutdown({ immediate: true });
      assertEquals(await joining, true);
      assertEquals(await joiner.result(), true);
    });

    it("ends an asynchronous loop when it is shut down and empty", LIMIT, async () => {
      const queue = new Queue<number>();
      const items: number[] = [];
      const loop = (async () => {
        for await (const item of queue) items.push(item);
      })();
      queue.putSync(1);
      await sleep(1);
      queue.putSync(2);
      queue.shutdown();
      await loop;
      assertEquals(items, [1, 2]);
      for await (const _ of queue) throw new Error("there is nothing");
    });

    it("ends join when each item was marked as done, and refuses one mark more", LIMIT, async () => {
      const queue = new Queue<number>();
      assertEquals(queue.joinSync(), true);
      assertThrows(() => queue.taskDone(), InvalidStateError, "taskDone()");
      const done = new Value("i32");
      const workers = [1, 2].map(() => scope.run(work, queue, done));
      for (let i = 0; i < 500; i++) queue.putSync(i);
      assert(await queue.join({ timeout: 30_000 }));
      assertEquals(done.value, 500);
      assert(queue.joinSync({ timeout: 0 }));
      assertThrows(() => queue.taskDone(), InvalidStateError);
      queue.putSync(0);
      queue.shutdown();
      assert(queue.joinSync({ timeout: 30_000 }));
      for (const worker of workers) await worker.result();
    });

    it("carries large items", LIMIT, async () => {
      const queue = new Queue<Uint8Array>();
      const size = 16 * 2 ** 20;
      const bytes = new Uint8Array(size);
      for (let i = 0; i < size; i += 4097) bytes[i] = i;
      queue.putSync(bytes);
      const there = await queue.get();
      assertEquals(there.length, size);
      let same = true;
      for (let i = 0; i < size; i++) same &&= there[i] === bytes[i];
      assert(same);
    });

    it("carries many items, whose producer has ended by then", LIMIT, async () => {
      const queue = new Queue<string>();
      await scope.start(putAndLeave, queue, 300, 10_000).result();
      const numbers = [];
      while (!queue.empty) numbers.push(parseInt(queue.getSync()));
      assertEquals(numbers.sort((a, b) => a - b), Array.from({ length: 300 }, (_, i) => i));
    });

    it(
      "shares objects of this library at any depth of an item, and keeps them while they are under way",
      LIMIT,
      async () => {
        const items = new Queue<Nested>();
        const answers = new Queue<string>();
        const lock = new Lock();
        lock.acquireSync();
        const nested: Nested = { map: new Map([["there", { list: [lock, new Set([answers])] }]]) };
        nested.self = nested;
        items.putSync(nested);
        const copy = items.getSync();
        assertStrictEquals(copy.map.get("there")!.list[0], lock);
        assertStrictEquals([...copy.map.get("there")!.list[1]][0], answers);
        items.putSync(nested);
        lock[Symbol.dispose]();
        assertEquals(await scope.run(useNested, items).result(), "done");
        assertEquals(await answers.get(), "locked");
      },
    );

    it("carries itself", LIMIT, () => {
      const queue = new Queue<unknown>();
      queue.putSync([queue]);
      assertStrictEquals((queue.getSync() as unknown[])[0], queue);
    });

    it(
      "carries instances of registered classes, and throws what their functions throw, without harm",
      LIMIT,
      async () => {
        const queue = new Queue<unknown>({ maxsize: 3 });
        queue.putSync({ now: new Celsius(20) });
        assertEquals(queue.getSync(), { now: new Celsius(20) });
        assertThrows(() => queue.putSync([new Unwilling()]), Error, "will not be written");
        await assertRejects(() => queue.put([new Unwilling()]), Error, "will not be written");
        assertThrows(() => queue.tryPut([new Unwilling()]), Error, "will not be written");
        assertEquals(queue.size, 0);
        queue.putSync(new Celsius(451));
        assertThrows(() => queue.getSync(), RangeError, "too hot");
        queue.putSync(new Celsius(451));
        await assertRejects(() => queue.get(), RangeError, "too hot");
        assertEquals(queue.size, 0);
        const waiting = assertRejects(() => queue.get(), RangeError, "too hot");
        const next = queue.get();
        queue.putSync(new Celsius(451));
        await waiting;
        queue.putSync("the next one");
        assertEquals(await next, "the next one");
      },
    );

    it("refuses what cannot be copied, naming where it is, and puts nothing", LIMIT, async () => {
      const queue = new Queue<unknown>();
      for (const put of [(item: unknown) => queue.putSync(item), (item: unknown) => queue.tryPut(item)]) {
        const error = assertThrows(() => put({ jobs: [{ onDone() {} }] }), DOMException, "item.jobs[0].onDone");
        assertEquals(error.name, "DataCloneError");
        assertThrows(() => put(Symbol("s")), DOMException);
      }
      await assertRejects(() => queue.put([() => {}]), DOMException, "item[0]");
      using guard = new Lock().acquireSync();
      assertThrows(() => queue.putSync({ guard }), DOMException);
      assertEquals(queue.size, 0);
    });

    it("gives promises of one thread items in the order of the calls, and room as well", LIMIT, async () => {
      const queue = new Queue<number>({ maxsize: 1 });
      const got: number[] = [];
      const getters = [1, 2, 3].map((n) => queue.get().then(() => got.push(n)));
      for (const item of [1, 2, 3]) await queue.put(item);
      await Promise.all(getters);
      assertEquals(got, [1, 2, 3]);
      queue.putSync(0);
      const put: number[] = [];
      const putters = [1, 2, 3].map((n) => queue.put(n).then(() => put.push(n)));
      for (let i = 0; i < 4; i++) await queue.get();
      await Promise.all(putters);
      assertEquals(put, [1, 2, 3]);
    });

    it("loses no item when timeouts race with puts", LIMIT, async () => {
      const queue = new Queue<number>();
      const count = 300;
      let got = 0;
      let timeouts = 0;
      const taker = async (): Promise<void> => {
        while (got < count) {
          try {
            await queue.get({ timeout: Math.random() * 2 });
            got++;
          } catch (error) {
            if (!(error instanceof QueueEmptyError)) throw error;
            timeouts++;
          }
        }
      };
      const takers = [taker(), taker()];
      for (let i = 0; i < count; i++) {
        queue.putSync(i);
        if (i % 3 === 0) await sleep(Math.random() * 2);
      }
      await Promise.all(takers);
      assertEquals([got, queue.size], [count, 0]);
      assert(timeouts >= 0);
    });

    it("gives a thread with a timeout its item or none", LIMIT, async () => {
      const queue = new Queue<number>();
      assertEquals(await scope.run(takeWithin, queue, 20).result(), "empty");
      queue.putSync(5);
      assertEquals(await scope.run(takeWithin, queue, 20).result(), 5);
    });

    it("accounts for every item when producers and consumers are killed at any moment", LIMIT, async () => {
      for (let round = 0; round < rounds(5, 2); round++) {
        const queue = new Queue<Stamped>(round % 2 === 0 ? {} : { maxsize: 5 });
        const put = [new Value("i32"), new Value("i32")];
        const taken = [new Value("i32"), new Value("i32")];
        const producers = put.map((value, producer) => scope.run(putForEver, queue, producer, value));
        const consumers = taken.map((value) => scope.run(takeForEver, queue, value));
        while (taken[0].value < 50 || taken[1].value < 50) await sleep(1);
        await sleep(Math.random() * 5);
        for (const runner of [producers[0], consumers[0]]) runner.kill();
        for (const runner of [producers[0], consumers[0]]) await runner.join();
        // The living threads go on.
        const before = taken[1].value;
        while (taken[1].value < before + 50) await sleep(1);
        for (const runner of [producers[1], consumers[1]]) runner.kill();
        for (const runner of [producers[1], consumers[1]]) await runner.join();
        // Each killed thread may have died between its last operation and its note of it.
        const left = queue.size;
        const sum = (values: { value: number }[]): number => values.reduce((total, { value }) => total + value, 0);
        const missing = sum(put) - sum(taken) - left;
        assert(missing >= -2 && missing <= 2, `${missing} items are missing`);
        const seen = new Set<string>();
        for (let i = 0; i < left; i++) seen.add(String(queue.getSync({ timeout: 0 })));
        assertEquals([seen.size, queue.size], [left, 0]);
        queue.putSync([9, 9]);
        assertEquals(queue.getSync(), [9, 9]);
      }
    });

    it("gives back the memory of its items", LIMIT, async () => {
      const queue = new Queue<unknown>();
      inWaves(queue, 3, 10_000);
      const before = usedBytes(scope.name);
      inWaves(queue, 20, 10_000);
      await scope.run(inWaves, queue, 20, 10_000).result();
      // The started thread takes some memory, and so may other threads. The items alone would take twenty times this.
      const more = usedBytes(scope.name) - before;
      assert(more < 2 * 2 ** 20, `${more} bytes more`);
    });

    it("gives back the memory of a queue that is disposed of with items in it", LIMIT, () => {
      let first: number | undefined;
      for (let i = 0; i < 60; i++) {
        const queue = new Queue<unknown>();
        for (let j = 0; j < 50; j++) queue.putSync([new Uint8Array(20_000), new Lock()]);
        queue[Symbol.dispose]();
        if (i === 5) first = usedBytes(scope.name);
      }
      const more = usedBytes(scope.name) - first!;
      assert(more < 2 * 2 ** 20, `${more} bytes more`);
    });

    it("keeps its items under its name, and must be created with the same maxsize", LIMIT, () => {
      const name = `queue ${crypto.randomUUID()}`;
      const queue = new Queue<number>({ name, maxsize: 3 });
      queue.putSync(1);
      assertEquals(new Queue<number>({ name, maxsize: 3 }).getSync(), 1);
      assertThrows(() => new Queue({ name }), TypeError, name);
      assertThrows(() => new Queue({ name, maxsize: 4 }), TypeError, name);
      const Other = kind === "Queue" ? scope.LifoQueue : scope.Queue;
      assertThrows(() => new Other({ name, maxsize: 3 }), TypeError, name);
      assertEquals(queue.size, 0);
    });

    it("refuses options that make no sense, and stays as it is", LIMIT, async () => {
      for (const maxsize of [-1, 1.5, NaN, Infinity]) {
        assertThrows(() => new Queue({ maxsize }), RangeError, "'maxsize' must be a whole number");
      }
      assertThrows(() => new Queue({ maxsize: "1" as never }), TypeError, "'maxsize'");
      assertThrows(() => new Queue({ maxsize: null as never }), TypeError, "'maxsize'");
      assertThrows(() => new Queue(3 as never), TypeError, "'options'");
      assertThrows(() => new Queue(null as never), TypeError, "'options'");
      assertThrows(() => new Queue({ name: 1 as never }), TypeError, "'name'");
      assertThrows(() => new Queue({ local: 1 as never }), TypeError, "'local'");
      const queue = new Queue<number>();
      for (const timeout of [-1, NaN, -Infinity]) {
        assertThrows(() => queue.putSync(1, { timeout }), RangeError, "'timeout'");
        assertThrows(() => queue.getSync({ timeout }), RangeError, "'timeout'");
        assertThrows(() => queue.joinSync({ timeout }), RangeError, "'timeout'");
        await assertRejects(() => queue.put(1, { timeout }), RangeError, "'timeout'");
        await assertRejects(() => queue.get({ timeout }), RangeError, "'timeout'");
        await assertRejects(() => queue.join({ timeout }), RangeError, "'timeout'");
      }
      for (const options of [{ timeout: "1" }, 5, null, "x"]) {
        assertThrows(() => queue.putSync(1, options as never), TypeError);
        assertThrows(() => queue.getSync(options as never), TypeError);
        assertThrows(() => queue.joinSync(options as never), TypeError);
        await assertRejects(() => queue.put(1, options as never), TypeError);
        await assertRejects(() => queue.get(options as never), TypeError);
        await assertRejects(() => queue.join(options as never), TypeError);
      }
      await assertRejects(() => queue.get({ signal: {} as AbortSignal }), TypeError, "'signal'");
      assertThrows(() => queue.shutdown({ immediate: 1 as never }), TypeError, "'immediate'");
      assertThrows(() => queue.shutdown({ immediate: null as never }), TypeError, "'immediate'");
      assertThrows(() => queue.shutdown(true as never), TypeError);
      assertEquals(queue.size, 0);
      queue.putSync(1);
      assertEquals(queue.getSync({ timeout: 2 ** 40 }), 1);
    });

    it("throws InvalidStateError after it was disposed of", LIMIT, async () => {
      const queue = new Queue<number>();
      queue[Symbol.dispose]();
      assertThrows(() => queue.putSync(1), InvalidStateError, "disposed of");
      assertThrows(() => queue.tryPut(1), InvalidStateError);
      assertThrows(() => queue.getSync(), InvalidStateError);
      assertThrows(() => queue.tryGet(), InvalidStateError);
      assertThrows(() => queue.size, InvalidStateError);
      assertThrows(() => queue.empty, InvalidStateError);
      assertThrows(() => queue.full, InvalidStateError);
      assertThrows(() => queue.taskDone(), InvalidStateError);
      assertThrows(() => queue.joinSync(), InvalidStateError);
      assertThrows(() => queue.shutdown(), InvalidStateError);
      await assertRejects(() => queue.put(1), InvalidStateError);
      await assertRejects(() => queue.get(), InvalidStateError);
      await assertRejects(() => queue.join(), InvalidStateError);
    });
  });
}

function orderSuite(scope: Scope): void {
  const { LifoQueue, PriorityQueue, Queue } = scope;

  describe(`orders of queues (${scope.name})`, () => {
    it("Queue gives the oldest item first", LIMIT, () => {
      const queue = new Queue<number>();
      for (let i = 0; i < 10_000; i++) queue.putSync(i);
      for (let i = 0; i < 10_000; i++) assertStrictEquals(queue.getSync(), i);
    });

    it("LifoQueue gives the newest item first, also when puts and gets alternate", LIMIT, () => {
      const queue = new LifoQueue<unknown>();
      const model: unknown[] = [];
      let seed = 7;
      const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
      for (let i = 0; i < 20_000; i++) {
        if (random(100) < 55) {
          const item = random(5) === 0 ? "x".repeat(random(3_000)) : i;
          queue.putSync(item);
          model.push(item);
        } else {
          assertEquals(queue.tryGet(), model.pop());
        }
      }
      assertEquals(queue.size, model.length);
      while (model.length > 0) assertEquals(queue.getSync(), model.pop());
    });

    it("PriorityQueue gives the lowest priority first, and the oldest item among equals", LIMIT, async () => {
      const queue = new PriorityQueue<number>();
      const priorities = [0, -0, 1, -1, 0.5, -0.5, Infinity, -Infinity, 1e308, 5e-324, -5e-324, 2 ** 53, -(2 ** 53)];
      let seed = 11;
      const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
      const model: { item: number; priority: number }[] = [];
      for (let i = 0; i < 5_000; i++) {
        const priority = priorities[random(priorities.length)];
        model.push({ item: i, priority });
        if (i % 3 === 0) queue.putSync(i, { priority });
        else if (i % 3 === 1) await queue.put(i, { priority });
        else assertEquals(queue.tryPut(i, { priority }), true);
        if (random(3) === 0) {
          model.sort((a, b) => a.priority - b.priority || a.item - b.item);
          assertEquals(queue.getSync(), model.shift()!.item);
        }
      }
      model.sort((a, b) => (a.priority === b.priority ? 0 : a.priority < b.priority ? -1 : 1) || a.item - b.item);
      for (const { item } of model) assertStrictEquals(queue.getSync(), item);
    });

    it("PriorityQueue takes a priority from a getter that puts an item itself", LIMIT, () => {
      const queue = new scope.PriorityQueue<string>();
      for (const large of [false, true]) {
        const filling = large ? "x".repeat(10_000) : "";
        queue.putSync(`outer${filling}`, {
          get priority() {
            queue.putSync(`inner${filling}`, { priority: 3 });
            return 1;
          },
        });
        // Validated, then used.
        const taken = Array.from({ length: queue.size }, () => queue.getSync());
        assertEquals(taken[0], `outer${filling}`);
        assert(taken.slice(1).every((item) => item === `inner${filling}`));
      }
    });

    it("PriorityQueue takes 0 if no priority is given, and refuses values that are not priorities", LIMIT, async () => {
      const queue = new PriorityQueue<string>();
      queue.putSync("late", { priority: 1 });
      queue.putSync("middle");
      queue.putSync("early", { priority: -1, timeout: 5 });
      assertEquals([queue.getSync(), queue.getSync(), queue.getSync()], ["early", "middle", "late"]);
      assertThrows(() => queue.putSync("x", { priority: NaN }), RangeError, "'priority'");
      assertThrows(() => queue.tryPut("x", { priority: "1" as never }), TypeError, "'priority'");
      assertThrows(() => queue.tryPut("x", 5 as never), TypeError);
      await assertRejects(() => queue.put("x", { priority: NaN }), RangeError);
      await assertRejects(() => queue.put("x", { priority: 1, timeout: -1 }), RangeError);
      assertEquals(queue.size, 0);
    });
  });
}
