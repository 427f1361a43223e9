import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import * as crypto from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { load } from "../../_internal/atomics.ts";
import { encode, encodeApart } from "../../_internal/codec/encode.ts";
import { locate } from "../../_internal/memory/shared_object.ts";
import { dropReferences } from "../../_internal/codec/format.ts";
import { takeAgain } from "../../_internal/codec/output.ts";
import { Event, Queue, registerSerializable } from "../../sync/mod.ts";
import { cross, difference } from "./_values.ts";

const LIMIT = { timeout: 30_000 };

// Also in what difference() takes no note of.
function differenceToLast(a: unknown, b: unknown): string | undefined {
  const found = difference(a, b);
  if (found !== undefined) return found;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return "prototypes";
  if (a instanceof crypto.KeyObject) return a.equals(b as crypto.KeyObject) ? undefined : "keys";
  if (a instanceof CryptoKey) return differenceToLast(crypto.KeyObject.from(a), crypto.KeyObject.from(b as CryptoKey));
  if (a instanceof Map || a instanceof Set || a instanceof Error) {
    return difference({ ...a, cause: (a as Error).cause }, { ...b as object, cause: (b as Error).cause });
  }
  return undefined;
}

function same(value: unknown): void {
  const other = cross(value);
  assertEquals(difference(value, other), undefined);
}

