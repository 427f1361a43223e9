/** What holds of named objects whatever is lost, repeated and late between them and where they are kept. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError, Event, Queue, Value } from "@weft/concurrent/distributed";
import { describe, it } from "node:test";
import { isLong, rounds } from "../_rounds.ts";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { BAD, seeded, StoreHub } from "./_store_hub.ts";

const LIMIT = { timeout: 60_000 };
const STORM = { timeout: isLong ? 280_000 : 60_000 };

describe("a value", () => {
  it("counts each add once, and tells each what was there, whatever is lost and late", STORM, async () => {
    await seeded(async (hub) => {
      hub.faults = BAD;
      const [clients, adds] = [5, rounds(400, 25)];
      const values = range(clients).map(() => new Value("i32", 0, { name: "sum", ...hub.client() }));
      const before = await Promise.all(values.map(async (value) => {
        const told: number[] = [];
        for (let i = 0; i < adds; i++) told.push(await value.add(1));
        return told;
      }));
      assertEquals(before.flat().sort((a, b) => a - b), range(clients * adds));
      assertEquals(await values[0]!.get(), clients * adds);
    });
  });

  it("returns the value before the write that was made, not before a lost write", LIMIT, async () => {
    const hub = new StoreHub();
    const [a, b] = range(2).map(() => new Value("i32", 0, { name: "sum", ...hub.client() }));
    hub.fates = ["lose", undefined, "loseAnswer"];
    const added = a!.add(1);
    await until(() => hub.fates.length === 2, "the first write is lost");
    assertEquals(await b!.add(10), 0);
    assertEquals(await added, 10);
    assertEquals(await b!.get(), 11);
  });

  it("is no longer of another type when it was unlinked and made anew", LIMIT, async () => {
    const hub = new StoreHub();
    const wide = new Value("i64", 0n, { name: "sum", ...hub.client() });
    const narrow = new Value("i32", 0, { name: "sum", ...hub.client() });
    await wide.add(1n);
    await assertRejects(() => narrow.add(1), TypeError, `as it is a "i64"`);
    await assertRejects(() => narrow.get(), TypeError);
    assertEquals(await wide.get(), 1n);
    await wide.unlink();
    assertEquals(await narrow.add(1), 0);
    await assertRejects(() => wide.add(1n), TypeError, `as it is a "i32"`);
  });

  it("calls an update's function again rather than believe what it throws at an old value", LIMIT, async () => {
    const hub = new StoreHub();
    const [a, b] = range(2).map(() => new Value("i32", 0, { name: "sum", ...hub.client() }));
    await a!.set(5);
    await b!.set(0);
    const step = (value: number): number => {
      if (value > 0) throw new EvalError("too high");
      return value + 1;
    };
    assertEquals(await a!.update(step), 0);
    await assertRejects(() => a!.update(step), EvalError);
    assertEquals(await b!.get(), 1);
  });

  it("waits for a store that was there before, and for no other", LIMIT, async () => {
    const hub = new StoreHub();
    const [client, other] = [hub.client(), hub.client()];
    const value = new Value("i32", 0, { name: "sum", ...client });
    const hasty = new Value("i32", 0, { name: "sum", engineTimeout: 100, ...client });
    await value.add(1);
    await until(() => client.stores[0]!.isClosed, "nothing uses the connection");
    hub.isRefusing = true;
    await assertRejects(() => new Value("i32", 0, { name: "sum", ...other }).add(1), EngineError, "Cannot connect");
    const adding = value.add(1);
    await assertRejects(() => hasty.add(1), EngineError, "Cannot connect");
    hub.isRefusing = false;
    assertEquals([await adding, await hasty.get()], [1, 2]);
  });

  it("goes on when the store was away, and says so when that was for too long", LIMIT, async () => {
    const hub = new StoreHub();
    const patient = new Value("i32", 0, { name: "sum", ...hub.client() });
    const hasty = new Value("i32", 0, { name: "sum", engineTimeout: 200, ...hub.client() });
    await patient.add(1);
    await hasty.add(1);
    const back = hub.away(600);
    const error = assertRejects(() => hasty.add(1), EngineError, "hub has been away for 200 ms");
    assertEquals(await patient.add(1), 2);
    await Promise.all([back, error]);
  });
});

describe("an event", () => {
  it("lets all pass that wait when it is set and cleared at once, whatever is lost and late", STORM, async () => {
    await seeded(async (hub) => {
      hub.faults = BAD;
      for (let round = 0; round < rounds(30, 3); round++) {
        const setter = new Event({ name: `it-${round}`, ...hub.client() });
        const clients = range(4).map(() => hub.client());
        const waits = clients.map(async (client) => {
          assertEquals(await new Event({ name: `it-${round}`, ...client }).wait(), true);
        });
        const hasLooked = () => clients.every(({ stores }) => stores.length > 0 && stores[0]!.answers > 0);
        await until(hasLooked, "all have seen that it is not set");
        await setter.set();
        await setter.clear();
        await Promise.all(waits);
        assertEquals(await setter.isSet(), false);
      }
    });
  });

  it("that is set lets pass what does not wait, however long the way is", LIMIT, async () => {
    const hub = new StoreHub();
    const event = new Event({ name: "it", ...hub.client() });
    await event.set();
    hub.faults = { ...hub.faults, delay: 100 };
    assertEquals(await event.wait({ timeout: 0 }), true);
    await event.clear();
    assertEquals(await event.wait({ timeout: 0 }), false);
  });

  it("lets pass what waits while it is unlinked, made anew, set and cleared", LIMIT, async () => {
    const hub = new StoreHub();
    const event = new Event({ name: "it", ...hub.client() });
    for (let i = 0; i < 3; i++) {
      await event.set();
      await event.clear();
    }
    const client = hub.client();
    const waiting = new Event({ name: "it", ...client }).wait();
    await until(() => hub.listeners.get("changed.event.it")?.size === 1, "it waits");
    assertEquals(await event.isSet(), false);
    client.stores[0]!.freeze();
    await event.unlink();
    await event.set();
    await event.clear();
    client.stores[0]!.thaw();
    assertEquals(await waiting, true);
  });
});

describe("a queue", () => {
  const kinds = [["once", 0], ["at least once, where confirmations are lost", 0.5]] as const;
  for (const [what, loseTake] of kinds) {
    it(`gives each item to a getter ${what}`, STORM, async () => {
      await seeded(async (hub) => {
        hub.faults = { ...BAD, loseTake };
        const count = rounds(300, 20);
        const queues = range(4).map(() => new Queue<number>({ name: "it", maxsize: 7, ...hub.client() }));
        const got: number[] = [];
        const getting = queues.slice(2).map(async (queue) => {
          for await (const item of queue) got.push(item);
        });
        await Promise.all(
          queues.slice(0, 2).map(async (queue, producer) => {
            for (let i = 0; i < count; i++) await queue.put(producer * count + i);
          }),
        );
        await queues[0]!.shutdown();
        await Promise.all(getting);
        const items = loseTake === 0 ? got : [...new Set(got)];
        assertEquals(items.sort((a, b) => a - b), range(2 * count));
      });
    });
  }

  it("gives an item rather twice than never, where nothing confirms that it was taken", LIMIT, async () => {
    const hub = new StoreHub();
    const [getter, other] = range(2).map(() => new Queue<string>({ name: "it", ...hub.client() }));
    await getter!.put("a");
    hub.faults = { ...hub.faults, loseTake: 1 };
    assertEquals(await getter!.get(), "a");
    hub.faults = { ...hub.faults, loseTake: 0 };
    assertEquals(await other!.get(), "a");
    assertEquals(await other!.size(), 0);
  });

  it("gives an item that it has forgotten, as what it said of that was lost", LIMIT, async () => {
    const hub = new StoreHub();
    const client = hub.client();
    const getter = new Queue<string>({ name: "it", ...client });
    await getter.put("a");
    const got = getter.get();
    await until(() => hub.takers.size === 1, "it waits");
    // All that is said of it is lost, and what it says comes.
    const happens = hub.happens.bind(hub);
    let times = 0;
    hub.happens = (fault) => fault === "loseTake" ? times++ % 2 === 1 : happens(fault);
    assertEquals(await got, "a");
    assertEquals(hub.queues.get("it")!.items.length, 0);
  });

  it("has an item that was put for what does not wait, though it comes late", LIMIT, async () => {
    const hub = new StoreHub();
    hub.isSlow = true;
    const queue = new Queue<string>({ name: "it", ...hub.client() });
    await queue.put("a");
    assertEquals([await queue.tryGet(), await queue.tryGet()], ["a", undefined]);
  });

  it("gives back at once what comes for a getter that has given up", LIMIT, async () => {
    const hub = new StoreHub();
    const client = hub.client();
    const [slow, other] = [client, hub.client()].map((each) => new Queue<string>({ name: "it", ...each }));
    await slow!.put("a");
    assertEquals(await other!.get(), "a");
    // It looks for long whether the queue was shut down, and asks on meanwhile.
    const [store] = client.stores;
    const queue = store!.queue.bind(store);
    let looks = 0;
    const look = Promise.withResolvers<{ size: number; isShut: boolean }>();
    store!.queue = (name) => ({
      ...queue(name),
      state: () => {
        looks++;
        return look.promise;
      },
    });
    const controller = new AbortController();
    const getting = slow!.get({ signal: controller.signal });
    await until(() => looks > 0, "it looks");
    controller.abort(new EvalError("enough"));
    await assertRejects(() => getting, EvalError);
    const { handed } = hub;
    await other!.put("b");
    await until(() => hub.handed > handed, "it was handed over");
    assertEquals(await other!.get({ timeout: 1500 }), "b");
    look.resolve({ size: 0, isShut: false });
  });

  it("serves getters that give up and come again by a few subscriptions", LIMIT, async () => {
    const hub = new StoreHub();
    const client = hub.client();
    const queue = new Queue<string>({ name: "it", ...client });
    for (let i = 0; i < 30; i++) await assertRejects(() => queue.get({ timeout: 5 }), Error, "5 ms");
    const many = range(100).map(() => queue.get({ timeout: 300 }).catch(() => undefined));
    await until(() => hub.takers.size === 1, "they wait");
    assert(client.stores[0]!.subscriptions <= 4, `${client.stores[0]!.subscriptions} subscriptions`);
    for (const i of range(50)) await queue.put(`${i}`);
    const items = await Promise.all(many);
    assertEquals(items.filter((item) => item !== undefined), range(50).map(String));
    assertEquals([...items.slice(50)].filter((item) => item !== undefined), []);
    await until(() => client.stores[0]!.subscriptions === 0, "nothing is asked for any more");
  });

  it("goes on when the store was away while getters and putters waited", LIMIT, async () => {
    const hub = new StoreHub();
    const [a, b] = range(2).map(() => new Queue<number>({ name: "it", maxsize: 1, ...hub.client() }));
    await a!.put(1);
    const putting = a!.put(2);
    await hub.away(300);
    assertEquals(await b!.get(), 1);
    await putting;
    assertEquals(await b!.get(), 2);
    const getting = b!.get();
    await until(() => hub.takers.size === 1, "it waits");
    await hub.away(300);
    await a!.put(3);
    assertEquals(await getting, 3);
  });
});
