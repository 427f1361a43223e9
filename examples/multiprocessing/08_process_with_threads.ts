/** A process that starts threads of its own. */

import { Process } from "@weft/concurrent/multiprocessing";
import { Thread } from "@weft/concurrent/threading";

export function threadTask() {
  console.log("Running in thread");
}

export async function processTask() {
  const threads = Array.from({ length: 5 }, () => new Thread({ target: threadTask }));
  for (const t of threads) t.start();
  for (const t of threads) await t.join();
}

if (import.meta.main) {
  const p = new Process({ target: processTask });
  p.start();
  await p.join();
}

/* Prints:
Running in thread
Running in thread
Running in thread
Running in thread
Running in thread
*/
