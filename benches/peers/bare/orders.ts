/** What a bare worker or child does on command. */

import process from "node:process";
import { increment } from "./lock.ts";
import { drain, fill, itemsOf, put, take } from "./queue.ts";
import { echo, echoAwaiting } from "./words.ts";

/** An order that needs messages only, for workers and children. A task and the last of some bytes are answered once. */
export type Order =
  | { readonly do: "task"; readonly id: number; readonly task: keyof typeof TASKS; readonly value: unknown }
  | { readonly do: "produce"; readonly item: string; readonly times: number }
  | { readonly do: "bytes"; readonly bytes: Uint8Array; readonly answered: boolean }
  | SharedOrder;

/** An order that needs memory that only workers share. */
type SharedOrder =
  | { readonly do: "increment"; readonly words: Int32Array; readonly times: number }
  | {
    readonly do: "put";
    readonly words: Int32Array;
    readonly port: MessagePort;
    readonly item: string;
    readonly times: number;
  }
  | { readonly do: "take"; readonly words: Int32Array; readonly port: MessagePort; readonly times: number }
  | {
    readonly do: "fill" | "drain";
    readonly words: Int32Array;
    readonly slots: Int32Array;
    readonly times: number;
  }
  | { readonly do: "echo" | "echo awaiting"; readonly words: Int32Array };

/** An answer, or an item. */
export type Answer = { readonly id: number; readonly value: unknown } | number | object;

const square = (x: number): number => x * x;

const TASKS = {
  square: (x: unknown): unknown => square(x as number),
  squares: (items: unknown): unknown => (items as number[]).map(square),
  echo: (value: unknown): unknown => value,
  last: (bytes: unknown): unknown => lastOf(bytes as Uint8Array),
  /** Ends the child in the middle of its task, as a crash does. */
  die: (): unknown => process.kill(process.pid, "SIGKILL"),
  compute(seed: unknown): unknown {
    let sum = 0;
    for (let i = 0; i < 2_000_000; i++) sum += Math.sqrt(seed as number + i);
    return sum;
  },
};

function lastOf(bytes: Uint8Array): number {
  return bytes[bytes.length - 1]!;
}

/** Obeys an order. */
export function obey(order: Order, answer: (answer: Answer) => void): void {
  switch (order.do) {
    case "task":
      return answer({ id: order.id, value: TASKS[order.task](order.value) });
    case "produce":
      for (const item of itemsOf(order.item, order.times)) answer(item);
      return;
    case "bytes":
      if (order.answered) answer(lastOf(order.bytes));
      return;
    case "increment":
      increment(order.words, order.times);
      return answer(0);
    case "put":
      return put(order.words, order.port, order.item, order.times);
    case "take":
      take(order.words, order.port, order.times);
      return answer(0);
    case "fill":
      fill(order.words, order.slots, order.times);
      return answer(0);
    case "drain":
      return answer(drain(order.words, order.slots, order.times));
    case "echo":
      return echo(order.words);
    case "echo awaiting":
      return void echoAwaiting(order.words);
  }
}
