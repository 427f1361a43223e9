/** Works: every primitive without contention. */

import type { Work } from "../../lib/play.ts";
import type { Scope } from "./scope.ts";

/** The works. */
export function free({ kind }: Scope): Record<string, Work> {
  return {
    "lock/free"(n) {
      const lock = new kind.Lock();
      for (let i = 0; i < n; i++) {
        lock.acquireSync();
        lock.release();
      }
    },
    async "lock/awaited"(n) {
      const lock = new kind.Lock();
      for (let i = 0; i < n; i++) {
        await lock.acquire();
        lock.release();
      }
    },
    "rlock/free"(n) {
      const lock = new kind.RLock();
      for (let i = 0; i < n; i++) {
        lock.acquireSync();
        lock.release();
      }
    },
    "semaphore/free"(n) {
      const semaphore = new kind.Semaphore(1);
      for (let i = 0; i < n; i++) {
        semaphore.acquireSync();
        semaphore.release();
      }
    },
    "semaphore/bounded"(n) {
      const semaphore = new kind.BoundedSemaphore(1);
      for (let i = 0; i < n; i++) {
        semaphore.acquireSync();
        semaphore.release();
      }
    },
    "latch/free"(n) {
      const latch = new kind.Latch(n);
      for (let i = 0; i < n; i++) latch.countDown();
      latch.waitSync();
    },
    "event/free"(n) {
      const event = new kind.Event();
      for (let i = 0; i < n; i++) {
        event.set();
        event.waitSync();
        event.clear();
      }
    },
    "condition/free"(n) {
      const condition = new kind.Condition();
      for (let i = 0; i < n; i++) {
        condition.acquireSync();
        condition.notify();
        condition.release();
      }
    },
    "barrier/free"(n) {
      const barrier = new kind.Barrier(1);
      for (let i = 0; i < n; i++) barrier.waitSync();
    },
    "rwlock/read"(n) {
      const lock = new kind.RWLock();
      for (let i = 0; i < n; i++) lock.readSync()[Symbol.dispose]();
    },
    "rwlock/write"(n) {
      const lock = new kind.RWLock();
      for (let i = 0; i < n; i++) lock.writeSync()[Symbol.dispose]();
    },
    "value/set"(n) {
      const value = new kind.Value("i32");
      for (let i = 0; i < n; i++) value.value = i;
    },
    "value/add"(n) {
      const value = new kind.Value("i32");
      for (let i = 0; i < n; i++) value.add(1);
    },
    "queue/free": (n) => putAndGet(new kind.Queue<number>(), n),
    "queue/lifo": (n) => putAndGet(new kind.LifoQueue<number>(), n),
    "queue/priority": (n) => putAndGet(new kind.PriorityQueue<number>(), n),
  };
}

function putAndGet(queue: { putSync(item: number): void; getSync(): number }, n: number): void {
  for (let i = 0; i < n; i++) {
    queue.putSync(i);
    queue.getSync();
  }
}
