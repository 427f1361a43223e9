/** Works of messages between this thread and a bare worker or child, and between two workers: queues and pipes without a library. */

import { timed, type Work } from "../../lib/play.ts";
import { nextAnswer, type Partner, startChild, startWorker } from "./partner.ts";
import { ASLEEP_MS } from "./sizes.ts";
import { allThere, go, makeWords } from "./words.ts";

/** How many messages of bytes are on their way at most: neither ports nor channels have a bound of their own. */
const UNDERWAY = 16;

/** The works, of threads or processes. */
export function messages(threads: boolean): Record<string, Work> {
  const withPartner = async (run: (partner: Partner) => Promise<number>, bytes = false): Promise<number> => {
    const partner = threads ? startWorker() : startChild(bytes ? "advanced" : "json");
    await roundTrip(partner, 0);
    const ns = await run(partner);
    await partner.end();
    return ns;
  };
  const asleep = (ms: number): Work => (n) =>
    withPartner(async (partner) => {
      let ns = 0;
      for (let i = 0; i < n; i++) {
        await new Promise((resolve) => setTimeout(resolve, ms));
        ns += await timed(() => roundTrip(partner, i));
      }
      return ns;
    });
  const works: Record<string, Work> = {
    "pipe/busy": (n) =>
      withPartner((partner) =>
        timed(async () => {
          for (let i = 0; i < n; i++) await roundTrip(partner, i);
        })
      ),
    "pipe/asleep": asleep(5),
    "wake/promise": asleep(ASLEEP_MS),
    "pipe/1 MiB": (n) => {
      const bytes = new Uint8Array(1 << 20).fill(1);
      return withPartner((partner) =>
        timed(async () => {
          for (let sent = 1; sent <= n; sent++) {
            const answered = sent % UNDERWAY === 0 || sent === n;
            partner.send({ do: "bytes", bytes, answered });
            if (answered) await nextAnswer(partner);
          }
        }), true);
    },
  };
  for (const item of ["integers", "objects", "1 KB"]) {
    // A child process cannot wait for a message while it runs, and a worker can.
    if (threads) works[`queue/${item}`] = (n) => betweenWorkers(item, n);
    works[`queue/${item} awaited`] = (n) =>
      withPartner((partner) =>
        timed(() => {
          partner.send({ do: "produce", item, times: n });
          return items(partner, n);
        })
      );
  }
  return works;
}

/** From a worker that puts to another that takes. */
async function betweenWorkers(item: string, times: number): Promise<number> {
  const words = makeWords();
  const { port1, port2 } = new MessageChannel();
  const [producer, consumer] = [startWorker(), startWorker()];
  producer.send({ do: "put", words, port: port1, item, times }, [port1]);
  consumer.send({ do: "take", words, port: port2, times }, [port2]);
  const end = nextAnswer(consumer);
  await allThere(words, 2);
  const ns = await timed(() => {
    go(words);
    return end;
  });
  await Promise.all([producer.end(), consumer.end()]);
  return ns;
}

function roundTrip(partner: Partner, value: number): Promise<unknown> {
  partner.send({ do: "task", id: value, task: "echo", value });
  return nextAnswer(partner);
}

/** Resolves when so many items have come. */
function items(partner: Partner, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let come = 0;
    partner.onAnswer = (item) => {
      const id = typeof item === "number" ? item : (item as { id: number }).id;
      if (id !== come++) reject(new Error(`item ${id} is not the next one, which is ${come - 1}`));
      if (come === count) resolve();
    };
  });
}
