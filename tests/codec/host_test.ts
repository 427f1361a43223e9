import { assert, assertEquals, assertInstanceOf, assertMatch, assertStrictEquals } from "@std/assert";
import * as async_hooks from "node:async_hooks";
import * as buffer from "node:buffer";
import * as crypto from "node:crypto";
import * as events from "node:events";
import * as fs from "node:fs";
import * as module from "node:module";
import * as net from "node:net";
import * as perf_hooks from "node:perf_hooks";
import * as stream from "node:stream";
import * as string_decoder from "node:string_decoder";
import process from "node:process";
import { describe, it } from "node:test";
import * as url from "node:url";
import * as util from "node:util";
import * as v8 from "node:v8";
import * as vm from "node:vm";
import * as zlib from "node:zlib";
import * as constants from "../../_internal/memory/kinds.ts";
import { registerSerializable } from "../../sync/mod.ts";
import { cross, difference, refusalOf } from "./_values.ts";

const LIMIT = { timeout: 10_000 };

type Class = new (...args: unknown[]) => object;

const modules = {
  async_hooks,
  buffer,
  crypto,
  events,
  fs,
  module,
  net,
  perf_hooks,
  stream,
  string_decoder,
  url,
  util,
  v8,
  vm,
  zlib,
};

/** What classes may want to be told. The first that one of them takes is used. */
const ARGUMENTS: unknown[][] = [
  [],
  ["text"],
  ["http://localhost/"],
  [new Uint8Array([1, 2, 3])],
  [1],
  [{}],
  [() => {}],
  ["sha256"],
  ["type", {}],
  ["sha256", "key"],
  [[1]],
  ["en"],
  ["en", { type: "region" }],
  [["part"], "name"],
  [new ArrayBuffer(8)],
  [1, 1],
  [2020, 1, 1],
  [0n, "UTC"],
  [new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])],
  [{ initial: 1 }],
  [{ value: "i32" }],
  [{ element: "anyfunc", initial: 1 }],
  ["aes-256-cbc", new Uint8Array(32), new Uint8Array(16)],
  [new Error("first"), new Error("second"), "message"],
  [{ highWaterMark: 1 }],
  ["gzip"],
];

/** Start something that has to be ended, or say on the console that they are out of use. */
const STARTS =
  /Worker$|Socket|EventSource|Channel$|Process$|Server$|Stats$|^(?:File)?(?:Read|Write)Stream$|^SlowBuffer$|SQL|Redis|S3|Terminal|WebView/;

/** Has methods that need nothing of it. */
const HOLDS_NOTHING = /^Certificate$/;

function* instances(): Generator<[string, object]> {
  const seen = new Set<unknown>();
  const { Deno, Bun } = globalThis as Record<string, unknown>;
  const spaces: Record<string, unknown> = { ...modules, globalThis, Deno, Bun, Intl, WebAssembly };
  spaces.Temporal = (globalThis as Record<string, unknown>).Temporal;
  for (const [space, names] of Object.entries(spaces)) {
    if (names === undefined) continue;
    for (const name of Object.getOwnPropertyNames(names)) {
      if (!/^[A-Z]/.test(name) || STARTS.test(name) || HOLDS_NOTHING.test(name)) continue;
      const type = (names as Record<string, unknown>)[name] as Class;
      if (typeof type !== "function" || typeof type.prototype !== "object" || seen.has(type)) continue;
      seen.add(type);
      for (const args of ARGUMENTS) {
        try {
          const instance = new type(...args);
          if (typeof instance === "object" && instance !== null) yield [`${space}.${name}`, instance];
          if (type as unknown === Promise) (instance as Promise<unknown>).catch(() => {});
          break;
        } catch {
          // The next, perhaps.
        }
      }
    }
  }
}

function attempt<T>(make: () => T): T | Error {
  try {
    return make();
  } catch (error) {
    return error as Error;
  }
}

/** Nothing of it can be seen. */
function isEmpty(value: unknown): boolean {
  return Object.prototype.toString.call(value) === "[object Object]" && Reflect.ownKeys(value as object).length === 0;
}

function refused(value: unknown, pattern: RegExp): void {
  const error = refusalOf({ args: [{ key: value }] }, "");
  assertInstanceOf(error, DOMException);
  assertEquals(error.name, "DataCloneError");
  assertMatch(error.message, /^Cannot send args\[0\]\.key as /);
  assertMatch(error.message, pattern);
}

