import {
  adopt,
  AttachError,
  Event,
  InvalidStateError,
  Lock,
  Queue,
  share,
  type ShareToken,
  sleep,
  Value,
  type WorkerLike,
} from "@weft/concurrent/sync";
import { assert, assertEquals, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { Worker as NodeWorker } from "node:worker_threads";

const LIMIT = { timeout: 60_000 };
const MODULE = new URL("./programs/adopting_worker.ts", import.meta.url);

interface Started extends WorkerLike {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

const KINDS: Record<string, () => Started> = {
  // Node has none.
  ..."Worker" in globalThis && { "a Worker": () => new Worker(MODULE, { type: "module" }) as unknown as Started },
  "a worker of node:worker_threads": () => new NodeWorker(MODULE) as unknown as Started,
};

describe("share and adopt", () => {
  for (const [kind, start] of Object.entries(KINDS)) {
    it(`give ${kind} the same object, which takes part in the program`, LIMIT, async () => {
      const worker = start();
      try {
        const value = new Value("i32");
        for (let i = 1; i <= 3; i++) {
          const done = new Event();
          worker.postMessage({ do: "add", tokens: [share(value, { worker }), share(done, { worker })] });
          assert(await done.wait({ timeout: 30_000 }));
          assertEquals(value.value, i);
        }
        const queue = new Queue<[string, unknown]>();
        worker.postMessage({ do: "name", tokens: [share(queue, { worker })] });
        const [name, itself] = await queue.get({ timeout: 30_000 });
        assertMatch(name, /^Dummy-\d+$/);
        assertStrictEquals(itself, queue);
      } finally {
        await worker.terminate();
      }
    });

    it(`give any number of workers (${kind}) the object of one token`, LIMIT, async () => {
      const workers = [start(), start(), start()];
      try {
        const value = new Value("i32");
        const events = workers.map(() => new Event());
        const token = share(value);
        workers.forEach((worker, i) => worker.postMessage({ do: "add", tokens: [token, share(events[i])] }));
        for (const event of events) assert(await event.wait({ timeout: 30_000 }));
        value[Symbol.dispose]();
        assertEquals(adopt<Value<"i32">>(token).value, 3);
      } finally {
        for (const worker of workers) await worker.terminate();
      }
    });

    it(`give ${kind} one object for one token, however often it adopts it`, LIMIT, async () => {
      const worker = start();
      try {
        const lock = new Lock();
        const queue = new Queue<boolean>();
        worker.postMessage({ do: "twice", tokens: [share(lock, { worker }), share(queue, { worker })] });
        assertEquals(await queue.get({ timeout: 30_000 }), true);
        // All references are there still: nothing else takes the place of the lock.
        const others = Array.from({ length: 20 }, () => new Lock());
        lock.acquireSync();
        assert(others.every((other) => !other.locked));
      } finally {
        await worker.terminate();
      }
    });
  }

  it("hand the lock on that a worker of node:worker_threads held when it ended", LIMIT, async () => {
    const worker = KINDS["a worker of node:worker_threads"]();
    const lock = new Lock();
    const holding = new Event();
    worker.postMessage({ do: "hold", tokens: [share(lock, { worker }), share(holding, { worker })] });
    assert(await holding.wait({ timeout: 30_000 }));
    await worker.terminate();
    using guard = await lock.acquire({ timeout: 30_000 });
    assertEquals(guard.abandoned, true);
  });

  it("keep an object while its token is under way", LIMIT, async () => {
    const worker = Object.values(KINDS)[0]();
    try {
      const value = new Value("i32", 40);
      const done = new Event();
      const tokens = [share(value, { worker }), share(done, { worker })];
      value[Symbol.dispose]();
      const others = Array.from({ length: 20 }, () => new Value("i32", 7));
      worker.postMessage({ do: "add", tokens });
      assert(await done.wait({ timeout: 30_000 }));
      await sleep(0);
      assert(others.every((other) => other.value === 7));
    } finally {
      worker.terminate();
    }
  });

  it("give the thread that shares its own handle", LIMIT, () => {
    const lock = new Lock();
    assertStrictEquals(adopt(share(lock)), lock);
    assertStrictEquals(adopt(share(lock)), lock);
  });

  it("refuse what cannot be shared or adopted", LIMIT, () => {
    for (const object of [{}, null, undefined, 5, new Map()]) {
      assertThrows(() => share(object as never), TypeError, "not one of this library");
    }
    const lock = new Lock();
    assertThrows(() => share(lock, 5 as never), TypeError, "options");
    assertThrows(() => share(lock, { worker: "w" as never }), TypeError, "'worker'");
    const token = share(lock);
    lock[Symbol.dispose]();
    assertThrows(() => share(lock), InvalidStateError);
    const bad: unknown[] = [
      undefined,
      null,
      {},
      5,
      { ...token, at: -1 },
      { ...token, at: 1.5 },
      { ...token, at: 2 ** 40 },
      { ...token, buffer: new ArrayBuffer(8) },
      { ...token, buffer: new SharedArrayBuffer(8) },
      { ...token, buffer: new SharedArrayBuffer(2 ** 20) },
      { ...token, id: undefined },
      { ...token, ticket: "1" },
    ];
    for (const wrong of bad) assertThrows(() => adopt(wrong as ShareToken), AttachError, "Cannot adopt");
  });
});
