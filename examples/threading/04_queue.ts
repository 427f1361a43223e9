/** One thread puts numbers on a queue, another takes them off. */

import { Queue, Thread } from "@weft/concurrent/threading";

const q = new Queue<number>({ name: "q" });

export function producer() {
  for (let i = 0; i < 5; i++) {
    q.putSync(i);
  }
}

export function consumer() {
  // Good enough because the producer has ended by now. Beside a running one, an empty queue says nothing about what
  // is still to come: let the producer call `q.shutdown()`, and loop with `for await (const item of q)`.
  while (!q.empty) {
    console.log(`Consumed ${q.getSync()}`);
  }
}

if (import.meta.main) {
  const t1 = new Thread({ target: producer });
  const t2 = new Thread({ target: consumer });
  t1.start();
  await t1.join();
  t2.start();
  await t2.join();
}

/* Prints:
Consumed 0
Consumed 1
Consumed 2
Consumed 3
Consumed 4
*/
