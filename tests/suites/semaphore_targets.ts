import type { Event, Semaphore, SharedArray } from "@weft/concurrent/sync";

export function take(semaphore: Semaphore, ready: Event): boolean {
  ready.set();
  return semaphore.acquireSync().abandoned;
}

export function takeWithin(semaphore: Semaphore, timeout: number): string {
  try {
    semaphore.acquireSync({ timeout });
    return "acquired";
  } catch (error) {
    return (error as Error).name;
  }
}

export function give(semaphore: Semaphore, n: number): void {
  semaphore.release(n);
}

/** Counts the threads inside, and the most that were inside at a time. */
export async function work(semaphore: Semaphore, inside: SharedArray<"i32">, rounds: number): Promise<number> {
  let most = 0;
  for (let round = 0; round < rounds; round++) {
    const guard = round % 3 === 0 ? await semaphore.acquire() : semaphore.acquireSync();
    most = Math.max(most, add(inside, 1));
    if (round % 5 === 0) { for (let spin = 0; spin < 500; spin++); }
    add(inside, -1);
    guard[Symbol.dispose]();
  }
  return most;
}

function add(inside: SharedArray<"i32">, n: number): number {
  // With a lock, to be independent of the semaphore under test.
  using _guard = inside.lock.acquireSync();
  return inside.array[0] += n;
}

/** Acquires and releases in all forms, with timeouts that race with the permits. Returns how many permits it has kept. */
export async function race(semaphore: Semaphore, rounds: number): Promise<number> {
  let kept = 0;
  for (let round = 0; round < rounds; round++) {
    try {
      const timeout = round % 4 === 3 ? 0 : (round % 4) * 0.05;
      const guard = round % 2 === 0 ? semaphore.acquireSync({ timeout }) : await semaphore.acquire({ timeout });
      if (round % 7 === 0) kept++;
      else guard[Symbol.dispose]();
    } catch (error) {
      if ((error as Error).name !== "TimeoutError") throw error;
    }
    if (kept > 0) {
      kept--;
      semaphore.release();
    }
  }
  return kept;
}

export function holdPermit(semaphore: Semaphore, held: Event, never: Event): void {
  semaphore.acquireSync();
  held.set();
  never.waitSync();
}
