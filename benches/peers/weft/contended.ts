/** Works between threads or processes: a contended lock, queues, pipes. */

import type { Connection } from "@weft/concurrent/multiprocessing";
import { Pipe } from "@weft/concurrent/multiprocessing";
import { timed, type Work } from "../../lib/play.ts";
import type { Scope, Started } from "./scope.ts";
import {
  checkItems,
  consume,
  echoMessages,
  increment,
  isItem,
  type Item,
  type Line,
  produce,
  takeBytes,
} from "./targets.ts";

/** The works. */
export function contended(scope: Scope): Record<string, Work> {
  const { kind } = scope;
  const lineFor = (workers: number, finishers: number): Line => ({
    there: new kind.Latch(workers),
    go: new kind.Event(),
    done: new kind.Latch(finishers),
  });
  /** Lets workers go as soon as all are there. Resolves to the nanoseconds until they are done. */
  const run = async (line: Line, workers: Started[], last?: () => unknown): Promise<number> => {
    await line.there.wait();
    const ns = await timed(() => {
      line.go.set();
      return last === undefined ? line.done.waitSync() : last();
    });
    for (const worker of workers) {
      await worker.join();
      // Items that were lost are an error there.
      await worker.result();
    }
    return ns;
  };
  const lockedBy = (workers: number): Work => async (n) => {
    const line = lineFor(workers, workers);
    const lock = new kind.Lock();
    const counts = new kind.SharedArray("i32", 1);
    const times = Math.ceil(n / workers);
    const ns = await run(
      line,
      Array.from({ length: workers }, () => scope.start(increment, [line, lock, counts, times])),
    );
    const [count] = counts;
    if (count !== times * workers) throw new Error(`lost increments: ${count} of ${times * workers}`);
    return ns;
  };
  const works: Record<string, Work> = { "lock/2": lockedBy(2), "lock/4": lockedBy(4) };
  for (const item of ["integers", "objects", "1 KB"] satisfies Item[]) {
    works[`queue/${item}`] = (n) => {
      const line = lineFor(2, 1);
      const queue = new kind.Queue({ maxsize: 1024 });
      return run(line, [scope.start(produce, [line, queue, item, n]), scope.start(consume, [line, queue, n])]);
    };
    works[`queue/${item} awaited`] = (n) => {
      const line = lineFor(1, 1);
      const queue = new kind.Queue({ maxsize: 1024 });
      return run(line, [scope.start(produce, [line, queue, item, n])], async () => {
        let wrong = 0;
        for (let i = 0; i < n; i++) if (!isItem(await queue.get(), i)) wrong++;
        checkItems(wrong, n);
      });
    };
  }
  return { ...works, ...pipes(scope) };
}

function pipes(scope: Scope): Record<string, Work> {
  // Pipes are made for processes, and threads may use them, too.
  /** With a partner at the other end of a pipe, until `null` is sent. */
  const withEcho = async (run: (pipe: Connection) => Promise<number>): Promise<number> => {
    const [here, there] = Pipe();
    const partner = scope.start(echoMessages, [there]);
    here.sendSync("are you there?");
    here.recvSync();
    const ns = await run(here);
    here.sendSync(null);
    await partner.join();
    return ns;
  };
  return {
    "pipe/busy": (n) =>
      withEcho((pipe) =>
        timed(() => {
          for (let i = 0; i < n; i++) {
            pipe.sendSync(i);
            pipe.recvSync();
          }
        })
      ),
    "pipe/asleep": (n) =>
      withEcho(async (pipe) => {
        let ns = 0;
        for (let i = 0; i < n; i++) {
          // Until then the other side has fallen asleep.
          await new Promise((resolve) => setTimeout(resolve, 5));
          ns += await timed(() => {
            pipe.sendSync(i);
            pipe.recvSync();
          });
        }
        return ns;
      }),
    async "pipe/1 MiB"(n) {
      const [here, there] = Pipe();
      const partner = scope.start(takeBytes, [there]);
      const bytes = new Uint8Array(1 << 20).fill(1);
      // A pipe of the system holds less than a message, so the others cannot begin before their partner runs either.
      here.recvSync();
      here.sendBytesSync(bytes);
      const ns = await timed(() => {
        for (let i = 0; i < n; i++) here.sendBytesSync(bytes);
        here.sendBytesSync(new Uint8Array(0));
        here.recvSync();
      });
      await partner.join();
      return ns;
    },
  };
}
