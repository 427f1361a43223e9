/** Waits for modules that do not come up, somewhat longer than until they are named. */
import { Pool as ProcessPool } from "@weft/concurrent/multiprocessing";
import { Pool as ThreadPool, sleep, task, Thread } from "@weft/concurrent/threading";

if (import.meta.main) {
  const same = task<(x: number) => number>(new URL("./_never.ts", import.meta.url), "same");
  const pools = [new ThreadPool(2), new ProcessPool(2)];
  for (const pool of pools) {
    for (const x of [1, 2]) pool.submit(same, x).catch(() => {});
  }
  const thread = new Thread({ target: same, args: [1] }).start();
  await sleep(14_000);
  for (const pool of pools) pool.terminate();
  thread.terminate();
}
