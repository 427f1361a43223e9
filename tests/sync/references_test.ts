import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  InvalidStateError,
  Latch,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  SharedArray,
  sleep,
  Thread,
  Value,
  waitAny,
} from "@weft/concurrent/threading";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { spaceOf } from "../../_internal/memory/space.ts";
import { usedBytes } from "../suites/_memory.ts";
import { again, compare, keep, local, makeAndUse, named, useAgain, useOthers } from "./references_targets.ts";

const LIMIT = { timeout: 60_000 };

const lockOfAll = new RLock({ local: true });

const MAKERS: Record<string, () => Disposable> = {
  Lock: () => new Lock(),
  RLock: () => new RLock(),
  Semaphore: () => new Semaphore(1),
  BoundedSemaphore: () => new BoundedSemaphore(1),
  Event: () => new Event(),
  // Over one lock: its own would be an object that waits for the garbage collector.
  Condition: () => new Condition(lockOfAll),
  Barrier: () => new Barrier(2),
  RWLock: () => new RWLock(),
  Latch: () => new Latch(1),
  Value: () => new Value("f64", 1),
  SharedArray: () => new SharedArray("f64", [1, 2, 3]),
  Queue: () => new Queue(),
  LifoQueue: () => new LifoQueue(),
  PriorityQueue: () => new PriorityQueue(),
};

