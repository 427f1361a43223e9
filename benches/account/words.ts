/**
 * Bare operations on words of one kind of memory. A program plays them for one kind only: code that has seen two kinds of
 * arrays is slower for both.
 */

import type { Work } from "../lib/play.ts";
import { keep } from "../_harness.ts";
import { LOAD, PAIR, STORE } from "./plan.ts";

/** Reads and writes go over a few words, since an engine would take a read of the same word out of the loop. */
const MASK = 15;
const AT = 64;

const isBun = "Bun" in globalThis;

type Growable = new (length: number, options: { maxByteLength: number }) => SharedArrayBuffer;

function makeGrowing(): SharedArrayBuffer {
  return isBun
    ? new (SharedArrayBuffer as Growable)(2 ** 20, { maxByteLength: 2 ** 32 })
    : new SharedArrayBuffer(2 ** 32);
}

/**
 * The kinds of memory. Those of threads and processes are what the library makes on this runtime, without the library.
 * Locks and queues of threads have an array of a fixed length. On V8 the buffer does not grow, so both are the same there.
 */
const MAKE: Readonly<Record<string, () => Int32Array>> = {
  fixed: () => new Int32Array(new SharedArrayBuffer(4096)),
  growing: () => new Int32Array(makeGrowing()),
  threads: () => isBun ? new Int32Array(makeGrowing(), 0, 2 ** 18) : new Int32Array(makeGrowing()),
  // A mapping is an `ArrayBuffer` to the engine.
  processes: () => new Int32Array(new ArrayBuffer(2 ** 20)),
};

/** The works on such a memory. */
export function wordWorks(kind: string): Record<string, Work> {
  const words = MAKE[kind]!();
  const works: Record<string, Work> = {
    [PAIR]: (n) => {
      for (let i = 0; i < n; i++) {
        Atomics.compareExchange(words, AT, 0, 1);
        Atomics.exchange(words, AT, 0);
      }
    },
    [LOAD]: (n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum = (sum + Atomics.load(words, AT + (i & MASK))) | 0;
      keep(sum);
    },
    "plain read": (n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum = (sum + words[AT + (i & MASK)]!) | 0;
      keep(sum);
    },
    [STORE]: (n) => {
      for (let i = 0; i < n; i++) Atomics.store(words, AT + (i & MASK), i);
    },
    "plain write": (n) => {
      for (let i = 0; i < n; i++) words[AT + (i & MASK)] = i;
    },
  };
  if (kind !== "processes") {
    works["Atomics.notify without a sleeper"] = (n) => {
      for (let i = 0; i < n; i++) Atomics.notify(words, AT, 1);
    };
  }
  return works;
}
