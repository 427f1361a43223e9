// Functions for the suites of Lock, RLock and Condition, run by threads and processes.

import type { Event, Guard, SharedArray, WaitOptions, WaitSyncOptions } from "@weft/concurrent/sync";

/** Everything with the interface of a lock. */
export interface AnyLock {
  acquire(options?: WaitOptions): Promise<Guard>;
  acquireSync(options?: WaitSyncOptions): Guard;
  tryAcquire(): Guard | undefined;
  release(): void;
}

export function incrementSync(lock: AnyLock, counter: SharedArray<"i32">, times: number): void {
  const { array } = counter;
  for (let i = 0; i < times; i++) {
    const guard = lock.acquireSync();
    const seen = array[0];
    // If another thread was inside, this would show it.
    if (i % 8 === 0) { for (let spin = 0; spin < 200; spin++); }
    array[0] = seen + 1;
    guard[Symbol.dispose]();
  }
}

export async function incrementAsync(lock: AnyLock, counter: SharedArray<"i32">, times: number): Promise<void> {
  const { array } = counter;
  for (let i = 0; i < times; i++) {
    using _guard = await lock.acquire();
    const seen = array[0];
    if (i % 8 === 0) await Promise.resolve();
    array[0] = seen + 1;
  }
}

export function holdUntil(lock: AnyLock, held: Event, end: Event): void {
  using _guard = lock.acquireSync();
  held.set();
  end.waitSync();
}

/** Ends with the lock held. */
export function holdAndReturn(lock: AnyLock, levels = 1): void {
  for (let level = 0; level < levels; level++) lock.acquireSync();
}

/** Holds it until it is killed. */
export function holdForEver(lock: AnyLock, held: Event, never: Event): void {
  lock.acquireSync();
  held.set();
  never.waitSync();
}

export function isAbandoned(lock: AnyLock, ready: Event): boolean {
  ready.set();
  using guard = lock.acquireSync();
  return guard.abandoned;
}

export async function isAbandonedAsync(lock: AnyLock, ready: Event): Promise<boolean> {
  const pending = lock.acquire();
  ready.set();
  using guard = await pending;
  return guard.abandoned;
}

export function tryOnce(lock: AnyLock): boolean {
  const guard = lock.tryAcquire();
  guard?.[Symbol.dispose]();
  return guard !== undefined;
}

export function acquireWithin(lock: AnyLock, timeout: number): string {
  try {
    lock.acquireSync({ timeout })[Symbol.dispose]();
    return "acquired";
  } catch (error) {
    return (error as Error).name;
  }
}

export function releaseOnly(lock: AnyLock): string {
  try {
    lock.release();
    return "released";
  } catch (error) {
    return (error as Error).name;
  }
}

/** Acquires and releases without a pause until it has to stop. A waiter must get its turn all the same. */
export function hog(lock: AnyLock, started: Event, stop: Event): number {
  let rounds = 0;
  while (!stop.isSet) {
    const guard = lock.acquireSync();
    if (rounds++ === 10) started.set();
    guard[Symbol.dispose]();
  }
  return rounds;
}

/** Acquires and releases forever, in all three forms, until it is killed at any moment. */
export async function churn(lock: AnyLock, ready: Event): Promise<never> {
  ready.set();
  for (let i = 0;; i++) {
    if (i % 3 === 0) {
      const guard = await lock.acquire();
      guard[Symbol.dispose]();
    } else if (i % 3 === 1) {
      lock.acquireSync()[Symbol.dispose]();
    } else {
      lock.tryAcquire()?.[Symbol.dispose]();
      try {
        lock.acquireSync({ timeout: 1 })[Symbol.dispose]();
      } catch {
        // Other threads had it.
      }
    }
  }
}
