import * as multiprocessing from "@weft/concurrent/multiprocessing";
import type { Kind } from "./_kind.ts";

/** Pools of processes. */
export const processes: Kind = {
  ...multiprocessing as unknown as Kind,
  name: "process",
  killWorker: (pool) => {
    const workers = multiprocessing.activeChildren().filter(({ name }) => name.startsWith(`${pool}-`));
    workers[Math.floor(Math.random() * workers.length)]?.kill();
    return workers.length > 0;
  },
};
