/** A function in a process of its own, and waiting for its end. */

import { Process } from "@weft/concurrent/multiprocessing";

export function worker() {
  for (let i = 0; i < 5; i++) {
    console.log(`Worker ${i}`);
  }
}

if (import.meta.main) {
  const p = new Process({ target: worker });
  p.start();
  await p.join();
}

/* Prints:
Worker 0
Worker 1
Worker 2
Worker 3
Worker 4
*/
