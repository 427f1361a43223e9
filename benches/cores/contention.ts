/** Works whose workers need each other: each reports that it is there and waits for all others. */

import type { Event, Latch, Lock, Queue, SharedArray, Value } from "@weft/concurrent/sync";
import { setNumbers } from "./jobs.ts";

/** The start line: each worker is counted, and then all may go. */
export interface Gathering {
  readonly there: Latch;
  readonly go: Event;
}

/** Waits until all workers are there and may go. */
export function gather({ there, go }: Gathering): void {
  there.countDown();
  go.waitSync();
}

/** Gives this worker the numbers of the job that sums them. */
export function takeNumbers(gathering: Gathering, numbers: SharedArray<"f64">): void {
  setNumbers(numbers.array);
  gather(gathering);
}

/** Increments a number so many times under one lock. */
export function contend(gathering: Gathering, lock: Lock, value: Value<"i32">, count: number): void {
  gather(gathering);
  for (let i = 0; i < count; i++) {
    lock.acquireSync();
    value.value = value.value + 1;
    lock.release();
  }
}

/** Puts so many numbers into a queue. */
export function putNumbers(gathering: Gathering, queue: Queue<number>, count: number): void {
  gather(gathering);
  for (let i = 0; i < count; i++) queue.putSync(i);
}

/** Takes so many numbers out of a queue. */
export function getNumbers(gathering: Gathering, queue: Queue<number>, count: number): number {
  gather(gathering);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += queue.getSync();
  return sum;
}
