/**
 * A number in shared memory, incremented by five processes at once without a lock.
 *
 * `value += 1` is one read and one write. Between the two, other processes may have written, and what they added is
 * lost: the sum is 5000 only by luck.
 */

import { Process, Value } from "@weft/concurrent/multiprocessing";

export function increment(sharedVal: Value<"i32">) {
  for (let i = 0; i < 1000; i++) {
    sharedVal.value += 1;
  }
}

if (import.meta.main) {
  const val = new Value("i32", 0);
  const processes = Array.from({ length: 5 }, () => new Process({ target: increment, args: [val] }));
  for (const p of processes) p.start();
  for (const p of processes) await p.join();
  console.log(val.value);
}

/* Prints:
/([1-4]?\d?\d?\d|5000)/
*/
