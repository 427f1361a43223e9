import { InvalidStateError, type Lock as AnyLock } from "@weft/concurrent/sync";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import type { Scope } from "./_scope.ts";
import { openAtOnce, putByName } from "./names_targets.ts";

const LIMIT = { timeout: 60_000 };

/** Tests of objects with names. */
export function namesSuite(scope: Scope): void {
  const { Barrier, BoundedSemaphore, Condition, Event, Latch, LifoQueue, Lock, PriorityQueue, Queue, RLock, RWLock } =
    scope;
  const { Semaphore, SharedArray, Value } = scope;

  // Two handles of a name, and a promise that waits through each.
  const wait = <T extends Disposable>(open: () => T, through: (handle: T) => Promise<unknown>, goOn: () => unknown) => {
    const handles = [open(), open()];
    return { handles, waits: handles.map(through), goOn };
  };
  const WAITS: Record<string, (name: string) => ReturnType<typeof wait>> = {
    lock(name) {
      const guard = new Lock({ name }).acquireSync();
      return wait(() => new Lock({ name }), (lock) => lock.acquire(), () => guard[Symbol.dispose]());
    },
    rlock(name) {
      const guard = new RLock({ name }).acquireSync();
      return wait(() => new RLock({ name }), (lock) => lock.acquire(), () => guard[Symbol.dispose]());
    },
    semaphore(name) {
      const open = () => new Semaphore(0, { name });
      return wait(open, (semaphore) => semaphore.acquire(), () => open().release());
    },
    reader(name) {
      const guard = new RWLock({ name }).writeSync();
      return wait(() => new RWLock({ name }), (lock) => lock.read(), () => guard[Symbol.dispose]());
    },
    writer(name) {
      const guard = new RWLock({ name }).readSync();
      return wait(() => new RWLock({ name }), (lock) => lock.write(), () => guard[Symbol.dispose]());
    },
    event(name) {
      const open = () => new Event({ name });
      return wait(open, (event) => event.wait(), () => open().set());
    },
    latch(name) {
      const open = () => new Latch(1, { name });
      return wait(open, (latch) => latch.wait(), () => open().countDown());
    },
    item(name) {
      const open = () => new Queue<number>({ name });
      return wait(open, (queue) => queue.get(), () => open().putSync(1));
    },
    items(name) {
      const open = () => new Queue<number>({ name });
      return wait(open, (queue) => queue.getMany(2), () => open().putSync(1));
    },
    room(name) {
      const open = () => new Queue<number>({ name, maxsize: 1 });
      open().putSync(1);
      return wait(open, (queue) => queue.put(2), () => open().getSync());
    },
    "room for many"(name) {
      const open = () => new Queue<number>({ name, maxsize: 1 });
      open().putSync(1);
      return wait(open, (queue) => queue.putMany([2]), () => open().getSync());
    },
    tasks(name) {
      const open = () => new Queue<number>({ name });
      open().putSync(1);
      return wait(open, (queue) => queue.join(), () => open().taskDone());
    },
  };

  describe(`names (${scope.name})`, () => {
    it("give two threads that create at once the same object", LIMIT, async () => {
      const name = `race ${crypto.randomUUID()}`;
      const rounds = 200;
      const go = new Latch(3);
      const runners = [1, 2, 3].map(() => scope.run(openAtOnce, scope.name, name, go, rounds));
      let sum = 0;
      for (const runner of runners) sum += await runner.result();
      // The three threads found 5, 6 and 7.
      assertEquals(sum, rounds * (5 + 6 + 7));
      for (let i = 0; i < rounds; i++) assertEquals(new Value("i32", 5, { name: `${name} ${i}` }).value, 8);
    });

    it("are the same for all threads, with what is in the object", LIMIT, async () => {
      const name = `queue ${crypto.randomUUID()}`;
      await scope.run(putByName, scope.name, name, "item").result();
      assertEquals(new Queue<string>({ name }).getSync({ timeout: 0 }), "item");
    });

    it("live on when every handle is disposed of", LIMIT, () => {
      const name = `value ${crypto.randomUUID()}`;
      for (let i = 0; i < 5; i++) {
        const value = new Value("u64", 0n, { name });
        assertEquals(value.add(1n), BigInt(i));
        value[Symbol.dispose]();
      }
      assertEquals(new Value("u64", 0n, { name }).value, 5n);
    });

    it(
      "have handles that are disposed of with their own promises, not with those of another handle",
      LIMIT,
      async () => {
        const id = crypto.randomUUID();
        for (const [kind, begin] of Object.entries(WAITS)) {
          for (const order of [0, 1]) {
            const { handles, waits, goOn } = begin(`${kind} ${order} ${id}`);
            const [gone, other] = order === 0 ? waits : waits.toReversed();
            handles[order][Symbol.dispose]();
            await assertRejects(() => gone, InvalidStateError, "disposed", kind);
            goOn();
            await other;
            handles[1 - order][Symbol.dispose]();
          }
        }
      },
    );

    it("arrive as the handle that is left when a newer one is disposed of", LIMIT, () => {
      const name = `lock ${crypto.randomUUID()}`;
      const queue = new Queue<AnyLock>();
      const [older, newer] = [new Lock({ name }), new Lock({ name })];
      queue.putSync(older);
      assertStrictEquals(queue.getSync(), newer);
      newer[Symbol.dispose]();
      queue.putSync(older);
      assertStrictEquals(queue.getSync(), older);
    });

    it("may be any text", LIMIT, () => {
      const names = ["", " ", "ünïcödé 🦊", "\ud800", "\0", "a".repeat(10_000), `${"a".repeat(9_999)}b`];
      const id = crypto.randomUUID();
      names.forEach((name, i) => new Value("i32", 0, { name: id + name }).value = i);
      names.forEach((name, i) => assertEquals(new Value("i32", 0, { name: id + name }).value, i));
    });

    it("belong to one kind of object with one set of arguments", LIMIT, () => {
      const id = crypto.randomUUID();
      const makers: Record<string, (name: string) => Disposable> = {
        lock: (name) => new Lock({ name }),
        rlock: (name) => new RLock({ name }),
        semaphore: (name) => new Semaphore(1, { name }),
        "semaphore of 2": (name) => new Semaphore(2, { name }),
        "bounded semaphore": (name) => new BoundedSemaphore(1, { name }),
        "bounded semaphore of 2": (name) => new BoundedSemaphore(2, { name }),
        event: (name) => new Event({ name }),
        condition: (name) => new Condition(undefined, { name }),
        barrier: (name) => new Barrier(2, { name }),
        "barrier for 3": (name) => new Barrier(3, { name }),
        rwlock: (name) => new RWLock({ name }),
        latch: (name) => new Latch(1, { name }),
        "latch of 2": (name) => new Latch(2, { name }),
        "i32": (name) => new Value("i32", 0, { name }),
        "i32 of 1": (name) => new Value("i32", 1, { name }),
        "u32": (name) => new Value("u32", 0, { name }),
        "f64 of 1": (name) => new Value("f64", 1, { name }),
        "f64 of -1": (name) => new Value("f64", -1, { name }),
        "array": (name) => new SharedArray("i32", 3, { name }),
        "longer array": (name) => new SharedArray("i32", 4, { name }),
        "array of floats": (name) => new SharedArray("f32", 3, { name }),
        queue: (name) => new Queue({ name }),
        "bounded queue": (name) => new Queue({ name, maxsize: 1 }),
        lifo: (name) => new LifoQueue({ name }),
        priority: (name) => new PriorityQueue({ name }),
      };
      for (const [kind, make] of Object.entries(makers)) {
        const name = `${kind} ${id}`;
        make(name);
        make(name)[Symbol.dispose]();
        for (const [other, makeOther] of Object.entries(makers)) {
          if (other !== kind) assertThrows(() => makeOther(name), TypeError, name, `${other} as ${kind}`);
        }
        make(name);
      }
    });

    it("must be strings", LIMIT, () => {
      for (const name of [1, null, {}, true, Symbol("name")]) {
        for (
          const make of [
            () => new Lock({ name: name as never }),
            () => new Latch(1, { name: name as never }),
            () => new Value("i32", 0, { name: name as never }),
            () => new SharedArray("i32", 1, { name: name as never }),
            () => new Queue({ name: name as never }),
          ]
        ) assertThrows(make, TypeError, "'name' must be a string");
      }
      assert(new Lock({ name: undefined }).tryAcquire() !== undefined);
    });
  });
}
