/** Starts a process and takes something from it through shared memory. */

import { Process, Queue } from "@weft/concurrent/multiprocessing";

export function answer(queue: Queue<number>) {
  queue.putSync(42);
}

if (import.meta.main) {
  try {
    const queue = new Queue<number>();
    const child = new Process({ target: answer, args: [queue] }).start();
    console.log(await queue.get({ timeout: 20_000 }));
    await child.join();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.log(`${error.name}: ${error.message}`);
  }
}
