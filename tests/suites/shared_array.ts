import { InvalidStateError, type ValueType } from "@weft/concurrent/threading";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import type { Scope } from "./_scope.ts";
import { addToAll, sumWide } from "./value_targets.ts";

const LIMIT = { timeout: 60_000 };

const ARRAYS = {
  bool: Uint8Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
};

/** Tests of `SharedArray`. */
export function sharedArraySuite(scope: Scope): void {
  const { SharedArray } = scope;

  describe(`SharedArray (${scope.name})`, () => {
    it("is a typed array of the type over shared memory, zero at first", LIMIT, () => {
      for (const [type, constructor] of Object.entries(ARRAYS)) {
        const array = new SharedArray(type as ValueType, 7);
        assert(array.array instanceof constructor);
        assertEquals([array.length, array.array.length, array.type], [7, 7, type as ValueType]);
        assertEquals(array.array.byteOffset % 64, 0);
        assert([...array.array].every((element) => Number(element) === 0));
        assertStrictEquals(array.array, array.array);
      }
    });

    it("takes values from arrays, typed arrays, sets and generators", LIMIT, () => {
      assertEquals([...new SharedArray("i8", [-128, 127])], [-128, 127]);
      assertEquals([...new SharedArray("f64", new Float64Array([0.5, NaN]))], [0.5, NaN]);
      assertEquals([...new SharedArray("f32", new Float64Array([0.5]))], [0.5]);
      assertEquals([...new SharedArray("i64", new Set([1n, -1n]))], [1n, -1n]);
      assertEquals([...new SharedArray("u64", [2n ** 64n - 1n])], [2n ** 64n - 1n]);
      assertEquals([...new SharedArray("bool", [true, false, true])], [true, false, true]);
      assertEquals([...new SharedArray("bool", [true, false]).array], [1, 0]);
      assertEquals(
        [
          ...new SharedArray(
            "u16",
            (function* () {
              yield 1;
              yield 65535;
            })(),
          ),
        ],
        [1, 65535],
      );
      assertEquals([...new SharedArray("i32", [])], []);
      assertEquals(new SharedArray("f64", 0).length, 0);
    });

    it("is one memory for all threads, with one lock", LIMIT, async () => {
      const array = new SharedArray("f64", [0, 10, 20]);
      const runners = [1, 2, 3].map(() => scope.start(addToAll, array, 500));
      for (const runner of runners) await runner.result();
      assertEquals([...array], [1500, 1510, 1520]);
      assert(array.lock instanceof scope.RLock);
      assertStrictEquals(array.lock, array.lock);
      assertEquals(await scope.start(sumWide, new SharedArray("u64", [1n, 2n ** 63n])).result(), 2n ** 63n + 1n);
    });

    it("makes large arrays without touching them, and uses their memory again", LIMIT, () => {
      const bytes = 256 * 2 ** 20;
      let previous: number | undefined;
      for (let i = 0; i < 20; i++) {
        const array = new SharedArray("u8", bytes);
        const { array: view } = array;
        assertEquals([view[0], view[bytes >> 1], view[bytes - 1]], [0, 0, 0]);
        view[0] = view[bytes - 1] = 1;
        // Twenty of these would be more than the whole memory.
        if (previous !== undefined) assertEquals(view.byteOffset, previous);
        previous = view.byteOffset;
        array[Symbol.dispose]();
      }
    });

    it("keeps its memory while only the typed array is still in use", LIMIT, () => {
      let array: Int32Array = new SharedArray("i32", [1, 2, 3]).array;
      for (let i = 0; i < 200; i++) {
        new SharedArray("i32", 3).array.fill(-1);
        (globalThis as { gc?: () => void }).gc?.();
        new ArrayBuffer(2 ** 20);
      }
      assertEquals([...array], [1, 2, 3]);
      array = new Int32Array();
    });

    it("keeps its elements under its name, and must be created with the same type, length and values", LIMIT, () => {
      const name = `array ${crypto.randomUUID()}`;
      const array = new SharedArray("i32", [1, 2], { name });
      array.array[0] = 5;
      assertEquals([...new SharedArray("i32", [1, 2], { name })], [5, 2]);
      assertThrows(() => new SharedArray("i32", [1, 3], { name }), TypeError, name);
      assertThrows(() => new SharedArray("i32", 2, { name }), TypeError, name);
      assertThrows(() => new SharedArray("i32", [1, 2, 3], { name }), TypeError, name);
      assertThrows(() => new SharedArray("u32", [1, 2], { name }), TypeError, name);
      assertEquals([...array], [5, 2]);
      const other = `array ${crypto.randomUUID()}`;
      new SharedArray("f64", 3, { name: other });
      assertEquals(new SharedArray("f64", 3, { name: other }).length, 3);
      assertThrows(() => new SharedArray("f64", 4, { name: other }), TypeError, other);
      assertThrows(() => new SharedArray("f64", [0, 0, 0], { name: other }), TypeError, other);
    });

    it("refuses values that do not fit", LIMIT, () => {
      for (const length of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
        assertThrows(() => new SharedArray("i32", length), RangeError);
      }
      assertThrows(() => new SharedArray("f64", 2 ** 31), RangeError, "no room");
      assertThrows(() => new SharedArray("u8", [1, 256]), RangeError, "the value at 1");
      assertThrows(() => new SharedArray("i32", [1.5]), RangeError, "the value at 0");
      assertThrows(() => new SharedArray("i32", [1, "2"] as never), TypeError, "the value at 1");
      assertThrows(() => new SharedArray("i64", [1] as never), TypeError, "a bigint");
      assertThrows(() => new SharedArray("f64", [1n] as never), TypeError, "a number");
      assertThrows(() => new SharedArray("bool", [1] as never), TypeError, "a boolean");
      for (const values of [undefined, null, {}, true, 5n]) {
        assertThrows(() => new SharedArray("i32", values as never), TypeError, "'lengthOrValues'");
      }
      assertThrows(() => new SharedArray("int" as never, 1), TypeError, "'type'");
      assertThrows(() => new SharedArray("i32", 1, { name: 1 } as never), TypeError, "'name'");
    });

    it("throws InvalidStateError after it was disposed of", LIMIT, () => {
      const array = new SharedArray("i32", 2);
      array[Symbol.dispose]();
      assertThrows(() => array.array, InvalidStateError, "disposed of");
      assertThrows(() => array.length, InvalidStateError);
      assertThrows(() => array.lock, InvalidStateError);
      assertThrows(() => [...array], InvalidStateError);
    });
  });
}
