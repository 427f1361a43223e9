/** What runs elsewhere in a soak. */

import type { Condition, Event, Lock, Queue, Value } from "@weft/concurrent/threading";
import type { Connection } from "@weft/concurrent/multiprocessing";

export function square(x: number): number {
  return x * x;
}

export function fail(): never {
  throw new RangeError("as planned", { cause: new TypeError("the cause") });
}

/** Sends back what comes, until there is nothing more. */
export function echo(incoming: Queue<unknown>, outgoing: Queue<unknown>): void {
  for (;;) {
    const item = incoming.getSync();
    if (item === null) return;
    outgoing.putSync(item);
  }
}

/** The same over a pipe. */
export function echoPipe(connection: Connection<unknown>): void {
  for (;;) {
    const message = connection.recvSync();
    if (message === null) return;
    connection.sendSync(message);
  }
}

/** Wants the lock, too. */
export function contend(lock: Lock, counter: Value<"i32">, stop: Event): void {
  while (!stop.isSet) {
    const guard = lock.acquireSync();
    counter.value = (counter.value + 1) | 0;
    guard[Symbol.dispose]();
  }
}

/** Answers each notification with one. */
export function answer(condition: Condition, turn: Value<"i32">, stop: Event): void {
  const guard = condition.acquireSync();
  while (!stop.isSet) {
    if (condition.waitForSync(() => turn.value === 1, { timeout: 1_000 })) {
      turn.value = 0;
      condition.notify();
    }
  }
  guard[Symbol.dispose]();
}
