/** Values to bytes and back: the library's codec beside `structuredClone`, msgpackr and `node:v8`. */

import { Packr } from "msgpackr";
import { deserialize, serialize } from "node:v8";
import { decode } from "../_internal/codec/decode.ts";
import { encode } from "../_internal/codec/encode.ts";
import { bench, keep } from "./_harness.ts";
import { items } from "./_items.ts";

const packr = new Packr({ structuredClone: true, moreTypes: true });
const options = { root: "item", scope: "thread" } as const;

const values: Record<string, unknown> = {
  ...items,
  "10000 floats": Array.from({ length: 10_000 }, (_, i) => i * 0.1),
  "an ArrayBuffer of 1 MB": new ArrayBuffer(1 << 20),
  "a string of 10000": "lorem ipsum ".repeat(834),
  "a string of 10000 beyond ASCII": "größe naïve ".repeat(834),
  "a Map of 100": new Map(Array.from({ length: 100 }, (_, i) => [`key ${i}`, i])),
  "an Error with a cause": new TypeError("wrong", { cause: new Error("first") }),
};

for (const [name, value] of Object.entries(values)) {
  const group = `to bytes and back: ${name}`;
  bench("structuredClone", { group, baseline: true }, () => {
    keep(structuredClone(value));
  });
  bench("encode + decode", { group }, () => {
    // Copied, as it is into a queue.
    decode(encode(value, options).slice());
  });
  bench("msgpackr", { group, peer: true }, () => {
    packr.unpack(packr.pack(value));
  });
  bench("node:v8", { group, peer: true }, () => {
    deserialize(serialize(value));
  });
}
