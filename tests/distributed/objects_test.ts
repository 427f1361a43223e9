/** Named objects: each of their methods, with a server. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  devServer,
  Event,
  type Lease,
  Lock,
  Pool,
  Queue,
  QueueEmptyError,
  QueueFullError,
  Semaphore,
  serve,
  Value,
} from "@weft/concurrent/distributed";
import { after, describe, it } from "node:test";
import { addressOf } from "../../distributed/_address.ts";
import { connectNatsStore } from "../../distributed/_nats_store.ts";
import { fromBytes } from "../../distributed/_wire.ts";
import { range } from "../pool/_helpers.ts";
import { freshAt, soon } from "./_fresh.ts";

const LIMIT = { timeout: 60_000 };
const server = await devServer();
after(() => server[Symbol.asyncDispose]());
const connect = server.url;

const fresh = freshAt(connect);

function aborted(reason: unknown): AbortSignal {
  return AbortSignal.abort(reason);
}

const store = await connectNatsStore(addressOf(connect, "look"), "default", 5000);
after(() => store.close());

/** Waits until so many wait for a lock. */
async function untilWaiting(name: string, count: number): Promise<void> {
  for (const end = performance.now() + 10_000;;) {
    const entry = await store.read(`lock.${name}`);
    if (fromBytes<{ value: { waiters: string[] } }>(entry!.bytes).value.waiters.length === count) return;
    assert(performance.now() < end, `${count} never wait`);
  }
}

