/** Sizes of 2 GiB and more, which are negative as signed words. Nothing of that size is made. */

import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { BLOCK_HEADER } from "../../_internal/memory/allocator.ts";
import type { Space } from "../../_internal/memory/space.ts";
import { wordsForParcel } from "../../_internal/processes/pipe.ts";
import { Message } from "../../_internal/queue/message.ts";
import { loseParcel, makeParcel } from "../../_internal/queue/taken.ts";

const SIZES = [2 ** 31 - 8, 2 ** 31, 2 ** 31 + 1, 3 * 2 ** 30, 2 ** 32 - 64];
const PARCEL = 9;
const RAW_PARCEL = 13;
/** Where the message and its parcel are. */
const AT = 0;
const BLOCK = 8;
/** Words of a parcel before its bytes, of which the second is its length if it names shared objects. */
const PARCEL_HEADER = 4;
const NAMING = 1;

const ENOUGH = "that is enough";

/** A memory that has the words of a message in a parcel, and none of its bytes. `asked`: which bytes were asked for. */
function memoryWith(header: number, size: number, naming: boolean): { space: Space; asked: number[] } {
  const words = new Int32Array(64);
  words[AT] = header;
  words[AT + 1] = BLOCK;
  words[AT + 2] = size;
  words[BLOCK - BLOCK_HEADER] = BLOCK_HEADER + PARCEL_HEADER + Math.ceil(size / 8) * 2;
  words[BLOCK + NAMING] = naming ? size : 0;
  const asked: number[] = [];
  const slice = (start: number, end: number): never => {
    asked.push(start, end);
    throw new Error(ENOUGH);
  };
  const space = { words, fixed: words, entry: 32, memory: { words, bytes: { slice } } };
  return { space: space as unknown as Space, asked };
}

/** The bytes of the parcel. */
function bytesOfSize(size: number): number[] {
  const start = (BLOCK + PARCEL_HEADER) * 4;
  return [start, start + size];
}

describe("a parcel of 2 GiB or more", () => {
  for (const size of SIZES) {
    for (
      const [what, header, naming] of [["an item", PARCEL, false], ["raw bytes", RAW_PARCEL, false], [
        "an item that names shared objects",
        PARCEL,
        true,
      ]] as const
    ) {
      it(`is read whole: ${what} of ${size} bytes`, () => {
        const { space, asked } = memoryWith(header, size, naming);
        const message = new Message();
        message.readFrom(space, AT);
        assertThrows(() => message.unpack(space), Error, ENOUGH);
        assertEquals(asked, bytesOfSize(size));
      });
    }

    it(`is dropped with all that it names: ${size} bytes`, () => {
      const { space, asked } = memoryWith(PARCEL, size, true);
      const message = new Message();
      message.readFrom(space, AT);
      assertThrows(() => message.drop(space), Error, ENOUGH);
      assertThrows(() => loseParcel(space, BLOCK), Error, ENOUGH);
      assertEquals(asked, [...bytesOfSize(size), ...bytesOfSize(size)]);
    });

    it(`is as large as its bytes: ${size} bytes`, () => {
      const counts: number[] = [];
      const space = {
        tryAllocate: (count: number) => {
          counts.push(count);
          return 0;
        },
      } as unknown as Space;
      assertEquals(makeParcel(space, { length: size } as Uint8Array, false), 0);
      assertEquals(counts, [PARCEL_HEADER + Math.ceil(size / 4)]);
      assertEquals(wordsForParcel(size), wordsForParcel(2 ** 30));
    });
  }
});
