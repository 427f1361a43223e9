/** The same with a lock around each increment: nothing is lost. */

import { Lock, Process, Value } from "@weft/concurrent/multiprocessing";

export function safeIncrement(val: Value<"i32">, lock: Lock) {
  for (let i = 0; i < 1000; i++) {
    using _held = lock.acquireSync();
    val.value += 1;
  }
}

if (import.meta.main) {
  const val = new Value("i32", 0);
  const lock = new Lock();
  const processes = Array.from({ length: 5 }, () => new Process({ target: safeIncrement, args: [val, lock] }));
  for (const p of processes) p.start();
  for (const p of processes) await p.join();
  console.log(val.value);
}

/* Prints:
5000
*/
