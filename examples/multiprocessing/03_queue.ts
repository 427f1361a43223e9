/** A queue that a child process puts something on. */

import { Process, Queue } from "@weft/concurrent/multiprocessing";

export function worker(q: Queue<string>) {
  q.putSync("Hello from child process!");
}

if (import.meta.main) {
  const q = new Queue<string>();
  const p = new Process({ target: worker, args: [q] });
  p.start();
  console.log(await q.get());
  await p.join();
}

/* Prints:
Hello from child process!
*/
