import { assert, assertEquals } from "@std/assert";
import { waitAny, waitAnySync } from "@weft/concurrent/sync";
import type * as threading from "@weft/concurrent/threading";
import { describe, it } from "node:test";
import { load, or, store } from "../../_internal/atomics.ts";
import { firstLine, OBJECT_HEADER, USED_AT } from "../../_internal/memory/memory.ts";
import { locate, type SharedHandle } from "../../_internal/memory/shared_object.ts";
import { spaceOf } from "../../_internal/memory/space.ts";
import type { Scope } from "./_scope.ts";
import { endWhilePutting, leaveWaits, putPiecemeal, waitFor, waitToPut } from "./gone_waiters_targets.ts";
import { isAwaited } from "../../_internal/memory/wait_point.ts";
import { PUT_BAR, PUT_POINT } from "../../_internal/queue/container.ts";
import { countUnput } from "./_memory.ts";
import { until } from "./_until.ts";

const LIMIT = { timeout: 60_000 };

/** The flag in a lock's or a semaphore's word. */
const BARRED = 1;
/** What waiters set in the word of an RWLock: a writer, an overtaken reader, an overtaken writer. */
const ALL_OFF = 7;
const KEEPERS = [6, 7];
const LARGE = 1 << 18;
/** Ways to wait for room, and how many messages then wait. */
const WAYS = { putSync: 1, put: 3, putManySync: 1, putMany: 3 };

function usedBytes(scope: "thread" | "process"): number {
  return load(spaceOf(scope).words, USED_AT) * 4;
}

function place(object: object): { words: Int32Array; at: number; id: number } {
  const { space, at } = locate(object as SharedHandle)!;
  return { words: space.words, at: at + OBJECT_HEADER, id: space.id };
}

function referencesTo(object: object): number {
  const { words, at } = place(object);
  return load(words, at - OBJECT_HEADER + 1);
}

