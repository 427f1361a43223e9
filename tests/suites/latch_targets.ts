import type { Latch, Queue } from "@weft/concurrent/threading";

/** Counts down, `times` times. */
export function countDown(latch: Latch, times: number): void {
  for (let i = 0; i < times; i++) latch.countDown();
}

/** Waits until it is zero. */
export function wait(latch: Latch, waiting: Latch): boolean {
  waiting.countDown();
  return latch.waitSync();
}

/** The same with a promise. */
export async function waitAsync(latch: Latch, waiting: Latch): Promise<boolean> {
  waiting.countDown();
  return await latch.wait();
}

/** Gets a latch and counts it down. */
export function receiveAndCount(from: Queue<{ latch: Latch }>): number {
  const { latch } = from.getSync();
  latch.countDown();
  return latch.count;
}
