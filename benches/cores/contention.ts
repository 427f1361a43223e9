/** What workers do that want the same lock or queue. Each says that it is there and waits until all are. */

import type { Event, Latch, Lock, Queue, Value } from "@weft/concurrent/sync";

/** What all of them share: who is there is counted, and then they are told to go. */
export interface Line {
  readonly there: Latch;
  readonly go: Event;
}

/** Waits until all are there and are told to go. */
export function begin({ there, go }: Line): void {
  there.countDown();
  go.waitSync();
}

/** Increments under a lock. */
export function increment(line: Line, lock: Lock, value: Value<"i32">, count: number): void {
  begin(line);
  for (let i = 0; i < count; i++) {
    lock.acquireSync();
    value.value = value.value + 1;
    lock.release();
  }
}

/** Puts numbers into a queue. */
export function produce(line: Line, queue: Queue<number>, count: number): void {
  begin(line);
  for (let i = 0; i < count; i++) queue.putSync(i);
}

/** Takes numbers out of a queue. */
export function consume(line: Line, queue: Queue<number>, count: number): number {
  begin(line);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += queue.getSync();
  return sum;
}
