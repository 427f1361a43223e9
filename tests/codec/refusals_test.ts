import { assert, assertEquals, assertInstanceOf, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { createSecretKey } from "node:crypto";
import { describe, it } from "node:test";
import { decode, decodeFirst } from "../../_internal/codec/decode.ts";
import { encode } from "../../_internal/codec/encode.ts";
import { dropReferences, loseReferences } from "../../_internal/codec/format.ts";
import { load } from "../../_internal/atomics.ts";
import { locate } from "../../_internal/memory/shared_object.ts";
import { spaceOf } from "../../_internal/memory/space.ts";
import { Event, Lock, registerSerializable } from "../../sync/mod.ts";
import { cross, refusalOf } from "./_values.ts";

const LIMIT = { timeout: 10_000 };

function refused(value: unknown, pattern: RegExp, root?: string): void {
  const error = refusalOf(value, root);
  assertInstanceOf(error, DOMException);
  assertEquals(error.name, "DataCloneError");
  assertMatch(error.message, pattern);
  assertEquals(cross({ after: 1 }), { after: 1 });
}

function referencesOf(object: Event): number {
  const { space, at } = locate(object)!;
  return load(space.words, at + 1);
}

class Point {
  readonly x: unknown;

  constructor(x: unknown) {
    this.x = x;
  }
}
class Bad {
  readonly what: "serialize" | "deserialize";

  constructor(what: "serialize" | "deserialize") {
    this.what = what;
  }
}
class Link {
  other: unknown = undefined;
}

describe("what cannot be sent", () => {
  it("is named by its path, wherever it is", LIMIT, () => {
    const f = () => {};
    refused(f, /Cannot send item as a function/);
    refused({ args: [{ onDone: f }] }, /Cannot send args\[0\]\.onDone as a function/, "");
    refused([0, f], /item\[1\]/);
    refused({ "a b": { c: Symbol("s") } }, /item\["a b"\]\.c as a symbol/);
    refused(new Map([["key", f]]), /item\.get\("key"\)/);
    refused(new Map([[f, 1]]), /item\.keys\[0\]/);
    refused(new Map([[{}, f]]), /item\.values\[0\]/);
    refused(new Set([1, f]), /item\.values\[1\]/);
    refused(new Error("e", { cause: { f } }), /item\.cause\.f/);
    refused(new AggregateError([f]), /item\.errors\[0\]/);
    refused(Object.assign(new Error("e"), { f }), /item\.f/);
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    cycle.last = f;
    refused(cycle, /item\.last/);
    refused(Object.assign([1], { f }), /item\.f as a function/);
    refused(Object.assign([1], { "a b": f }), /item\["a b"\] as a function/);
    let deep: object = { f };
    for (let i = 0; i < 20_000; i++) deep = { next: deep };
    refused(deep, /^Cannot send item(\.next){6}…\(\d+ levels\)…(\.next){5}\.f as a function/);
    refused({ a: deep, args: [{}] }, /^Cannot send item\.a(\.next){5}…/);
    refused(Array.from({ length: 5_000 }, (_, i) => ({ i, f: i === 4_999 ? f : 0 })), /item\[4999\]\.f/);
  });

  it("are objects that are more than their properties", LIMIT, async () => {
    const generator = (function* () {})();
    for (
      const value of [
        Promise.resolve(),
        new WeakMap(),
        new WeakSet(),
        new WeakRef({}),
        generator,
        Object(Symbol()),
        new Blob([]),
        new URL("http://x"),
        new AbortController().signal,
        [][Symbol.iterator](),
        new ReadableStream(),
      ]
    ) {
      refused({ value }, /item\.value as an? .* cannot be copied/);
    }
    const { port1, port2 } = new MessageChannel();
    refused(port1, /item as a MessagePort/);
    port1.close();
    port2.close();
    await 0;
  });

  it("is a SharedArrayBuffer, or a view of one, and the message says what to use", LIMIT, () => {
    refused(new SharedArrayBuffer(8), /use SharedArray/);
    refused([new Uint8Array(new SharedArrayBuffer(8))], /item\[0\].*use SharedArray/);
  });

  it("is a detached buffer, and a view of one", LIMIT, () => {
    const buffer = new ArrayBuffer(8);
    const view = new Uint8Array(buffer);
    structuredClone(buffer, { transfer: [buffer] });
    refused({ buffer }, /item\.buffer .*detached/);
    refused({ view }, /item\.view .*detached/);
  });

  it("is a guard", LIMIT, () => {
    using guard = new Lock().acquireSync();
    refused({ guard }, /item\.guard as a guard stands for an acquisition of this thread/);
  });

  it("is what throws when it is read: that error comes out", LIMIT, () => {
    const fault = new URIError("from the getter");
    assertStrictEquals(
      refusalOf({
        a: 1,
        get b(): number {
          throw fault;
        },
      }),
      fault,
    );
    const proxy = new Proxy({}, {
      ownKeys: () => {
        throw fault;
      },
    });
    assertStrictEquals(refusalOf([proxy]), fault);
    assertEquals(cross([1]), [1]);
  });

  it("takes the references to shared objects back with it", LIMIT, () => {
    const event = new Event();
    const before = referencesOf(event);
    refusalOf([event, event, { event }, () => {}]);
    assertEquals(referencesOf(event), before);
    refusalOf([event, {
      get x() {
        throw new Error("no");
      },
    }]);
    assertEquals(referencesOf(event), before);
    const buffer = new ArrayBuffer(8);
    const bytes = encode([event, new Uint8Array(buffer, 0, 4), new Uint8Array(buffer, 4)], {
      root: "item",
      scope: "thread",
    }).slice();
    assertEquals(referencesOf(event), before + 1);
    assertStrictEquals((decode(bytes) as unknown[])[0], event);
    assertEquals(referencesOf(event), before);
  });
});

describe("registerSerializable", () => {
  it("keeps the class of instances, nested in each other and shared", LIMIT, () => {
    registerSerializable(Point, {
      name: "refusals_test.Point",
      serialize: ({ x }) => x,
      deserialize: (x) => new Point(x),
    });
    const inner = new Point(1);
    const other = cross({ a: new Point([inner, { inner }]), inner });
    assertInstanceOf(other.a, Point);
    const [first, { inner: second }] = other.a.x as [Point, { inner: Point }];
    assertInstanceOf(first, Point);
    assertStrictEquals(first, second);
    assertStrictEquals(first, other.inner);
  });

  it("refuses an instance that leads back to itself, at the call", LIMIT, () => {
    registerSerializable(Link, {
      name: "refusals_test.Link",
      serialize: ({ other }) => other,
      deserialize: (other) => Object.assign(new Link(), { other }),
    });
    const link = new Link();
    link.other = { back: link };
    refused([link], /item\[0\] as what serialize\(\) of "refusals_test\.Link" returns leads back to the same instance/);
    const twice = new Link();
    const [a, b] = cross([twice, twice]);
    assertStrictEquals(a, b);
  });

  it("lets through what serialize and deserialize throw, and goes on", LIMIT, () => {
    registerSerializable(Bad, {
      name: "refusals_test.Bad",
      serialize: ({ what }) => {
        if (what === "serialize") throw new URIError(what);
        return what;
      },
      deserialize: (what) => {
        throw new EvalError(what);
      },
    });
    assertThrows(() => cross([new Bad("serialize")]), URIError);
    assertThrows(() => cross([new Bad("deserialize")]), EvalError);
    assertEquals(cross([1, { a: 2 }]), [1, { a: 2 }]);
  });

  it("may send and receive something itself meanwhile", LIMIT, () => {
    class Nested {
      readonly value: unknown;

      constructor(value: unknown) {
        this.value = value;
      }
    }
    registerSerializable(Nested, {
      name: "refusals_test.Nested",
      serialize: ({ value }) => [...encode(value, { root: "value", scope: "thread" })],
      deserialize: (bytes) => new Nested(decode(new Uint8Array(bytes))),
    });
    const other = cross([{ before: 1 }, new Nested({ in: new Nested("side") }), { before: 2 }] as const);
    assertEquals(other[0], { before: 1 });
    assertEquals((other[1].value as { in: Nested }).in.value, "side");
    assertEquals(other[2], { before: 2 });
  });

  it("refuses what is no class, no name, or a name that is taken", LIMIT, () => {
    const options = { name: "refusals_test.Taken", serialize: () => 0, deserialize: () => new Point(0) };
    assertThrows(() => registerSerializable("Point" as never, options), TypeError);
    assertThrows(() => registerSerializable(Point, { ...options, name: "" }), TypeError);
    assertThrows(() => registerSerializable(Point, { ...options, serialize: 1 as never }), TypeError);
    assertThrows(() => registerSerializable(Point, undefined as never), TypeError);
    registerSerializable(Map, { ...options, deserialize: () => new Map() });
    assertThrows(
      () => registerSerializable(Set, { ...options, deserialize: () => new Set() }),
      TypeError,
      "refusals_test.Taken",
    );
  });
});

describe("bytes that are no message", () => {
  it("end with a TypeError or with some value, quickly", { timeout: 60_000 }, () => {
    // Keys that come in many messages have a form of their own.
    const options = { root: "item", scope: "thread" } as const;
    for (let i = 0; i < 2; i++) encode({ a: 1, b: "text" }, options);
    const sample = encode([
      { a: 1, b: "text" },
      new Map([[1, new Set([2])]]),
      new Date(0),
      /x/g,
      [1, 2, 3, 4],
      [0.5, 1, 2, 3],
      new Uint8Array(9),
      new Error("e"),
      "größe",
      5n,
      Object(1),
      Object.assign([1], { named: 2 }),
      createSecretKey(new Uint8Array(4)),
    ], options).slice();
    assert(sample.includes(0xa5));
    const nested = Array.from({ length: 600 }).reduce<unknown[]>((inner) => [inner], []);
    const deep = encode(nested, { root: "item", scope: "thread" }).slice();
    let state = 1;
    const random = () => (state = Math.imul(state, 1_103_515_245) + 12_345 & 0x7fffffff) >>> 8;
    const harmless = [TypeError, RangeError, SyntaxError];
    for (let round = 0; round < 20_000; round++) {
      let bytes: Uint8Array;
      if (round % 2 === 0) {
        const whole = round % 32 === 0 ? deep : sample;
        bytes = whole.slice(0, round % 8 === 0 ? random() % whole.length : undefined);
        for (let i = random() % 4; i >= 0 && bytes.length > 0; i--) bytes[random() % bytes.length] = random() & 0xff;
      } else {
        bytes = new Uint8Array(random() % 64).map(() => random() % 3 === 0 ? random() & 0xff : 0x80 + random() % 0x26);
      }
      // What is broken in most of them is the value, and not how many references stand behind it.
      if (bytes.length > 0 && random() % 4 > 0) bytes[bytes.length - 1] = 0;
      // Addresses of shared objects are believed: they come from the program's own memory.
      bytes = bytes.map((byte) => byte === 0x9b ? 0x80 : byte);
      const aligned = bytes.slice(0, bytes.length & -4);
      try {
        if (round % 3 === 0) decodeFirst(aligned, aligned.length, false, new Int32Array(aligned.buffer));
        else decode(bytes);
      } catch (error) {
        assert(harmless.some((type) => error instanceof type), String(error));
      }
    }
    assertEquals(cross({ ok: [1] }), { ok: [1] });
    // Keys that are shorter or longer than they say, more than they say, or none.
    const keyed = (...content: number[]): Uint8Array => new Uint8Array([0xa5, ...content, 0]);
    assertEquals(decode(keyed(1, 0, 0, 1, 0x86, 1, 97, 5)), { a: 5 });
    for (
      const broken of [
        keyed(0, 0, 0, 5),
        keyed(2, 0, 0, 1, 0x86, 1, 97, 0, 0, 0, 0, 5),
        keyed(1, 0, 0, 1, 0x86, 2, 97, 98, 5),
        keyed(1, 0, 0, 2, 0x86, 1, 97, 5),
        keyed(64, 0, 0, 1, 0x86, 1, 97, 5),
        keyed(1, 0, 0, 1, 5, 1, 97, 5),
      ]
    ) {
      const words = new Int32Array((broken.length + 3) >> 2);
      new Uint8Array(words.buffer).set(broken);
      for (let i = 0; i < 2; i++) {
        assertThrows(() => decode(broken), TypeError);
        assertThrows(() => decodeFirst(new Uint8Array(words.buffer), broken.length, false, words), TypeError);
      }
    }
  });

  it("give a replacement for what is no UTF-8", LIMIT, () => {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const parts = [0, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xa0, 0x9f, 0xed, 0xef, 0xf0, 0xf4, 0xff];
    for (const a of parts) {
      for (const b of parts) {
        for (const c of parts) {
          const text = [a, b, c, 0xbb];
          assertEquals(decode(new Uint8Array([0x87, 4, 0, 0, 0, ...text, 0])), decoder.decode(new Uint8Array(text)));
        }
      }
    }
  });

  it("allocate no more than they could fill", { timeout: 60_000 }, () => {
    // Arrays in arrays, each of which says that it is as long as all that is left. The last byte: there are no references.
    const bytes = new Uint8Array(8 << 20).fill(0x80);
    const view = new DataView(bytes.buffer);
    bytes[bytes.length - 1] = 0;
    for (let i = 0; i < 1_400; i++) {
      bytes[i * 5] = 0x8a;
      view.setUint32(i * 5 + 1, bytes.length - i * 5 - 6, true);
    }
    assertThrows(() => decode(bytes), TypeError);
    assertThrows(() => decode(new Uint8Array([0x8b, 255, 255, 255, 255, 255, 255, 255, 255, 0])), TypeError);
    assertThrows(
      () => decode(new Uint8Array([0x9d, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0])),
      TypeError,
      "larger than it may become",
    );
    assertThrows(() => decode(new Uint8Array(0)), TypeError);
  });

  it("name nothing where their references are scribbled over", LIMIT, () => {
    const event = new Event();
    const before = referencesOf(event);
    const { at } = locate(event)!;
    const most = spaceOf("thread").words.length;
    const word = (value: number): number[] => [value & 255, value >> 8 & 255, value >> 16 & 255, value >>> 24];
    const broken = [
      [],
      [1],
      [254],
      [255],
      [3, 0, 0, 0, 255],
      [255, 255, 255, 255, 255],
      [0x80, 0, 0, 0, 0, 2],
      // No object is there: it is outside, at no block, inside of one.
      ...[0, 1, 3, -1, most - 1, most, 2 ** 31, 2 ** 32 - 1, 5_000, at + 1, at + 2].map((
        address,
      ) => [0x80, 0, ...word(address), 1]),
    ];
    for (const bytes of broken) {
      dropReferences(new Uint8Array(bytes));
      loseReferences(new Uint8Array(bytes));
    }
    assertEquals(referencesOf(event), before);
  });

  it("give back each of many references", LIMIT, () => {
    const event = new Event();
    const before = referencesOf(event);
    for (const count of [1, 2, 254, 255, 256, 1_000]) {
      const bytes = encode(new Array(count).fill(0).map(() => event), { root: "item", scope: "thread" }).slice();
      assertEquals(referencesOf(event), before + 1);
      assertEquals((decode(bytes) as unknown[]).length, count);
      const others = Array.from({ length: count }, () => new Event());
      const sent = encode(others, { root: "item", scope: "thread" }).slice();
      assert(others.every((other) => referencesOf(other) === 2));
      dropReferences(sent);
      assert(others.every((other) => referencesOf(other) === 1));
      for (const other of others) other[Symbol.dispose]();
    }
    assertEquals(referencesOf(event), before);
  });
});
