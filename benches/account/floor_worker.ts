/** The other threads of floors.ts. */

import { loadLibc } from "../../_internal/system/system.ts";
import { increment } from "../peers/bare/lock.ts";
import { ANSWERED, ASKED, standInLine } from "../peers/bare/words.ts";
import {
  type CodeName,
  drainAnnounced,
  drainObjects,
  echoCold,
  END,
  fillAnnounced,
  fillObjects,
  incrementBackingOff,
  incrementGuarded,
  type Ring,
  RINGS,
  takeLarge,
} from "./floor_memory.ts";

/** What a worker does. */
export type Order =
  | {
    readonly do: "increment" | "increment backing off" | "increment guarded";
    readonly words: Int32Array;
    readonly times: number;
  }
  | {
    readonly do: "put" | "take" | "fill numbers" | "drain numbers";
    readonly words: Int32Array;
    readonly slots: Int32Array;
    readonly times: number;
  }
  | {
    readonly do: "fill" | "drain";
    readonly words: Int32Array;
    readonly slots: Uint8Array;
    readonly code: CodeName;
    readonly padding: number;
    readonly times: number;
  }
  | { readonly do: "echo"; readonly words: Int32Array; readonly statements: number; readonly isAwaiting: boolean }
  | {
    readonly do: "echo numbers";
    readonly asked: Int32Array;
    readonly answered: Int32Array;
    readonly slots: Slots;
    readonly ring: Ring;
    readonly isAwaiting: boolean;
  }
  | { readonly do: "echo by futex"; readonly words: Int32Array; readonly address: number }
  | {
    readonly do: "take large";
    readonly words: Int32Array;
    readonly shared: Uint8Array;
    readonly isFresh: boolean;
    readonly times: number;
  };

/** Obeys. Resolves to how much went wrong. */
async function obey(order: Order): Promise<number> {
  switch (order.do) {
    case "increment":
      increment(order.words, order.times);
      return 0;
    case "increment backing off":
      incrementBackingOff(order.words, order.times);
      return 0;
    case "increment guarded":
      incrementGuarded(order.words, order.times);
      return 0;
    case "put":
      return putAll(order.words, order.slots, order.times);
    case "take":
      return takeAll(order.words, order.slots, order.times);
    case "fill numbers":
      fillAnnounced(order.words, order.slots, order.times);
      return 0;
    case "drain numbers":
      return drainAnnounced(order.words, order.slots, order.times);
    case "fill":
      fillObjects(order.words, order.slots, order.code, order.padding, order.times);
      return 0;
    case "drain":
      return drainObjects(order.words, order.slots, order.code, order.padding, order.times);
    case "echo":
      await echoCold(order.words, order.statements, order.isAwaiting);
      return 0;
    case "echo numbers":
      return order.isAwaiting
        ? await echoNumbersAwaiting(order.asked, order.answered, order.slots, order.ring)
        : echoNumbers(order.asked, order.answered, order.slots, order.ring);
    case "echo by futex":
      return echoByFutex(order.address);
    case "take large":
      return takeLarge(order.words, order.shared, order.isFresh, order.times);
  }
}

// Functions of their own: the engines compile a loop of an async function later.
function putAll(words: Int32Array, slots: Int32Array, times: number): number {
  const { put } = RINGS.mutexes;
  standInLine(words);
  for (let i = 0; i < times; i++) put(words, slots, i);
  return 0;
}

function takeAll(words: Int32Array, slots: Int32Array, times: number): number {
  const { take } = RINGS.mutexes;
  standInLine(words);
  let wrong = 0;
  for (let i = 0; i < times; i++) if (take(words, slots) !== i) wrong++;
  return wrong;
}

type Slots = readonly [questions: Int32Array, answers: Int32Array];

function echoNumbers(asked: Int32Array, answered: Int32Array, [questions, answers]: Slots, ring: Ring): number {
  const { put, take } = RINGS[ring];
  for (let item = take(asked, questions); item !== END; item = take(asked, questions)) put(answered, answers, item);
  return 0;
}

async function echoNumbersAwaiting(
  asked: Int32Array,
  answered: Int32Array,
  [questions, answers]: Slots,
  ring: Ring,
): Promise<number> {
  const { put, takeAwaiting } = RINGS[ring];
  for (;;) {
    const item = await takeAwaiting(asked, questions);
    if (item === END) return 0;
    put(answered, answers, item);
  }
}

function echoByFutex(address: number): number {
  const libc = loadLibc("measure futexes");
  const words = new Int32Array(libc.native.view(address, 4096));
  for (let last = 0;;) {
    while (Atomics.load(words, ASKED) === last) libc.wait(address + 4 * ASKED, last, 1_000);
    last = Atomics.load(words, ASKED);
    if (last === END) return 0;
    Atomics.store(words, ANSWERED, last);
    libc.wake(address + 4 * ANSWERED, 1);
  }
}

const self = globalThis as unknown as Worker;
self.onmessage = async ({ data }: MessageEvent<Order>) => self.postMessage(await obey(data));
