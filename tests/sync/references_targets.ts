import { Event, Lock, Queue, Value } from "@weft/concurrent/threading";

/** Made again by every worker that imports this module. */
export const again = {
  lock: new Lock(),
  value: new Value("i32", 0),
  queue: new Queue<number>(),
  event: new Event(),
};

/** One for each thread, which is what is meant. */
export const local = new Value("i32", 0, { local: true });

/** The same for all threads. */
export const named = new Value("i32", 0, { name: "references_targets.ts counter" });

/** What using each of them throws. */
export async function useAgain(): Promise<string[]> {
  const uses: (() => unknown)[] = [
    () => again.lock.acquireSync(),
    () => again.lock.tryAcquire(),
    () => again.value.value,
    () => again.value.add(1),
    () => again.queue.putSync(1),
    () => again.queue.get(),
    () => again.event.wait(),
    () => again.event.isSet,
    () => new Queue<unknown>().putSync(again.lock),
  ];
  const messages: string[] = [];
  for (const use of uses) {
    try {
      await use();
      messages.push("nothing");
    } catch (error) {
      messages.push(`${(error as Error).name}: ${(error as Error).message}`);
    }
  }
  return messages;
}

/** Adds to the objects of this module that may be used. */
export function useOthers(): [number, number] {
  return [local.add(1), named.add(1)];
}

/** An object that is made while the thread runs is like any other. */
export function makeAndUse(): Value<"i32"> {
  const value = new Value("i32", 41);
  value.add(1);
  return value;
}

/** Whether both arrive as one, and what the nested ones say. */
export function compare(
  lock: Lock,
  nested: { map: Map<string, Lock>; set: Set<Lock>; list: Lock[] },
  event: Event,
): { same: boolean; back: Lock; event: Event } {
  const same = nested.map.get("lock") === lock && nested.set.has(lock) && nested.list[0] === lock;
  event.set();
  return { same, back: nested.list[0], event };
}

/** Holds an object until it is to let go. */
export function keep(value: Value<"i32">, ready: Event, go: Event): number {
  ready.set();
  go.waitSync();
  return value.value;
}
