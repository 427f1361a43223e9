import * as threading from "@weft/concurrent/threading";
import { keepHosts } from "./_hosts.ts";
import type { Runner, Scope } from "./_scope.ts";

function start<A extends unknown[], R>(options: threading.ThreadOptions<A, R>): Runner<R> {
  const thread = new threading.Thread(options).start();
  return {
    join: (options) => thread.join(options),
    joinSync: (options) => thread.joinSync(options),
    result: () => thread.result(),
    kill: () => thread.terminate(),
    terminate: () => thread.terminate(),
    get isAlive() {
      return thread.isAlive;
    },
  };
}

/** Threads, and the memory that they share. */
export const threads: Scope = {
  ...threading,
  name: "thread",
  start: (target, ...args) => start({ target, args }),
  run: keepHosts(threading, (target, ...args) => start({ target, args, daemon: true })),
};