describe("a value that crosses", () => {
  const numbers = [0, -0, 1, -1, 127, 128, 255, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53, 0.1, 5e-324, NaN];
  for (
    const value of [...numbers, Infinity, -Infinity, true, false, null, undefined, 0n, -1n, 2n ** 200n, -(2n ** 64n)]
  ) {
    it(`${Object.is(value, -0) ? "-0" : String(value)} stays that`, LIMIT, () => {
      same(value);
      same([value, value]);
      same([1, 2, 3, value, value]);
      same({ value });
    });
  }

  it("strings of every length and script are the same", LIMIT, () => {
    for (let length = 0; length < 600; length++) {
      same("x".repeat(length));
      same("é".repeat(length));
      same("x".repeat(length) + "\u{1F600}");
    }
    same("\ufeffwith a byte order mark");
    same("\ufeff" + "x".repeat(100));
    for (const part of ["ü", "\u07ff\u0800", "日本", "\ud7ff\ue000\uffff", "a\u{1F600}b"]) {
      for (let count = 1; count < 30; count++) {
        same(part.repeat(count));
        same({ [part.repeat(count)]: "x" + part.repeat(count) });
      }
    }
    same("\0");
    same("x".repeat(5_000_000));
    same("naïve ".repeat(1_000_000));
  });

  it("lone surrogates stay alone", LIMIT, () => {
    for (const text of ["\ud800", "a\udc00b", "\udc00\ud800", "x".repeat(100) + "\ud83d", "\ud800".repeat(10_000)]) {
      same(text);
    }
    same({ "\ud800": 1 });
  });

  it("arrays keep holes, length and kinds of numbers", LIMIT, () => {
    // deno-lint-ignore no-sparse-arrays
    same([1, , 3, undefined]);
    same(new Array(5));
    same([]);
    same(Array.from({ length: 300 }, (_, i) => `item ${i}`));
    same(Array.from({ length: 10_000 }, (_, i) => i));
    same(Array.from({ length: 10_000 }, (_, i) => i / 3));
    same(Array.from({ length: 2_000 }, (_, i) => ({ i })));
    same([1, 2, 3, -0]);
    same([1, 2, 3, "4"]);
    same([[[[]]]]);
  });

  it("a sparse array of the greatest length costs nothing", LIMIT, () => {
    const array: unknown[] = [];
    array.length = 2 ** 32 - 1;
    array[7] = "seven";
    array[2 ** 32 - 2] = { last: true };
    const other = cross(array);
    assertEquals(other.length, 2 ** 32 - 1);
    assertEquals(Object.keys(other), ["7", "4294967294"]);
    assertEquals(other[2 ** 32 - 2], { last: true });
  });

  it("names that are no indexes are not taken for some in sparse arrays", LIMIT, () => {
    const array = Object.assign(new Array(3), { "1.5": "no", "-1": "no", "01": "no", "4294967295": "no" });
    array[1] = "yes";
    const other = cross(array);
    assertEquals(other.length, 3);
    assertEquals(Object.entries(other), Object.entries(array));
  });

  it("what an array has besides its elements goes along, as long as structuredClone keeps it", LIMIT, () => {
    const match = "xabc".match(/(?<letter>b)c/d)!;
    same(match);
    assertEquals(cross(match).index, 2);
    assertEquals(cross(match).groups, { ...match.groups! });
    for (const length of [0, 1, 3, 16, 17, 100, 400, 3_000]) {
      for (const item of [(i: number) => i, (i: number) => i / 3, (i: number) => `${i}`, (i: number) => ({ i })]) {
        const array: unknown[] & { columns?: unknown; self?: unknown } = Array.from({ length }, (_, i) => item(i));
        same(array);
        array.columns = ["a", { b: 1 }];
        array.self = array;
        same(array);
        same([array, { array }, array]);
        assertEquals(Object.keys(cross(array)), Object.keys(structuredClone(array)));
        // As many holes as there are names.
        array.push(0, 0);
        delete array[length];
        delete array[length + 1];
        same(array);
      }
    }
    const named = Object.defineProperty(Object.assign([1, 2], { [Symbol("s")]: 1 }), "hidden", { value: 1 });
    assertEquals(Reflect.ownKeys(cross(named)), ["0", "1", "length"]);
    class Rows extends Array<number> {
      total = 7;
    }
    const rows = cross(Rows.from([1, 2]) as Rows);
    assertEquals([rows.total, rows.length, Object.getPrototypeOf(rows) === Array.prototype], [7, 2, true]);
    const prototype = cross(Object.assign([1], JSON.parse('{ "__proto__": 5 }') as object)) as unknown[];
    assertStrictEquals(Object.getPrototypeOf(prototype), Array.prototype);
  });

  it("other kinds keep besides their contents what structuredClone keeps there", LIMIT, () => {
    const kinds = [
      new Map([[1, 2]]),
      new Set([1]),
      new Date(5),
      /a/g,
      Object(1),
      Object("text"),
      new Uint8Array(3),
      new DataView(new ArrayBuffer(2)),
      new ArrayBuffer(3),
    ];
    for (const value of kinds) {
      Object.assign(value, { extra: { nested: [value] } });
      const expected = structuredClone(value);
      const other = cross(value) as { extra?: unknown };
      assertEquals(Object.keys(other), Object.keys(expected));
      assertEquals(difference(other, expected), undefined);
    }
  });

  it("objects keep the order of their keys, also of many shapes", LIMIT, () => {
    same({ b: 1, a: 2, 10: 3, 9: 4 });
    same(Array.from({ length: 40 }, (_, i) => ({ [`key ${i % 13}`]: i, i })));
    same({ "": { " ": { "größe": 1 } } });
  });

  it("a key __proto__ is a key and no prototype", LIMIT, () => {
    const other = cross(JSON.parse('[{ "__proto__": { "a": 1 } }, { "__proto__": 2 }]')) as object[];
    assertEquals(Object.keys(other[0]!), ["__proto__"]);
    assertStrictEquals(Object.getPrototypeOf(other[0]), Object.prototype);
    assertEquals(Object.getOwnPropertyDescriptor(other[1], "__proto__")?.value, 2);
    const bare = Object.assign(Object.create(null), { ["__proto__"]: 3, x: 1 });
    assertEquals(Object.keys(cross(bare)), ["__proto__", "x"]);
    assertStrictEquals(Object.getPrototypeOf(cross(bare)), null);
  });

  it("symbols as keys and what is not enumerable stay behind", LIMIT, () => {
    const object = Object.defineProperty({ a: 1, [Symbol("s")]: 2 }, "hidden", { value: 3, enumerable: false });
    assertEquals(cross(object), { a: 1 } as never);
  });

  it("a getter is sent as its value", LIMIT, () => {
    assertEquals(
      Object.getOwnPropertyDescriptor(
        cross({
          get now() {
            return 7;
          },
        }),
        "now",
      )?.value,
      7,
    );
  });

  it("cycles and what is shared stay so", LIMIT, () => {
    const object: Record<string, unknown> = { name: "o" };
    object.self = object;
    object.list = [object, object];
    object.map = new Map<unknown, unknown>([[object, object]]);
    (object.map as Map<unknown, unknown>).set("map", object.map);
    object.set = new Set([object]);
    same(object);
    const shared = { x: 1 };
    const [a, b] = cross([shared, shared]);
    assertStrictEquals(a, b);
    assertNotStrictEquals(a, shared);
    same(Array.from({ length: 200 }, (_, i, all = [shared]) => (all.push({ x: i }), all[i % 2])));
  });

  it("Map, Set, Date, RegExp and boxed primitives keep kind and contents", LIMIT, () => {
    same(new Map<unknown, unknown>([[1, "a"], ["1", NaN], [{ key: true }, new Map()], [NaN, -0]]));
    same(new Set([1, "1", NaN, undefined, null, new Set([1n])]));
    same([new Date(0), new Date(-1), new Date(NaN), new Date(8.64e15)]);
    same([/a/, /\/(?<x>[^/]*)\//giu, new RegExp(""), /\n/s]);
    same([Object(1), Object("s"), Object(false), Object(7n), Object(-0)]);
    const sticky = /a/g;
    sticky.lastIndex = 3;
    assertEquals(cross(sticky).lastIndex, 0);
  });

  it("an array buffer and every kind of view keep their bytes", LIMIT, () => {
    const { buffer } = new Uint8Array(64).map((_, i) => i * 3);
    same(buffer);
    same(new ArrayBuffer(0));
    const types = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array];
    const all = [
      ...types,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array,
      Float16Array,
      DataView,
    ] as unknown as (new (buffer: ArrayBuffer, offset?: number, length?: number) => ArrayBufferView)[];
    for (const Type of all) {
      const view = new Type(buffer);
      same(view);
      assertStrictEquals(cross(view).constructor, Type);
      same({ odd: "x", view, part: new Type(buffer, 8, 3) });
      same(new Type(new ArrayBuffer(0)));
    }
  });

  it("views of one buffer are views of one buffer", LIMIT, () => {
    const buffer = new ArrayBuffer(32);
    const [bytes, words, view] = cross(
      [new Uint8Array(buffer), new Uint32Array(buffer), new DataView(buffer)] as const,
    );
    assertStrictEquals(bytes.buffer, words.buffer);
    assertStrictEquals(view.buffer, words.buffer);
    words[0] = 7;
    assertEquals(bytes[0], 7);
    const parts = cross([new Uint8Array(buffer, 0, 8), { rest: new Uint16Array(buffer, 8) }] as const);
    assertStrictEquals(parts[0].buffer, parts[1].rest.buffer);
    assertEquals([parts[1].rest.byteOffset, parts[1].rest.length], [8, 12]);
    const whole = cross({ part: new Float64Array(buffer, 8, 2), buffer });
    assertStrictEquals(whole.part.buffer, whole.buffer);
    assertEquals(whole.part.byteOffset, 8);
  });

  it("a small part of a large buffer goes alone", LIMIT, () => {
    const pool = new Uint8Array(1 << 20);
    assertEquals(cross(pool.subarray(100, 110)).buffer.byteLength, 10);
    const [a, b] = cross([Buffer.from("one"), Buffer.from("two")]);
    assertEquals([a!.byteLength, a!.buffer.byteLength, b!.buffer.byteLength], [3, 3, 3]);
  });

  it("a map is sent as it was before the code of the program that its sending runs", LIMIT, () => {
    const map = new Map<unknown, unknown>([[1, {
      get grows() {
        map.set(3, 3);
        map.delete(2);
        return true;
      },
    }], [2, 2]]);
    assertEquals([...(cross(map) as Map<unknown, unknown>)], [[1, { grows: true }], [2, 2]]);
  });

  it("keys that come again in many messages are the same", LIMIT, () => {
    const long = "k".repeat(300);
    const values: Record<string, unknown>[] = [
      { id: 1, name: "a", tags: ["x"] },
      { id: 2, name: "b", tags: ["x"], more: { id: 3, name: "c", tags: [] } },
      { name: 1, id: 2, tags: 3 },
      { "": 1, "größe": 2, "\ud800": 3 },
      { 2: "b", 1: "a", x: "c" },
      JSON.parse('{"__proto__":{"a":1},"b":2}'),
      Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i])),
      Object.fromEntries(Array.from({ length: 126 }, (_, i) => [`${String.fromCharCode(65 + i)}`, i])),
      { [long]: 1, [long + "b"]: { [long]: 2 } },
      {},
    ];
    // The table of shapes has room for fewer than these.
    for (let i = 0; i < 600; i++) values.push({ [`key${i}`]: i, [`other${i % 7}`]: i });
    for (let round = 0; round < 4; round++) {
      for (const value of values) {
        const other = cross(value) as Record<string, unknown>;
        assertEquals(difference(value, other), undefined);
        assertEquals(Object.keys(other), Object.keys(value));
      }
      same([...values, ...values]);
    }
  });

  it("keys are the same in a queue, whose reader knows them", LIMIT, () => {
    const queue = new Queue<unknown>();
    const values = [
      { id: 1, name: "a", tags: ["x"] },
      { id: 2, name: "b", tags: ["x"], more: { id: 3, name: "c", tags: [] } },
      { name: 1, id: 2, tags: 3 },
      { "": 1, "größe": 2, "\ud800": 3 },
      { 2: "b", 1: "a", x: "c" },
      JSON.parse('{"__proto__":{"a":1},"b":2}'),
      ...Array.from({ length: 300 }, (_, i) => ({ [`key${i}`]: i, [`other${i % 7}`]: i, ["z".repeat(i % 90)]: i })),
    ];
    for (let round = 0; round < 4; round++) {
      for (const value of values) {
        queue.putSync(value);
        const other = queue.getSync() as object;
        assertEquals(difference(value, other), undefined);
        assertEquals(Object.keys(other), Object.keys(value));
      }
    }
  });

  it("keys are the same where a getter sends a message with the same keys", LIMIT, () => {
    const make = (n: number): object => ({ id: n, name: `n${n}` });
    for (let round = 0; round < 4; round++) {
      const value = {
        a: make(1),
        get b() {
          cross([make(8), make(9)]);
          return make(2);
        },
        c: make(3),
        list: [make(4), make(5)],
      };
      assertEquals(JSON.stringify(cross(value)), JSON.stringify(value));
    }
  });

  it("a large message is written into a buffer that came back, and into none that did not", LIMIT, () => {
    const options = { root: "value", scope: "thread" } as const;
    const pack = (fill: number): Uint8Array => encodeApart(new Uint8Array(1 << 20).fill(fill), options);
    const isOf = (fill: number, message: Uint8Array): boolean =>
      message.subarray(-1_000_000, -100).every((byte) => byte === fill);
    const first = pack(1);
    const second = pack(2);
    assert(first.buffer !== second.buffer && isOf(1, first) && isOf(2, second));
    takeAgain(first.buffer as ArrayBuffer);
    const third = pack(3);
    assertStrictEquals(third.buffer, first.buffer);
    const fourth = pack(4);
    assert(fourth.buffer !== third.buffer && isOf(2, second) && isOf(3, third) && isOf(4, fourth));
    // In the midst of a message, by what the message itself calls.
    const outer = encodeApart({
      head: new Uint8Array(1 << 17).fill(7),
      get inner() {
        takeAgain(second.buffer as ArrayBuffer);
        return isOf(5, pack(5));
      },
      tail: new Uint8Array(1 << 20).fill(6),
    }, options);
    assert(isOf(6, outer) && isOf(3, third) && isOf(4, fourth));
  });

  it("resizable buffers stay resizable, and views go on tracking them", LIMIT, () => {
    const buffer = new ArrayBuffer(8, { maxByteLength: 64 });
    const other = cross({
      buffer,
      view: new Uint8Array(buffer),
      tail: new Uint8Array(buffer, 4),
      part: new Uint8Array(buffer, 2, 3),
    });
    assert(other.buffer.resizable);
    assertEquals(other.buffer.maxByteLength, 64);
    assertStrictEquals(other.view.buffer, other.buffer);
    other.buffer.resize(32);
    assertEquals([other.view.length, other.tail.length, other.part.length], [32, 28, 3]);
  });

  it("16 MiB and more cross", LIMIT, () => {
    const bytes = new Uint8Array(20 << 20);
    bytes[bytes.length - 1] = 9;
    const other = cross({ bytes, text: "x".repeat(16 << 20) });
    assertEquals([other.bytes.length, other.bytes.at(-1), other.text.length], [20 << 20, 9, 16 << 20]);
  });

  it("instances without a registration cross as data", LIMIT, () => {
    class Point {
      #secret = 1;
      readonly x: number;
      readonly y: number;

      constructor(x: number, y: number) {
        this.x = x;
        this.y = y;
      }
      get sum() {
        return this.x + this.y + this.#secret;
      }
    }
    const other = cross(new Point(1, 2));
    assertEquals({ ...other }, { x: 1, y: 2 } as never);
    assertStrictEquals(Object.getPrototypeOf(other), Object.prototype);
    class Names extends Map<string, number> {}
    assertEquals(cross(new Names([["a", 1]])), new Map([["a", 1]]) as never);
  });

  it("is nested as deeply as it likes", LIMIT, () => {
    const nest = (levels: number, wrap: (inner: unknown) => unknown) => {
      let value: unknown = null;
      for (let i = 0; i < levels; i++) value = wrap(value);
      return value;
    };
    const kinds: [wrap: (inner: unknown) => unknown, unwrap: (outer: never) => unknown][] = [
      [(x) => [x], ([x]: unknown[]) => x],
      [(x) => ({ x }), ({ x }: { x: unknown }) => x],
      [(x) => new Map([[x, x]]), (map: Map<unknown, unknown>) => [...map.keys()][0]],
      [(x) => new Map([[1, x]]), (map: Map<unknown, unknown>) => map.get(1)],
      [(x) => new Set([x]), (set: Set<unknown>) => [...set][0]],
      [(x) => new Error("e", { cause: x }), (error: Error) => error.cause],
      [(x) => new AggregateError([x]), (error: AggregateError) => error.errors[0]],
      [(x) => Object.assign([1], { x }), ({ x }: { x: unknown }) => x],
      [(x) => Object.assign(Object.create(null), { x }), ({ x }: { x: unknown }) => x],
    ];
    for (const [wrap, unwrap] of kinds) {
      for (const levels of [499, 500, 501, 1_502, wrap(1) instanceof Error ? 2_001 : 20_000]) {
        let depth = 0;
        for (let inner = cross(nest(levels, wrap)); inner !== null; inner = unwrap(inner as never)) depth++;
        assertEquals(depth, levels);
      }
    }
    same("as before");
  });

  it("is the same at every depth at which what is in it comes later", LIMIT, async () => {
    class Pair {
      readonly left: unknown;
      readonly right: unknown;

      constructor(left: unknown, right: unknown) {
        this.left = left;
        this.right = right;
      }
    }
    registerSerializable(Pair, {
      name: "round_trip_test.Pair",
      serialize: ({ left, right }) => ({ left, right }),
      deserialize: ({ left, right }: { left: unknown; right: unknown }) => new Pair(left, right),
    });
    class Failure extends Error {
      readonly inner: unknown;

      constructor(inner: unknown, options?: ErrorOptions) {
        super("failed", options);
        this.inner = inner;
      }
    }
    registerSerializable(Failure, {
      name: "round_trip_test.Failure",
      serialize: ({ inner }) => ({ inner }),
      deserialize: ({ inner }: { inner: unknown }) => new Failure(inner),
    });
    class Unregistered {
      inner = { deep: [{}] };
    }
    const { createSecretKey, generateKeyPairSync } = crypto;
    const webKey = await globalThis.crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const event = new Event();
    const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
    const inner = () => ({ deep: [{ deeper: [{}] }] });
    const values: Record<string, unknown> = {
      array: [[[inner()]]],
      sparse: Object.assign(new Array(5), { 3: inner() }),
      numbers: [[1, 2, 3, 4], [0.5, 1, 2, 3]],
      "array with names": Object.assign([inner()], { named: inner() }),
      object: inner(),
      "object without prototype": Object.assign(Object.create(null), { x: inner() }),
      map: new Map<unknown, unknown>([[inner(), inner()], ["b", new Map([[1, inner()]])]]),
      set: new Set([inner(), new Set([inner()])]),
      "map with names": Object.assign(new Map([[inner(), inner()]]), { named: inner() }),
      "set with names": Object.assign(new Set([inner()]), { named: inner() }),
      date: new Date(1),
      regexp: /x/gi,
      boxed: [Object(1), Object("x"), Object(true), Object(1n)],
      buffer,
      view: new Uint8Array(buffer),
      part: [new Uint8Array(buffer, 2, 2), new DataView(buffer, 1)],
      "buffer of node": Buffer.from("text"),
      error: new TypeError("e", { cause: inner() }),
      "error with names": Object.assign(new Error("e", { cause: new Error("f", { cause: inner() }) }), { x: inner() }),
      "error of errors": new AggregateError([new Error("e", { cause: inner() }), inner()], "all"),
      exception: new DOMException("e", "AbortError"),
      instance: new Unregistered(),
      registered: new Pair(inner(), new Map([[inner(), new Pair(1, inner())]])),
      "registered error": new Failure(inner(), { cause: inner() }),
      "secret key": createSecretKey(Buffer.from("secret")),
      "public key": publicKey,
      "private key": privateKey,
      "key of the web": webKey,
      shared: [event, { event }],
    };
    for (const [kind, value] of Object.entries(values)) {
      const shallow = cross([value])[0];
      for (let depth = 485; depth <= 510; depth++) {
        let nested: unknown = value;
        for (let i = 0; i < depth; i++) nested = [nested];
        let other: unknown = cross(nested);
        for (let i = 0; i < depth; i++) other = (other as unknown[])[0];
        assertEquals(differenceToLast(shallow, other), undefined, `${kind} at ${depth}`);
      }
    }
  });

  it("is a list that is linked in both directions, however long", LIMIT, () => {
    interface Item {
      number: number;
      before?: Item;
      next?: Item;
      bytes?: Uint8Array;
    }
    const first: Item = { number: 0 };
    for (let i = 1, item = first; i < 20_000; i++) {
      item = item.next = { number: i, before: item, bytes: i % 500 === 0 ? new Uint8Array([i]) : undefined };
    }
    let count = 0;
    for (let item: Item | undefined = cross({ first, list: [first.next!.next] }).first; item; item = item.next) {
      assertEquals(item.number, count++);
      if (item.next !== undefined) assertStrictEquals(item.next.before, item);
      if (item.number % 500 === 0 && item.number > 0) assertEquals(item.bytes, new Uint8Array([item.number]));
    }
    assertEquals(count, 20_000);
  });

  it("is no deeper where a class serializes it, which needs it whole", LIMIT, () => {
    class Chain {
      readonly next: unknown;

      constructor(next: unknown) {
        this.next = next;
      }
    }
    registerSerializable(Chain, {
      name: "round_trip_test.Chain",
      serialize: ({ next }) => next,
      deserialize: (next) => new Chain(next),
    });
    let chain: unknown = 1;
    for (let i = 0; i < 1_000; i++) chain = new Chain(chain);
    let depth = 0;
    for (let inner = cross(chain); inner instanceof Chain; inner = inner.next) depth++;
    assertEquals(depth, 1_000);
    for (let i = 0; i < 10_000; i++) chain = new Chain(chain);
    assertThrows(() => cross(chain), RangeError, "serialize()");
    same("as before");
  });

  it("holds shared objects as deeply, whose references come back", LIMIT, () => {
    const event = new Event();
    const references = () => {
      const { space, at } = locate(event)!;
      return load(space.words, at + 1);
    };
    const before = references();
    let value: unknown = event;
    for (let i = 0; i < 5_000; i++) value = { value, event };
    const bytes = encode(value, { root: "item", scope: "thread" }).slice();
    assert(references() > before);
    dropReferences(bytes);
    assertEquals(references(), before);
    let inner = cross(value) as { value: unknown; event: unknown } | Event;
    while (!(inner instanceof Event)) inner = inner.value as typeof inner;
    assertStrictEquals(inner, event);
    assertEquals(references(), before);
  });

  it("is the same whatever it is", LIMIT, () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
      maxDepth: 4,
    });
    fc.assert(fc.property(anything, (value) => difference(value, cross(value)) === undefined), { numRuns: 1_000 });
  });

  it("is the same in any order of messages", LIMIT, () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 80 })), fc.array(fc.double()), (texts, numbers) => {
        return difference([texts, numbers, { numbers, texts }], cross([texts, numbers, { numbers, texts }])) ===
          undefined;
      }),
      { numRuns: 500 },
    );
  });
});
