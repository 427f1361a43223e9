/** What is used as a type of "any of them": checked by `deno check`, and run to see that nothing of it runs. */

import { assertEquals } from "@std/assert";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { type Future, type Pool, type Queue, Thread, Timer, waitAny } from "@weft/concurrent/threading";
import { describe, it } from "node:test";

const plus = (a: number, b: number): number => a + b;
const nothing = (): void => {};
const later = (text: string): Promise<string> => Promise.resolve(text);

class Named extends Thread {
  label = "";
  override run(): void {}
}

/** Never called. */
export async function threads(): Promise<void> {
  const sum = new Thread({ target: plus, args: [1, 2] });
  const all: Thread[] = [sum, new Thread({ target: nothing }), new Thread({ target: later, args: [""] }), new Thread()];
  all.push(new Named(), new Timer(1, plus, [1, 2]), threading.currentThread());
  const wide: Thread<unknown[]>[] = all;
  const timers: Timer[] = [new Timer(1, plus, [1, 2]), new Timer(1, nothing)];
  const found: boolean = threading.enumerate().includes(sum) && threading.mainThread() === sum;
  const byName: Map<string, Thread> = new Map([["sum", sum]]);
  const names = (of: Iterable<Thread>): string[] => [...of].map(({ name }) => name);
  const results: unknown[] = await Promise.all(all.map((thread) => thread.start().result()));
  const kept: number = await sum.start().result();
  void [wide, timers, found, byName, names(all), names([sum]), results, kept];
  threading.setExceptHook(({ thread }) => void (thread === sum));
  // @ts-expect-error a text is no number
  new Thread({ target: plus, args: [1, "2"] });
  // @ts-expect-error the result is a number
  const wrong: string = await sum.result();
  void wrong;
}

/** Never called. */
export async function processes(): Promise<void> {
  const { Process } = multiprocessing;
  type Process = multiprocessing.Process;
  const sum = new Process({ target: plus, args: [1, 2] });
  const all: Process[] = [sum, new Process({ target: nothing }), new Process({ target: later, args: [""] })];
  all.push(multiprocessing.currentProcess());
  const found: boolean = multiprocessing.activeChildren().includes(sum);
  const kept: number = await sum.start().result();
  void [all, found, kept];
  // @ts-expect-error a text is no number
  new Process({ target: plus, args: [1, "2"] });
}

/** Never called. */
export async function others(pool: Pool, event: threading.Event): Promise<void> {
  const pools: Pool[] = [pool, new threading.Pool(1, { initializer: plus, initargs: [1, 2] })];
  const ofProcesses: multiprocessing.Pool[] = [
    new multiprocessing.Pool(1, { initializer: plus, initargs: [1, 2] }),
  ];
  const futures: Future<unknown>[] = [pool.submit(plus, 1, 2), pool.submit(later, ""), pool.submit(nothing)];
  const promises: Promise<unknown>[] = futures;
  const numbers: Queue<number> = new threading.Queue<number>();
  const queues: Queue<unknown>[] = [numbers, new threading.Queue<{ a: string }>()];
  const sum = new Thread({ target: plus, args: [1, 2] });
  const first: number | undefined = await waitAny([
    sum,
    pool.submit(plus, 1, 2),
    numbers,
    event,
    ...queues,
    ...futures,
  ]);
  const sync: number | undefined = threading.waitAnySync([sum, numbers, event], { timeout: 1 });
  void [pools, ofProcesses, promises, first, sync];
}

describe("types of any of them", () => {
  it("are checked by the compiler", { timeout: 5000 }, () => {
    assertEquals([typeof threads, typeof processes, typeof others], ["function", "function", "function"]);
  });
});
