/** Starts threads whose targets are found in three ways, and sends a value back. */

import { Lock, Queue, task, Thread } from "@weft/concurrent/threading";

export function double(x: number) {
  return 2 * x;
}

export function answer(queue: Queue<number>, lock: Lock) {
  using _held = lock.acquireSync();
  queue.putSync(42);
}

if (import.meta.main) {
  console.log(await new Thread({ target: double, args: [1] }).start().result());
  console.log(await new Thread({ target: (x: number) => double(x) + 1, args: [2] }).start().result());
  console.log(await new Thread({ target: task(import.meta.url, "double"), args: [3] }).start().result());
  const queue = new Queue<number>();
  const thread = new Thread({ target: answer, args: [queue, new Lock()] }).start();
  console.log(queue.getSync());
  await thread.join();
}
