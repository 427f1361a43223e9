// Nothing of the package is imported here: its classes come with the arguments.
import type { Lock, Queue, Thread } from "@weft/concurrent/threading";

export function nameOfNext(queue: Queue<Thread>): string {
  return queue.getSync().name;
}

export function kindsOf(lock: Lock, nested: { queue: Queue<number> }): string[] {
  nested.queue.putSync(lock.locked ? 1 : 0);
  return [lock.constructor.name, nested.queue.constructor.name];
}

export function failPlainly(): never {
  throw new RangeError("no package here");
}
