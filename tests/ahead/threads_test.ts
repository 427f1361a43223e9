import { enumerate, Thread } from "@weft/concurrent/threading";
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { importNumber } from "./_counted.ts";
import { aheadSuite } from "./_suite.ts";

aheadSuite({
  name: "thread",
  start: (target, args, name) => new Thread({ target, args, name, daemon: false }).start() as never,
});

describe("spare threads", () => {
  it(
    "are no threads that are told of, and leave the program's memory when they are given up",
    { timeout: 60_000 },
    async () => {
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 4; i++) await new Thread({ target: importNumber }).start().result();
        assertEquals(enumerate().map(({ name }) => name), ["MainThread"]);
      }
    },
  );
});
