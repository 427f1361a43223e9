import { CHECKED_AT, HEAP_AT, ThreadMemory } from "../../_internal/memory/memory.ts";
import { Space } from "../../_internal/memory/space.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";

const LIMIT = { timeout: 60_000 };

/** A heap of so many words that no other test has. */
function heap(words: number, checked = false): Space {
  const memory = ThreadMemory.reserve(Math.ceil((HEAP_AT + words) / 16384) * 65536);
  memory.words[CHECKED_AT] = Number(checked);
  return Space.join(memory, 0, () => {
    throw new Error("killed");
  });
}

/** Blocks of one size until there is no room. */
function fill(space: Space, words: number): number[] {
  const blocks: number[] = [];
  for (let at; (at = space.tryAllocate(words, false)) !== 0;) blocks.push(at);
  return blocks;
}

describe("allocator", () => {
  for (const checked of [false, true]) {
    it(`blocks do not overlap, are zeroed and keep their words${checked ? ", while checked" : ""}`, LIMIT, () => {
      const words = fc.oneof(fc.nat(40), fc.nat(3000), fc.nat(150_000));
      const step = fc.record({ words, free: fc.boolean(), which: fc.nat(1000) });
      fc.assert(
        fc.property(fc.array(step, { minLength: 50, maxLength: 400 }), (steps) => {
          const space = heap(400_000, checked);
          const all = space.memory.words;
          const held: { at: number; words: number; mark: number }[] = [];
          const release = (index: number): void => {
            const [{ at, words, mark }] = held.splice(index, 1);
            assert(words === 0 || all[at] === mark && all[at + words - 1] === mark, "another wrote into the block");
            space.free(at);
          };
          let mark = 0;
          for (const { words, free, which } of steps) {
            if (free && held.length > 0) release(which % held.length);
            const at = space.tryAllocate(words, true);
            if (at === 0) {
              assert(space.available() < words * 4, `${space.available()} were available: wanted ${words * 4}`);
              continue;
            }
            assert(at % 2 === 0 && !all.subarray(at, at + words).some((word) => word !== 0));
            for (const other of held) assert(at + words <= other.at || other.at + other.words <= at);
            all.fill(++mark, at, at + words);
            held.push({ at, words, mark });
          }
          const empty = heap(400_000, checked).available();
          while (held.length > 0) release(held.length - 1);
          assertEquals(space.available(), empty);
        }),
        { numRuns: 30, endOnFailure: true },
      );
    });
  }

  it("small blocks that were given back are room for a large one", LIMIT, () => {
    const space = heap(300_000);
    const whole = space.available();
    for (const words of [1, 20, 1000]) {
      for (const at of fill(space, words)) space.free(at);
      assertEquals(space.available(), whole);
      const at = space.tryAllocate(whole / 4, false);
      assert(at !== 0);
      space.free(at);
    }
  });

  it("a large block that was given back is room for small ones", LIMIT, () => {
    const space = heap(300_000);
    const whole = space.available();
    space.free(space.tryAllocate(whole / 4, false));
    assert(fill(space, 6).length > 300_000 / 8 - 100);
  });

  it("what is free between blocks is used to the last word, and the error says how much that is", LIMIT, () => {
    const space = heap(300_000);
    const blocks = fill(space, 30_000);
    for (const at of fill(space, 1)) assert(at !== 0);
    space.free(blocks[3]);
    space.free(blocks[4]);
    const available = space.available();
    assert(available >= 60_000 * 4, `${available}`);
    const error = assertThrows(() => space.allocate(available / 4 + 1, "test"), RangeError) as RangeError & {
      needed: number;
      available: number;
    };
    assertEquals({ needed: error.needed, available: error.available }, { needed: available + 4, available });
    assert(error.message.includes(`needed ${available + 4} bytes, available about ${available}`), error.message);
    assert(space.tryAllocate(available / 4, false) !== 0);
  });

  it("sizes that change do not make the heap grow without end", LIMIT, () => {
    const space = heap(8_000_000);
    const held: number[] = [];
    for (let i = 0; i < 3_000; i++) {
      held.push(space.allocate(20_000 + (i * 7919) % 90_000, "test"));
      if (held.length > 8) space.free(held.shift()!);
    }
    // Nine blocks of 110,000 words at most are in use at a time.
    assert(space.memory.words[16] - HEAP_AT < 4_000_000, `${space.memory.words[16] - HEAP_AT}`);
  });

  it("a block that is given back twice is given out once", LIMIT, () => {
    const space = heap(100_000);
    const at = space.tryAllocate(10, false);
    space.free(at);
    space.free(at);
    assert(space.tryAllocate(10, false) !== space.tryAllocate(10, false));
  });
});

describe("allocator, while the memory is checked", () => {
  const damage = (use: (space: Space, words: Int32Array, at: number) => void): string => {
    const space = heap(100_000, true);
    const at = space.tryAllocate(10, false);
    const { error } = console;
    console.error = () => {};
    try {
      use(space, space.memory.words, at);
    } catch (error) {
      return (error as Error).message;
    } finally {
      console.error = error;
    }
    return "";
  };

  it("tells of a word behind a block that was written to", LIMIT, () => {
    assert(
      damage((space, words, at) => {
        words[at + 10] = 1;
        space.free(at);
      }).includes("written"),
    );
  });

  it("tells of a word that was written to after it was given back", LIMIT, () => {
    assert(
      damage((space, words, at) => {
        space.free(at);
        words[at + 3] = 1;
        space.tryAllocate(10, false);
      }).includes("word 3 of block"),
    );
  });

  it("tells of a block that is given back twice", LIMIT, () => {
    assert(
      damage((space, _words, at) => {
        space.free(at);
        space.free(at);
      }).includes("given back twice"),
    );
  });

  it("says nothing of what is in order", LIMIT, () => {
    assertEquals(
      damage((space, words, at) => {
        words.fill(1, at, at + 10);
        space.free(at);
        for (const other of fill(space, 100)) space.free(other);
        fill(space, 7);
      }),
      "",
    );
  });
});
