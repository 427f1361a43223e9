/** A program with little memory, which it uses up in every way, and goes on. */

import {
  configure,
  Event,
  InvalidStateError,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  QueueFullError,
  RWLock,
  SharedArray,
  Thread,
  Value,
} from "@weft/concurrent/threading";

// In a worker this does nothing: it lives in the memory of its program.
configure({ memory: 2 * 2 ** 20 - 5 });

export function useUp(queue: Queue<Uint8Array>): string {
  try {
    for (;;) queue.putSync(new Uint8Array(10_000));
  } catch (error) {
    return (error as Error).name;
  }
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`It does not hold that ${what}`);
}

function failure(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error(`Nothing was thrown by ${action}`);
}

if (import.meta.main) {
  const big = failure(() => new SharedArray("u8", 2 ** 22));
  check(big instanceof RangeError && /needed \d+ bytes, available about \d+/.test(big.message), big.message);
  for (const type of [Queue, LifoQueue, PriorityQueue]) {
    const queue = new type<unknown>();
    const items = ["text".repeat(50), 1.5, { nested: [new Lock()] }, new Uint8Array(3_000), new Uint8Array(50_000)];
    for (const item of items) {
      let count = 0;
      let full: QueueFullError | undefined;
      while (full === undefined) {
        try {
          queue.putSync(item);
          count++;
        } catch (error) {
          if (!(error instanceof QueueFullError)) throw error;
          full = error;
        }
      }
      check(
        full.item === item && full.needed! > 0 && full.available! >= 0,
        "the error says what there was no room for",
      );
      check(queue.size === count && count > 5, `the queue is unchanged: ${queue.size} of ${count}`);
      check(failure(() => queue.tryPut(item)) instanceof QueueFullError, "tryPut says so, too");
      const error = await queue.put(item).then(() => undefined, (error) => error);
      check(error instanceof QueueFullError, "put rejects");
      check(queue.size === count, "nothing was put");
      for (let i = 0; i < count; i++) queue.getSync({ timeout: 0 });
      check(queue.empty, "all of it can be taken");
    }
    queue[Symbol.dispose]();
  }
  for (
    const make of [() => new Event(), () => new Lock(), () => new Value("f64"), () => new RWLock(), () => new Queue()]
  ) {
    const made: Disposable[] = [];
    const error = failure(() => {
      for (;;) made.push(make());
    });
    check(error instanceof RangeError && error.message.includes("configure({ memory })"), error.message);
    // What is too short for the one may do for the other.
    failure(() => {
      for (;;) made.push(new Value("i32"));
    });
    check(
      failure(() => new Value("i32", 0, { name: "no room" })) instanceof RangeError,
      "a name is not taken without room",
    );
    for (const object of made) object[Symbol.dispose]();
    make();
  }
  new Value("i32", 3, { name: "no room" }).add(1);
  check(new Value("i32", 3, { name: "no room" }).value === 4, "a name that failed can be used");
  const queue = new Queue<Uint8Array>();
  const thread = new Thread({ target: useUp, args: [queue] }).start();
  check(await thread.result() === "QueueFullError", "a thread has the same memory");
  check(queue.size > 20 && queue.size < 220, `a thread has that much memory: ${queue.size}`);
  queue.shutdown({ immediate: true });
  check(failure(() => configure({ memory: 2 ** 20 })) instanceof InvalidStateError, "it is too late to configure");
  console.log("done");
}
