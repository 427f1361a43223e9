/**
 * Values to bytes and back: the library's codec beside msgpackr, `structuredClone` and `node:v8`.
 *
 *     deno bench -A --no-check benches/codec_bench.ts
 *     bun benches/codec_bench.ts
 */

import { Packr } from "msgpackr";
import { deserialize, serialize } from "node:v8";
import { decode, encode } from "../_internal/codec/mod.ts";
import { bench } from "./_bench.ts";

const packr = new Packr({ structuredClone: true, moreTypes: true });
const options = { root: "item", scope: "thread" } as const;

const kilobyte = {
  id: 123_456,
  name: "a name of some length",
  email: "somebody@example.com",
  active: true,
  score: 0.75,
  created: 1_764_000_000_000,
  tags: ["alpha", "beta", "gamma", "delta"],
  address: { street: "12 Long Street", city: "Springfield", zip: "12345", geo: { lat: 51.5, lon: -0.12 } },
  items: Array.from({ length: 8 }, (_, i) => ({ sku: `SKU-${i}`, count: i, price: i * 1.5, note: "a short note" })),
  text: "lorem ipsum dolor sit amet ".repeat(8),
};

const values: Record<string, unknown> = {
  "a small integer": 42,
  "{ id, name, tags }": { id: 7, name: "item 7", tags: ["a", "b"] },
  "an object of 1 KB": kilobyte,
  "20 objects of one shape": Array.from({ length: 20 }, (_, i) => ({ id: i, name: `item ${i}`, done: i % 2 === 0 })),
  "10,000 integers": Array.from({ length: 10_000 }, (_, i) => i * 7),
  "10,000 floats": Array.from({ length: 10_000 }, (_, i) => i * 0.1),
  "an ArrayBuffer of 1 MB": new ArrayBuffer(1 << 20),
  "a Float64Array of 100": new Float64Array(100),
  "a string of 40": "x".repeat(40),
  "a string of 10,000": "lorem ipsum ".repeat(834),
  "a string of 10,000, not ASCII": "größe naïve ".repeat(834),
  "a Map of 100": new Map(Array.from({ length: 100 }, (_, i) => [`key ${i}`, i])),
  "a Date": new Date(0),
  "an Error with a cause": new TypeError("wrong", { cause: new Error("first") }),
};

for (const [group, value] of Object.entries(values)) {
  bench(`encode + decode: ${group}`, { group, baseline: true }, () => {
    // Copied, as it is into a queue.
    decode(encode(value, options).slice());
  });
  bench(`msgpackr: ${group}`, { group }, () => {
    packr.unpack(packr.pack(value));
  });
  bench(`structuredClone: ${group}`, { group }, () => {
    structuredClone(value);
  });
  bench(`node:v8: ${group}`, { group }, () => {
    deserialize(serialize(value));
  });
}
