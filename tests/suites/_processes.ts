import * as multiprocessing from "@weft/concurrent/multiprocessing";
import { keepHosts } from "./_hosts.ts";
import type { Classes, Runner, Scope } from "./_scope.ts";

const classes = multiprocessing as unknown as Classes;

function start<A extends unknown[], R>(options: multiprocessing.ProcessOptions<A, R>): Runner<R> {
  const child = new multiprocessing.Process(options).start();
  return {
    join: (options) => child.join(options),
    joinSync: (options) => child.joinSync(options),
    result: () => child.result(),
    kill: () => child.kill(),
    terminate: () => child.terminate(),
    get isAlive() {
      return child.isAlive;
    },
    get pid() {
      return child.pid;
    },
  };
}

/** Processes, and the memory that they share. */
export const processes: Scope = {
  ...classes,
  name: "process",
  start: (target, ...args) => start({ target, args }),
  run: keepHosts(classes, (target, ...args) => start({ target, args, daemon: true })),
};