describe("named objects", () => {
  it("throw where their options are wrong, and connect to nothing", LIMIT, async () => {
    const makers: ((options: never) => unknown)[] = [
      (options) => new Queue(options),
      (options) => new Event(options),
      (options) => new Lock(options),
      (options) => new Semaphore(1, options),
      (options) => new Value("i32", 0, options),
    ];
    for (const make of makers) {
      const made = (options: unknown) => () => make(options as never);
      assertThrows(made({ connect }), TypeError, "'name' must be a string that all programs use");
      assertThrows(made({ connect, name: 5 }), TypeError, "'name'");
      for (const name of ["", "a.b", "a b", "a*", "é", "a".repeat(65)]) {
        assertThrows(made({ connect, name }), RangeError, "letters, digits, - and _");
      }
      assertThrows(made({ name: "a" }), TypeError, "no address is given");
      assertThrows(made({ name: "a", connect: 5 }), TypeError, "'connect'");
      assertThrows(made({ name: "a", connect: "http://here" }), RangeError, "'connect'");
      assertThrows(made({ name: "a", connect, fleet: "a.b" }), RangeError, "'fleet'");
      assertThrows(made({ name: "a", connect, engineTimeout: "1" }), TypeError, "'engineTimeout'");
      assertThrows(made({ name: "a", connect, engineTimeout: -1 }), RangeError, "'engineTimeout'");
      // Nothing listens there.
      made({ name: "a", connect: "nats://127.0.0.1:1" })();
    }
    for (const lease of [0, 99, -1, NaN, 2 ** 31]) {
      assertThrows(() => new Lock({ ...fresh(), lease }), RangeError, "'lease' must be from 100");
    }
    assertThrows(() => new Lock({ ...fresh(), lease: "5" as never }), TypeError, "'lease'");
    for (const maxsize of [-1, 1.5, 2 ** 31]) assertThrows(() => new Queue({ ...fresh(), maxsize }), RangeError);
    assertThrows(() => new Queue({ ...fresh(), maxsize: "5" as never }), TypeError, "'maxsize'");
    for (const value of [0, -1, 1.5, 1025]) assertThrows(() => new Semaphore(value, fresh()), RangeError, "'value'");
    assertThrows(() => new Semaphore("1" as never, fresh()), TypeError, "'value'");
    assertThrows(() => new Value("i31" as "i32", 0, fresh()), TypeError, "'type'");
    assertThrows(() => new Value("i8", 200, fresh()), RangeError, "'initial'");
    assertThrows(() => new Value("i8", "1" as never, fresh()), TypeError, "'initial'");
    await Promise.resolve();
  });

  it("are refused where they are to be sent, and where an option is misspelled", LIMIT, async () => {
    const objects = [
      new Queue(fresh()),
      new Event(fresh()),
      new Value("i32", 0, fresh()),
      new Lock(fresh()),
      new Semaphore(1, fresh()),
    ];
    const queue = new Queue(fresh());
    for (const object of objects) {
      const error = await assertRejects(() => queue.put({ its: [object] }), DOMException, "item.its[0]");
      assertStringIncludes(error.message, "shared by its name: send the name");
    }
    assertEquals(await queue.size(), 0);
    assertThrows(
      () => new Queue({ ...fresh(), maxSize: 1 } as never),
      TypeError,
      "no option 'maxSize': there are name,",
    );
    assertThrows(() => new Lock({ ...fresh(), leese: 1 } as never), TypeError, "no option 'leese'");
    assertThrows(() => new Pool({ conect: connect } as never), TypeError, "no option 'conect'");
    await assertRejects(() => serve({ connect, root: ".", slot: 1 } as never), TypeError, "no option 'slot'");
  });

  it("of one name and different kinds or fleets are different objects", LIMIT, async () => {
    const options = fresh();
    const queue = new Queue<number>(options);
    const values = [undefined, "blue"].map((fleet) => new Value("i32", 7, { ...options, fleet }));
    const locks = [new Lock(options), new Semaphore(1, options)];
    await queue.put(1);
    await values[0]!.add(1);
    await new Event(options).set();
    const leases = await Promise.all(locks.map((lock) => lock.acquire()));
    assertEquals([await values[0]!.get(), await values[1]!.get(), await queue.get()], [8, 7, 1]);
    await Promise.all(leases.map((lease) => lease.release()));
  });

  it("wait as long as the timeout says, and refuse invalid times", LIMIT, async () => {
    const [queue, event, value] = [new Queue(fresh()), new Event(fresh()), new Value("i32", 0, fresh())];
    const lock = new Lock(fresh());
    await lock.acquire();
    const full = new Queue({ ...fresh(), maxsize: 1 });
    await full.put(1);
    const waits: ((options: { timeout?: number; signal?: AbortSignal }) => Promise<unknown>)[] = [
      (options) => queue.get(options),
      (options) => full.put(2, options),
      (options) => event.wait(options),
      (options) => lock.acquire(options),
      (options) => value.watch(options).next().then(() => value.watch(options).next()),
    ];
    for (const wait of waits) {
      for (const timeout of [-1, NaN]) await assertRejects(() => wait({ timeout }), RangeError, "timeout");
      await assertRejects(() => wait({ timeout: "5" as never }), TypeError, "timeout");
      await assertRejects(() => wait({ signal: aborted(new EvalError("before")) }), EvalError, "before");
    }
    for (const wait of waits.slice(0, 4)) {
      await assertRejects(() => wait({ signal: soon(new EvalError("meanwhile")) }), EvalError, "meanwhile");
    }
    for (const timeout of [0, 1, 40]) {
      await assertRejects(() => queue.get({ timeout }), QueueEmptyError, `${timeout} ms`);
      const error = await assertRejects(() => full.put(2, { timeout }), QueueFullError, `${timeout} ms`);
      assertEquals(error.item, 2);
      assertEquals(await event.wait({ timeout }), false);
      assertEquals((await lock.acquire({ timeout }).catch((error) => error)).name, "TimeoutError");
    }
    assertEquals([await full.size(), await lock.locked()], [1, true]);
    await lock.release();
    // What gave up waits no more.
    await (await lock.acquire({ timeout: 0 })).release();
    await (await lock.acquire({ timeout: 2 ** 40 })).release();
    await event.set();
    assertEquals([await event.wait({ timeout: 0 }), await event.wait({ timeout: 2 ** 40 })], [true, true]);
    await queue.put("a");
    assertEquals(await queue.get({ timeout: 0 }), "a");
    assertEquals(await full.get({ timeout: 2 ** 40 }), 1);
    await full.put(2, { timeout: 0 });
  });

  it("are as at first when they were unlinked", LIMIT, async () => {
    const options = fresh();
    const [queue, event, value] = [new Queue(options), new Event(options), new Value("i32", 3, options)];
    const [lock, semaphore] = [new Lock(options), new Semaphore(2, options)];
    // Nothing is there yet.
    for (const object of [queue, event, value, lock, semaphore]) await object.unlink();
    await Promise.all([queue.put(1), event.set(), value.add(1)]);
    const leases = [await lock.acquire(), await semaphore.acquire()];
    for (const object of [queue, event, value, lock, semaphore]) await object.unlink();
    assertEquals([await queue.size(), await event.isSet(), await value.get()], [0, false, 3]);
    assertEquals([await lock.locked(), await semaphore.value()], [false, 2]);
    assertEquals(await Promise.all(leases.map((lease) => lease.release())), [false, false]);
    await queue.put(2);
    assertEquals(await queue.get(), 2);
    // Another of the name may differ now.
    await new Semaphore(3, options).acquire().then((lease) => lease.release());
    await queue.unlink();
    await new Queue({ ...options, maxsize: 3 }).put(1);
    await assertRejects(() => queue.put(1), TypeError, "made with 3");
  });
});

