import type * as threading from "@weft/concurrent/threading";

type Classes = Pick<typeof threading, "Lock" | "RLock" | "RWLock" | "Semaphore" | "Event" | "Value" | "Queue">;

/** Objects that were made after the memory had grown. */
export type Late =
  & {
    [Name in keyof Omit<Classes, "Value" | "Queue">]: InstanceType<Classes[Name]>;
  }
  & { readonly Value: threading.Value<"i32">; readonly Queue: threading.Queue<unknown> };

/** Waits for objects that are made while it waits, and uses each of them. */
export function useLate(begun: threading.Latch, arrivals: threading.Queue<Late>, items: unknown[]): void {
  begun.countDown();
  const late = arrivals.getSync();
  late.Lock.acquireSync()[Symbol.dispose]();
  late.RLock.acquireSync()[Symbol.dispose]();
  late.Semaphore.acquireSync()[Symbol.dispose]();
  // Twice: the first time, the thread looks for a seat.
  for (let i = 0; i < 2; i++) late.RWLock.readSync()[Symbol.dispose]();
  late.RWLock.writeSync()[Symbol.dispose]();
  late.Value.add(1);
  for (const item of items) late.Queue.putSync(item);
  late.Event.set();
}

/** Takes everything out of a queue, and then puts it all into another. */
export function turnAround(
  begun: threading.Latch,
  from: threading.Queue<unknown>,
  to: threading.Queue<unknown>,
  many: boolean,
): number {
  begun.countDown();
  const items: unknown[] = [];
  for (;;) {
    const taken = many ? from.getManySync(100) : [from.getSync()];
    const end = taken.indexOf("end");
    items.push(...end < 0 ? taken : taken.slice(0, end));
    if (end >= 0) break;
  }
  if (many) to.putManySync(items);
  else for (const item of items) to.putSync(item);
  return items.length;
}

/** Reads when the first event is set, and holds the lock until the second is set. */
export function readUntil(
  begun: threading.Latch,
  lock: threading.RWLock,
  go: threading.Event,
  reading: threading.Latch,
  end: threading.Event,
): void {
  begun.countDown();
  go.waitSync();
  for (let i = 0; i < 3; i++) lock.readSync()[Symbol.dispose]();
  using _guard = lock.readSync();
  reading.countDown();
  end.waitSync();
}

/** When the event is set, takes items out of a queue and puts as many others into it. Returns what it took. */
export function takeTurn(
  begun: threading.Latch,
  turn: threading.Event,
  queue: threading.Queue<unknown>,
  items: unknown[],
): unknown[] {
  begun.countDown();
  turn.waitSync();
  const taken = items.map(() => queue.getSync({ timeout: 0 }));
  for (const item of items) queue.putSync(item);
  return taken;
}
