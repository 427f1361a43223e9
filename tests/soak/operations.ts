/** The operations of a soak: each is done over and over, and must leave nothing behind. */

import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { answer, contend, echo, echoPipe, fail, square } from "./targets.ts";

/** One kind of operation, as often as the soak wants it. */
export interface Operation {
  readonly name: string;
  /** How often, where a million would take too long. */
  readonly share?: number;
  /** Prepares; returns what does a batch of so many, and what ends it. */
  readonly begin: () => Promise<{ batch: (count: number) => Promise<void>; end?: () => Promise<void> }>;
}

type Scope = Pick<
  typeof threading,
  "Lock" | "RLock" | "Semaphore" | "Event" | "Condition" | "Queue" | "PriorityQueue" | "Value" | "SharedArray"
>;

const scopes: [name: string, scope: Scope, start: (target: never, args: unknown[]) => { join(): Promise<boolean> }][] =
  [
    ["thread", threading, (target, args) => new threading.Thread<unknown[]>({ target, args }).start()],
    [
      "process",
      multiprocessing as unknown as Scope,
      (target, args) => new multiprocessing.Process<unknown[]>({ target, args }).start(),
    ],
  ];

const item = { id: 1, name: "item", tags: ["a", "b"], when: new Date(0) };

function operationsOf(name: string, scope: Scope, start: typeof scopes[number][2]): Operation[] {
  return [{
    name: `${name} Lock: acquireSync, release`,
    begin: () => {
      const lock = new scope.Lock();
      return Promise.resolve({
        batch: (count) => {
          for (let i = 0; i < count; i++) lock.acquireSync()[Symbol.dispose]();
          return Promise.resolve();
        },
      });
    },
  }, {
    name: `${name} Lock: beside another that wants it`,
    begin: () => {
      const lock = new scope.Lock();
      const counter = new scope.Value("i32");
      const stop = new scope.Event();
      const other = start(contend as never, [lock, counter, stop]);
      return Promise.resolve({
        batch: async (count) => {
          for (let i = 0; i < count; i++) {
            const guard = i % 64 === 0 ? await lock.acquire() : lock.acquireSync();
            guard[Symbol.dispose]();
          }
        },
        end: async () => {
          stop.set();
          await other.join();
        },
      });
    },
  }, {
    name: `${name} Lock: await, abort, timeout`,
    share: 0.02,
    begin: () => {
      const lock = new scope.Lock();
      return Promise.resolve({
        batch: async (count) => {
          for (let i = 0; i < count; i++) {
            const guard = await lock.acquire();
            const abort = new AbortController();
            const aborted = lock.acquire({ signal: abort.signal }).catch(() => {});
            const expired = lock.acquire({ timeout: 0 }).catch(() => {});
            abort.abort();
            await aborted;
            await expired;
            guard[Symbol.dispose]();
          }
        },
      });
    },
  }, {
    name: `${name} Condition: ping-pong`,
    share: 0.02,
    begin: () => {
      const condition = new scope.Condition();
      const turn = new scope.Value("i32");
      const stop = new scope.Event();
      const other = start(answer as never, [condition, turn, stop]);
      return Promise.resolve({
        batch: (count) => {
          const guard = condition.acquireSync();
          for (let i = 0; i < count; i++) {
            turn.value = 1;
            condition.notify();
            condition.waitForSync(() => turn.value === 0);
          }
          guard[Symbol.dispose]();
          return Promise.resolve();
        },
        end: async () => {
          stop.set();
          await other.join();
        },
      });
    },
  }, {
    name: `${name} Queue: there and back`,
    share: 0.2,
    begin: () => {
      const there = new scope.Queue<unknown>();
      const back = new scope.Queue<unknown>();
      const other = start(echo as never, [there, back]);
      return Promise.resolve({
        batch: async (count) => {
          for (let i = 0; i < count; i++) {
            there.putSync(item);
            if (i % 32 === 0) await back.get();
            else back.getSync();
          }
        },
        end: async () => {
          there.putSync(null);
          await other.join();
        },
      });
    },
  }, {
    name: `${name} PriorityQueue: filled and emptied`,
    begin: () => {
      const queue = new scope.PriorityQueue<number>();
      return Promise.resolve({
        batch: (count) => {
          for (let i = 0; i < count; i++) queue.putSync(i, { priority: (i * 7919) % 1000 });
          for (let i = 0; i < count; i++) queue.getSync();
          return Promise.resolve();
        },
      });
    },
  }, {
    name: `${name} objects: made and disposed of`,
    share: 0.2,
    begin: () =>
      Promise.resolve({
        batch: (count) => {
          for (let i = 0; i < count; i += 4) {
            new scope.Lock()[Symbol.dispose]();
            new scope.Queue<number>()[Symbol.dispose]();
            new scope.SharedArray("f64", 1000)[Symbol.dispose]();
            new scope.Condition()[Symbol.dispose]();
          }
          return Promise.resolve();
        },
      }),
  }, {
    name: `${name} objects: made and dropped`,
    share: 0.2,
    begin: () =>
      Promise.resolve({
        batch: async (count) => {
          for (let i = 0; i < count; i += 4) {
            new scope.Lock();
            new scope.Event();
            new scope.Semaphore(1);
            new scope.SharedArray("u8", 400);
          }
          // What was dropped is found when the event loop turns.
          await new Promise((resolve) => setTimeout(resolve, 1));
        },
      }),
  }];
}