describe("an event", () => {
  it("is set and cleared, and lets all pass that wait when it is cleared at once", LIMIT, async () => {
    const options = fresh();
    const event = new Event(options);
    assertEquals(await event.isSet(), false);
    await event.clear();
    await event.set();
    await event.set();
    assertEquals([await event.isSet(), await event.wait()], [true, true]);
    await event.clear();
    assertEquals([await event.isSet(), await event.wait({ timeout: 20 })], [false, false]);
    const waiting = range(5).map(() => new Event(options).wait());
    const late = new Event(options).wait({ timeout: 300 });
    // Each has looked before, and listens.
    for (let i = 0; i < 2; i++) assertEquals(await event.isSet(), false);
    await event.set();
    await event.clear();
    assertEquals(await Promise.all([...waiting, late]), range(6).map(() => true));
    assertEquals(await event.wait({ timeout: 20 }), false);
  });
});

describe("a value", () => {
  it("has the operations of its type", LIMIT, async () => {
    const i8 = new Value("i8", 127, fresh());
    assertEquals([await i8.get(), await i8.add(1), await i8.get()], [127, 127, -128]);
    assertEquals([await i8.sub(1), await i8.exchange(-0), await i8.get()], [-128, 127, 0]);
    assertEquals([await i8.or(6), await i8.and(3), await i8.xor(1), await i8.get()], [0, 6, 2, 3]);
    assertEquals([await i8.compareExchange(4, 5), await i8.compareExchange(3, 5), await i8.get()], [3, 3, 5]);
    assertEquals([await i8.update((value) => value * 2), await i8.get()], [5, 10]);
    await i8.set(1);
    const u64 = new Value("u64", undefined, fresh());
    assertEquals([await u64.sub(1n), await u64.get()], [0n, 2n ** 64n - 1n]);
    const f32 = new Value("f32", 0, fresh());
    await f32.set(0.1);
    assertEquals([await f32.get(), await f32.compareExchange(0.1, NaN)], [Math.fround(0.1), Math.fround(0.1)]);
    assertEquals([await f32.compareExchange(NaN, 1), await f32.get()], [NaN, 1]);
    const bool = new Value("bool", undefined, fresh());
    assertEquals([await bool.get(), await bool.or(true), await bool.xor(true), await bool.get()], [
      false,
      false,
      true,
      false,
    ]);
    assertEquals([i8.name.startsWith("it-"), await i8.get()], [true, 1]);
  });

  it("refuses what does not fit, and is what it was", LIMIT, async () => {
    const options = fresh();
    const value = new Value("u8", 5, options);
    for (const bad of [256, -1, 1.5]) {
      await assertRejects(() => value.set(bad), RangeError);
      await assertRejects(() => value.add(bad), RangeError);
      await assertRejects(() => value.exchange(bad), RangeError);
      await assertRejects(() => value.compareExchange(bad, 1), RangeError);
      await assertRejects(() => value.compareExchange(5, bad), RangeError);
      await assertRejects(() => value.update(() => bad), RangeError);
    }
    await assertRejects(() => value.set("1" as never), TypeError);
    await assertRejects(() => value.update(5 as never), TypeError, "'step' must be a function");
    await assertRejects(() =>
      value.update(() => {
        throw new EvalError("no");
      }), EvalError);
    await assertRejects(() => new Value("bool", false, options).add(1 as never), TypeError, "has no add()");
    await assertRejects(() => new Value("f64", 0, options).and(1 as never), TypeError, "has no and()");
    assertEquals(await value.get(), 5);
    await value.set(6);
    await assertRejects(() => new Value("i8", 0, options).get(), TypeError, `as a "i8" as it is a "u8"`);
    assertEquals(await value.get(), 6);
  });

  it("counts what is added at once, and is watched", LIMIT, async () => {
    const options = fresh();
    const values = range(3).map(() => new Value("i32", 0, options));
    const seen: number[] = [];
    const watching = (async () => {
      for await (const value of new Value("i32", 0, options).watch()) {
        seen.push(value);
        if (value === 60) break;
      }
    })();
    const before = await Promise.all(values.flatMap((value) => range(20).map(() => value.add(1))));
    assertEquals(before.sort((a, b) => a - b), range(60));
    await watching;
    assertEquals(seen, [...seen].sort((a, b) => a - b));
    const timed: number[] = [];
    for await (const value of values[0]!.watch({ timeout: 100 })) timed.push(value);
    assertEquals(timed, [60]);
    const signal = soon(new EvalError("enough"));
    await assertRejects(
      async () => {
        for await (const _ of values[0]!.watch({ signal }));
      },
      EvalError,
      "enough",
    );
  });
});

