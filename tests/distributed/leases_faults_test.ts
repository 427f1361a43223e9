/** What holds of locks and semaphores over the network whatever is lost, late and frozen. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError, type Lease, Lock, Semaphore } from "@weft/concurrent/distributed";
import { describe, it } from "node:test";
import { fromBytes, toBytes } from "../../distributed/_wire.ts";
import { isLong, rounds } from "../_rounds.ts";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { BAD, seeded, StoreHub } from "./_store_hub.ts";

const LIMIT = { timeout: 60_000 };
const STORM = { timeout: isLong ? 280_000 : 60_000 };

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What is kept of a lock or semaphore. */
function permitsOf(hub: StoreHub, name: string): { holders: unknown[]; waiters: string[] } {
  const entry = hub.entries.get(name);
  return entry === undefined
    ? { holders: [], waiters: [] }
    : fromBytes<{ value: { holders: unknown[]; waiters: string[] } }>(entry.bytes).value;
}

/** Has clients hold permits for a while, and looks that there are never too many. */
async function storm(
  permits: number,
  hub: StoreHub,
  random: () => number,
  acquire: (client: number) => Promise<Lease>,
  count: number,
  freeze: (client: number) => Promise<void>,
): Promise<void> {
  const held = new Set<Lease>();
  let last = 0;
  const look = (): void => {
    const holders = [...held].filter(({ isHeld }) => isHeld).length;
    assert(holders <= permits, `${holders} hold ${permits}`);
  };
  let lost = 0;
  const over = new AbortController();
  const freezing = (async () => {
    while (!over.signal.aborted) {
      await sleep(200 + random() * 300);
      await freeze(Math.floor(random() * 4));
    }
  })();
  try {
    await Promise.all(
      range(4).map(async (client) => {
        for (let i = 0; i < count; i++) {
          const lease = await acquire(client);
          held.add(lease);
          look();
          if (permits === 1 && lease.isHeld) {
            assert(lease.token > last, `token ${lease.token} comes after ${last}`);
            last = lease.token;
          }
          await sleep(random() * 8);
          look();
          const wasHeld = lease.isHeld;
          held.delete(lease);
          // It is not held any more in the moment in which it is given back.
          const isReleased = await lease.release();
          assert(!isReleased || wasHeld);
          if (!isReleased) lost++;
        }
      }),
    );
  } finally {
    over.abort();
    hub.faults = { ...hub.faults, lose: 0, loseAnswer: 0, late: 0 };
    await freezing;
  }
  assert(lost < 4 * count, "each was lost");
}