/** What waiters leave behind that end while they wait. */
export function goneWaitersSuite(scope: Scope): void {
  const { Event, Latch, LifoQueue, Lock, PriorityQueue, Queue, RLock, RWLock, Semaphore } = scope;

  describe(`waiters that are gone (${scope.name})`, () => {
    for (const make of [() => new Lock(), () => new RLock(), () => new Semaphore(1)]) {
      const { name } = make().constructor;
      it(`keep no try off, by the bar of a ${name}`, LIMIT, async () => {
        const lock = make();
        const { words, at } = place(lock);
        const ways = [
          () => lock.tryAcquire(),
          () => lock.acquireSync({ timeout: 0 }),
          () => lock.acquire({ timeout: 0 }),
          async () => await waitAny([lock], { timeout: 20_000 }) === 0 ? lock.tryAcquire() : undefined,
          () => waitAnySync([lock], { timeout: 20_000 }) === 0 ? lock.tryAcquire() : undefined,
        ];
        for (const way of ways) {
          or(words, at, BARRED);
          const guard = await way();
          assert(guard !== undefined, String(way));
          guard![Symbol.dispose]();
        }
      });
    }

    it("keep no try off, by the flags of an RWLock", LIMIT, async () => {
      const lock = new RWLock();
      const { words, at, id } = place(lock);
      const base = firstLine(at);
      const ways = [
        () => lock.tryRead(),
        () => lock.readSync({ timeout: 0 }),
        () => lock.read({ timeout: 0 }),
        () => lock.tryWrite(),
        () => lock.writeSync({ timeout: 0 }),
        () => lock.write({ timeout: 0 }),
      ];
      for (const way of ways) {
        for (const keeper of KEEPERS) store(words, base + keeper, id);
        or(words, base, ALL_OFF);
        const guard = await way();
        assert(guard !== undefined, String(way));
        guard![Symbol.dispose]();
      }
      using _reading = lock.readSync();
      assertEquals(lock.tryWrite(), undefined);
      or(words, base, ALL_OFF);
      assertEquals(lock.tryWrite(), undefined);
    });

    it("leave a lock that can be tried, though they were killed after they had waited for long", LIMIT, async () => {
      const lock = new Lock();
      const held = lock.acquireSync();
      const begun = new Latch(1);
      const runner = scope.start(waitFor, lock, begun);
      runner.result().catch(() => {});
      await begun.wait();
      const { words, at } = place(lock);
      await until(() => (load(words, at) & BARRED) !== 0, "the waiter has barred the lock");
      runner.terminate();
      await runner.join();
      held[Symbol.dispose]();
      const guard = lock.tryAcquire();
      assert(guard !== undefined);
      guard![Symbol.dispose]();
    });

    for (
      const make of [
        () => new Queue({ maxsize: 1 }),
        () => new LifoQueue({ maxsize: 1 }),
        () => new PriorityQueue({ maxsize: 1 }),
      ]
    ) {
      const { name } = make().constructor;
      for (const [way, count] of Object.entries(WAYS)) {
        for (const ending of ["kill", "terminate"] as const) {
          it(`leave nothing of what they wait to put into a ${name} by ${way}, after ${ending}()`, LIMIT, async () => {
            const full = make() as threading.Queue<unknown>;
            full.putSync(0);
            const named = new Event();
            const empty = usedBytes(scope.name);
            const begun = new Latch(1);
            const runner = scope.start(waitToPut, full, named, begun, way, LARGE);
            runner.result().catch(() => {});
            await begun.wait();
            const { words, at } = place(full);
            const point = firstLine(at) + PUT_POINT;
            await until(() => isAwaited(words, point) && countUnput(scope.name) === count, "it waits for room");
            const waiting = referencesTo(named);
            runner[ending]();
            await runner.join();
            await until(() => usedBytes(scope.name) < empty + LARGE / 2, "the memory of the messages is given back");
            assert(referencesTo(named) <= waiting - count, "references of the messages are left");
            assertEquals(full.getSync(), 0);
            assertEquals(full.size, 0);
            full.putSync([named, "x".repeat(LARGE)]);
            assertEquals((full.getSync() as unknown[])[0], named);
          });
        }
      }
    }

    it("bar no newcomer while they put a batch of large messages piece by piece", LIMIT, async () => {
      const full = new Queue<unknown>({ maxsize: 1 });
      full.putSync(0);
      const begun = new Latch(1);
      const runner = scope.start(putPiecemeal, full, begun, 16, LARGE / 8);
      await begun.wait();
      const { words, at } = place(full);
      const base = firstLine(at);
      for (let i = 0; i < 16; i++) {
        await until(() => isAwaited(words, base + PUT_POINT) && full.size === 1, "it waits for room");
        assertEquals(load(words, base + PUT_BAR), 0, `after ${i} messages`);
        full.getSync();
      }
      await runner.result();
    });

    it("take back what they no longer wait to put, in any order, and the rest arrives once", LIMIT, async () => {
      const queue = new Queue<unknown>({ maxsize: 1 });
      queue.putSync(0);
      const named = new Event();
      const before = referencesTo(named);
      const empty = usedBytes(scope.name);
      const puts = Array.from({ length: 7 }, (_, i) => {
        const abort = new AbortController();
        const put = queue.put([i, named, "x".repeat(LARGE / 8)], { signal: abort.signal });
        return { abort, settled: put.then(() => true, () => false) };
      });
      const many = queue.putMany([[7, named], [8, named], 9]);
      for (const i of [3, 6, 0]) puts[i]!.abort.abort();
      const received: unknown[] = [];
      for (let i = 0; i < 8; i++) {
        const item = await queue.get({ timeout: 10_000 });
        received.push(Array.isArray(item) ? item[0] : item);
      }
      await many;
      assertEquals(received, [0, 1, 2, 4, 5, 7, 8, 9]);
      assertEquals(await Promise.all(puts.map(({ settled }) => settled)), [
        false,
        true,
        true,
        false,
        true,
        true,
        false,
      ]);
      assertEquals(referencesTo(named), before);
      assert(usedBytes(scope.name) < empty + LARGE / 8, "the memory of a message is still in use");
    });

    // A process that ends leaves it to the system, as if it had been killed.
    if (scope.name === "process") return;
    for (const [ending, way] of [["aborted", "abort"], ["shut down", "shutdown"]] as const) {
      it(`free what they did not put once, if that is ${ending} as their thread ends`, LIMIT, async () => {
        const full = new Queue<unknown>({ maxsize: 1 });
        full.putSync(0);
        const named = new Event();
        const before = referencesTo(named);
        const empty = usedBytes(scope.name);
        const runner = scope.start(endWhilePutting, full, named, way, LARGE);
        await runner.result();
        assert(await runner.join());
        await until(() => referencesTo(named) <= before, "the references of the messages are dropped");
        assertEquals(referencesTo(named), before);
        // The thread's record may still be there, or have gone with others before it: a message is larger.
        assert(
          Math.abs(usedBytes(scope.name) - empty) < LARGE,
          `${usedBytes(scope.name) - empty} bytes more are in use`,
        );
      });
    }

    it("drop what their promises had begun, when their thread ends by itself", LIMIT, async () => {
      const held = {
        lock: new Lock(),
        rwlock: new RWLock(),
        semaphore: new Semaphore(0),
        full: new Queue<unknown>({ maxsize: 1 }),
        empty: new Queue<unknown>(),
      };
      const named = new Event();
      using _lock = held.lock.acquireSync();
      using _reading = held.rwlock.readSync();
      held.full.putSync("full");
      const before = referencesTo(named);
      const runner = scope.start(leaveWaits, held, named, 1 << 20);
      await runner.result();
      assert(await runner.join());
      assertEquals(place(held.lock).words[place(held.lock).at]! & BARRED, 0);
      const { words, at } = place(held.rwlock);
      assertEquals(words[firstLine(at)], 0);
      assertEquals(place(held.semaphore).words[place(held.semaphore).at], 0);
      await until(() => referencesTo(named) <= before, "the messages that were not put are dropped");
      assertEquals(held.full.getSync(), "full");
      assertEquals([held.full.size, held.empty.size], [0, 0]);
    });
  });
}
