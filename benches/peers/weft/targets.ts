/** The functions of this library's threads, processes and pools. */

import process from "node:process";
import type { Connection } from "@weft/concurrent/multiprocessing";
import type { Event, Latch, Lock, Queue, SharedArray } from "@weft/concurrent/threading";

/** A start line: workers report that they are there and wait until they may go. */
export interface Line {
  readonly there: Latch;
  readonly go: Event;
  readonly done: Latch;
}

export function double(x: number): number {
  return 2 * x;
}

/** Does nothing until the event is set. */
export function idle(there: Latch, end: Event): void {
  there.countDown();
  end.waitSync();
}

/** Adds one so many times, each time under the lock. The count is a plain word, as the peers have it: the lock is measured. */
export function increment(line: Line, lock: Lock, counts: SharedArray<"i32">, times: number): void {
  const words = counts.array;
  line.there.countDown();
  line.go.waitSync();
  for (let i = 0; i < times; i++) {
    lock.acquireSync();
    words[0]!++;
    lock.release();
  }
  line.done.countDown();
}

/** What is put into queues: small integers, small objects, objects of 1 KB. */
export type Item = "integers" | "objects" | "1 KB";

/** Puts so many items. */
export function produce(line: Line, queue: Queue<unknown>, item: Item, times: number): void {
  line.there.countDown();
  line.go.waitSync();
  const padding = item === "1 KB" ? "x".repeat(1000) : "";
  if (item === "integers") { for (let i = 0; i < times; i++) queue.putSync(i); }
  else for (let id = 0; id < times; id++) queue.putSync({ id, name: `item ${id}${padding}`, tags: ["a", "b"] });
}

/** Whether an item is the one that was put as this one: none may be lost or come twice. */
export function isItem(item: unknown, place: number): boolean {
  return (typeof item === "number" ? item : (item as { id: number }).id) === place;
}

/** Throws if there were items that were not the next one. */
export function checkItems(wrong: number, times: number): void {
  if (wrong > 0) throw new Error(`items that were not the next one: ${wrong} of ${times}`);
}

/** Takes so many items. All are taken before a wrong one is an error, since the producer could not end otherwise. */
export function consume(line: Line, queue: Queue<unknown>, times: number): void {
  line.there.countDown();
  line.go.waitSync();
  let wrong = 0;
  for (let i = 0; i < times; i++) if (!isItem(queue.getSync(), i)) wrong++;
  line.done.countDown();
  checkItems(wrong, times);
}

/** Answers each number that it gets by the blocking call with the number itself, until one is negative. */
export function answerBlocking(asked: Queue<number>, answers: Queue<number>): void {
  for (let number = asked.getSync(); number >= 0; number = asked.getSync()) answers.putSync(number);
}

/** The same, but awaits each number. */
export async function answerAwaiting(asked: Queue<number>, answers: Queue<number>): Promise<void> {
  for (let number = await asked.get(); number >= 0; number = await asked.get()) answers.putSync(number);
}

/** Sends each message back, until it is `null`. */
export function echoMessages(connection: Connection): void {
  for (let message = connection.recvSync(); message !== null; message = connection.recvSync()) {
    connection.sendSync(message);
  }
}

/** Says that it is there, takes messages of bytes until an empty one, and says then that all have come. */
export function takeBytes(connection: Connection): void {
  connection.sendSync("here");
  while (connection.recvBytesSync().byteLength > 0) continue;
  connection.sendSync("done");
}

export function square(x: number): number {
  return x * x;
}

export function echo<T>(value: T): T {
  return value;
}

/** Looks at the last of some bytes. */
export function last(bytes: Uint8Array): number {
  return bytes[bytes.length - 1]!;
}

/** The same of shared ones. */
export function lastShared(bytes: SharedArray<"u8">): number {
  return last(bytes.array as Uint8Array);
}

/** Some milliseconds of square roots. */
export function compute(seed: number): number {
  let sum = 0;
  for (let i = 0; i < 2_000_000; i++) sum += Math.sqrt(seed + i);
  return sum;
}

/** Ends the worker in the middle of its task, as a crash does. */
export function die(): never {
  process.exit(1);
}

/** The same of a process. */
export function killItself(): never {
  process.kill(process.pid, "SIGKILL");
  for (;;) continue;
}
