import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { Worker as NodeWorker } from "node:worker_threads";
import {
  adopt,
  AttachError,
  enumerate,
  Event,
  InvalidStateError,
  Lock,
  Queue,
  share,
  type ShareToken,
  Value,
  type WorkerLike,
} from "@weft/concurrent/threading";
import { referencesTo, until } from "../pool/_helpers.ts";

const LIMIT = { timeout: 30_000 };

interface Started extends WorkerLike {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

const kinds: Record<string, () => Started> = {
  // Node has none.
  ..."Worker" in globalThis && {
    "a Web Worker": () =>
      new Worker(new URL("./_foreign_web_worker.ts", import.meta.url), { type: "module" }) as unknown as Started,
  },
  "a worker of node:worker_threads": () =>
    new NodeWorker(new URL("./_foreign_node_worker.ts", import.meta.url)) as unknown as Started,
};

describe("share and adopt", () => {
  for (const [kind, start] of Object.entries(kinds)) {
    it(`make ${kind} a thread of the program`, LIMIT, async () => {
      const queue = new Queue<
        { name: string; ident: number; main: string; all: string[]; same: boolean; before: unknown[] }
      >();
      const worker = start();
      worker.postMessage({ what: "introduce", token: share(queue), second: share(queue) });
      const { name, ident, main, all, same, before } = await queue.get({ timeout: 20_000 });
      assertMatch(name, /^Dummy-\d+$/);
      assertEquals([name, main, same, before], [`Dummy-${ident}`, "MainThread", true, ["MainThread", 1]]);
      assertEquals([all.includes(name), all.includes("MainThread")], [true, true]);
      assertEquals(
        enumerate().some((thread) => thread.name === name && thread.ident === ident && !thread.daemon),
        true,
      );
      await worker.terminate();
    });

    it(`hand a lock on that ${kind} held when it exits`, LIMIT, async () => {
      const lock = new Lock();
      const held = new Event();
      const worker = start();
      worker.postMessage({ what: "hold and exit", token: share(lock), second: share(held) });
      await held.wait({ timeout: 20_000 });
      const guard = await lock.acquire({ timeout: 10_000 });
      assertEquals(guard.abandoned, true);
      guard[Symbol.dispose]();
      await worker.terminate();
    });

    it(`take back the references of ${kind} that exits`, LIMIT, async () => {
      const [lock, held] = [new Lock(), new Event()];
      const worker = start();
      const order = { what: "hold and exit", token: share(lock), second: share(held) };
      const before = [lock, held].map(referencesTo);
      worker.postMessage(order);
      await held.wait({ timeout: 20_000 });
      await until(() => [lock, held].every((object, i) => referencesTo(object) === before[i]));
      await worker.terminate();
    });

    it(
      `refuse the use of shared objects in a listener of the exit of ${kind}, which has left the memory`,
      LIMIT,
      async () => {
        const [heard, lock] = [new Value("i32"), new Lock()];
        const worker = start();
        worker.postMessage({ what: "use at exit", token: share(heard), second: share(lock) });
        // One for each use that is refused, more for any other.
        await until(() => heard.value >= 3);
        assertEquals(heard.value, 3);
        await worker.terminate();
      },
    );

    it(`let ${kind} start threads of this library`, LIMIT, async () => {
      const queue = new Queue<number>();
      const worker = start();
      worker.postMessage({ what: "start", token: share(queue) });
      assertEquals(await queue.get({ timeout: 20_000 }), 42);
      await worker.terminate();
    });

    it(`refuse what is no token, in ${kind}`, LIMIT, async () => {
      const queue = new Queue<string>();
      const worker = start();
      worker.postMessage({ what: "refuse", token: share(queue) });
      assertEquals(await queue.get({ timeout: 20_000 }), "true");
      await worker.terminate();
    });
  }

  it("notice that a worker was terminated, where the runtime tells", LIMIT, async () => {
    const lock = new Lock();
    const held = new Event();
    const worker = kinds["a worker of node:worker_threads"]!();
    worker.postMessage({ what: "hold", token: share(lock, { worker }), second: share(held, { worker }) });
    await held.wait({ timeout: 20_000 });
    await worker.terminate();
    const guard = await lock.acquire({ timeout: 10_000 });
    assertEquals(guard.abandoned, true);
    guard[Symbol.dispose]();
  });

  it("refuse what is not a shared object, or not a token", LIMIT, () => {
    for (const value of [{}, null, 5, new Map()]) assertThrows(() => share(value as never), TypeError);
    for (const token of [undefined, null, {}, { buffer: new SharedArrayBuffer(8), at: 1.5, id: 0 } as ShareToken]) {
      assertThrows(() => adopt(token as never), AttachError);
    }
    const lock = new Lock();
    lock[Symbol.dispose]();
    assertThrows(() => share(lock), InvalidStateError);
    const other = new Lock();
    assertEquals(adopt(share(other)) === other, true);
  });
});