describe("references", () => {
  for (const [name, make] of Object.entries(MAKERS)) {
    it(`give the memory of each ${name} back that is disposed of`, LIMIT, () => {
      for (let i = 0; i < 10; i++) make()[Symbol.dispose]();
      const before = usedBytes("thread");
      for (let i = 0; i < 10_000; i++) {
        const object = make();
        object[Symbol.dispose]();
        object[Symbol.dispose]();
      }
      assertEquals(usedBytes("thread"), before);
    });
  }

  it("give the memory back with what came with the object: its lock, its items, the readers' slots", LIMIT, () => {
    const use = (): void => {
      const value = new Value("i32");
      value.lock.acquireSync()[Symbol.dispose]();
      value.lock[Symbol.dispose]();
      value[Symbol.dispose]();
      const array = new SharedArray("i32", 10);
      array.lock[Symbol.dispose]();
      array[Symbol.dispose]();
      const queue = new Queue<unknown>();
      const lock = new Lock();
      queue.putSync([lock, new Uint8Array(5_000)]);
      lock[Symbol.dispose]();
      queue[Symbol.dispose]();
      const rwlock = new RWLock();
      rwlock.readSync()[Symbol.dispose]();
      rwlock[Symbol.dispose]();
    };
    for (let i = 0; i < 10; i++) use();
    const before = usedBytes("thread");
    for (let i = 0; i < 5_000; i++) use();
    assertEquals(usedBytes("thread"), before);
  });

  it("of dropped objects are given back by the garbage collector eventually", LIMIT, async () => {
    const { handles } = spaceOf("thread");
    const before = handles.size;
    for (let i = 0; i < 10_000; i++) new Lock();
    const dropped = handles.size;
    assert(dropped >= before + 10_000 / 2);
    // What dies young is collected without a look at the rest, so this has to grow old.
    const garbage: number[][] = [];
    for (let i = 0; i < 2_000 && handles.size > dropped / 2; i++) {
      for (let j = 0; j < 20; j++) garbage.push(new Array(10_000).fill(j + 0.5));
      if (garbage.length > 1_500) garbage.length = 0;
      (globalThis as { Bun?: { gc(force: boolean): void } }).Bun?.gc(true);
      await sleep(1);
    }
    assert(handles.size <= dropped / 2, `${handles.size} of ${dropped} handles are left`);
  });

  it("keep an object while another thread has it", LIMIT, async () => {
    const value = new Value("i32", 77);
    const ready = new Event();
    const go = new Event();
    const thread = new Thread({ target: keep, args: [value, ready, go] }).start();
    assert(await ready.wait({ timeout: 30_000 }));
    value[Symbol.dispose]();
    const others = Array.from({ length: 50 }, () => new Value("i32", 1));
    go.set();
    assertEquals(await thread.result(), 77);
    assertEquals(others.every((other) => other.value === 1), true);
  });

  it("are one handle for one object, in arguments, nested, and in results", LIMIT, async () => {
    const lock = new Lock();
    const event = new Event();
    const nested = { map: new Map([["lock", lock]]), set: new Set([lock]), list: [lock] };
    const thread = new Thread({ target: compare, args: [lock, nested, event] }).start();
    const result = await thread.result();
    assertEquals(result.same, true);
    assertStrictEquals(result.back, lock);
    assertStrictEquals(result.event, event);
    assert(event.isSet);
  });

  it("come with a result, from a thread that has ended", LIMIT, async () => {
    const thread = new Thread({ target: makeAndUse }).start();
    const value = await thread.result();
    assert(await thread.join());
    assertEquals(value.add(1), 42);
    assertEquals(value.value, 43);
  });

  it("reject the promises that wait when the object is disposed of, and touch its memory no more", LIMIT, async () => {
    const waits: [Disposable, () => Promise<unknown>][] = [];
    const add = <T extends Disposable>(object: T, wait: (object: T) => Promise<unknown>): void => {
      waits.push([object, () => wait(object)]);
    };
    const locked = new Lock();
    locked.acquireSync();
    add(locked, (lock) => lock.acquire());
    const writing = new RWLock();
    writing.writeSync();
    add(writing, (lock) => lock.read());
    add(new Event(), (event) => event.wait());
    add(new Latch(1), (latch) => latch.wait());
    add(new Semaphore(0), (semaphore) => semaphore.acquire());
    add(new Queue<number>(), (queue) => queue.get());
    const full = new Queue<number>({ maxsize: 1 });
    full.putSync(1);
    add(full, (queue) => queue.put(2));
    add(new Event(), (event) => waitAny([event]));
    for (const [object, wait] of waits) {
      const rejects = [assertRejects(wait, InvalidStateError), assertRejects(wait, InvalidStateError)];
      await sleep(0);
      object[Symbol.dispose]();
      // In the place of the object, most likely.
      const others = Array.from({ length: 20 }, () => new SharedArray("i32", 100));
      await Promise.all(rejects);
      await sleep(0);
      for (const other of others) {
        assert(other.array.every((element) => element === 0));
        other[Symbol.dispose]();
      }
    }
    await sleep(250);
  });

  it("keep a promise waiting through one handle of a name when another is disposed of", LIMIT, async () => {
    const name = `event ${crypto.randomUUID()}`;
    const one = new Event({ name });
    const other = new Event({ name });
    const waiting = other.wait();
    one[Symbol.dispose]();
    other.set();
    assertEquals(await waiting, true);
  });

  it("throw InvalidStateError for each kind that was disposed of", LIMIT, () => {
    const lock = new Lock();
    const queue = new Queue<unknown>();
    lock[Symbol.dispose]();
    assertThrows(() => queue.putSync({ lock }), InvalidStateError);
    assertEquals(queue.size, 0);
  });
});

describe("objects that a worker makes while it imports a module", () => {
  it("throw InvalidStateError when they are used, saying what to do", LIMIT, async () => {
    again.value.add(1);
    const messages = await new Thread({ target: useAgain, name: "Importer" }).start().result();
    for (const message of messages) {
      assert(
        message.startsWith("InvalidStateError: Cannot ") &&
          /was created again when file:\/\/\/.*\.ts was imported by Importer: pass .* in args, or give it a name/.test(
            message,
          ),
        message,
      );
    }
    assertEquals(again.value.value, 1);
  });

  it("are one for each thread with { local: true }, and one for all with a name", LIMIT, async () => {
    local.value = 10;
    named.value = 20;
    assertEquals(await new Thread({ target: useOthers }).start().result(), [0, 20]);
    assertEquals(await new Thread({ target: useOthers }).start().result(), [0, 21]);
    assertEquals([local.value, named.value], [10, 22]);
  });
});
