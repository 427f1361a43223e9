import { type Event, type Queue, QueueShutDownError, type Value } from "@weft/concurrent/threading";
import type { Stamped } from "./queue_targets.ts";

/** Puts numbers in order, in batches of different lengths. */
export function produceMany(queue: Queue<Stamped>, producer: number, count: number): void {
  for (let i = 0, length = 1; i < count; i += length, length = length % 40 + 1) {
    const rest = Math.min(length, count - i);
    queue.putManySync(Array.from({ length: rest }, (_, k): Stamped => [producer, i + k]));
  }
}

/** The same with promises. */
export async function produceManyAsync(queue: Queue<Stamped>, producer: number, count: number): Promise<void> {
  for (let i = 0; i < count; i += 7) {
    await queue.putMany(Array.from({ length: Math.min(7, count - i) }, (_, k): Stamped => [producer, i + k]));
  }
}

/** Takes batches until the queue is shut down, and returns what it got. */
export function consumeMany(queue: Queue<Stamped>, max: number): Stamped[] {
  const all: Stamped[] = [];
  try {
    for (;;) all.push(...queue.getManySync(max));
  } catch (error) {
    if (!(error instanceof QueueShutDownError)) throw error;
  }
  return all;
}

/** The same with promises. */
export async function consumeManyAsync(queue: Queue<Stamped>, max: number): Promise<Stamped[]> {
  const all: Stamped[] = [];
  try {
    for (;;) all.push(...await queue.getMany(max));
  } catch (error) {
    if (!(error instanceof QueueShutDownError)) throw error;
  }
  return all;
}

/** Waits for items, and returns them. */
export function takeMany<T>(queue: Queue<T>, max: number, waiting: Event): T[] {
  waiting.set();
  return queue.getManySync(max);
}

/** Puts items, and returns the error's name and how many were put. */
export function failToPutMany(queue: Queue<number>, items: number[], waiting: Event): [name: string, put: unknown] {
  waiting.set();
  try {
    queue.putManySync(items);
    return ["put", items.length];
  } catch (error) {
    return [(error as Error).name, (error as { put?: number }).put];
  }
}

/** Puts batches of five forever, and notes how many it has put. */
export function putManyForEver(queue: Queue<Stamped>, producer: number, put: Value<"i32">): void {
  for (let i = 0;; i += 5) {
    queue.putManySync(Array.from({ length: 5 }, (_, k): Stamped => [producer, i + k]));
    put.value = i + 5;
  }
}

/** Takes batches of at most five forever, and notes how many it has taken. */
export function takeManyForEver(queue: Queue<Stamped>, taken: Value<"i32">): void {
  for (;;) taken.add(queue.getManySync(5).length);
}
