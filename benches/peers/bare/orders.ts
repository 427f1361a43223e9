/** What a bare worker or child does on command. */

import { lock, unlock } from "./lock.ts";

/** An order. All but `produce` are answered once. */
export type Order =
  | { readonly do: "task"; readonly id: number; readonly task: keyof typeof TASKS; readonly value: unknown }
  | { readonly do: "produce"; readonly item: string; readonly times: number }
  | { readonly do: "increment"; readonly words: Int32Array; readonly workers: number; readonly times: number };

/** An answer, or an item. */
export type Answer = { readonly id: number; readonly value: unknown } | number | object;

const TASKS = {
  square: (x: unknown): unknown => (x as number) * (x as number),
  echo: (value: unknown): unknown => value,
  last: (bytes: unknown): unknown => (bytes as Uint8Array)[(bytes as Uint8Array).length - 1],
  compute(seed: unknown): unknown {
    let sum = 0;
    for (let i = 0; i < 2_000_000; i++) sum += Math.sqrt(seed as number + i);
    return sum;
  },
};

/** Where the words of {@linkcode increment} are: the lock, the count, how many are there, the start. */
export const LOCK = 0, COUNT = 32, THERE = 64, GO = 96, WORDS = 128;

/** Obeys an order. */
export function obey(order: Order, answer: (answer: Answer) => void): void {
  if (order.do === "task") return answer({ id: order.id, value: TASKS[order.task](order.value) });
  if (order.do === "produce") return produce(order.item, order.times, answer);
  const { words, times } = order;
  Atomics.add(words, THERE, 1);
  Atomics.notify(words, THERE);
  Atomics.wait(words, GO, 0);
  for (let i = 0; i < times; i++) {
    lock(words, LOCK);
    words[COUNT]!++;
    unlock(words, LOCK);
  }
  answer(0);
}

function produce(item: string, times: number, answer: (item: Answer) => void): void {
  const padding = item === "1 KB" ? "x".repeat(1000) : "";
  if (item === "integers") { for (let i = 0; i < times; i++) answer(i); }
  else for (let id = 0; id < times; id++) answer({ id, name: `item ${id}${padding}`, tags: ["a", "b"] });
}
