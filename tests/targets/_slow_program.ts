/** Waits for modules that do not come up, somewhat longer than until they are named. */
import { Pool as ProcessPool, Process } from "@weft/concurrent/multiprocessing";
import { Pool as ThreadPool, sleep, task, Thread } from "@weft/concurrent/threading";

if (import.meta.main) {
  const same = task<(x: number) => number>(new URL("./_never.ts", import.meta.url), "same");
  const pools = [new ThreadPool(2), new ProcessPool(2)];
  for (const pool of pools) {
    for (const x of [1, 2]) pool.submit(same, x).catch(() => {});
  }
  const thread = new Thread({ target: same, args: [1] }).start();
  const blocked = task<(x: number) => number>(new URL("./_blocks.ts", import.meta.url), "same");
  const stuck = [
    new Thread({ target: blocked, args: [1], name: "Thread", daemon: true }).start(),
    new Process({ target: blocked, args: [1], name: "Process", daemon: true }).start(),
  ];
  const pool = new ThreadPool(1, { name: "InPool" });
  pool.submit(blocked, 1).catch(() => {});
  await sleep(14_000);
  pool.terminate();
  for (const each of stuck) each.terminate();
  for (const pool of pools) pool.terminate();
  thread.terminate();
}
