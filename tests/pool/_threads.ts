import * as threading from "@weft/concurrent/threading";
import type { Kind } from "./_kind.ts";

/** Pools of threads. */
export const threads: Kind = {
  ...threading,
  name: "thread",
  killWorker: (pool) => {
    const workers = threading.enumerate().filter(({ name }) => name.startsWith(`${pool}-`));
    workers[Math.floor(Math.random() * workers.length)]?.terminate();
    return workers.length > 0;
  },
};
