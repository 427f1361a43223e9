import {
  type Event,
  type Latch,
  type Lock,
  type Queue,
  type Semaphore,
  sleepSync,
  type Thread,
  waitAny,
  waitAnySync,
} from "@weft/concurrent/threading";

/** Waits for one of several things, blocked. */
export function waitFor(
  things: (Event | Queue | Lock | Latch | Semaphore | Thread)[],
  waiting: Latch,
): number | undefined {
  waiting.countDown();
  return waitAnySync(things, { timeout: 30_000 });
}

/** The same with a promise. */
export async function waitForAsync(
  things: (Event | Queue | Lock | Latch | Semaphore | Thread)[],
  waiting: Latch,
): Promise<number | undefined> {
  waiting.countDown();
  return await waitAny(things, { timeout: 30_000 });
}

/** Takes items of two queues, whichever has one, until both have been shut down. */
export function drainBoth(a: Queue<number>, b: Queue<number>): number[] {
  const items: number[] = [];
  let open = [a, b];
  while (open.length > 0) {
    const queue = open[waitAnySync(open)!];
    try {
      const item = queue.tryGet();
      if (item !== undefined) items.push(item);
    } catch {
      open = open.filter((other) => other !== queue);
    }
  }
  return items;
}

/** Puts numbers into one queue or the other. */
export function feed(a: Queue<number>, b: Queue<number>, from: number, count: number): void {
  for (let i = 0; i < count; i++) ((from + i) % 2 === 0 ? a : b).putSync(from + i);
}

/** Holds a lock until it is killed. */
export function hold(lock: Lock, holding: Event): void {
  lock.acquireSync();
  holding.set();
  sleepSync(Infinity);
}

/** Ends when the event is set. */
export function end(go: Event): void {
  go.waitSync();
}

/** Waits for what never comes. */
export function waitForEver(event: Event, lock: Lock, waiting: Latch): void {
  waiting.countDown();
  waitAnySync([event, lock]);
}
