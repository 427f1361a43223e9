import { Pipe, SharedMemory } from "@weft/concurrent/multiprocessing";
import { Pool, type SharedOptions, Timer } from "@weft/concurrent/threading";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import type { Scope } from "./_scope.ts";
import {
  addFields,
  FieldsProcess,
  FieldsThread,
  hasFields,
  NONSENSE,
  ShadowingProcess,
  ShadowingThread,
} from "./subclass_names_targets.ts";

const LIMIT = { timeout: 60_000 };

type AnyClass = new (...args: never[]) => object;

/** Every word in the sources of the classes: all names that members have or may have. */
function wordsOfSources(): string[] {
  const words = new Set<string>();
  const root = new URL("../../", import.meta.url);
  for (
    const folder of ["sync", "threading", "multiprocessing", "_internal/memory", "_internal/pool", "_internal/queue"]
  ) {
    for (const file of readdirSync(new URL(`${folder}/`, root))) {
      const source = readFileSync(new URL(`${folder}/${file}`, root), "utf8");
      // Without the comments.
      const code = source.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
      for (const [word] of code.matchAll(/[A-Za-z_$][\w$]*/g)) words.add(word);
    }
  }
  for (const past of ["at", "words", "space", "drop", "unusable", "giveBack", "offer", "rank", "failed", "spent"]) {
    words.add(past);
  }
  return [...words];
}

const WORDS = wordsOfSources();

/** The words that are not names of public members. */
function freeNames(object: object): string[] {
  return WORDS.filter((word) => !(word in object) && word !== "then" && word !== "toJSON");
}

/** A subclass with a field of every free name, a method of every free name behind it, and a static field of every free name. */
function subclass<C extends AnyClass>(Base: C): C {
  const names = freeNames(Base.prototype);
  const Sub = class extends (Base as unknown as new (...args: unknown[]) => object) {
    constructor(...args: unknown[]) {
      super(...args);
      addFields(this, names);
    }
  };
  for (const name of names) {
    Object.defineProperty(Sub.prototype, name, {
      configurable: true,
      value: () => {
        throw new Error(`the library called "${name}"`);
      },
    });
    if (!(name in Base)) Object.defineProperty(Sub, name, { configurable: true, value: NONSENSE });
  }
  return Sub as unknown as C;
}

/** The same without the fields, so that the methods are found. */
function withMethods<C extends AnyClass>(Base: C): C {
  const Sub = class extends (Base as unknown as new (...args: unknown[]) => object) {};
  for (const name of freeNames(Base.prototype)) {
    Object.defineProperty(Sub.prototype, name, {
      configurable: true,
      value: () => {
        throw new Error(`the library called "${name}"`);
      },
    });
  }
  return Sub as unknown as C;
}

