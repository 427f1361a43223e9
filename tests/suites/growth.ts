import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { spaceOf } from "../../_internal/memory/space.ts";
import type { Scope } from "./_scope.ts";
import { type Late, readUntil, takeTurn, turnAround, useLate } from "./growth_targets.ts";

const LIMIT = { timeout: 60_000 };

/** Sizes of blocks that fill the room that others have left between them. */
const FILLING = [...Array<number>(40).fill(2 ** 14), ...Array<number>(400).fill(2048)];

const ITEMS: unknown[] = [1, -1, "text", 1.5, null, { id: 1, name: "item", tags: ["a", "b"] }, "x".repeat(1000), [
  1,
  2,
  3,
]];

/** Tests of objects in memory that a thread did not have when it began. */
export function growthSuite(scope: Scope): void {
  const { Event, Latch, LifoQueue, Lock, PriorityQueue, Queue, RLock, RWLock, Semaphore, SharedArray, Value } = scope;

  // Memory never shrinks. The blocks are kept, so that the next test makes it grow again.
  const kept: Disposable[] = [];
  // Makes the memory grow if it is one that grows, and leaves no room in what was there before.
  const grow = (): void => {
    const { words } = spaceOf(scope.name);
    const before = words.length;
    for (let i = 0; i < 100 && words.length === before; i++) kept.push(new SharedArray("u8", 2 ** 18));
    for (const size of FILLING) kept.push(new SharedArray("u8", size));
  };

  describe(`memory that grows (${scope.name})`, () => {
    it("is there for a thread that has waited since before it grew", LIMIT, async () => {
      const arrivals = new Queue<Late>();
      const begun = new Latch(1);
      const runner = scope.start(useLate, begun, arrivals, ITEMS);
      await begun.wait();
      grow();
      const late = {
        Lock: new Lock(),
        RLock: new RLock(),
        RWLock: new RWLock(),
        Semaphore: new Semaphore(1),
        Event: new Event(),
        Value: new Value("i32", 0),
        Queue: new Queue<unknown>(),
      };
      arrivals.putSync(late as unknown as Late);
      await runner.result();
      assert(late.Event.isSet);
      assertEquals(late.Value.value, 1);
      for (const item of ITEMS) assertEquals(late.Queue.getSync({ timeout: 0 }), item);
      assertEquals(late.Semaphore.value, 1);
    });

    for (const many of [false, true]) {
      it(`takes a queue's items ${many ? "in batches" : "one by one"}, and gives them back`, LIMIT, async () => {
        const there = new Queue<unknown>();
        const back = new Queue<unknown>();
        const begun = new Latch(1);
        const runner = scope.start(turnAround, begun, there, back, many);
        await begun.wait();
        grow();
        const items: unknown[] = [];
        for (let i = 0; i < 20_000; i++) items.push(i % 3 === 0 ? ITEMS[i % ITEMS.length] : i);
        if (many) there.putManySync(items);
        else for (const item of items) there.putSync(item);
        there.putSync("end");
        assertEquals(await runner.result(), items.length);
        const returned: unknown[] = many ? [] : items.map(() => back.getSync({ timeout: 0 }));
        while (returned.length < items.length) returned.push(...back.getManySync(1000, { timeout: 0 }));
        assertEquals(returned, items);
      });
    }

    for (const [name, Kind] of Object.entries({ Queue, LifoQueue, PriorityQueue })) {
      it(`lets a thread go on in a ${name} where another has stopped`, LIMIT, async () => {
        const queue = new Kind<unknown>();
        const begun = new Latch(1);
        const turn = new Event();
        const theirs = Array.from({ length: 5000 }, (_, i) => i % 2 === 0 ? i : `their item ${i}`);
        const runner = scope.start(takeTurn, begun, turn, queue, theirs);
        await begun.wait();
        grow();
        const ours = Array.from({ length: 20_000 }, (_, i) => i % 2 === 0 ? i : `our item ${i}`);
        const isStack = Kind === LifoQueue;
        const order = isStack ? ours.toReversed() : ours;
        for (const item of ours) queue.putSync(item);
        const first = Array.from({ length: 2000 }, () => queue.getSync({ timeout: 0 }));
        assertEquals(first, order.slice(0, 2000));
        turn.set();
        assertEquals(await runner.result(), order.slice(2000, 7000));
        const left = order.slice(7000);
        const rest = Array.from({ length: left.length + theirs.length }, () => queue.getSync({ timeout: 0 }));
        assertEquals(rest, isStack ? [...theirs.toReversed(), ...left] : [...left, ...theirs]);
      });
    }

    it("has seats for readers beyond the first row", LIMIT, async () => {
      const lock = new RWLock();
      const end = new Event();
      const count = 10;
      const reading = new Latch(count);
      const begun = new Latch(count);
      const go = new Event();
      const readers = Array.from({ length: count }, () => scope.start(readUntil, begun, lock, go, reading, end));
      await begun.wait();
      grow();
      go.set();
      await reading.wait();
      for (let i = 0; i < 3; i++) lock.readSync()[Symbol.dispose]();
      assertEquals(lock.tryWrite(), undefined);
      end.set();
      for (const reader of readers) await reader.result();
      lock.writeSync({ timeout: 10_000 })[Symbol.dispose]();
    });
  });
}
