import type * as threading from "@weft/concurrent/threading";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threads from "@weft/concurrent/threading";

type Classes = Pick<typeof threading, "Event" | "Latch" | "Lock" | "Queue" | "Value">;

function classes(scope: string): Classes {
  return scope === "thread" ? threads : multiprocessing as unknown as Classes;
}

/** Opens the object of a name as soon as it may, and adds to it. */
export function openAtOnce(scope: string, name: string, go: threading.Latch, rounds: number): number {
  const { Value } = classes(scope);
  go.countDown();
  go.waitSync();
  let sum = 0;
  for (let i = 0; i < rounds; i++) {
    const value = new Value("i32", 5, { name: `${name} ${i}` });
    sum += value.add(1);
  }
  return sum;
}

/** Puts into the queue of a name. */
export function putByName(scope: string, name: string, item: string): void {
  new (classes(scope).Queue)<string>({ name }).putSync(item);
}
