/** Works of what programs write with bare `Atomics`. */

import { timed, type Work } from "../../lib/play.ts";
import { lock, unlock } from "./lock.ts";
import { COUNT, GO, THERE, WORDS } from "./orders.ts";
import { nextAnswer, startWorker } from "./partner.ts";

function words(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * WORDS));
}

function lockedBy(workers: number): Work {
  return async (n) => {
    const shared = words();
    const times = Math.ceil(n / workers);
    const partners = Array.from({ length: workers }, () => startWorker());
    const ends = partners.map((partner) => {
      partner.send({ do: "increment", words: shared, workers, times });
      return nextAnswer(partner);
    });
    while (Atomics.load(shared, THERE) < workers) await new Promise((resolve) => setTimeout(resolve, 1));
    const ns = await timed(() => {
      Atomics.store(shared, GO, 1);
      Atomics.notify(shared, GO);
      return Promise.all(ends);
    });
    for (const partner of partners) await partner.end();
    if (shared[COUNT] !== times * workers) throw new Error(`lost increments: ${shared[COUNT]} of ${times * workers}`);
    return ns;
  };
}

/** The works. */
export const atomics: Record<string, Work> = {
  "lock/free"(n) {
    const shared = words();
    for (let i = 0; i < n; i++) {
      lock(shared, 0);
      unlock(shared, 0);
    }
  },
  "semaphore/free"(n) {
    const shared = words();
    shared[0] = 1;
    for (let i = 0; i < n; i++) {
      for (;;) {
        const permits = Atomics.load(shared, 0);
        if (permits === 0) Atomics.wait(shared, 0, 0);
        else if (Atomics.compareExchange(shared, 0, permits, permits - 1) === permits) break;
      }
      if (Atomics.add(shared, 0, 1) === 0) Atomics.notify(shared, 0, 1);
    }
  },
  "event/free"(n) {
    const shared = words();
    for (let i = 0; i < n; i++) {
      Atomics.store(shared, 0, 1);
      Atomics.notify(shared, 0);
      while (Atomics.load(shared, 0) === 0) Atomics.wait(shared, 0, 0);
      Atomics.store(shared, 0, 0);
    }
  },
  "value/set"(n) {
    const shared = words();
    for (let i = 0; i < n; i++) Atomics.store(shared, 0, i);
  },
  "value/add"(n) {
    const shared = words();
    for (let i = 0; i < n; i++) Atomics.add(shared, 0, 1);
  },
  "lock/2": lockedBy(2),
  "lock/4": lockedBy(4),
};