describe("an object of a class of the runtime", () => {
  it("crosses as structuredClone copies it, or is refused by its path, and never arrives empty", LIMIT, () => {
    const faults: string[] = [];
    let copied = 0;
    let refusals = 0;
    for (const [name, instance] of instances()) {
      const expected = attempt(() => structuredClone(instance));
      const other = attempt(() => cross([{ key: instance }])[0]!.key);
      if (!(instance instanceof Error) && other instanceof Error) {
        refusals++;
        if (!(other instanceof DOMException && other.message.startsWith("Cannot send item[0].key"))) {
          faults.push(`${name}: ${other}`);
        }
        continue;
      }
      copied++;
      const plain = new Set<unknown>([Object.prototype, null]).has(Object.getPrototypeOf(instance));
      if (isEmpty(other) && !(plain && isEmpty(instance))) faults.push(`${name}: arrives empty`);
      // Of an error structuredClone loses half.
      const fault = instance instanceof Error
        ? (Object.getPrototypeOf(other) === Object.getPrototypeOf(instance) ? undefined : "another class")
        : difference(expected, other);
      if (fault !== undefined) faults.push(`${name}: ${fault}`);
    }
    assertEquals(faults, []);
    assert(copied > 30 && refusals > 60, `${copied} copied, ${refusals} refused`);
  });

  it("crosses if it is data, as what the runtime tells of files and addresses", LIMIT, () => {
    const file = new URL(import.meta.url);
    const all = {
      stats: fs.statSync(file),
      large: fs.statSync(file, { bigint: true }),
      entry: fs.readdirSync(new URL(".", file), { withFileTypes: true })[0]!,
      address: url.parse("http://host/path?a=1", true),
      short: url.parse("http://host/path", true),
      pairs: Object.fromEntries(new URLSearchParams("a=1")),
      parts: new Intl.DateTimeFormat().formatToParts(new Date(0)),
      versions: process.versions,
      memory: process.memoryUsage(),
    };
    assertEquals(difference(structuredClone(all), cross(all)), undefined);
    assert(Object.keys(cross(all).stats).length > 10);
    assertEquals(cross(process.env), { ...process.env });
  });

  it("crosses if it is a key", LIMIT, async () => {
    const pairs = [
      crypto.generateKeyPairSync("ed25519"),
      crypto.generateKeyPairSync("ec", { namedCurve: "P-256" }),
      crypto.generateKeyPairSync("x25519"),
    ];
    const secret = crypto.createSecretKey(new Uint8Array([1, 2, 3]));
    for (const key of [secret, ...pairs.flatMap(({ publicKey, privateKey }) => [publicKey, privateKey])]) {
      const { other, same } = cross({ other: key, same: key });
      assertInstanceOf(other, crypto.KeyObject);
      assert(other.equals(key));
      assertStrictEquals(other, same);
    }
    const { subtle } = globalThis.crypto;
    const hmac = await subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
    const other = cross({ hmac }).hmac;
    assertInstanceOf(other, CryptoKey);
    assertEquals([other.type, other.extractable, other.usages], [hmac.type, hmac.extractable, hmac.usages]);
    assertEquals({ ...other.algorithm }, { ...hmac.algorithm });
    const data = new Uint8Array([1, 2, 3]);
    assert(await subtle.verify("HMAC", other, await subtle.sign("HMAC", hmac, data), data));
  });

  it("is refused where there is no data in it, and the message says what to send", LIMIT, () => {
    refused(new URL("http://x"), /a URL cannot be copied: send url\.href$/);
    refused(new Blob(["x"]), /a Blob cannot be copied: send await blob\.bytes\(\)$/);
    refused(new Headers(), /send \[\.\.\.headers\]$/);
    refused([].values(), /an Array Iterator cannot be copied: send \[\.\.\.iterator\]$/);
    refused((function* () {})(), /a Generator cannot be copied: send \[\.\.\.generator\]$/);
    refused((async function* () {})(), /an AsyncGenerator cannot be copied/);
    refused(new Map().entries(), /a Map Iterator cannot be copied/);
    refused([1].values().map((x) => x), /an Iterator Helper cannot be copied/);
    refused(Promise.resolve(), /a Promise cannot be copied: send what it resolves to$/);
    refused(new Intl.Locale("en"), /an Intl\.Locale cannot be copied: send a string$/);
    refused(new Intl.Segmenter().segment("abc"), /cannot be copied/);
    refused(new DisposableStack(), /a DisposableStack cannot be copied/);
    refused(new TextEncoder(), /a TextEncoder cannot be copied/);
    refused(AbortSignal.abort(), /an AbortSignal cannot be copied: send an Event, or give it as the option 'signal'/);
    refused(Object(Symbol("s")), /a Symbol cannot be copied/);
    for (const space of [Math, JSON, Reflect, Atomics, Intl]) refused(space, /cannot be copied: send data$/);
    refused(constants, /a Module cannot be copied: send \{ \.\.\.module \}$/);
    refused(
      (function (..._: unknown[]) {
        return arguments;
      })(1, 2),
      /an arguments object cannot be copied: send \[\.\.\.arguments\]$/,
    );
  });

  it("is refused also as an instance of a class of the program that extends it", LIMIT, () => {
    class Happening extends Event {
      number = 1;
    }
    class Place extends URL {}
    class Registry extends WeakMap {}
    refused(new Happening("type"), /an Event cannot be copied/);
    refused(new Place("http://x"), /a URL cannot be copied/);
    refused(new Registry(), /a WeakMap cannot be copied/);
    registerSerializable(Place, {
      name: "host_test.Place",
      serialize: (place) => place.href,
      deserialize: (href) => new Place(href),
    });
    assertEquals(cross(new Place("http://x/y")).pathname, "/y");
  });

  it("keeps its kind if that can be sent, whatever a class adds", LIMIT, () => {
    class Names extends Map<string, number> {
      override get size() {
        return 0;
      }
      override entries(): MapIterator<[string, number]> {
        throw new Error("not asked");
      }
      override [Symbol.iterator](): MapIterator<[string, number]> {
        return this.entries();
      }
    }
    assertEquals([...cross(new Names([["a", 1]]))], [["a", 1]]);
    class Numbers extends Set<number> {
      override values(): SetIterator<number> {
        throw new Error("not asked");
      }
      override [Symbol.iterator](): SetIterator<number> {
        return this.values();
      }
    }
    assertEquals([...cross(new Numbers([1]))], [1]);
    class Day extends Date {
      override getTime(): number {
        throw new Error("not asked");
      }
    }
    assertEquals(Number(cross(new Day(5))), 5);
    class Pattern extends RegExp {
      override get source(): string {
        throw new Error("not asked");
      }
    }
    assertEquals(String(cross(new Pattern("a", "g"))), "/a/g");
  });

  it("keeps its kind if it is of another realm", LIMIT, () => {
    const others = vm.runInNewContext("[{ a: 1 }, [1, 2], new Map([[1, 2]]), new Set([3]), new Date(4), /x/g]");
    assertEquals(cross(others), [{ a: 1 }, [1, 2], new Map([[1, 2]]), new Set([3]), new Date(4), /x/g] as never);
    refused(vm.runInNewContext("new WeakMap()"), /a WeakMap cannot be copied/);
  });

  it("is refused if it only looks like one", LIMIT, () => {
    refused(new Proxy(new Map(), {}), /a proxy of one: send the Map itself$/);
    refused(Object.create(Set.prototype), /it only has the prototype of a Set/);
    refused(new Proxy(new Date(), {}), /send the Date itself$/);
    refused(Object.create(RegExp.prototype), /the prototype of a RegExp/);
    refused(Object.create(ArrayBuffer.prototype), /the prototype of an ArrayBuffer/);
    refused(Object.create(Number.prototype), /the prototype of a boxed primitive/);
  });
});