/** All of them. */
export const operations: Operation[] = [
  ...scopes.flatMap(([name, scope, start]) => operationsOf(name, scope, start)),
  {
    name: "thread: start, result",
    share: 0.002,
    begin: () =>
      Promise.resolve({
        batch: async (count) => {
          for (let i = 0; i < count; i++) {
            await new threading.Thread({ target: square, args: [i] }).start().result();
            if (i % 8 === 0) await new threading.Thread({ target: fail }).start().result().catch(() => {});
          }
        },
      }),
  },
  {
    name: "process: start, result",
    share: 0.0003,
    begin: () =>
      Promise.resolve({
        batch: async (count) => {
          for (let i = 0; i < count; i++) {
            const child = new multiprocessing.Process({ target: square, args: [i] }).start();
            await child.result();
            await child.join();
            child.close();
          }
        },
      }),
  },
  {
    name: "Pipe: there and back",
    share: 0.1,
    begin: () => {
      const [here, there] = multiprocessing.Pipe<unknown, unknown>();
      const other = new multiprocessing.Process<unknown[]>({ target: echoPipe as never, args: [there] }).start();
      return Promise.resolve({
        batch: async (count) => {
          for (let i = 0; i < count; i++) {
            here.sendSync(item);
            if (i % 32 === 0) await here.recv();
            else here.recvSync();
          }
        },
        end: async () => {
          here.sendSync(null);
          await other.join();
        },
      });
    },
  },
  {
    name: "SharedMemory: made, written, unlinked",
    share: 0.01,
    begin: () =>
      Promise.resolve({
        batch: (count) => {
          for (let i = 0; i < count; i++) {
            using memory = new multiprocessing.SharedMemory({ size: 100_000 });
            new Uint8Array(memory.buffer).fill(1);
            memory.unlink();
          }
          return Promise.resolve();
        },
      }),
  },
  {
    name: "threading.Pool: map",
    begin: () => {
      const pool = new threading.Pool(2);
      return Promise.resolve({
        batch: async (count) => {
          await pool.map(square, Array.from({ length: count }, (_, i) => i));
        },
        end: () => pool[Symbol.asyncDispose](),
      });
    },
  },
  {
    name: "multiprocessing.Pool: submit",
    share: 0.2,
    begin: () => {
      const pool = new multiprocessing.Pool(2);
      return Promise.resolve({
        batch: async (count) => {
          await Promise.all(Array.from({ length: count }, (_, i) => pool.submit(square, i)));
        },
        end: () => pool[Symbol.asyncDispose](),
      });
    },
  },
];
