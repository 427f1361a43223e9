import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { load } from "../../_internal/atomics.ts";
import { UNPUT } from "../../_internal/memory/participants.ts";
import { spaceOf } from "../../_internal/memory/space.ts";
import { makeParcel, type Waiting, whileNoted } from "../../_internal/queue/taken.ts";

const LIMIT = { timeout: 60_000 };
const COUNT = 200;

describe("messages that wait for room", () => {
  it("are struck out as there is room for them, and the others stay noted", LIMIT, () => {
    const space = spaceOf("thread");
    const parcels = Array.from({ length: COUNT }, () => makeParcel(space, new Uint8Array(8), false));
    let asked = 0;
    let room = 1;
    const waiting: Waiting & { left: number } = {
      left: COUNT,
      parcels(count) {
        asked += count;
        return parcels.slice(COUNT - this.left, COUNT - this.left + count);
      },
    };
    const attempt = whileNoted(space, waiting, () => room, (_woken, most) => {
      assertEquals(most, Math.min(room, waiting.left));
      // None of those that may be put now is noted, and all others are.
      assertEquals(noted(), new Set(parcels.slice(COUNT - waiting.left + most!)));
      // Less is put than there seemed to be room for.
      waiting.left -= Math.max(1, most! - 2);
      return waiting.left <= 0 || undefined;
    });
    // A parcel is a note's place for the one noted before it.
    const noted = (): Set<number> => {
      const found = new Set<number>();
      for (let at = load(space.words, space.entry + UNPUT); at !== 0; at = space.words[at]) found.add(at);
      return found;
    };
    assertEquals(noted(), new Set(parcels));
    const before = asked;
    let attempts = 0;
    for (; waiting.left > COUNT / 2; attempts++) assertEquals(attempt(1), undefined);
    assertEquals(asked - before, attempts);
    room = 0;
    assertEquals(attempt(1), undefined);
    assertEquals(noted(), new Set(parcels.slice(COUNT - waiting.left)));
    room = 5;
    while (attempt(1) === undefined) assertEquals(noted(), new Set(parcels.slice(COUNT - waiting.left)));
    assert(waiting.left <= 0);
    assertEquals(noted().size, 0);
    for (const parcel of parcels) space.free(parcel);
  });
});
