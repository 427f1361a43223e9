import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import type { Scope } from "./_scope.ts";
import { openAtOnce, putByName } from "./names_targets.ts";

const LIMIT = { timeout: 60_000 };

/** Tests of objects with names. */
export function namesSuite(scope: Scope): void {
  const { Barrier, BoundedSemaphore, Condition, Event, Latch, LifoQueue, Lock, PriorityQueue, Queue, RLock, RWLock } =
    scope;
  const { Semaphore, SharedArray, Value } = scope;

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
