/** The workers of a pool, as its owner counts them. */

import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { Board } from "../../_internal/pool/board.ts";
import { Crew, type CrewOptions, type PoolWorker } from "../../_internal/pool/crew.ts";

const LIMIT = { timeout: 60_000 };

/** A crew of two workers whose threads are played by `make`, on a board that holds words and nothing else. */
function crewOf(make: () => PoolWorker): Crew {
  const board = {
    words: new Int32Array(1024),
    at: 0,
    space: { memory: { scope: "thread" }, free: () => {} },
    createDesk: () => 512,
    setDesk: () => {},
    endSearching: () => {},
  };
  const options = { size: 2, name: "Crew", initargs: [], initializer: null, start: make };
  const crew = new Crew(board as unknown as Board, options as unknown as CrewOptions);
  crew.hire(2, () => {});
  return crew;
}

describe("a worker that has ended", () => {
  for (const isLeft of [false, true]) {
    const which = isLeft ? "that was given up" : "of the pool";
    it(`${which} is reaped once, though asking for its end leads to another look`, LIMIT, () => {
      let again: (() => void) | undefined;
      const reaped: number[] = [];
      const reap = (): void => {
        for (const { worker } of crew.reap(true)) reaped.push(worker.id);
      };
      const crew = crewOf(() => ({
        identity: { worker: "Crew" },
        record: 0,
        points: [],
        kill: () => {},
        ending: () => {
          // As a microtask does that the runtime runs in the middle of this call.
          const look = again;
          again = undefined;
          look?.();
          return { exitCode: 0 };
        },
      }));
      if (isLeft) { for (const worker of [...crew.workers.values()]) crew.leave(worker); }
      again = reap;
      reap();
      assertEquals(reaped.sort(), [1, 2]);
      assertEquals([crew.workers.size, crew.left.size], [0, 0]);
    });
  }
});
