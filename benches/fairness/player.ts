/**
 * Measures one lock in one setting, and prints what came of it as JSON.
 *
 *     deno run -A --no-check benches/fairness/player.ts Lock 4 20 1000     4 threads, 20 µs, for 1,000 ms
 *     bun benches/fairness/player.ts "mutex of three states" 4 0 1000
 */

import process from "node:process";
import { Lock, SharedArray, Thread } from "@weft/concurrent/threading";
import { runtimeVersion } from "../lib/play.ts";
import type { Order } from "./bare_worker.ts";
import type { LOCKS, Outcome } from "./plan.ts";
import { race, resultOf, takeTurns, wordsFor } from "./turns.ts";

const [name, threads, micros, ms] = process.argv.slice(2);
const indexes = Array.from({ length: Number(threads) }, (_, index) => index);

async function withLock(): Promise<Outcome> {
  const lock = new Lock();
  const common = new SharedArray("i32", wordsFor(indexes.length));
  const all = indexes.map((index) =>
    new Thread({ target: takeTurns, args: [lock, common, index, Number(micros)] }).start()
  );
  const had = await race(common.array, indexes.length, Number(ms));
  for (const thread of all) await thread.result();
  return outcomeOf(common.array, had);
}

async function withMutex(): Promise<Outcome> {
  const words = new Int32Array(new SharedArrayBuffer(4 * wordsFor(indexes.length)));
  const lock = new Int32Array(new SharedArrayBuffer(4));
  const ends = indexes.map((index) => {
    const worker = new Worker(new URL("./bare_worker.ts", import.meta.url), { type: "module" });
    const order: Order = { words, lock, index, micros: Number(micros) };
    worker.postMessage(order);
    return new Promise<void>((resolve, reject) => {
      worker.onmessage = () => {
        worker.terminate();
        resolve();
      };
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  });
  const had = await race(words, indexes.length, Number(ms));
  await Promise.all(ends);
  return outcomeOf(words, had);
}

function outcomeOf(words: Int32Array, had: number): Outcome {
  const results = indexes.map((index) => resultOf(words, index));
  return {
    version: runtimeVersion(),
    ms: had,
    turns: results.map(({ turns }) => turns),
    gaps: results.map(({ gap }) => gap),
  };
}

// A thread of the library imports the module of its target, which is turns.ts, and not this one.
const players: Readonly<Partial<Record<keyof typeof LOCKS, () => Promise<Outcome>>>> = {
  "Lock": withLock,
  "mutex of three states": withMutex,
};
const play = players[name as keyof typeof LOCKS];
if (play === undefined) throw new Error(`Cannot measure fairness: there is no lock "${name}"`);
console.log(JSON.stringify(await play()));
