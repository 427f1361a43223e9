/** A queue over the network: each of its methods, with a server. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { devServer, Queue, QueueEmptyError, QueueShutDownError } from "@weft/concurrent/distributed";
import * as local from "@weft/concurrent/multiprocessing";
import { after, describe, it } from "node:test";
import { range } from "../pool/_helpers.ts";
import { freshAt, soon } from "./_fresh.ts";

const LIMIT = { timeout: 60_000 };
const server = await devServer();
after(() => server[Symbol.asyncDispose]());
const connect = server.url;

const fresh = freshAt(connect);

describe("a queue", () => {
  it("gives items in their order, whatever they are", LIMIT, async () => {
    const queue = new Queue(fresh());
    const items = [1, "a", undefined, null, -0, NaN, 5n, new Date(5), /a/g, new Map([[1, new Set(["b"])]]), [1, , 3]];
    for (const item of items) await queue.put(item);
    assertEquals([await queue.size(), await queue.empty(), await queue.full()], [items.length, false, false]);
    for (const item of items) assertEquals(await queue.get(), item);
    assertEquals([await queue.size(), await queue.empty(), await queue.tryGet()], [0, true, undefined]);
    const bytes = new Uint8Array(3_000_000).fill(7);
    await queue.put(bytes);
    assertEquals(await queue.tryGet(), bytes);
    const error = new RangeError("r", { cause: [1] });
    await queue.put(error);
    const got = await queue.get() as Error;
    assert(got instanceof RangeError);
    assertEquals([got.message, got.cause], ["r", [1]]);
  });

  it("refuses what cannot be sent, by its path, and what is too large", LIMIT, async () => {
    const queue = new Queue<unknown>(fresh());
    await assertRejects(() => queue.put({ deep: [new local.Lock()] }), TypeError, "item.deep[0] to another machine");
    await assertRejects(() => queue.tryPut([new local.Queue()]), TypeError, "item[0] to another machine");
    const error = await assertRejects(() => queue.put({ on: () => {} }), Error, "item.on");
    assertEquals(error.name, "DataCloneError");
    await assertRejects(() => queue.put(new Uint8Array(16 << 20)), RangeError, "put the address of the data instead");
    await assertRejects(() => queue.tryPut(new Uint8Array(16 << 20)), RangeError);
    assertEquals(await queue.size(), 0);
    await queue.put(1);
    assertEquals(await queue.get(), 1);
  });

  it("that is full has putters wait for room", LIMIT, async () => {
    const queue = new Queue<number>({ ...fresh(), maxsize: 2 });
    assertEquals([queue.maxsize, await queue.tryPut(1), await queue.tryPut(2), await queue.tryPut(3)], [
      2,
      true,
      true,
      false,
    ]);
    assertEquals(await queue.full(), true);
    let isPut = false;
    const putting = queue.put(3).then(() => isPut = true);
    await assertRejects(() => queue.put(4, { signal: soon(new EvalError()) }), EvalError);
    assertEquals([isPut, await queue.get()], [false, 1]);
    await putting;
    assertEquals([await queue.get(), await queue.get(), await queue.size()], [2, 3, 0]);
  });

  it("serves getters in their order, and loses nothing when getters give up", LIMIT, async () => {
    const queue = new Queue<number>(fresh());
    const order: [number, number][] = [];
    const getting = range(6).map((i) => queue.get().then((item) => order.push([i, item])));
    const gone = [queue.get({ timeout: 30 }), queue.get({ signal: soon(new EvalError()) })];
    assertEquals((await Promise.allSettled(gone)).map(({ status }) => status), ["rejected", "rejected"]);
    for (const i of range(8)) await queue.put(i);
    await Promise.all(getting);
    assertEquals(order.map(([i]) => i), range(6));
    const rest = [await queue.get(), await queue.get()];
    assertEquals([...order.map(([, item]) => item), ...rest].sort(), range(8));
  });

  it("loses no item to getters that give up when it comes", LIMIT, async () => {
    const queue = new Queue<number>(fresh());
    const got: number[] = [];
    const give = (async () => {
      for (const i of range(40)) await queue.put(i);
    })();
    while (got.length < 40) {
      try {
        got.push(await queue.get({ timeout: Math.random() * 4 }));
      } catch (error) {
        assert(error instanceof QueueEmptyError);
      }
    }
    await give;
    assertEquals(got.sort((a, b) => a - b), range(40));
    assertEquals(await queue.size(), 0);
  });

  it("that is shut down gives what it has, then lets all go that wait", LIMIT, async () => {
    const queue = new Queue<number>({ ...fresh(), maxsize: 2 });
    await queue.put(1);
    await queue.put(2);
    const putting = assertRejects(() => queue.put(3), QueueShutDownError);
    await queue.shutdown();
    await putting;
    await assertRejects(() => queue.put(4, { timeout: 0 }), QueueShutDownError);
    await assertRejects(() => queue.tryPut(4), QueueShutDownError);
    assertEquals([await queue.get(), await queue.tryGet()], [1, 2]);
    await assertRejects(() => queue.get(), QueueShutDownError);
    await assertRejects(() => queue.get({ timeout: 0 }), QueueShutDownError);
    await assertRejects(() => queue.tryGet(), QueueShutDownError);
    await queue.shutdown();
    await queue.unlink();
    await queue.put(5);
    assertEquals(await queue.get(), 5);
  });

  it("that is shut down at once drops its items, and waiting getters get an error", LIMIT, async () => {
    const options = fresh();
    const [queue, other] = [new Queue<number>(options), new Queue<number>(options)];
    const getting = range(3).map(() => assertRejects(() => queue.get(), QueueShutDownError));
    await other.size();
    await other.shutdown({ immediate: true });
    await Promise.all(getting);
    await other.unlink();
    await other.put(1);
    await other.shutdown({ immediate: true });
    await assertRejects(() => queue.get(), QueueShutDownError);
  });

  it("is iterated by three consumers, each item once", LIMIT, async () => {
    const options = fresh();
    const queue = new Queue<number>(options);
    const got: number[][] = [[], [], []];
    const consumers = got.map(async (list) => {
      for await (const item of new Queue<number>(options)) list.push(item);
    });
    await Promise.all(range(60).map((i) => queue.put(i)));
    await queue.shutdown();
    await Promise.all(consumers);
    assertEquals(got.flat().sort((a, b) => a - b), range(60));
  });

  it("of another maxsize is refused, and is not changed", LIMIT, async () => {
    const options = fresh();
    const queue = new Queue<number>({ ...options, maxsize: 1 });
    await queue.put(1);
    const other = new Queue<number>(options);
    for (
      const use of [
        () => other.put(1),
        () => other.get(),
        () => other.tryGet(),
        () => other.size(),
        () => other.shutdown(),
      ]
    ) {
      await assertRejects(use as () => Promise<unknown>, TypeError, "with maxsize 0 as it was made with 1");
    }
    assertEquals([await queue.full(), await queue.get()], [true, 1]);
  });
});
