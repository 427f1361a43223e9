import {
  InvalidStateError,
  QueueEmptyError,
  QueueFullError,
  QueueShutDownError,
  registerSerializable,
  sleep,
} from "@weft/concurrent/threading";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { usedBytes } from "./_memory.ts";
import type { Scope } from "./_scope.ts";
import {
  consumeMany,
  consumeManyAsync,
  failToPutMany,
  produceMany,
  produceManyAsync,
  putManyForEver,
  takeMany,
  takeManyForEver,
} from "./queue_many_targets.ts";
import type { Stamped } from "./queue_targets.ts";
import { rounds } from "../_rounds.ts";

const LIMIT = { timeout: 60_000 };

/** An instance whose arrival does something. */
class Probe {
  readonly is: string;

  constructor(is: string) {
    this.is = is;
  }
}
let onArrival: (is: string) => void = () => {};
registerSerializable(Probe, {
  name: "test/probe",
  serialize: ({ is }) => {
    if (is === "unwilling") throw new Error("will not be written");
    // A value that takes no property.
    if (is === "frozen") throw "no error";
    return is;
  },
  deserialize: (is) => {
    onArrival(is as string);
    return new Probe(is as string);
  },
});

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Tests of `putMany` and `getMany`. */
export function queueManySuite(scope: Scope, kind: "Queue" | "LifoQueue" | "PriorityQueue"): void {
  const { Event, Lock, Value } = scope;
  const Queue = scope[kind] as typeof scope.Queue;
  // The items in the order in which they are put.
  const asPut = <T>(items: T[]): T[] => kind === "LifoQueue" ? items.toReversed() : items;

  describe(`${kind}, many items (${scope.name})`, () => {
    it("gives what was put, in the order of the queue", LIMIT, async () => {
      const queue = new Queue<unknown>();
      const items = [1, -1, 2 ** 30, 0.5, -0, NaN, "text", "ünï🦊", "", null, true, undefined, 7n, [1, , 3], {
        a: [{}],
      }];
      queue.putManySync(items);
      assertEquals(queue.size, items.length);
      assertEquals(asPut(queue.getManySync(100)), items);
      await queue.putMany(items);
      assertEquals(asPut(await queue.getMany(Infinity)), items);
      queue.putManySync(items);
      assertEquals(asPut(queue.tryGetMany(items.length)), items);
      assertEquals(queue.tryGetMany(1), []);
      queue.putManySync([]);
      await queue.putMany([]);
      assertEquals(queue.size, 0);
    });

    it("gives items of all sizes, whatever the lengths of the batches", LIMIT, () => {
      const queue = new Queue<unknown>();
      const lock = new Lock();
      const items = Array.from({ length: 700 }, (_, i) => {
        if (i % 50 === 7) return { large: "x".repeat(5_000 + i) };
        if (i % 90 === 8) return [lock];
        if (i % 20 === 3) return "y".repeat(i * 5);
        return i % 3 === 0 ? i : { i };
      });
      for (let length = 1; length <= items.length; length += length % 9 + 3) {
        for (let i = 0; i < items.length; i += length) queue.putManySync(items.slice(i, i + length));
        const taken: unknown[] = [];
        while (!queue.empty) {
          const some = queue.getManySync(length);
          assert(some.length > 0 && some.length <= length);
          taken.push(...some);
        }
        assertEquals(asPut(taken), items);
        if (length > 60) length += 150;
      }
      const [last] = asPut((queue.putManySync([[lock], [lock]]), queue.getManySync(2))) as unknown[][];
      assertStrictEquals(last[0], lock);
    });

    it("goes together with single puts and gets", LIMIT, async () => {
      const queue = new Queue<number>();
      for (let i = 0; i < 200; i++) {
        queue.putSync(i);
        queue.putManySync([i + 1000, i + 2000]);
        await queue.put(i + 3000);
        const taken = [queue.getSync(), ...queue.getManySync(2), await queue.get()];
        assertEquals(asPut(taken), [i, i + 1000, i + 2000, i + 3000]);
      }
      assertEquals(queue.size, 0);
    });

    it("takes what is there, and waits only if nothing is there", LIMIT, async () => {
      const queue = new Queue<number>();
      queue.putManySync([1, 2, 3]);
      assertEquals(queue.getManySync(2).length, 2);
      assertEquals((await queue.getMany(2)).length, 1);
      assertThrows(
        () => queue.getManySync(2, { timeout: 0 }),
        QueueEmptyError,
        "Cannot take items from queue as it is empty",
      );
      assertThrows(() => queue.getManySync(2, { timeout: 5 }), QueueEmptyError, "5 ms");
      await assertRejects(() => queue.getMany(2, { timeout: 0 }), QueueEmptyError);
      await assertRejects(() => queue.getMany(2, { timeout: 5 }), QueueEmptyError);
      const waiting = queue.getMany(5);
      queue.putManySync([4, 5]);
      assertEquals(asPut(await waiting), [4, 5]);
      const event = new Event();
      const taker = scope.run(takeMany<number>, queue, 5, event);
      assert(await event.wait({ timeout: 30_000 }));
      await sleep(5);
      queue.putManySync([6, 7]);
      assertEquals(asPut(await taker.result()), [6, 7]);
    });

    it("copies the items at the call", LIMIT, async () => {
      const queue = new Queue<number[]>({ maxsize: 1 });
      const items = [[1], [2], [3]];
      const putting = queue.putMany(items);
      for (const item of items) item.push(9);
      items.length = 0;
      const taken = [await queue.get(), await queue.get(), await queue.get()];
      await putting;
      assertEquals(taken, [[1], [2], [3]]);
    });

    it("puts what there is room for before a timeout, and tells how many", LIMIT, async () => {
      const queue = new Queue<number>({ maxsize: 3 });
      for (const timeout of [0, 5]) {
        for (const put of [queue.putManySync, queue.putMany]) {
          const error = await assertRejects(async () => await put.call(queue, upTo(5), { timeout }), QueueFullError);
          assertEquals([(error as QueueFullError).put, (error as QueueFullError).item], [3, 3]);
          assert(error.message.startsWith("Cannot put items into queue as it"), error.message);
          assertEquals(asPut(queue.getManySync(9)), [0, 1, 2]);
        }
      }
      assertEquals(queue.size, 0);
      // The timeout is that of the whole call.
      let isDone = false;
      const late = assertRejects(() => queue.putMany(upTo(1_000), { timeout: 60 }), QueueFullError);
      const drain = (async () => {
        let count = 0;
        while (!isDone) {
          count += queue.tryGetMany(1).length;
          await sleep(1);
        }
        return count + queue.tryGetMany(9).length;
      })();
      const error = await late;
      isDone = true;
      assertEquals(await drain, (error as QueueFullError).put);
    });

    it("puts no more after an abort, and tells how many were put", LIMIT, async () => {
      const queue = new Queue<number>({ maxsize: 2 });
      const reason = new Error("not now");
      const aborted = AbortSignal.abort(reason);
      assertStrictEquals(await assertRejects(() => queue.putMany([1], { signal: aborted })), reason);
      assertStrictEquals(await assertRejects(() => queue.getMany(1, { signal: aborted })), reason);
      const abort = new AbortController();
      const putting = queue.putMany([1, 2, 3], { signal: abort.signal });
      const behind = queue.putMany([4, 5], { signal: abort.signal });
      abort.abort(reason);
      const error = await assertRejects(() => putting, QueueFullError, "until the signal was aborted: 2 of 3 were put");
      assertEquals([(error as QueueFullError).put, (error as QueueFullError).item, error.cause], [2, 3, reason]);
      assertStrictEquals(await assertRejects(() => behind), reason);
      assertEquals("put" in reason, false);
      assertEquals(asPut(queue.getManySync(9)), [1, 2]);
      const later = new AbortController();
      const getting = queue.getMany(2, { signal: later.signal });
      later.abort(reason);
      queue.putSync(6);
      assertStrictEquals(await assertRejects(() => getting), reason);
      assertEquals(queue.getManySync(9), [6]);
    });

    it("puts no more after a shutdown, and tells how many were put", LIMIT, async () => {
      for (const immediate of [false, true]) {
        const queue = new Queue<number>({ maxsize: 2 });
        const waiting = new Event();
        const putter = scope.run(failToPutMany, queue, upTo(5), waiting);
        assert(await waiting.wait({ timeout: 30_000 }));
        while (!queue.full) await sleep(1);
        const putting = assertRejects(() => queue.putMany([7, 8]), QueueShutDownError);
        queue.shutdown({ immediate });
        assertEquals(await putter.result(), ["QueueShutDownError", 2]);
        assertEquals((await putting as QueueShutDownError).put, 0);
        assertEquals(asPut(immediate ? [] : queue.getManySync(9)), immediate ? [] : [0, 1]);
        assertThrows(() => queue.getManySync(9), QueueShutDownError, "no more items");
        assertThrows(() => queue.tryGetMany(9), QueueShutDownError);
        await assertRejects(() => queue.getMany(9), QueueShutDownError);
        assertThrows(() => queue.putManySync([1]), QueueShutDownError, "Cannot put items into queue");
      }
      const empty = new Queue<number>();
      const getting = assertRejects(() => empty.getMany(3), QueueShutDownError);
      empty.shutdown();
      await getting;
    });

    it("puts the items before one that cannot be copied, and tells how many", LIMIT, async () => {
      for (const maxsize of [0, 1]) {
        const queue = new Queue<unknown>({ maxsize });
        const taken: unknown[] = [];
        const put = async (items: unknown[]): Promise<unknown> => {
          const putting = assertRejects(() => queue.putMany(items));
          while (taken.length < 2) taken.push(await queue.get());
          return await putting;
        };
        const error = await put([1, 2, { jobs: [{ onDone() {} }] }, 4]) as DOMException & { put: number };
        assertEquals([error.name, error.put], ["DataCloneError", 2]);
        assert(error.message.includes("item.jobs[0].onDone"), error.message);
        assertEquals(taken.splice(0).toSorted(), [1, 2]);
        const thrown = await put([1, 2, new Probe("unwilling"), 4]) as Error & { put: number };
        assertEquals([thrown.message, thrown.put], ["will not be written", 2]);
        taken.length = 0;
        const wrapped = await put([1, 2, new Probe("frozen"), 4]) as Error & { put: number };
        assertEquals([wrapped.cause, wrapped.put], ["no error", 2]);
        assertEquals(queue.size, 0);
      }
      const queue = new Queue<unknown>();
      const error = assertThrows(() => queue.putManySync([1, Symbol("s"), 2]), DOMException);
      assertEquals([(error as { put?: number }).put, queue.getManySync(9)], [1, [1]]);
      assertThrows(() => queue.putManySync(["a", () => {}]), DOMException);
      assertEquals(queue.getManySync(9), ["a"]);
    });

    it("returns the other items if a deserialize throws, and throws that at the next call", LIMIT, async () => {
      const queue = new Queue<unknown>();
      onArrival = (is) => {
        if (is === "broken") throw new RangeError("too hot");
      };
      queue.putManySync([1, new Probe("fine"), new Probe("broken"), [new Lock()], "x".repeat(9_000), 5]);
      assertEquals(queue.getManySync(10).length, 5);
      queue.putSync(6);
      assertThrows(() => queue.getManySync(10), RangeError, "too hot");
      assertEquals(queue.getManySync(10), [6]);
      queue.putManySync([new Probe("broken"), new Probe("broken")]);
      await assertRejects(() => queue.getMany(10), RangeError, "too hot");
      assertEquals(queue.size, 0);
      assertThrows(() => queue.tryGetMany(10), RangeError, "too hot");
      assertEquals(queue.tryGetMany(10), []);
      const waiting = assertRejects(() => queue.getMany(2), RangeError, "too hot");
      queue.putSync(new Probe("broken"));
      await waiting;
      onArrival = () => {};
    });

    it("lets a deserialize take items of the same queue, and a getter put some", LIMIT, () => {
      const queue = new Queue<unknown>();
      const nested: unknown[] = [];
      const items = asPut(["a", new Probe("takes"), "b", "x".repeat(6_000), "c", "d"]);
      queue.putManySync(items);
      onArrival = () => nested.push(...queue.getManySync(1), queue.getSync());
      const taken = queue.getManySync(3);
      onArrival = () => {};
      assertEquals([taken.map((item) => item instanceof Probe ? "probe" : item), nested], [
        ["a", "probe", "b"],
        ["x".repeat(6_000), "c"],
      ]);
      assertEquals(queue.getManySync(9), ["d"]);
      queue.putManySync([{
        get value() {
          queue.putManySync(["inner", "inner 2"]);
          return "outer";
        },
      }, "last"]);
      assertEquals(queue.getManySync(9).length, 4);
    });

    for (const maxsize of [0, 10]) {
      it(`delivers each item once, from many threads to many (maxsize: ${maxsize})`, LIMIT, async () => {
        const queue = new Queue<Stamped>({ maxsize });
        const count = 2_000;
        const producers = [produceMany, produceManyAsync, produceMany].map((form, producer) =>
          scope.run(form, queue, producer, count)
        );
        const consumers = [scope.run(consumeMany, queue, 25), scope.run(consumeManyAsync, queue, 6)];
        for (const producer of producers) await producer.result();
        queue.shutdown();
        const all: number[][] = [[], [], []];
        for (const consumer of consumers) {
          const last = [-1, -1, -1];
          for (const [producer, number] of await consumer.result()) {
            assert(kind !== "Queue" || number > last[producer], `${producer} put ${number} after ${last[producer]}`);
            last[producer] = number;
            all[producer].push(number);
          }
        }
        for (const numbers of all) assertEquals(numbers.sort((a, b) => a - b), upTo(count));
      });
    }

    it("wakes as many waiters as there are items, or room", LIMIT, async () => {
      const queue = new Queue<number>({ maxsize: 4 });
      const takers = [1, 2, 3].map(() => new Event()).map((waiting) =>
        [scope.run(takeMany<number>, queue, 1, waiting), waiting] as const
      );
      for (const [, waiting] of takers) assert(await waiting.wait({ timeout: 30_000 }));
      await sleep(10);
      queue.putManySync([1, 2, 3]);
      const taken = (await Promise.all(takers.map(([taker]) => taker.result()))).flat();
      assertEquals(taken.sort(), [1, 2, 3]);
      queue.putManySync([1, 2, 3, 4]);
      const putters = [5, 6, 7].map((item) => {
        const waiting = new Event();
        return [scope.run(failToPutMany, queue, [item], waiting), waiting] as const;
      });
      for (const [, waiting] of putters) assert(await waiting.wait({ timeout: 30_000 }));
      await sleep(10);
      assertEquals(queue.getManySync(3).length, 3);
      for (const [putter] of putters) assertEquals(await putter.result(), ["put", 1]);
      assertEquals(queue.size, 4);
    });

    it("gives promises of one thread room and items in the order of the calls", LIMIT, async () => {
      const queue = new Queue<number>({ maxsize: 2 });
      const order: number[] = [];
      const putting = [queue.putMany([1, 2, 3]).then(() => order.push(1)), queue.put(4).then(() => order.push(2))];
      const taken: number[] = [];
      while (taken.length < 4) taken.push(await queue.get());
      await Promise.all(putting);
      assertEquals(order, [1, 2]);
      if (kind !== "LifoQueue") assertEquals(taken, [1, 2, 3, 4]);
      const getting = [queue.getMany(1), queue.get(), queue.getMany(2)];
      for (const item of [5, 6, 7]) await queue.put(item);
      assertEquals(await Promise.all(getting), [[5], 6, [7]]);
    });

    it("counts each item for join", LIMIT, async () => {
      const queue = new Queue<number>();
      queue.putManySync(upTo(5));
      await queue.putMany([5]);
      assertEquals(queue.getManySync(4).length, 4);
      for (let i = 0; i < 5; i++) queue.taskDone();
      assertEquals(queue.joinSync({ timeout: 0 }), false);
      queue.taskDone();
      assert(await queue.join());
      assertThrows(() => queue.taskDone(), InvalidStateError);
    });

    it("accounts for every item when producers and consumers are killed at any moment", LIMIT, async () => {
      for (let round = 0; round < rounds(4, 2); round++) {
        const queue = new Queue<Stamped>(round % 2 === 0 ? { maxsize: 12 } : {});
        const put = [new Value("i32"), new Value("i32")];
        const taken = [new Value("i32"), new Value("i32")];
        const producers = put.map((value, producer) => scope.run(putManyForEver, queue, producer, value));
        const consumers = taken.map((value) => scope.run(takeManyForEver, queue, value));
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
        assert(missing >= -10 && missing <= 10, `${missing} items are missing`);
        const seen = new Set(queue.tryGetMany(Infinity).map(String));
        assertEquals([seen.size, queue.size], [left, 0]);
        queue.putManySync([[9, 9]]);
        assertEquals(queue.getManySync(1), [[9, 9]]);
      }
    });

    it("gives back the memory of its items, also of those that it could not put", LIMIT, async () => {
      const queue = new Queue<unknown>({ maxsize: 5 });
      const lock = new Lock();
      const items = [...upTo(3), ...upTo(5).map(() => [new Uint8Array(50_000), lock])];
      let before = 0;
      for (let round = 0; round < 60; round++) {
        if (round === 10) before = usedBytes(scope.name);
        assertThrows(() => queue.putManySync(items, { timeout: 0 }), QueueFullError);
        await assertRejects(() => queue.putMany(items, { timeout: 1 }), QueueFullError);
        assertEquals(queue.getManySync(9).length, 5);
      }
      const more = usedBytes(scope.name) - before;
      assert(more < 2 * 2 ** 20, `${more} bytes more`);
    });

    it("refuses arguments that make no sense, and stays as it is", LIMIT, async () => {
      const queue = new Queue<number>();
      for (const items of [undefined, null, 5, "ab", {}, new Set([1])]) {
        assertThrows(
          () => queue.putManySync(items as never),
          TypeError,
          "Cannot put items into queue as 'items' must be an array",
        );
        await assertRejects(() => queue.putMany(items as never), TypeError, "'items'");
      }
      for (const max of [0, -1, 1.5, NaN, -Infinity]) {
        assertThrows(
          () => queue.getManySync(max),
          RangeError,
          "Cannot take items from queue as 'max' must be a whole number",
        );
        assertThrows(() => queue.tryGetMany(max), RangeError, "'max'");
        await assertRejects(() => queue.getMany(max), RangeError, "'max'");
      }
      assertThrows(() => queue.getManySync("1" as never), TypeError, "'max'");
      for (const timeout of [-1, NaN]) {
        assertThrows(() => queue.putManySync([1], { timeout }), RangeError, "'timeout'");
        assertThrows(() => queue.getManySync(1, { timeout }), RangeError, "'timeout'");
        await assertRejects(() => queue.putMany([1], { timeout }), RangeError, "'timeout'");
        await assertRejects(() => queue.getMany(1, { timeout }), RangeError, "'timeout'");
      }
      await assertRejects(() => queue.putMany([1], 5 as never), TypeError);
      await assertRejects(() => queue.getMany(1, { signal: {} as AbortSignal }), TypeError, "'signal'");
      assertEquals(queue.size, 0);
      queue[Symbol.dispose]();
      assertThrows(() => queue.putManySync([1]), InvalidStateError, "disposed of");
      assertThrows(() => queue.getManySync(1), InvalidStateError);
      assertThrows(() => queue.tryGetMany(1), InvalidStateError);
      await assertRejects(() => queue.putMany([1]), InvalidStateError);
      await assertRejects(() => queue.getMany(1), InvalidStateError);
    });

    if (kind !== "PriorityQueue") return;
    it("puts all items with the given priority", LIMIT, async () => {
      const queue = new scope.PriorityQueue<string>();
      queue.putManySync(["c", "d"], { priority: 1 });
      queue.putManySync(["a", "b"]);
      await queue.putMany(["0", { s: 1 } as never], { priority: -Infinity, timeout: 5 });
      assertEquals(queue.getManySync(9), ["0", { s: 1 } as never, "a", "b", "c", "d"]);
      assertThrows(
        () => queue.putManySync(["x"], { priority: NaN }),
        RangeError,
        "Cannot put items into queue as 'priority'",
      );
      await assertRejects(() => queue.putMany(["x"], { priority: "1" as never }), TypeError, "'priority'");
      assertEquals(queue.size, 0);
    });
  });
}
