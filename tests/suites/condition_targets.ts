import type { Condition, Event, SharedArray } from "@weft/concurrent/sync";

/** Reports that it waits while it holds the lock, so that the thread that gets the lock next finds it waiting. */
export function waitSync(condition: Condition, waiting: SharedArray<"i32">, timeout?: number): boolean {
  using _guard = condition.acquireSync();
  waiting.array[0]++;
  return condition.waitSync(timeout === undefined ? undefined : { timeout });
}

export async function waitAsync(condition: Condition, waiting: SharedArray<"i32">): Promise<boolean> {
  using _guard = await condition.acquire();
  waiting.array[0]++;
  return await condition.wait();
}

/** Several promises of one thread at once. */
export async function waitManyAsync(condition: Condition, waiting: SharedArray<"i32">, count: number): Promise<number> {
  const all = Array.from({ length: count }, () => waitAsync(condition, waiting));
  return (await Promise.all(all)).filter((notified) => notified).length;
}

export function notify(condition: Condition, n: number): void {
  using _guard = condition.acquireSync();
  condition.notify(n);
}

export function notHeld(condition: Condition): string[] {
  const names: string[] = [];
  for (
    const action of [
      () => condition.waitSync(),
      () => condition.waitForSync(() => true),
      () => condition.notify(),
      () => condition.notifyAll(),
    ]
  ) {
    try {
      action();
      names.push("nothing");
    } catch (error) {
      names.push((error as Error).name);
    }
  }
  return names;
}

/** Takes `count` of the items that are counted in `stock[0]`. */
export function consume(condition: Condition, stock: SharedArray<"i32">, count: number): void {
  for (let i = 0; i < count; i++) {
    using _guard = condition.acquireSync();
    condition.waitForSync(() => stock.array[0] > 0);
    stock.array[0]--;
    stock.array[1]++;
  }
}

export async function consumeAsync(condition: Condition, stock: SharedArray<"i32">, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    using _guard = await condition.acquire();
    await condition.waitFor(() => stock.array[0] > 0);
    stock.array[0]--;
    stock.array[1]++;
  }
}

export function produce(condition: Condition, stock: SharedArray<"i32">, count: number): void {
  for (let i = 0; i < count; i++) {
    using _guard = condition.acquireSync();
    stock.array[0]++;
    condition.notify();
  }
}

/** Waits with timeouts that race with the notifications; counts in `stock[1]` how often it was notified. */
export function waitShortly(condition: Condition, stock: SharedArray<"i32">, end: Event): void {
  for (let round = 0; !end.isSet; round++) {
    using _guard = condition.acquireSync();
    stock.array[0]++;
    if (condition.waitSync({ timeout: (round % 5) * 0.1 })) stock.array[1]++;
    else stock.array[2]++;
    stock.array[0]--;
  }
}

/** Holds several levels of the lock through a wait, and returns whether it had all of them back. */
export function waitDeeply(condition: Condition, waiting: SharedArray<"i32">, levels: number): number {
  const guards = Array.from({ length: levels }, () => condition.acquireSync());
  waiting.array[0]++;
  condition.waitSync();
  let releases = 0;
  while (condition.locked && releases < levels) {
    condition.release();
    releases++;
  }
  for (const guard of guards) guard[Symbol.dispose]();
  return releases;
}

export function holdUntil(condition: Condition, held: Event, end: Event): void {
  using _guard = condition.acquireSync();
  held.set();
  end.waitSync();
}
