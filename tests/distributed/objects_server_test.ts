/** Named objects when their server is killed, starts anew, and stands still. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EngineError, Event, Lock, Queue, Semaphore, Value } from "@weft/concurrent/distributed";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { addressOf } from "../../distributed/_address.ts";
import { lines } from "../../distributed/_line.ts";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { Server } from "./_server.ts";

const LIMIT = { timeout: 60_000 };
const server = await Server.start();
after(() => server[Symbol.asyncDispose]());
const connect = server.url;

let names = 0;

function fresh(): { name: string; connect: string } {
  return { name: `it-${++names}`, connect };
}

describe("a server", () => {
  it("that is killed and starts anew has all that it had, and what is under way goes on", LIMIT, async () => {
    const value = new Value("i32", 0, fresh());
    const lock = new Lock(fresh());
    const event = new Event(fresh());
    const queue = new Queue<number>({ ...fresh(), maxsize: 30 });
    await event.set();
    const lease = await lock.acquire();
    const got: number[] = [];
    const count = 150;
    const working = Promise.all([
      ...range(3).map(async () => {
        for (let i = 0; i < 100; i++) await value.add(1);
      }),
      (async () => {
        for (const i of range(count)) await queue.put(i);
        await queue.shutdown();
      })(),
      ...range(2).map(async () => {
        for await (const item of queue) got.push(item);
      }),
    ]);
    let isOver = false;
    void working.then(() => isOver = true);
    for (let kills = 0; kills < 2; kills++) {
      const before = got.length;
      await until(() => isOver || got.length > before + 20, "items have come");
      await server.kill();
      await server.restart();
    }
    await working;
    assertEquals(await value.get(), 300);
    // No item is lost; what was on its way may come twice.
    assertEquals([...new Set(got)].sort((a, b) => a - b), range(count));
    assert(got.length <= count + 4, `${got.length} items`);
    assertEquals([await event.isSet(), lease.isHeld, await lock.locked()], [true, true, true]);
    assertEquals(await lease.release(), true);
  });

  it("that stands still costs nothing but time, and EngineError where that is too long", LIMIT, async () => {
    const [value, queue] = [new Value("i32", 0, fresh()), new Queue<number>(fresh())];
    const hasty = new Value("i32", 0, { ...fresh(), engineTimeout: 100 });
    await Promise.all([value.add(1), hasty.add(1)]);
    const lease = await new Lock({ ...fresh(), lease: 30_000 }).acquire();
    const getting = queue.get();
    await queue.size();
    server.freeze();
    const working = Promise.all([value.add(1), queue.put(5), getting, value.get()]);
    const error = await assertRejects(async () => {
      // The signal may take a moment.
      for (;;) await hasty.get();
    }, EngineError);
    server.thaw();
    assertMatch(error.message, /has been away for 100 ms/);
    assertEquals((await working).slice(0, 3), [1, undefined, 5]);
    assertEquals([await value.get(), await queue.size(), await hasty.add(1)], [2, 0, 1]);
    assertEquals([lease.isHeld, await lease.release()], [true, true]);
    // This program knows that it is there again.
    const line = lines.get(JSON.stringify([addressOf(connect, "look"), "default"]))!;
    assertEquals((await line.borrow()).awaySince, undefined);
    line.giveBack();
  });
});

describe("permissions", () => {
  it(
    "of a driver are enough for objects as docs/distributed.md has them, and those of an agent are not",
    LIMIT,
    async () => {
      const text = readFileSync(new URL("../../docs/distributed.md", import.meta.url), "utf8");
      const authorization = /```text\nauthorization \{\n([^]*?)\n\}\n```/.exec(text)![1]!;
      await using server = await Server.start(authorization);
      const as = (user: string) => {
        return { name: "it", fleet: "blue", connect: server.url.replace("secret@", `${user}:secret@`) };
      };
      const [event, value] = [new Event(as("driver")), new Value("i32", 0, as("driver"))];
      const queue = new Queue<number>({ ...as("driver"), maxsize: 1 });
      const getting = [queue.get(), queue.get()];
      const waiting = event.wait();
      for (const object of [new Lock(as("driver")), new Semaphore(1, as("driver"))]) {
        const [first, second] = [await object.acquire(), object.acquire()];
        await first.release();
        await (await second).release();
        await object.unlink();
      }
      await event.set();
      for (const item of [1, 2, 3]) await queue.put(item);
      assertEquals([await waiting, await Promise.all(getting), await queue.tryGet()], [true, [1, 2], 3]);
      await queue.put(4);
      const room = queue.put(5);
      assertEquals([await queue.get(), await room, await queue.get()], [4, undefined, 5]);
      await queue.shutdown();
      await queue.unlink();
      assertEquals([await value.add(1), await value.get(), await value.unlink()], [0, 1, undefined]);
      const error = await assertRejects(() => new Value("i32", 0, as("agent")).add(1), EngineError);
      assertMatch(error.message, /Cannot use nats:/);
    },
  );
});
