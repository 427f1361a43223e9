/** The functions of the threads of curves.ts. */

import type { Barrier, Lock, Queue, Value } from "@weft/concurrent/threading";

/** Adds one so many times, each time under the lock. */
export function increment(lock: Lock, value: Value<"i32">, times: number, start: Barrier, end: Barrier): void {
  start.waitSync();
  for (let i = 0; i < times; i++) {
    lock.acquireSync();
    value.value += 1;
    lock.release();
  }
  end.waitSync();
}

/** Puts so many small integers. */
export function putNumbers(queue: Queue<number>, count: number, start: Barrier): void {
  start.waitSync();
  for (let i = 0; i < count; i++) queue.putSync(i);
}

/** Takes so many items. */
export function getItems(queue: Queue<unknown>, count: number, end: Barrier): void {
  for (let i = 0; i < count; i++) queue.getSync();
  end.waitSync();
}
