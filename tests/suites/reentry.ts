import { InvalidStateError, registerSerializable } from "@weft/concurrent/threading";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { load } from "../../_internal/atomics.ts";
import { blockWords } from "../../_internal/memory/allocator.ts";
import { OBJECT_HEADER } from "../../_internal/memory/memory.ts";
import { locate, type SharedHandle } from "../../_internal/memory/shared_object.ts";
import { ALL_SLEEPERS } from "../../_internal/memory/wait_point.ts";
import type { Queue } from "@weft/concurrent/sync";
import { getPointOf, onUnpack, Stamp, takeAndDispose } from "./reentry_targets.ts";
import type { Scope } from "./_scope.ts";
import { until } from "./_until.ts";

const LIMIT = { timeout: 60_000 };

let onPack = (): void => {};

class Packed {}
registerSerializable(Packed, {
  name: "test/packed-reentry",
  serialize: () => {
    onPack();
    return 1;
  },
  deserialize: () => new Packed(),
});

/** How many handles and messages there are of an object. */
function referencesOf(object: object): number {
  const { space, at } = locate(object as SharedHandle)!;
  return load(space.words, at + 1);
}

/** Tests of code of the program that disposes of an object while it is called by a method of that object. */
export function reentrySuite(scope: Scope): void {
  for (const kind of ["Queue", "LifoQueue", "PriorityQueue"] as const) queueReentrySuite(scope, kind);
  othersReentrySuite(scope);
}

function othersReentrySuite(scope: Scope): void {
  const { Barrier, Condition, Event, Latch, Lock, RLock, RWLock, Semaphore } = scope;

  /** The words of an object behind its references. */
  function wordsOf(object: object): number[] {
    const { space, at } = locate(object as SharedHandle)!;
    return [...space.words.subarray(at + OBJECT_HEADER, at + blockWords(space.memory, at))];
  }

  /** A call with options that replace the object by another, which gets its memory. */
  function caseOf<T extends Disposable>(
    make: () => T,
    call: (object: T, options: object) => unknown,
  ): (name: string) => Promise<void> {
    return async (name) => {
      const object = make();
      let other: T | undefined;
      let before: number[] = [];
      const options = {
        get [name]() {
          if (other !== undefined) return undefined;
          object[Symbol.dispose]();
          other = make();
          before = wordsOf(other);
          return undefined;
        },
      };
      await assertRejects(async () => await call(object, options), InvalidStateError);
      assertEquals(wordsOf(other!), before);
    };
  }

  const held = (): InstanceType<typeof Condition> => {
    const condition = new Condition();
    condition.acquireSync();
    return condition;
  };
  const cases: Record<string, (name: string) => Promise<void>> = {
    "Lock.acquire()": caseOf(() => new Lock(), (lock, options) => lock.acquire(options)),
    "Lock.acquireSync()": caseOf(() => new Lock(), (lock, options) => lock.acquireSync(options)),
    "RLock.acquire()": caseOf(() => new RLock(), (lock, options) => lock.acquire(options)),
    "RLock.acquireSync()": caseOf(() => new RLock(), (lock, options) => lock.acquireSync(options)),
    "RWLock.read()": caseOf(() => new RWLock(), (lock, options) => lock.read(options)),
    "RWLock.readSync()": caseOf(() => new RWLock(), (lock, options) => lock.readSync(options)),
    "RWLock.write()": caseOf(() => new RWLock(), (lock, options) => lock.write(options)),
    "RWLock.writeSync()": caseOf(() => new RWLock(), (lock, options) => lock.writeSync(options)),
    "Semaphore.acquire()": caseOf(() => new Semaphore(1), (semaphore, options) => semaphore.acquire(options)),
    "Semaphore.acquireSync()": caseOf(() => new Semaphore(1), (semaphore, options) => semaphore.acquireSync(options)),
    "Event.wait()": caseOf(() => new Event(), (event, options) => event.wait(options)),
    "Event.waitSync()": caseOf(() => new Event(), (event, options) => event.waitSync(options)),
    "Latch.wait()": caseOf(() => new Latch(1), (latch, options) => latch.wait(options)),
    "Latch.waitSync()": caseOf(() => new Latch(1), (latch, options) => latch.waitSync(options)),
    "Barrier.wait()": caseOf(() => new Barrier(1), (barrier, options) => barrier.wait(options)),
    "Barrier.waitSync()": caseOf(() => new Barrier(1), (barrier, options) => barrier.waitSync(options)),
    "Condition.wait()": caseOf(held, (condition, options) => condition.wait(options)),
    "Condition.waitSync()": caseOf(held, (condition, options) => condition.waitSync(options)),
    "Condition.waitFor()": caseOf(held, (condition, options) => condition.waitFor(() => false, options)),
    "Condition.waitForSync()": caseOf(held, (condition, options) => condition.waitForSync(() => false, options)),
  };

  describe(`an object that is disposed of by code that it calls (${scope.name})`, () => {
    for (const [form, check] of Object.entries(cases)) {
      it(`${form} refuses options whose getter disposes of it`, LIMIT, async () => {
        await check("timeout");
        await check("signal");
      });
    }

    it("a condition refuses a predicate that disposes of it, or gives its lock up", LIMIT, async () => {
      for (
        const [giveUp, why] of [
          [(condition) => condition[Symbol.dispose](), "disposed of"],
          [(condition) => condition.release(), "not held"],
          [(_condition, lock) => lock[Symbol.dispose](), "not held"],
        ] as [(condition: Disposable & { release(): void }, lock: Disposable) => void, string][]
      ) {
        for (const type of [Lock, RLock]) {
          for (const form of ["waitFor", "waitForSync"] as const) {
            const lock = new type();
            const condition = new Condition(lock);
            condition.acquireSync();
            const before = wordsOf(condition);
            const predicate = (): boolean => {
              giveUp(condition, lock);
              return false;
            };
            const options = { timeout: 20 };
            await assertRejects(async () => await condition[form](predicate, options), InvalidStateError, why);
            if (why === "not held") assertEquals(wordsOf(condition), before);
          }
        }
      }
    });

    it("RLock.run() returns what its function returned, though that disposed of the lock", LIMIT, async () => {
      const lock = new RLock();
      const result = await lock.run(() => {
        lock[Symbol.dispose]();
        return "done";
      });
      assertEquals(result, "done");
    });
  });
}

