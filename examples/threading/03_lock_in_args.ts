/** The same lock and counter without names: each thread is handed them. */

import { Lock, Thread, Value } from "@weft/concurrent/threading";

export function increment(lock: Lock, sharedResource: Value<"i32">) {
  using _held = lock.acquireSync();
  for (let i = 0; i < 1000; i++) {
    sharedResource.value += 1;
  }
}

if (import.meta.main) {
  const lock = new Lock();
  const sharedResource = new Value("i32", 0);
  const threads = Array.from({ length: 10 }, () => new Thread({ target: increment, args: [lock, sharedResource] }));
  for (const t of threads) t.start();
  for (const t of threads) await t.join();
  console.log(sharedResource.value);
}

/* Prints:
10000
*/
