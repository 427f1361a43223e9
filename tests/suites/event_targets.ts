import type { Barrier, Event, Latch, Lock, Semaphore, SharedArray } from "@weft/concurrent/sync";

export function waitSync(event: Event, ready: Event, timeout?: number): boolean {
  ready.set();
  return event.waitSync(timeout === undefined ? undefined : { timeout });
}

export async function waitAsync(event: Event, ready: Event): Promise<boolean> {
  const pending = event.wait();
  ready.set();
  return await pending;
}

export function setIt(event: Event): void {
  event.set();
}

/** Writes and then sets, over and over; the other side clears. */
export function publish(event: Event, taken: Event, cell: SharedArray<"i32">, rounds: number): void {
  for (let round = 1; round <= rounds; round++) {
    cell.array[0] = round;
    event.set();
    taken.waitSync();
    taken.clear();
  }
}

/** Polls forever, in one of the ways that never wait. */
export function poll(
  which: number,
  ready: Event,
  { event, lock, semaphore, barrier, latch }: {
    event: Event;
    lock: Lock;
    semaphore: Semaphore;
    barrier: Barrier;
    latch: Latch;
  },
): never {
  const ways = [
    () => event.isSet,
    () => lock.tryAcquire(),
    () => lock.locked,
    () => semaphore.tryAcquire(),
    () => semaphore.value,
    () => barrier.nWaiting,
    () => barrier.broken,
    () => latch.count,
  ];
  ready.set();
  for (;;) ways[which]();
}
