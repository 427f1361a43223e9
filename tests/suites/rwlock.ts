import { DeadlockError, InvalidStateError, sleepSync, TimeoutError } from "@weft/concurrent/threading";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import type { Scope } from "./_scope.ts";
import {
  holdForEver,
  mixAsync,
  passOn,
  readAlways,
  readAndLeave,
  readPairs,
  readUntil,
  take,
  takeAsync,
  writeAlways,
  writeAndLeave,
  writePairs,
  writeUntil,
} from "./rwlock_targets.ts";

const LIMIT = { timeout: 60_000 };

/** Tests of `RWLock`. */
export function rwlockSuite(scope: Scope): void {
  const { Event, Latch, Queue, RWLock, Semaphore, SharedArray, Value } = scope;

  describe(`RWLock (${scope.name})`, () => {
    it("lets many threads read at once", LIMIT, async () => {
      const lock = new RWLock();
      const inside = new Latch(3);
      const stop = new Event();
      const readers = [1, 2, 3].map(() => scope.run(readUntil, lock, inside, stop));
      assert(await inside.wait({ timeout: 30_000 }));
      assertEquals(lock.tryWrite(), undefined);
      lock.tryRead()![Symbol.dispose]();
      stop.set();
      for (const reader of readers) await reader.result();
      lock.tryWrite()![Symbol.dispose]();
    });

    it("lets one thread write, and no thread read meanwhile", LIMIT, async () => {
      const lock = new RWLock();
      const inside = new Event();
      const stop = new Event();
      const writer = scope.run(writeUntil, lock, inside, stop);
      assert(await inside.wait({ timeout: 30_000 }));
      assertEquals(lock.tryRead(), undefined);
      assertEquals(lock.tryWrite(), undefined);
      assertThrows(() => lock.readSync({ timeout: 10 }), TimeoutError);
      assertThrows(() => lock.writeSync({ timeout: 10 }), TimeoutError);
      await assertRejects(() => lock.read({ timeout: 10 }), TimeoutError);
      await assertRejects(() => lock.write({ timeout: 10 }), TimeoutError);
      stop.set();
      lock.readSync()[Symbol.dispose]();
      await writer.result();
    });

    it("never shows a reader half of what a writer writes", LIMIT, async () => {
      const lock = new RWLock();
      const pair = new SharedArray("i32", 2);
      const rounds = 2_000;
      const writers = [1, 2].map(() => scope.run(writePairs, lock, pair, rounds));
      const readers = [1, 2].map(() => scope.run(readPairs, lock, pair, rounds));
      const mixed = scope.run(mixAsync, lock, pair, 200);
      for (const reader of readers) assertEquals(await reader.result(), 0);
      for (const writer of writers) await writer.result();
      assertEquals(await mixed.result(), 0);
      assertEquals([...pair], [2 * rounds + 200, 2 * rounds + 200]);
    });

    it("releases a side once, however the guard is used", LIMIT, () => {
      const lock = new RWLock();
      const first = lock.readSync();
      const second = lock.readSync();
      first[Symbol.dispose]();
      first[Symbol.dispose]();
      assertEquals(lock.tryWrite(), undefined);
      second[Symbol.dispose]();
      const writer = lock.tryWrite()!;
      writer[Symbol.dispose]();
      const next = lock.writeSync();
      writer[Symbol.dispose]();
      assertEquals(lock.tryRead(), undefined);
      next[Symbol.dispose]();
      assertEquals([first, second, writer, next].map(({ abandoned }) => abandoned), [false, false, false, false]);
    });

    it(
      "throws DeadlockError where a thread would wait for itself, and TimeoutError if it has a timeout",
      LIMIT,
      async () => {
        const lock = new RWLock();
        const reading = lock.readSync();
        assertThrows(() => lock.writeSync(), DeadlockError, "reads already");
        assertThrows(() => lock.writeSync({ timeout: 0 }), TimeoutError);
        assertThrows(() => lock.writeSync({ timeout: 10 }), TimeoutError);
        reading[Symbol.dispose]();
        const writing = await lock.write();
        assertThrows(() => lock.writeSync(), DeadlockError, "writes already");
        assertThrows(() => lock.readSync(), DeadlockError);
        assertThrows(() => lock.readSync({ timeout: 0 }), TimeoutError);
        assertThrows(() => lock.readSync({ timeout: 10 }), TimeoutError);
        writing[Symbol.dispose]();
        lock.writeSync()[Symbol.dispose]();
      },
    );

    it("lets a thread that reads read again while a writer waits", LIMIT, async () => {
      const lock = new RWLock();
      const outer = lock.readSync();
      const waiting = new Event();
      const writer = scope.run(take, lock, "write", waiting);
      assert(await waiting.wait({ timeout: 30_000 }));
      await untilBarred(() => lock.read({ timeout: 0 }));
      lock.readSync()[Symbol.dispose]();
      lock.tryRead()![Symbol.dispose]();
      outer[Symbol.dispose]();
      assertEquals(await writer.result(), false);
    });

    it("lets an async function read again behind a writer that waits for it, after a delay", LIMIT, async () => {
      const lock = new RWLock();
      const outer = await lock.read();
      const writing = lock.write();
      const inner = await lock.read();
      inner[Symbol.dispose]();
      outer[Symbol.dispose]();
      (await writing)[Symbol.dispose]();
    });

    it("makes new readers wait behind a writer that waits", LIMIT, async () => {
      const lock = new RWLock();
      const inside = new Latch(1);
      const stop = new Event();
      const reader = scope.run(readUntil, lock, inside, stop);
      assert(await inside.wait({ timeout: 30_000 }));
      const waiting = new Event();
      const writer = scope.run(take, lock, "write", waiting);
      assert(await waiting.wait({ timeout: 30_000 }));
      await untilBarred(() => lock.read({ timeout: 0 }));
      const order: string[] = [];
      const late = lock.read().then((guard) => {
        order.push("read");
        guard[Symbol.dispose]();
      });
      stop.set();
      assertEquals(await writer.result(), false);
      await late;
      await reader.result();
      assertEquals(order, ["read"]);
    });

    it("takes the bar away when the writer that waited gives up", LIMIT, async () => {
      const lock = new RWLock();
      const reading = lock.readSync();
      const abort = new AbortController();
      const writing = lock.write({ signal: abort.signal });
      const reader = scope.run(take, lock, "read", new Event());
      abort.abort(new Error("changed my mind"));
      await assertRejects(() => writing, Error, "changed my mind");
      assertEquals(await reader.result(), false);
      await assertRejects(() => lock.write({ timeout: 5 }), TimeoutError);
      assertEquals(await scope.run(take, lock, "read", new Event()).result(), false);
      reading[Symbol.dispose]();
      lock.tryWrite()![Symbol.dispose]();
    });

    it("does not starve a writer among threads that read without a pause", LIMIT, async () => {
      const lock = new RWLock();
      const rounds = new Value("i32");
      const stop = new Event();
      const readers = [1, 2, 3].map(() => scope.run(readAlways, lock, rounds, stop));
      while (rounds.value < 10) await new Promise((resolve) => setTimeout(resolve, 1));
      for (let i = 0; i < 20; i++) {
        lock.writeSync({ timeout: 30_000 })[Symbol.dispose]();
        (await lock.write({ timeout: 30_000 }))[Symbol.dispose]();
      }
      stop.set();
      for (const reader of readers) await reader.result();
    });

    it("does not starve a reader among threads that write without a pause", LIMIT, async () => {
      const lock = new RWLock();
      const rounds = new Value("i32");
      const stop = new Event();
      const writers = [1, 2, 3].map(() => scope.run(writeAlways, lock, rounds, stop));
      while (rounds.value < 10) await new Promise((resolve) => setTimeout(resolve, 1));
      for (let i = 0; i < 20; i++) {
        lock.readSync({ timeout: 30_000 })[Symbol.dispose]();
        (await lock.read({ timeout: 30_000 }))[Symbol.dispose]();
      }
      stop.set();
      for (const writer of writers) await writer.result();
    });

    for (const form of [take, takeAsync]) {
      it(
        `passes on the lock of a writer that has ended, abandoned up to the next writer (${form.name})`,
        LIMIT,
        async () => {
          const lock = new RWLock();
          const holding = new Semaphore(0);
          const writer = scope.run(holdForEver, lock, "write", holding);
          await holding.acquire({ timeout: 30_000 });
          const waiting = new Event();
          const reader = scope.run(form, lock, "read", waiting);
          assert(await waiting.wait({ timeout: 30_000 }));
          writer.kill();
          assertEquals(await reader.result(), true);
          {
            using again = lock.readSync();
            assertEquals(again.abandoned, true);
          }
          assertEquals(await scope.run(form, lock, "write", waiting).result(), true);
          using clean = lock.writeSync();
          assertEquals(clean.abandoned, false);
        },
      );

      it(
        `does not count a reader that has ended, and reports it to the next writer once (${form.name})`,
        LIMIT,
        async () => {
          const lock = new RWLock();
          const holding = new Semaphore(0);
          const readers = [1, 2].map(() => scope.run(holdForEver, lock, "read", holding));
          for (const _ of readers) await holding.acquire({ timeout: 30_000 });
          const waiting = new Event();
          const writer = scope.run(form, lock, "write", waiting);
          assert(await waiting.wait({ timeout: 30_000 }));
          for (const reader of readers) reader.kill();
          assertEquals(await writer.result(), true);
          await writer.join();
          using again = lock.writeSync({ timeout: 30_000 });
          assertEquals(again.abandoned, false);
        },
      );
    }

    it("passes on the lock of a function that returned without a release", LIMIT, async () => {
      const lock = new RWLock();
      await scope.start(readAndLeave, lock).result();
      lock.writeSync({ timeout: 30_000 })[Symbol.dispose]();
      const writer = scope.start(writeAndLeave, lock);
      await writer.result();
      await writer.join();
      using guard = lock.writeSync({ timeout: 30_000 });
      assertEquals(guard.abandoned, true);
    });

    it("has room for more readers than it began with, one after the other and at once", LIMIT, async () => {
      const lock = new RWLock();
      const inside = new Latch(12);
      const stop = new Event();
      const readers = Array.from({ length: 12 }, () => scope.run(readUntil, lock, inside, stop));
      assert(await inside.wait({ timeout: 50_000 }));
      assertEquals(lock.tryWrite(), undefined);
      stop.set();
      for (const reader of readers) await reader.result();
      using _guard = lock.writeSync({ timeout: 30_000 });
    });

    it("is the same lock wherever it is sent", LIMIT, async () => {
      const lock = new RWLock();
      const to = new Queue<InstanceType<typeof RWLock>>();
      const from = new Queue<InstanceType<typeof RWLock>>();
      const thread = scope.run(passOn, to, from);
      using _guard = lock.readSync();
      to.putSync(lock);
      assertStrictEquals(await from.get(), lock);
      assertEquals(await thread.result(), true);
    });

    it("gives promises of one thread the write side in the order of the calls", LIMIT, async () => {
      const lock = new RWLock();
      const first = await lock.write();
      const order: number[] = [];
      const all = [1, 2, 3, 4].map((n) =>
        lock.write().then((guard) => {
          order.push(n);
          guard[Symbol.dispose]();
        })
      );
      first[Symbol.dispose]();
      await Promise.all(all);
      assertEquals(order, [1, 2, 3, 4]);
    });

    it("lets readers go on when a promise to write belongs to a blocked thread", LIMIT, async () => {
      const lock = new RWLock();
      const reading = await lock.read();
      const writing = lock.write();
      reading[Symbol.dispose]();
      // No thread reads, and this thread's event loop does not turn, so it cannot take the lock.
      const reader = scope.run(take, lock, "read", new Event());
      assert(reader.joinSync({ timeout: 30_000 }));
      lock.readSync()[Symbol.dispose]();
      assertEquals(await reader.result(), false);
      (await writing)[Symbol.dispose]();
    });

    it("rejects with the signal's reason and takes nothing", LIMIT, async () => {
      const lock = new RWLock();
      const reason = new Error("no");
      await assertRejects(() => lock.read({ signal: AbortSignal.abort(reason) }), Error, "no");
      await assertRejects(() => lock.write({ signal: AbortSignal.abort(reason) }), Error, "no");
      lock.tryWrite()![Symbol.dispose]();
    });

    it("throws InvalidStateError after it was disposed of", LIMIT, async () => {
      const lock = new RWLock();
      const guard = lock.readSync();
      lock[Symbol.dispose]();
      guard[Symbol.dispose]();
      assertThrows(() => lock.readSync(), InvalidStateError, "it was disposed of");
      assertThrows(() => lock.writeSync(), InvalidStateError);
      assertThrows(() => lock.tryRead(), InvalidStateError);
      assertThrows(() => lock.tryWrite(), InvalidStateError);
      await assertRejects(() => lock.read(), InvalidStateError);
      await assertRejects(() => lock.write(), InvalidStateError);
    });

    it("refuses options that make no sense, and stays free", LIMIT, async () => {
      const lock = new RWLock();
      assertThrows(() => lock.readSync({ timeout: -1 }), RangeError, "'timeout'");
      assertThrows(() => lock.writeSync({ timeout: NaN }), RangeError, "'timeout'");
      assertThrows(() => lock.readSync({ timeout: "1" as never }), TypeError, "'timeout'");
      await assertRejects(() => lock.read({ timeout: -1 }), RangeError);
      await assertRejects(() => lock.write({ timeout: NaN }), RangeError);
      await assertRejects(() => lock.write({ signal: {} as AbortSignal }), TypeError, "'signal'");
      lock.tryWrite()![Symbol.dispose]();
    });
  });

  // Until a new reader has to wait although only readers hold the lock.
  async function untilBarred(read: () => Promise<Disposable>): Promise<void> {
    for (;;) {
      try {
        (await read())[Symbol.dispose]();
      } catch (error) {
        if (error instanceof TimeoutError) return;
        throw error;
      }
      sleepSync(1);
    }
  }
}
