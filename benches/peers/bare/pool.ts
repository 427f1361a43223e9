/** Works of the pool that programs write by hand: workers that get tasks in turn, a promise for each task. */

import { setTimeout as delay } from "node:timers/promises";
import { timed, type Work } from "../../lib/play.ts";
import type { Order } from "./orders.ts";
import { nextAnswer, type Partner, startChild, startWorker } from "./partner.ts";
import { BATCH, MB, object, WORKERS } from "./sizes.ts";

type Task = Extract<Order, { do: "task" }>["task"];

/** How many chunks of a map each worker gets, as in CPython's pool. */
const CHUNKS = 4;

/** The workers, which are there from the first task on. */
class HandMadePool {
  readonly #partners: Partner[] = [];
  readonly #waiting = new Map<number, (value: unknown) => void>();
  readonly #start: () => Partner;
  #tasks = 0;

  constructor(start: () => Partner) {
    this.#start = start;
  }

  submit(task: Task, value: unknown, transfer?: ArrayBuffer[]): Promise<unknown> {
    while (this.#partners.length < WORKERS) {
      const partner = this.#start();
      partner.onAnswer = (answer) => {
        const { id, value } = answer as { id: number; value: unknown };
        this.#waiting.get(id)!(value);
        this.#waiting.delete(id);
      };
      this.#partners.push(partner);
    }
    const id = this.#tasks++;
    this.#partners[id % WORKERS]!.send({ do: "task", id, task, value }, transfer);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** In chunks, each of which is a task. */
  async map(items: readonly number[]): Promise<unknown[]> {
    const size = Math.ceil(items.length / (WORKERS * CHUNKS));
    const chunks: Promise<unknown>[] = [];
    for (let at = 0; at < items.length; at += size) chunks.push(this.submit("squares", items.slice(at, at + size)));
    return (await Promise.all(chunks)).flat();
  }

  async end(): Promise<void> {
    await Promise.all(this.#partners.map((partner) => partner.end()));
  }
}

/** The works, and what ends the workers. */
export function pool(threads: boolean): { works: Record<string, Work>; close: () => Promise<void> } {
  // The channel of a child process passes numbers and strings faster as JSON, which cannot hold bytes.
  const plain = new HandMadePool(threads ? startWorker : () => startChild("json"));
  const ofBytes = threads ? plain : new HandMadePool(() => startChild("advanced"));
  const works: Record<string, Work> = {
    "pool/map 1000": mapOf(plain, 1000),
    "pool/map 10000": mapOf(plain, 10_000),
    "pool/map 100000": mapOf(plain, 100_000),
    async "pool/submits"(n) {
      for (let left = n; left > 0; left -= BATCH) {
        await Promise.all(Array.from({ length: Math.min(left, BATCH) }, (_, i) => plain.submit("square", i)));
      }
    },
    async "pool/round trip"(n) {
      for (let i = 0; i < n; i++) await plain.submit("square", i);
    },
    async "pool/after idleness"(n) {
      let ns = 0;
      for (let i = 0; i < n; i++) {
        await delay(60);
        ns += await timed(() => plain.submit("square", i));
      }
      return ns;
    },
    async "pool/1 KB"(n) {
      for (let i = 0; i < n; i++) await plain.submit("echo", object(i));
    },
    async "pool/cpu"(n) {
      await Promise.all(Array.from({ length: n }, (_, i) => plain.submit("compute", i)));
    },
  };
  if (!threads) works["pool/killed"] = killed;
  for (const [name, size] of [["1 MB", MB], ["64 MB", 64 * MB]] as const) {
    const fresh = () => new Uint8Array(size).fill(1);
    works[`pool/${name} copied`] = withBytes(ofBytes, fresh);
    if (!threads) continue;
    works[`pool/${name} transferred`] = withBytes(ofBytes, fresh, true);
    works[`pool/${name} shared`] = (n) => {
      const bytes = new Uint8Array(new SharedArrayBuffer(size));
      return withBytes(ofBytes, () => bytes)(n);
    };
  }
  return { works, close: async () => void await Promise.all([plain, ofBytes].map((each) => each.end())) };
}

function mapOf(pool: HandMadePool, size: number): Work {
  const items = Array.from({ length: size }, (_, i) => i);
  return async (n) => {
    const maps = Math.max(1, Math.round(n / size));
    const ns = await timed(async () => {
      for (let i = 0; i < maps; i++) await pool.map(items);
    });
    return ns / (maps * size) * n;
  };
}

/** Children that end in the middle of a task, which their `exit` reports. */
async function killed(n: number): Promise<number> {
  let ns = 0;
  for (let i = 0; i < n; i++) {
    const child = startChild("json");
    child.send({ do: "task", id: 0, task: "square", value: 1 });
    await nextAnswer(child);
    ns += await timed(() => {
      child.send({ do: "task", id: 1, task: "die", value: 0 });
      return child.ended;
    });
  }
  return ns;
}

/** Each task gets bytes that are made before the clock runs. */
function withBytes(pool: HandMadePool, make: () => Uint8Array, transferred = false): Work {
  return async (n) => {
    let ns = 0;
    for (let i = 0; i < n; i++) {
      const bytes = make();
      ns += await timed(() => pool.submit("last", bytes, transferred ? [bytes.buffer as ArrayBuffer] : undefined));
    }
    return ns;
  };
}