function queueReentrySuite(scope: Scope, kind: "Queue" | "LifoQueue" | "PriorityQueue"): void {
  const { Event, Lock } = scope;
  const Kind = scope[kind] as typeof scope.Queue;

  /** A queue, and what disposes of it and makes another, which gets its memory. */
  function prepare(maxsize = 0): { queue: Queue; others: Queue[]; replace: () => void } {
    const queue = new Kind<unknown>({ maxsize });
    const others: Queue[] = [];
    const replace = (): void => {
      queue[Symbol.dispose]();
      const other = new Kind<unknown>();
      other.putManySync([1, 2, 3]);
      others.push(other);
    };
    return { queue, others, replace };
  }

  const puts: Record<string, (queue: Queue, item: unknown) => unknown> = {
    "put()": (queue, item) => queue.put(item),
    "put() with a timeout": (queue, item) => queue.put(item, { timeout: 1000 }),
    "put() with a timeout of 0": (queue, item) => queue.put(item, { timeout: 0 }),
    "putSync()": (queue, item) => queue.putSync(item),
    "putSync() with a timeout": (queue, item) => queue.putSync(item, { timeout: 10 }),
    "tryPut()": (queue, item) => queue.tryPut(item),
    "putMany()": (queue, item) => queue.putMany([4, item, 5]),
    "putManySync()": (queue, item) => queue.putManySync([4, item, 5]),
  };

  const options: Record<string, (queue: Queue, options: object) => unknown> = {
    "put()": (queue, options) => queue.put(4, options),
    "putSync()": (queue, options) => queue.putSync(4, options),
    "putMany()": (queue, options) => queue.putMany([4], options),
    "putManySync()": (queue, options) => queue.putManySync([4], options),
    "get()": (queue, options) => queue.get(options),
    "getSync()": (queue, options) => queue.getSync(options),
    "getMany()": (queue, options) => queue.getMany(2, options),
    "getManySync()": (queue, options) => queue.getManySync(2, options),
    "join()": (queue, options) => queue.join(options),
    "joinSync()": (queue, options) => queue.joinSync(options),
    "shutdown()": (queue, options) => queue.shutdown(options),
  };

  describe(`${kind} that is disposed of by code that it calls (${scope.name})`, () => {
    for (const [form, put] of Object.entries(puts)) {
      it(`${form} refuses an item whose getter disposes of it`, LIMIT, async () => {
        for (const maxsize of [0, 4]) {
          const { queue, others, replace } = prepare(maxsize);
          const item = {
            get id() {
              replace();
              return 1;
            },
          };
          await assertRejects(async () => await put(queue, item), InvalidStateError, "it was disposed of");
          assertEquals(others.map((other) => other.size), [3]);
        }
      });

      it(`${form} refuses an item whose class disposes of it, and drops what the item names`, LIMIT, async () => {
        const { queue, others, replace } = prepare();
        const lock = new Lock();
        const before = referencesOf(lock);
        onPack = replace;
        const item = { first: lock, packed: new Packed() };
        await assertRejects(async () => await put(queue, item), InvalidStateError, "it was disposed of");
        onPack = () => {};
        assertEquals(others.map((other) => other.size), [3]);
        assertEquals(referencesOf(lock), before);
      });
    }

    it("putMany() refuses an item that it copies before it waits", LIMIT, async () => {
      const { queue, others, replace } = prepare(1);
      const item = {
        get id() {
          replace();
          return 1;
        },
      };
      const items = [...Array<unknown>(1000).fill("text"), item, 1];
      const error = await assertRejects(() => queue.putMany(items), InvalidStateError, "it was disposed of");
      assertEquals((error as { put?: number }).put, 1);
      assertEquals(others[0].size, 3);
    });

    it("putManySync() refuses an array whose getter disposes of it and throws", LIMIT, () => {
      const { queue, others, replace } = prepare();
      const items: unknown[] = [4, 5, 6];
      Object.defineProperty(items, 1, {
        get() {
          replace();
          throw new Error("not this");
        },
      });
      assertThrows(() => queue.putManySync(items), InvalidStateError, "it was disposed of");
      assertEquals(others[0].size, 3);
    });

    for (const [form, call] of Object.entries(options)) {
      it(`${form} refuses options whose getter disposes of it`, LIMIT, async () => {
        for (const name of form === "shutdown()" ? ["immediate"] : ["timeout", "signal"]) {
          const { queue, others, replace } = prepare();
          const given = {
            get [name]() {
              if (others.length === 0) replace();
              return undefined;
            },
          };
          queue.putSync("item");
          await assertRejects(async () => await call(queue, given), InvalidStateError, "it was disposed of");
          assertEquals(others.map((other) => other.size), [3]);
        }
      });
    }

    const gets: Record<string, (queue: Queue) => unknown> = {
      "get()": (queue) => queue.get(),
      "get() with a timeout": (queue) => queue.get({ timeout: 1000 }),
      "getSync()": (queue) => queue.getSync(),
      "tryGet()": (queue) => queue.tryGet(),
      "getMany()": async (queue) => (await queue.getMany(1))[0],
      "getManySync()": (queue) => queue.getManySync(1)[0],
    };
    for (const [form, get] of Object.entries(gets)) {
      it(`${form} returns an item whose class disposes of it`, LIMIT, async () => {
        const { queue, others, replace } = prepare();
        queue.putManySync([new Stamp(1), new Stamp(1)]);
        onUnpack(replace);
        assertEquals(await get(queue), new Stamp(1));
        assertEquals(others.map((other) => other.size), [3]);
      });
    }

    const manyGets: Record<string, (queue: Queue) => unknown[] | Promise<unknown[]>> = {
      "getMany()": (queue) => queue.getMany(Infinity),
      "getManySync()": (queue) => queue.getManySync(Infinity),
      "tryGetMany()": (queue) => queue.tryGetMany(Infinity),
    };
    for (const [form, get] of Object.entries(manyGets)) {
      it(`${form} ends with what it has taken when a class disposes of it`, LIMIT, async () => {
        const { queue, others, replace } = prepare();
        queue.putManySync(Array.from({ length: 3000 }, () => new Stamp(1)));
        onUnpack(replace);
        const items = await get(queue);
        assert(items.length > 0 && items.length < 3000);
        assertEquals(others.map((other) => other.size), [3]);
      });
    }

    for (const many of [false, true]) {
      it(
        `a thread that blocks for ${many ? "items" : "an item"} writes nothing into memory that it gave back`,
        LIMIT,
        async () => {
          const queue = new Kind<Stamp>();
          const alone = new Event();
          const { space, point } = getPointOf(queue as Queue<never>);
          const runner = scope.start(takeAndDispose, queue, alone, many);
          await until(() => (load(space.words, point) & ALL_SLEEPERS) !== 0, "the thread blocks");
          queue.putSync(new Stamp(1));
          queue[Symbol.dispose]();
          alone.set();
          assertEquals(await runner.result(), 0);
        },
      );
    }
  });
}