describe("a lock", () => {
  it("is held by one program, with a token that grows, and given back once", LIMIT, async () => {
    const options = fresh();
    const [lock, other] = [new Lock(options), new Lock(options)];
    assertEquals(await lock.locked(), false);
    const first = await lock.acquire();
    assertEquals([first.isHeld, first.abandoned, first.lost.aborted, await other.locked()], [true, false, false, true]);
    assertEquals(await other.tryAcquire(), undefined);
    await assertRejects(() => other.release(), Error, "this object does not hold it");
    assertEquals([await first.release(), first.isHeld, await first.release()], [true, false, true]);
    await assertRejects(() => lock.release(), Error, "does not hold it");
    const second = (await other.tryAcquire())!;
    assert(second.token > first.token);
    await other.release();
    {
      using third = await lock.acquire();
      assert(third.token > second.token);
    }
    {
      await using fourth = await other.acquire();
      assertEquals([fourth.isHeld, fourth.abandoned], [true, false]);
    }
    assertEquals(await lock.locked(), false);
  });

  it("goes to waiters in their order, and not to waiters that gave up", LIMIT, async () => {
    const options = fresh();
    const first = await new Lock(options).acquire();
    const second = new AbortController();
    const order: number[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const i of range(4)) {
      const lock = new Lock(options);
      const signal = i === 1 ? second.signal : undefined;
      const acquired = lock.acquire({ signal }).then(async (lease: Lease) => {
        order.push(i);
        await lease.release();
      });
      waiting.push(acquired.catch((error) => assertEquals(error.name, "EvalError")));
      await untilWaiting(options.name, i + 1);
    }
    second.abort(new EvalError());
    await waiting[1];
    await first.release();
    await Promise.all(waiting);
    assertEquals(order, [0, 2, 3]);
  });

  it("is held for longer than its lease by a program that lives", LIMIT, async () => {
    const options = { ...fresh(), lease: 900 };
    const lease = await new Lock(options).acquire();
    assertMatch(
      (await new Lock(options).acquire({ timeout: 1300 }).catch((error) => error)).message,
      /not free within the 1300 ms/,
    );
    assertEquals([lease.isHeld, await lease.release()], [true, true]);
  });
});

describe("a semaphore", () => {
  it("has so many permits, and is refused with another number", LIMIT, async () => {
    const options = fresh();
    const semaphore = new Semaphore(2, options);
    const leases = [await semaphore.acquire(), await semaphore.acquire()];
    assertEquals([await semaphore.value(), await semaphore.tryAcquire()], [0, undefined]);
    const waiting = semaphore.acquire();
    await assertRejects(() => new Semaphore(3, options).acquire(), TypeError, "as it was made with 2");
    await assertRejects(() => new Semaphore(1, options).value(), TypeError, "as it was made with 2");
    await semaphore.release();
    const third = await waiting;
    assertEquals([leases[0]!.isHeld, third.isHeld], [false, true]);
    await third.release();
    await leases[1]!.release();
    assertEquals(await semaphore.value(), 2);
  });
});
