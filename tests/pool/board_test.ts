import { describe, it } from "node:test";
import { assertAlmostEquals } from "@std/assert";
import { spaceOf } from "../../_internal/memory/space.ts";
import { Board } from "../../_internal/pool/board.ts";

describe("a pool's board", () => {
  it("knows for how long a worker has had a chunk, however old the pool is", () => {
    const board = Board.create(spaceOf("thread"), 1);
    const [slot] = board.table();
    const hour = 3_600_000;
    for (const begun of [0, 5.9 * hour, 6 * hour, 100 * hour]) {
      board.begin(slot!, 1, begun);
      for (const age of [0, 7.25, hour]) assertAlmostEquals(board.ageOf(slot!, begun + age), age, 0.011);
    }
    board.destroy([]);
  });
});