describe("a lock", () => {
  for (const permits of [1, 2]) {
    const what = permits === 1 ? "lock" : "semaphore";
    it(`that is a ${what} has never more holders than permits, whatever is lost, late and frozen`, STORM, async () => {
      await seeded(async (hub, random) => {
        hub.faults = BAD;
        const clients = range(4).map(() => hub.client());
        const lease = 400;
        const locks = clients.map((client) =>
          permits === 1
            ? new Lock({ name: "it", lease, ...client })
            : new Semaphore(permits, { name: "it", lease, ...client })
        );
        const freeze = async (client: number): Promise<void> => {
          const store = clients[client]!.stores.at(-1);
          store?.freeze();
          await sleep(random() * 2 * lease);
          store?.thaw();
        };
        await storm(permits, hub, random, (client) => locks[client]!.acquire(), rounds(150, 8), freeze);
      });
    });
  }

  it(
    "passes on after the lease of a holder that is silent, not before, and tells that it was abandoned",
    LIMIT,
    async () => {
      const hub = new StoreHub();
      const silent = hub.client();
      const first = await new Lock({ name: "it", lease: 500, ...silent }).acquire();
      const next = new Lock({ name: "it", lease: 500, ...hub.client() }).acquire();
      await until(() => permitsOf(hub, "lock.it").waiters.length === 1, "the second waits");
      silent.stores[0]!.freeze();
      const second = await next;
      assert(!first.isHeld && first.lost.aborted, "it was held");
      assertEquals([first.abandoned, second.abandoned], [false, true]);
      assert(second.token > first.token);
      assertEquals(first.lost.reason.name, "LeaseLostError");
      assertEquals(await first.release(), false);
      silent.stores[0]!.thaw();
      assertEquals([second.isHeld, await second.release()], [true, true]);
    },
  );

  it("does not pass on while a holder beats, though each message is lost", LIMIT, async () => {
    const hub = new StoreHub();
    hub.faults = { ...BAD, loseTell: 1 };
    const first = await new Lock({ name: "it", lease: 900, ...hub.client() }).acquire();
    const other = new Lock({ name: "it", ...hub.client() });
    await assertRejects(() => other.acquire({ timeout: 1400 }), Error, "1400 ms");
    assert(first.isHeld);
    await first.release();
    await (await other.acquire()).release();
  });

  it("has higher tokens each time, though the clock goes back, or all that was kept is gone", LIMIT, async () => {
    const hub = new StoreHub();
    const lock = new Lock({ name: "it", ...hub.client() });
    const tokens: number[] = [];
    const { now } = Date;
    try {
      for (const time of [2000, 2000, 1000, 3000, 3001]) {
        Date.now = () => time;
        if (time === 3001) hub.entries.clear();
        const lease = await lock.acquire();
        tokens.push(lease.token);
        await lease.release();
      }
    } finally {
      Date.now = now;
    }
    assertEquals(tokens, [...new Set(tokens)].sort((a, b) => a - b));
    assertEquals(tokens.length, 5);
  });

  it("is known for lost at once by a holder whose event loop stood still", LIMIT, async () => {
    const lease = await new Lock({ name: "it", lease: 100, ...new StoreHub().client() }).acquire();
    for (const end = performance.now() + 150; performance.now() < end;);
    assertEquals([lease.isHeld, lease.lost.aborted], [false, false]);
    await until(() => lease.lost.aborted, "it is lost");
    assertEquals(await lease.release(), false);
  });

  it("does not pass on by an answer that is older than the holder's lease", LIMIT, async () => {
    const hub = new StoreHub();
    const first = await new Lock({ name: "it", lease: 1000, ...hub.client() }).acquire();
    const client = hub.client();
    let isAcquired = false;
    const acquiring = new Lock({ name: "it", ...client }).acquire();
    void acquiring.then(() => isAcquired = true);
    await until(() => permitsOf(hub, "lock.it").waiters.length === 1, "the second waits");
    // It has just seen a beat, sees the same once more, and has that answer when others have followed.
    const { written } = hub;
    await until(() => hub.written > written, "the holder has beaten");
    await until(() => client.stores[0]!.heard > 0, "the waiter knows");
    hub.faults = { ...hub.faults, loseTell: 1 };
    const store = client.stores[0]!;
    const { read } = store;
    let answers = 0;
    store.read = async (name) => {
      const answer = await read.call(store, name);
      if (answers++ === 0) await sleep(1100);
      return answer;
    };
    for (const { hear } of hub.listeners.get("changed.lock.it")!) hear(toBytes({ revision: 0, bytes: toBytes({}) }));
    await until(() => answers > 2, "it has looked again");
    assertEquals([isAcquired, first.isHeld, await first.release()], [false, true, true]);
    assertEquals((await acquiring).abandoned, false);
    await (await acquiring).release();
  });

  it("was abandoned also by a holder that nothing waited for while it was silent", LIMIT, async () => {
    const hub = new StoreHub();
    const silent = hub.client();
    const lease = await new Lock({ name: "it", lease: 100, ...silent }).acquire();
    silent.stores[0]!.freeze();
    await until(() => lease.lost.aborted, "it is lost");
    silent.stores[0]!.thaw();
    await until(() => permitsOf(hub, "lock.it").holders.length === 0, "it is free");
    const next = await new Lock({ name: "it", ...hub.client() }).acquire();
    assertEquals(next.abandoned, true);
    await next.release();
  });

  it("is held for all of its lease when the store was away for longer before", LIMIT, async () => {
    const hub = new StoreHub();
    const lock = new Lock({ name: "it", lease: 300, ...hub.client() });
    await (await lock.acquire()).release();
    const back = hub.away(700);
    const lease = await lock.acquire();
    assert(lease.isHeld, "it was lost as soon as it was acquired");
    await back;
    assertEquals(await lease.release(), true);
  });

  it("that cannot be acquired as the store is away rejects, and nothing else does", LIMIT, async () => {
    const hub = new StoreHub();
    const lock = new Lock({ name: "it", engineTimeout: 100, ...hub.client() });
    await (await lock.acquire()).release();
    const rejected: unknown[] = [];
    const hear = (event: { reason?: unknown; preventDefault?: () => void }): void => {
      event.preventDefault?.();
      rejected.push(event);
    };
    const { process } = globalThis as unknown as {
      process: { on(...args: unknown[]): void; off(...args: unknown[]): void };
    };
    process.on("unhandledRejection", hear);
    const back = hub.away(1000);
    await assertRejects(() => lock.acquire(), EngineError, "has been away for 100 ms");
    await back;
    process.off("unhandledRejection", hear);
    assertEquals(rejected, []);
  });

  it("goes to waiters in the order in which they came, also where several permits are free", LIMIT, async () => {
    const hub = new StoreHub();
    const semaphores = range(4).map(() => {
      const client = hub.client();
      return { client, semaphore: new Semaphore(2, { name: "it", ...client }) };
    });
    const held = [await semaphores[3]!.semaphore.acquire(), await semaphores[3]!.semaphore.acquire()];
    const order: number[] = [];
    const waiting: Promise<Lease>[] = [];
    for (const i of range(3)) {
      waiting.push(semaphores[i]!.semaphore.acquire());
      void waiting[i]!.then(() => order.push(i));
      await until(() => permitsOf(hub, "semaphore.it").waiters.length === i + 1, `${i} waits`);
    }
    // The second is quicker than the first, and takes what is there for both.
    semaphores[0]!.client.stores[0]!.freeze();
    await Promise.all(held.map((lease) => lease.release()));
    await waiting[1];
    semaphores[0]!.client.stores[0]!.thaw();
    await Promise.race([waiting[0], waiting[2]]);
    assertEquals(order, [1, 0]);
    await (await waiting[0]!).release();
    await waiting[2];
    await Promise.all([waiting[1], waiting[2]].map(async (lease) => (await lease!).release()));
  });

  it("passes over waiters that are not there any more", LIMIT, async () => {
    const hub = new StoreHub();
    const lock = new Lock({ name: "it", ...hub.client() });
    const first = await lock.acquire();
    const gone = hub.client();
    const late = new Lock({ name: "it", ...gone }).acquire();
    await until(() => permitsOf(hub, "lock.it").waiters.length === 1, "the waiter that goes is there");
    const next = new Lock({ name: "it", ...hub.client() }).acquire();
    await until(() => permitsOf(hub, "lock.it").waiters.length === 2, "both wait");
    gone.stores[0]!.freeze();
    await first.release();
    const second = await next;
    assertEquals([second.isHeld, second.abandoned], [true, false]);
    // It was only slow, and comes again.
    gone.stores[0]!.thaw();
    await until(() => permitsOf(hub, "lock.it").waiters.length === 1, "it waits again");
    await second.release();
    await (await late).release();
  });

  it(
    "is had at once by a program that comes when its holder has been silent for its lease, and not before",
    LIMIT,
    async () => {
      const hub = new StoreHub();
      const holder = hub.client();
      const first = await new Lock({ ...holder, name: "ledger", lease: 400 }).acquire();
      for (const store of holder.stores) store.freeze();
      assertEquals(await new Lock({ ...hub.client(), name: "ledger" }).tryAcquire(), undefined);
      await until(() => first.lost.aborted, "the lease has run out");
      await sleep(300);
      // Each of them sees the lock for the first time.
      const lease = await new Lock({ ...hub.client(), name: "ledger" }).tryAcquire();
      assert(lease !== undefined && lease.abandoned && lease.token > first.token);
      await lease!.release();
      const next = await new Lock({ ...hub.client(), name: "ledger" }).acquire({ timeout: 1000 });
      assertEquals(next.abandoned, false);
      await next.release();
    },
  );

  it("is had by a program that tries now and then, though others that try write all the time", LIMIT, async () => {
    const hub = new StoreHub();
    const holder = hub.client();
    const first = await new Lock({ ...holder, name: "ledger", lease: 400 }).acquire();
    for (const store of holder.stores) store.freeze();
    const trying = new Lock({ ...hub.client(), name: "ledger" });
    const other = new Lock({ ...hub.client(), name: "ledger" });
    let lease: Lease | undefined;
    while (lease === undefined) {
      assert(!first.isHeld || lease === undefined);
      await other.acquire({ timeout: 20 }).then((its) => lease = its, () => {});
      lease ??= await trying.tryAcquire();
    }
    assert(lease.abandoned && !first.isHeld);
    await lease!.release();
  });
});
