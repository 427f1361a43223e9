/** What another thread takes: to see a change while it looks, and to wake up. */

import { setTimeout as delay } from "node:timers/promises";
import type { Work } from "../lib/play.ts";
import { ANSWER, ASK, COUNT, type Manner, WORDS } from "./partner.ts";

/** Milliseconds until the other thread is asleep. */
const ASLEEP_MS = 5;
/** Wake-ups that do not count. */
const WARMING = 3;

const pause = (Atomics as { pause?: () => void }).pause ?? (() => {});

interface Partner {
  readonly words: Int32Array;
  turn: number;
}

const partners = new Map<Manner, Partner>();

function partnerOf(manner: Manner): Partner {
  let partner = partners.get(manner);
  if (partner === undefined) {
    const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
    const worker = new Worker(new URL("./partner.ts", import.meta.url), { type: "module" });
    worker.postMessage({ words, manner });
    partners.set(manner, partner = { words, turn: 0 });
  }
  return partner;
}

/** Nanoseconds that the call took which wakes the partner, and until its answer came. */
async function wake(partner: Partner): Promise<{ call: number; trip: number }> {
  await delay(ASLEEP_MS);
  const { words } = partner;
  const turn = ++partner.turn;
  Atomics.store(words, ASK, turn);
  const begin = performance.now();
  Atomics.notify(words, ASK, 1);
  const called = performance.now();
  while (Atomics.load(words, ANSWER) !== turn) pause();
  return { call: (called - begin) * 1e6, trip: (performance.now() - begin) * 1e6 };
}

/** The value that a part of all wake-ups does not exceed. It counts for each of the `n`. */
function wakes(manner: Manner, of: "call" | "trip", part: number): Work {
  return async (n) => {
    const partner = partnerOf(manner);
    for (let i = 0; i < WARMING; i++) await wake(partner);
    const values: number[] = [];
    for (let i = 0; i < n; i++) values.push((await wake(partner))[of]);
    return values.sort((a, b) => a - b)[Math.floor((n - 1) * part)]! * n;
  };
}

/** Nanoseconds of `n` questions, to a partner that does nothing but look for them. The first wakes it, and does not count. */
function lookAndAnswer(n: number): number {
  const partner = partnerOf("look");
  const { words } = partner;
  Atomics.store(words, COUNT, n + 1);
  let begin = 0;
  for (let i = 0; i <= n; i++) {
    const turn = ++partner.turn;
    Atomics.store(words, ASK, turn);
    if (i === 0) Atomics.notify(words, ASK, 1);
    while (Atomics.load(words, ANSWER) !== turn);
    if (i === 0) begin = performance.now();
  }
  return (performance.now() - begin) * 1e6;
}

/** The works. */
export function otherWorks(): Record<string, Work> {
  return {
    "a word there and back, both threads awake": lookAndAnswer,
    "Atomics.notify that wakes a sleeper: the call": wakes("wait", "call", 0.5),
    "wake-up from Atomics.wait: median": wakes("wait", "trip", 0.5),
    "wake-up from Atomics.wait: p90": wakes("wait", "trip", 0.9),
    "wake-up from Atomics.waitAsync: median": wakes("waitAsync", "trip", 0.5),
    "wake-up from Atomics.waitAsync: p90": wakes("waitAsync", "trip", 0.9),
  };
}
