/** Works of the pool that programs write by hand: workers that get tasks in turn, a promise for each task. */

import { setTimeout as delay } from "node:timers/promises";
import { timed, type Work } from "../../lib/play.ts";
import type { Order } from "./orders.ts";
import { type Partner, startChild, startWorker } from "./partner.ts";
import { BATCH, MB, object, WORKERS } from "./sizes.ts";

type Task = Extract<Order, { do: "task" }>["task"];

/** The works, and what ends the workers. */
export function pool(threads: boolean): { works: Record<string, Work>; close: () => Promise<void> } {
  const partners: Partner[] = [];
  const waiting = new Map<number, (value: unknown) => void>();
  let tasks = 0;
  const submit = (task: Task, value: unknown, transfer?: ArrayBuffer[]): Promise<unknown> => {
    while (partners.length < WORKERS) {
      const partner = threads ? startWorker() : startChild("advanced");
      partner.onAnswer = (answer) => {
        const { id, value } = answer as { id: number; value: unknown };
        waiting.get(id)!(value);
        waiting.delete(id);
      };
      partners.push(partner);
    }
    const id = tasks++;
    partners[id % WORKERS]!.send({ do: "task", id, task, value }, transfer);
    return new Promise((resolve) => waiting.set(id, resolve));
  };
  const withBytes = (make: () => Uint8Array, transferred = false): Work => async (n) => {
    let ns = 0;
    for (let i = 0; i < n; i++) {
      const bytes = make();
      ns += await timed(() => submit("last", bytes, transferred ? [bytes.buffer as ArrayBuffer] : undefined));
    }
    return ns;
  };
  const works: Record<string, Work> = {
    async "pool/submits"(n) {
      for (let left = n; left > 0; left -= BATCH) {
        await Promise.all(Array.from({ length: Math.min(left, BATCH) }, (_, i) => submit("square", i)));
      }
    },
    async "pool/round trip"(n) {
      for (let i = 0; i < n; i++) await submit("square", i);
    },
    async "pool/after idleness"(n) {
      let ns = 0;
      for (let i = 0; i < n; i++) {
        await delay(60);
        ns += await timed(() => submit("square", i));
      }
      return ns;
    },
    async "pool/1 KB"(n) {
      for (let i = 0; i < n; i++) await submit("echo", object(i));
    },
    async "pool/cpu"(n) {
      await Promise.all(Array.from({ length: n }, (_, i) => submit("compute", i)));
    },
  };
  for (const [name, size] of [["1 MB", MB], ["64 MB", 64 * MB]] as const) {
    works[`pool/${name} copied`] = withBytes(() => new Uint8Array(size).fill(1));
    if (!threads) continue;
    works[`pool/${name} transferred`] = withBytes(() => new Uint8Array(size).fill(1), true);
    works[`pool/${name} shared`] = async (n) => {
      const bytes = new Uint8Array(new SharedArrayBuffer(size));
      return await withBytes(() => bytes)(n) as number;
    };
  }
  return { works, close: async () => void await Promise.all(partners.map((partner) => partner.end())) };
}
