/** Works of messages between this thread and a bare worker or child: what queues and pipes are without a library. */

import { timed, type Work } from "../../lib/play.ts";
import { nextAnswer, type Partner, startChild, startWorker } from "./partner.ts";

/** The works, of threads or processes. */
export function messages(threads: boolean): Record<string, Work> {
  const withPartner = async (run: (partner: Partner) => Promise<number>, bytes = false): Promise<number> => {
    const partner = threads ? startWorker() : startChild(bytes ? "advanced" : "json");
    await roundTrip(partner, 0);
    const ns = await run(partner);
    await partner.end();
    return ns;
  };
  const works: Record<string, Work> = {
    "pipe/busy": (n) =>
      withPartner((partner) =>
        timed(async () => {
          for (let i = 0; i < n; i++) await roundTrip(partner, i);
        })
      ),
    "pipe/asleep": (n) =>
      withPartner(async (partner) => {
        let ns = 0;
        for (let i = 0; i < n; i++) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          ns += await timed(() => roundTrip(partner, i));
        }
        return ns;
      }),
    "pipe/1 MiB": (n) =>
      withPartner((partner) =>
        timed(async () => {
          const bytes = new Uint8Array(1 << 20).fill(1);
          // As many on their way as a program would have that does not wait for each.
          const ends = Array.from(
            { length: n },
            (_, id) => partner.send({ do: "task", id, task: "last", value: bytes }),
          );
          await answers(partner, ends.length);
        }), true),
  };
  for (const item of ["integers", "objects", "1 KB"]) {
    const work: Work = (n) =>
      withPartner((partner) =>
        timed(() => {
          partner.send({ do: "produce", item, times: n });
          return answers(partner, n);
        })
      );
    // There is no way to wait for a message in the midst of running: the same stands beside both.
    works[`queue/${item}`] = work;
    works[`queue/${item} awaited`] = work;
  }
  return works;
}

function roundTrip(partner: Partner, value: number): Promise<unknown> {
  partner.send({ do: "task", id: value, task: "echo", value });
  return nextAnswer(partner);
}

/** Resolves when so many answers have come. */
function answers(partner: Partner, count: number): Promise<void> {
  return new Promise((resolve) => {
    partner.onAnswer = () => {
      if (--count === 0) resolve();
    };
  });
}
