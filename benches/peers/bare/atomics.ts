/** Works with what programs write with bare `Atomics`. */

import { timed, type Work } from "../../lib/play.ts";
import { lock, unlock } from "./lock.ts";
import type { Answer, Order } from "./orders.ts";
import { nextAnswer, startWorker } from "./partner.ts";
import { makeSlots } from "./queue.ts";
import { ASLEEP_MS } from "./sizes.ts";
import { allThere, ask, askAndAwait, COUNT, endEcho, go, makeWords } from "./words.ts";

/** Lets a worker go for each order as soon as all are there. Resolves to the nanoseconds until they have answered, and the answers. */
async function together(words: Int32Array, orders: readonly Order[]): Promise<{ ns: number; answers: Answer[] }> {
  const partners = orders.map((order) => {
    const partner = startWorker();
    partner.send(order);
    return { partner, end: nextAnswer(partner) };
  });
  await allThere(words, orders.length);
  let answers: Answer[] = [];
  const ns = await timed(async () => {
    go(words);
    answers = await Promise.all(partners.map(({ end }) => end));
  });
  for (const { partner } of partners) await partner.end();
  return { ns, answers };
}

function lockedBy(workers: number): Work {
  return async (n) => {
    const words = makeWords();
    const times = Math.ceil(n / workers);
    const { ns } = await together(words, Array.from({ length: workers }, () => ({ do: "increment", words, times })));
    if (words[COUNT] !== times * workers) throw new Error(`lost increments: ${words[COUNT]} of ${times * workers}`);
    return ns;
  };
}

/** Numbers through a ring, from one worker to another. */
async function ring(n: number): Promise<number> {
  const [words, slots] = [makeWords(), makeSlots()];
  const { ns, answers: [, wrong] } = await together(words, [
    { do: "fill", words, slots, times: n },
    { do: "drain", words, slots, times: n },
  ]);
  if (wrong !== 0) throw new Error(`numbers that were not the next one: ${wrong} of ${n}`);
  return ns;
}

/** Round trips to a worker that waits for them: with `trip` this thread blocks meanwhile, with `awaited` it does not. */
async function withEcho(
  run: (trip: () => void, awaited: () => Promise<void>) => Promise<number>,
  how: "echo" | "echo awaiting" = "echo",
): Promise<number> {
  const words = makeWords();
  const partner = startWorker();
  partner.send({ do: "task", id: 0, task: "echo", value: 0 });
  await nextAnswer(partner);
  partner.send({ do: how, words });
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

/** Round trips to a worker that has slept for so many milliseconds. */
function asleep(ms: number, how?: "echo awaiting"): Work {
  return (n) =>
    withEcho(async (trip) => {
      let ns = 0;
      for (let i = 0; i < n; i++) {
        await new Promise((resolve) => setTimeout(resolve, ms));
        ns += await timed(() => trip());
      }
      return ns;
    }, how);
}

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
  "queue/integers": ring,
  "pipe/busy": busy,
  "pipe/asleep": asleep(5),
  "wake/thread": asleep(ASLEEP_MS),
  "wake/promise": asleep(ASLEEP_MS, "echo awaiting"),
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
