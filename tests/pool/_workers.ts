import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { Kind } from "./_kind.ts";
import { listen, meetOrNot, takeTimeAndHear, takeTimeAs } from "./_targets.ts";

const LIMIT = { timeout: 30_000 };

/** What holds for workers that compute, one task after the other. */
export function workersSuite(kind: Kind): void {
  describe(`${kind.name} Pool: its workers`, () => {
    it("take tasks from another worker's share when there is nothing else to do", LIMIT, async () => {
      await using pool = new kind.Pool(2);
      const barrier = new kind.Barrier(2);
      await pool.starmap(meetOrNot, [[barrier, true], [barrier, true]]);
      // The first worker has taken the ten slow tasks before any cost is known. The other worker finishes the rest at once.
      const workers = await pool.map(takeTimeAs, Array.from({ length: 40 }, (_, i) => i < 10 ? 4 : 0));
      assertEquals(new Set(workers.slice(0, 10)).size, 2);
    });

    it("have turns of their event loops while tasks come one after the other", LIMIT, async () => {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.pipe(socket);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      try {
        await using pool = new kind.Pool(1, {
          initializer: listen,
          initargs: [(server.address() as AddressInfo).port],
        });
        // The connection is not made yet at the first turns.
        for (let timer = false, socket = false; !timer || !socket;) {
          const heard = await pool.map(takeTimeAndHear, new Array<number>(50).fill(10));
          const [first, last] = [heard[0]!, heard.at(-1)!];
          timer ||= last.timer > first.timer;
          socket ||= last.socket > first.socket;
        }
      } finally {
        server.close();
      }
    });
  });
}
