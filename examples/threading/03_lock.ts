/**
 * A lock over a counter that ten threads share, both made at the top of the module.
 *
 * Every thread imports the module anew and makes its own `lock` and `sharedResource`. The names are what makes them one
 * lock and one number in the whole program. A plain `let` would be a variable of each thread.
 */

import { Lock, Thread, Value } from "@weft/concurrent/threading";

const lock = new Lock({ name: "lock" });
const sharedResource = new Value("i32", 0, { name: "shared resource" });

export function increment() {
  using _held = lock.acquireSync();
  for (let i = 0; i < 1000; i++) {
    sharedResource.value += 1;
  }
}

if (import.meta.main) {
  const threads = Array.from({ length: 10 }, () => new Thread({ target: increment }));
  for (const t of threads) t.start();
  for (const t of threads) await t.join();
  console.log(sharedResource.value);
}

/* Prints:
10000
*/
