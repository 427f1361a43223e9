import {
  type Event,
  type Latch,
  type Lock,
  type Queue,
  QueueEmptyError,
  QueueShutDownError,
  type Value,
} from "@weft/concurrent/threading";

/** An item with the thread that put it, and its number. */
export type Stamped = [producer: number, number: number];

/** Puts numbers in order. */
export function produce(queue: Queue<Stamped>, producer: number, count: number): void {
  for (let i = 0; i < count; i++) queue.putSync([producer, i]);
}

/** The same with promises. */
export async function produceAsync(queue: Queue<Stamped>, producer: number, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await queue.put([producer, i]);
}

/** Takes until the queue is shut down, and returns what it got from each producer. Throws if that is not in order. */
export function consume(queue: Queue<Stamped>): number[][] {
  const seen: number[][] = [];
  try {
    for (;;) note(seen, queue.getSync());
  } catch (error) {
    if (!(error instanceof QueueShutDownError)) throw error;
  }
  return seen;
}

/** The same with promises. */
export async function consumeAsync(queue: Queue<Stamped>): Promise<number[][]> {
  const seen: number[][] = [];
  for await (const item of queue) note(seen, item);
  return seen;
}

/** The same, whatever the order. */
export async function collect(queue: Queue<Stamped>): Promise<number[][]> {
  const seen: number[][] = [];
  for await (const [producer, number] of queue) (seen[producer] ??= []).push(number);
  return seen;
}

function note(seen: number[][], [producer, number]: Stamped): void {
  const mine = seen[producer] ??= [];
  const last = mine[mine.length - 1] ?? -1;
  if (number <= last) throw new Error(`${producer} put ${number} after ${last}`);
  mine.push(number);
}

/** Takes one item and returns it. */
export function takeOne<T>(queue: Queue<T>, waiting: Event): T {
  waiting.set();
  return queue.getSync();
}

/** Puts back what it gets, until it gets 0. */
export function echo(from: Queue<number>, to: Queue<number>): void {
  for (;;) {
    const item = from.getSync();
    to.putSync(item);
    if (item === 0) return;
  }
}

/** Waits for an item, and returns what `get` throws. */
export function failToGet(queue: Queue, waiting: Event): string {
  waiting.set();
  try {
    return `got ${queue.getSync()}`;
  } catch (error) {
    return (error as Error).name;
  }
}

/** Waits for room, and returns what `put` throws. */
export function failToPut(queue: Queue, waiting: Event): string {
  waiting.set();
  try {
    queue.putSync("too much");
    return "put";
  } catch (error) {
    return (error as Error).name;
  }
}

/** Works off items. */
export function work(queue: Queue<number>, done: Value<"i32">): void {
  try {
    for (;;) {
      queue.getSync();
      done.add(1);
      queue.taskDone();
    }
  } catch (error) {
    if (!(error instanceof QueueShutDownError)) throw error;
  }
}

/** Waits for a join. */
export function joins(queue: Queue, waiting: Event): boolean {
  waiting.set();
  return queue.joinSync();
}

/** An item with a lock at some depth. */
export interface Nested {
  map: Map<string, { list: [Lock, Set<Queue<string>>] }>;
  self?: Nested;
}

/** Uses the objects in an item. */
export function useNested(from: Queue<Nested>): string {
  const nested = from.getSync();
  const [lock, set] = nested.map.get("there")!.list;
  const [queue] = set;
  if (nested.self !== nested) return "no cycle";
  queue.putSync(lock.tryAcquire() === undefined ? "locked" : "free");
  return "done";
}

/** Puts numbers forever, and notes how far it came: a thread that is killed has put up to there. */
export function putForEver(queue: Queue<Stamped>, producer: number, put: Value<"i32">): void {
  for (let i = 0;; i++) {
    queue.putSync([producer, i]);
    put.value = i + 1;
  }
}

/** Takes forever, and notes before each item how many it took. */
export function takeForEver(queue: Queue<Stamped>, taken: Value<"i32">): void {
  for (;;) {
    queue.getSync();
    taken.add(1);
  }
}

/** Fills and empties a queue in waves. */
export function inWaves(queue: Queue<unknown>, waves: number, count: number): void {
  for (let wave = 0; wave < waves; wave++) {
    for (let i = 0; i < count; i++) queue.putSync(i % 3 === 0 ? i : i % 3 === 1 ? `item ${i}` : { i });
    for (let i = 0; i < count; i++) queue.getSync();
  }
}

/** Puts items and returns at once. */
export function putAndLeave(queue: Queue<string>, count: number, length: number): void {
  for (let i = 0; i < count; i++) queue.putSync(`${i} `.padEnd(length, "x"));
}

/** Puts when the latch opens. */
export function putWhen(queue: Queue<string>, go: Latch, item: string): void {
  go.waitSync();
  queue.putSync(item);
}

/** Takes with a timeout, and returns the outcome. */
export function takeWithin(queue: Queue<number>, timeout: number): number | "empty" {
  try {
    return queue.getSync({ timeout });
  } catch (error) {
    if (error instanceof QueueEmptyError) return "empty";
    throw error;
  }
}
