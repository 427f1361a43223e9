/** Work for the processor alone, on as many cores as there are, and how much sooner it is done than by one. */

import { Pool } from "@weft/concurrent/multiprocessing";

// A million rounds, as Python would need a while for, are over in a millisecond here.
const ROUNDS = 50_000_000;

export function compute() {
  let sum = 0;
  for (let i = 0; i < ROUNDS; i++) {
    sum += Math.sqrt(12345 + i);
  }
  return sum;
}

if (import.meta.main) {
  const tasks = [0, 1, 2, 3, 4, 5, 6, 7];
  await using p = new Pool();
  // One round without a clock, so that neither side is charged for starting up.
  await p.map(() => compute(), tasks);
  compute();

  const start = performance.now();
  for (const _ of tasks) compute();
  const middle = performance.now();
  await p.map(() => compute(), tasks);
  const end = performance.now();

  const [serial, pooled] = [middle - start, end - middle];
  console.log(
    `${tasks.length} tasks: one by one ${serial.toFixed()} ms, by the pool ${pooled.toFixed()} ms, ` +
      `${(serial / pooled).toFixed(2)} times as fast`,
  );
}

/* Prints:
/8 tasks: one by one \d+ ms, by the pool \d+ ms, \d+\.\d\d times as fast/
*/