describe("an object of the program's own", () => {
  class Point {
    #secret = 1;
    readonly x: number;

    constructor(x: number) {
      this.x = x;
    }
    get secret() {
      return this.#secret;
    }
  }

  it("is its data, whatever its prototype", LIMIT, () => {
    assertEquals({ ...cross(new Point(1)) }, { x: 1 } as never);
    function Old(this: Record<string, unknown>) {
      this.a = 1;
    }
    assertEquals(cross(new (Old as unknown as Class)()), { a: 1 });
    assertEquals(cross(Object.assign(Object.create({ inherited: 1 }), { own: 2 })), { own: 2 });
    assertEquals(cross(new (class Empty {})()), {});
    assertEquals(
      cross(
        new (class Colour {
          name() {
            return "#fff";
          }
        })(),
      ),
      {},
    );
    assertEquals(cross({ [Symbol.toStringTag]: "Mine" }), {} as never);
    assertEquals(
      cross(
        new (class Tagged {
          a = 1;
          get [Symbol.toStringTag]() {
            return "Promise";
          }
        })(),
      ),
      { a: 1 } as never,
    );
    assertEquals({ ...cross(Object.assign(Object.create(null), { a: 1 })) }, { a: 1 });
    assertEquals(cross({ 0: "a", 1: "b" }), { 0: "a", 1: "b" });
  });

  it("that is seen through a proxy is what the proxy shows", LIMIT, () => {
    assertEquals(cross(new Proxy({ a: 1 }, { get: () => 2 })), { a: 2 });
    assertEquals(cross(new Proxy([1, 2], {})), [1, 2]);
    assertEquals(Object.keys(cross(new Proxy(Object.assign([1], { a: 1 }), {}))), ["0", "a"]);
  });

  it("is refused where all of it is private, since it would arrive empty", LIMIT, () => {
    class Account {
      #balance = 1;
      get balance() {
        return this.#balance;
      }
    }
    class Savings extends Account {}
    refused(new Account(), /all that an instance of Account holds is private: call registerSerializable\(\)/);
    refused(new Savings(), /all that an instance of Savings holds is private/);
    refused(Object.assign(new (class Marked {})(), { [Symbol("mark")]: 1 }), /instance of Marked holds is private/);
  });
});
