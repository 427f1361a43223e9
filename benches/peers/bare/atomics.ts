/** Works with what programs write with bare `Atomics`. */

import { timed, type Work } from "../../lib/play.ts";
import { lock, unlock } from "./lock.ts";
import { nextAnswer, startWorker } from "./partner.ts";
import { allThere, ask, askAndAwait, COUNT, endEcho, go, makeWords } from "./words.ts";

function lockedBy(workers: number): Work {
  return async (n) => {
    const words = makeWords();
    const times = Math.ceil(n / workers);
    const partners = Array.from({ length: workers }, () => startWorker());
    const ends = partners.map((partner) => {
      partner.send({ do: "increment", words, times });
      return nextAnswer(partner);
    });
    await allThere(words, workers);
    const ns = await timed(() => {
      go(words);
      return Promise.all(ends);
    });
    for (const partner of partners) await partner.end();
    if (words[COUNT] !== times * workers) throw new Error(`lost increments: ${words[COUNT]} of ${times * workers}`);
    return ns;
  };
}

/** Round trips to a worker that waits for them: with `trip` this thread blocks meanwhile, with `awaited` it does not. */
async function withEcho(run: (trip: () => void, awaited: () => Promise<void>) => Promise<number>): Promise<number> {
  const words = makeWords();
  const partner = startWorker();
  partner.send({ do: "task", id: 0, task: "echo", value: 0 });
  await nextAnswer(partner);
  partner.send({ do: "echo", words });
  let trips = 0;
  const trip = () => ask(words, ++trips);
  trip();
  const ns = await run(trip, () => askAndAwait(words, ++trips));
  endEcho(words);
  await partner.end();
  return ns;
}

const busy: Work = (n) =>
  withEcho((trip) =>
    timed(() => {
      for (let i = 0; i < n; i++) trip();
    })
  );

/** The works. */
export const atomics: Record<string, Work> = {
  "lock/free"(n) {
    const words = makeWords();
    for (let i = 0; i < n; i++) {
      lock(words, 0);
      unlock(words, 0);
    }
  },
  "semaphore/free"(n) {
    const words = makeWords();
    words[0] = 1;
    for (let i = 0; i < n; i++) {
      for (;;) {
        const permits = Atomics.load(words, 0);
        if (permits === 0) Atomics.wait(words, 0, 0);
        else if (Atomics.compareExchange(words, 0, permits, permits - 1) === permits) break;
      }
      if (Atomics.add(words, 0, 1) === 0) Atomics.notify(words, 0, 1);
    }
  },
  "latch/free"(n) {
    const words = makeWords();
    words[0] = n;
    for (let i = 0; i < n; i++) if (Atomics.sub(words, 0, 1) === 1) Atomics.notify(words, 0);
    for (let left = Atomics.load(words, 0); left > 0; left = Atomics.load(words, 0)) Atomics.wait(words, 0, left);
  },
  "event/free"(n) {
    const words = makeWords();
    for (let i = 0; i < n; i++) {
      Atomics.store(words, 0, 1);
      Atomics.notify(words, 0);
      while (Atomics.load(words, 0) === 0) Atomics.wait(words, 0, 0);
      Atomics.store(words, 0, 0);
    }
  },
  "value/set"(n) {
    const words = makeWords();
    for (let i = 0; i < n; i++) Atomics.store(words, 0, i);
  },
  "value/add"(n) {
    const words = makeWords();
    for (let i = 0; i < n; i++) Atomics.add(words, 0, 1);
  },
  "lock/2": lockedBy(2),
  "lock/4": lockedBy(4),
  "pipe/busy": busy,
  "pipe/asleep": (n) =>
    withEcho(async (trip) => {
      let ns = 0;
      for (let i = 0; i < n; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        ns += await timed(() => trip());
      }
      return ns;
    }),
  "pool/round trip": busy,
  "pool/after idleness": (n) =>
    withEcho(async (_, awaited) => {
      let ns = 0;
      for (let i = 0; i < n; i++) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        ns += await timed(awaited);
      }
      return ns;
    }),
};
