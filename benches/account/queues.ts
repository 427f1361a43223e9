/** Queues of one thread, and the codec alone. */

import { decodeFirst } from "../../_internal/codec/decode.ts";
import { encode, encodeScratch } from "../../_internal/codec/encode.ts";
import { Queue } from "@weft/concurrent/sync";
import { items } from "../_items.ts";
import { keep } from "../_harness.ts";
import type { Work } from "../lib/play.ts";
import { DECODE, ENCODE } from "./plan.ts";

/** By the ends of the names of the works. */
const ITEMS = { "an integer": items["a small integer"], "{ id, name, tags }": items["a small object"] } as const;
/** How many items are put before as many are taken: enough for the clock, and few enough for the first cache. */
const BATCH = 256;

function put(queue: Queue<unknown>, item: unknown, count: number): void {
  for (let i = 0; i < count; i++) queue.putSync(item);
}

function get(queue: Queue<unknown>, count: number): void {
  for (let i = 0; i < count; i++) keep(queue.getSync());
}

/** Puts and takes `n` items in batches. Returns the nanoseconds of one of the two. */
function half(queue: Queue<unknown>, item: unknown, counted: "put" | "get"): Work {
  return (n) => {
    let ms = 0;
    for (let left = n; left > 0; left -= BATCH) {
      const count = Math.min(left, BATCH);
      const begin = performance.now();
      put(queue, item, count);
      const middle = performance.now();
      get(queue, count);
      const end = performance.now();
      ms += counted === "put" ? middle - begin : end - middle;
    }
    return ms * 1e6;
  };
}

/** The works. */
export function queueWorks(): Record<string, Work> {
  const queue = new Queue<unknown>();
  const works: Record<string, Work> = {};
  for (const [name, item] of Object.entries(ITEMS)) {
    works[`Queue: putSync of ${name}`] = half(queue, item, "put");
    works[`Queue: getSync of ${name}`] = half(queue, item, "get");
    works[`Queue: await put + get of ${name}`] = async (n) => {
      for (let i = 0; i < n; i++) {
        await queue.put(item);
        keep(await queue.get());
      }
    };
  }
  return works;
}

/** The works of the codec, called as a queue calls it. */
export function codecWorks(): Record<string, Work> {
  const item = ITEMS["{ id, name, tags }"];
  const options = { root: "item", scope: "thread" } as const;
  const bytes = encode(item, options).slice();
  return {
    [ENCODE]: (n) => {
      for (let i = 0; i < n; i++) keep(encodeScratch(item, options));
    },
    [DECODE]: (n) => {
      for (let i = 0; i < n; i++) keep(decodeFirst(bytes, bytes.length, false));
    },
  };
}