/** Tests that a program's subclass may use any name for its fields and methods. */
export function subclassNamesSuite(scope: Scope): void {
  const neighbour = new scope.SharedArray("i32", 200_000);
  neighbour.array.fill(7);
  const isUntouched = (): boolean => neighbour.array.every((element) => element === 7);

  /** Makes the object, uses it, sends it, shows it. */
  const check = async (
    Base: AnyClass,
    args: unknown[],
    use: (object: never) => unknown,
  ): Promise<void> => {
    for (const Sub of [subclass(Base), withMethods(Base)]) {
      const object = Reflect.construct(Sub, args) as object;
      const names = Object.keys(object);
      // The fields are assigned to before the second use.
      for (let round = 0; round < 2; round++) {
        await use(object as never);
        for (const name of names) (object as Record<string, unknown>)[name] = NONSENSE;
      }
      assert(hasFields(object, names));
      assertEquals(Object.keys({ ...object }).length, names.length);
      const queue = new scope.Queue<object>();
      queue.putSync([object]);
      assertStrictEquals((queue.getSync() as object[])[0], object);
      assert(isUntouched());
      (object as Disposable)[Symbol.dispose]();
      assert(isUntouched());
    }
    const plain = Reflect.construct(Base, args) as object;
    assertEquals(Reflect.ownKeys(plain).filter((key) => typeof key === "string"), []);
    assert(inspect(plain, { showHidden: true }).length < 200, inspect(plain));
    (plain as Disposable)[Symbol.dispose]();
  };

  describe(`names in subclasses (${scope.name})`, () => {
    it("of a lock are free", LIMIT, async () => {
      type Locks = InstanceType<typeof scope.Lock>;
      const use = async (lock: Locks): Promise<void> => {
        const guard = lock.acquireSync();
        addFields(guard, freeNames(guard));
        assert(lock.locked);
        guard[Symbol.dispose]();
        assert(!lock.locked);
        (await lock.acquire())[Symbol.dispose]();
        lock.tryAcquire();
        lock.release();
        assert(!lock.locked);
      };
      await check(scope.Lock, [], use);
      await check(scope.RLock, [], async (lock: InstanceType<typeof scope.RLock>) => {
        await use(lock as unknown as Locks);
        assertEquals(await lock.run(() => lock.locked), true);
        const condition = new scope.Condition(lock);
        using _guard = condition.acquireSync();
        using _again = condition.acquireSync();
        assertEquals(condition.waitSync({ timeout: 1 }), false);
      });
    });

    it("of a lock for reading and writing are free", LIMIT, async () => {
      await check(scope.RWLock, [], async (lock: InstanceType<typeof scope.RWLock>) => {
        for (const guard of [lock.readSync(), await lock.read(), lock.tryRead()!]) {
          assertEquals(lock.tryWrite(), undefined);
          addFields(guard, freeNames(guard));
          guard[Symbol.dispose]();
        }
        for (const take of [() => lock.writeSync(), () => lock.write(), () => lock.tryWrite()!]) {
          const guard = await take();
          addFields(guard, freeNames(guard));
          assertEquals(lock.tryRead(), undefined);
          guard[Symbol.dispose]();
        }
      });
    });

    it("of a semaphore are free", LIMIT, async () => {
      const use = async (semaphore: InstanceType<typeof scope.Semaphore>): Promise<void> => {
        const guard = semaphore.acquireSync();
        addFields(guard, freeNames(guard));
        assertEquals(semaphore.value, 1);
        guard[Symbol.dispose]();
        (await semaphore.acquire())[Symbol.dispose]();
        semaphore.tryAcquire();
        semaphore.release();
        assertEquals(semaphore.value, 2);
      };
      await check(scope.Semaphore, [2], use);
      await check(scope.BoundedSemaphore, [2], async (semaphore: InstanceType<typeof scope.BoundedSemaphore>) => {
        await use(semaphore);
        assertThrows(() => semaphore.release(), RangeError);
        const guard = semaphore.acquireSync();
        semaphore.release();
        guard[Symbol.dispose]();
        assertEquals(semaphore.value, 2);
      });
    });

    it("of an event, a latch, a condition and a barrier are free", LIMIT, async () => {
      await check(scope.Event, [], async (event: InstanceType<typeof scope.Event>) => {
        const waiting = event.wait();
        event.set();
        assert(await waiting && event.waitSync() && event.isSet);
        event.clear();
      });
      await check(scope.Latch, [1_000], async (latch: InstanceType<typeof scope.Latch>) => {
        const { count } = latch;
        latch.countDown(1);
        assertEquals(latch.count, count - 1);
        assertEquals([await latch.wait({ timeout: 0 }), latch.waitSync({ timeout: 0 })], [false, false]);
      });
      await check(scope.Condition, [], async (condition: InstanceType<typeof scope.Condition>) => {
        const woken = condition.acquire().then(async (guard) => {
          using _guard = guard;
          return await condition.wait();
        });
        for (let told = false; !told;) {
          using _guard = await condition.acquire();
          condition.notifyAll();
          told = await Promise.race([woken, condition.wait({ timeout: 1 }).then(() => false)]);
        }
        using _guard = condition.acquireSync();
        assert(condition.waitForSync(() => true) && condition.locked);
      });
      await check(scope.Barrier, [2], async (barrier: InstanceType<typeof scope.Barrier>) => {
        assertEquals((await Promise.all([barrier.wait(), barrier.wait()])).sort(), [0, 1]);
        barrier.abort();
        barrier.reset();
        assertEquals([barrier.parties, barrier.nWaiting, barrier.broken], [2, 0, false]);
      });
    });

    it("of a value and an array are free", LIMIT, async () => {
      for (const [type, one] of [["i32", 1], ["f64", 1], ["u64", 1n]] as const) {
        await check(scope.Value, [type, one], (value: InstanceType<typeof scope.Value<"i32">>) => {
          value.add(one as 1);
          assertEquals(value.exchange(one as 1), one as number + (one as number));
          value.value = one as 1;
          using _guard = value.lock.acquireSync();
          assertEquals(value.value, one);
        });
      }
      await check(scope.SharedArray, ["i32", [1, 2, 3]], (array: InstanceType<typeof scope.SharedArray<"i32">>) => {
        array.array[0] = 1;
        using _guard = array.lock.acquireSync();
        assertEquals([...array], [1, 2, 3]);
        assertEquals(array.length, 3);
      });
    });

    it("of a queue are free", LIMIT, async () => {
      for (const Base of [scope.Queue, scope.LifoQueue, scope.PriorityQueue]) {
        await check(Base, [{ maxsize: 2 }], async (queue: InstanceType<typeof scope.PriorityQueue<unknown>>) => {
          queue.putSync({ a: 1 }, { priority: -1 });
          await queue.put("b", { priority: 3 });
          assertEquals([queue.size, queue.full, queue.empty, queue.tryPut(1)], [2, true, false, false]);
          const taken = [queue.getSync(), await queue.get()];
          assertEquals(Base === scope.LifoQueue ? taken.reverse() : taken, [{ a: 1 }, "b"]);
          queue.taskDone();
          queue.taskDone();
          assert(queue.tryPut("c"));
          assertEquals(queue.tryGet(), "c");
          queue.taskDone();
          queue.putManySync(["d"], { priority: 1 });
          await queue.putMany(["e"], { priority: 2 });
          assertEquals([...queue.getManySync(1), ...await queue.getMany(1)].sort(), ["d", "e"]);
          assertEquals(queue.tryGetMany(1), []);
          queue.taskDone();
          queue.taskDone();
          assert(queue.joinSync({ timeout: 0 }));
        });
      }
    });

    it("of a thread or process are free, and its fields are there when it runs", LIMIT, async () => {
      const Type = scope.name === "thread" ? FieldsThread : FieldsProcess;
      const names = freeNames(Type.prototype);
      const runner = new Type(names, { name: "swept" });
      runner.start();
      assertEquals(await runner.result(), names);
      assert(await runner.join());
      assertEquals([runner.name, runner.isAlive], ["swept", false]);
      assert(hasFields(runner, names));
      assert(isUntouched());
    });

    it("of the library's members in a thread or process hide them, and it runs all the same", LIMIT, async () => {
      const runner = scope.name === "thread" ? new ShadowingThread() : new ShadowingProcess();
      const names = Object.keys(runner);
      runner.start();
      assertEquals(await runner.result(), names.map(() => NONSENSE));
      assertEquals(await runner.join(), true);
      assertThrows(() => runner.start(), Error, '"given" was started before');
    });

    it("of overridden members are not called by the library", LIMIT, async () => {
      const refuse = (): never => {
        throw new Error("called behind its back");
      };
      class Refusing extends scope.Lock {
        override tryAcquire = refuse;
        override acquireSync = refuse;
        override release = refuse;
      }
      const lock = new Refusing();
      const guard = await lock.acquire();
      guard[Symbol.dispose]();
      assert(!lock.locked);
      class Sizeless<T> extends scope.Queue<T> {
        override get size(): number {
          return refuse();
        }
      }
      const queue = new Sizeless<number>({ maxsize: 1 });
      queue.putSync(1);
      assertEquals([queue.empty, queue.full], [false, true]);
      class Arrayless extends scope.SharedArray<"i32"> {
        override get array(): Int32Array {
          return refuse();
        }
      }
      assertEquals([...new Arrayless("i32", [1, 2])], [1, 2]);
    });

    it("are free where the object cannot be changed any more", LIMIT, () => {
      const options: SharedOptions = {};
      const lock = Object.freeze(new scope.Lock(options));
      lock.acquireSync()[Symbol.dispose]();
      lock[Symbol.dispose]();
      const value = Object.freeze(new scope.Value("i64", 1n));
      assertEquals(value.add(1n), 1n);
      value.lock.acquireSync()[Symbol.dispose]();
      value[Symbol.dispose]();
    });
  });

  if (scope.name === "process") {
    describe("names in subclasses of what only processes have", () => {
      it("of memory with a name are free", LIMIT, () => {
        const Sub = subclass(SharedMemory);
        const memory = new Sub({ size: 64 });
        addFields(memory, ["size", "name", "closed"]);
        new Uint8Array(memory.buffer)[63] = 5;
        memory.close();
        assertThrows(() => memory.buffer);
        memory.unlink();
      });

      it("of a connection are free", LIMIT, async () => {
        const [here, there] = Pipe<unknown, unknown>();
        for (const end of [here, there]) addFields(end, freeNames(end));
        here.sendSync({ a: 1 });
        assertEquals([there.pollSync(), await there.recv()], [true, { a: 1 }]);
        await there.sendBytes(new Uint8Array(100_000));
        assertEquals(here.recvBytesSync().length, 100_000);
        here.close();
        there.close();
      });
    });
  } else {
    describe("names in subclasses of what only threads have", () => {
      it("of a timer are free", LIMIT, async () => {
        const timer = new (subclass(Timer))(60_000, () => {}) as Timer;
        timer.start();
        timer.cancel();
        assert(await timer.join());
      });

      it("of a pool and a future are free", LIMIT, async () => {
        await using pool = new (subclass(Pool))(1) as Pool;
        const future = pool.submit(Math.sqrt, 16);
        addFields(future, freeNames(future));
        assertEquals([await future, future.state], [4, "finished"]);
        assertEquals(await pool.map(Math.sqrt, [1, 4]), [1, 2]);
      });
    });
  }
}
