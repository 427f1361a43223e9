/** Other pools, where they are installed: `npm install --prefix benches/peers`. */

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** One task at a time is all that they know. */
export interface Peer {
  name: string;
  run(value: unknown): Promise<unknown>;
  close(): unknown;
}

const require = createRequire(new URL("./peers/package.json", import.meta.url));
const file = (name: string): string => fileURLToPath(new URL(`./peers/${name}`, import.meta.url));

const makers: Record<string, (workers: number) => Promise<Peer> | Peer> = {
  piscina(workers) {
    const { Piscina } = require("piscina");
    const pool = new Piscina({ filename: file("square.mjs"), minThreads: workers, maxThreads: workers });
    return { name: "piscina", run: (value) => pool.run(value), close: () => pool.destroy() };
  },
  async tinypool(workers) {
    // On Deno its workers do not start.
    if ("Deno" in globalThis) throw new Error("not here");
    const { default: Tinypool } = await import(require.resolve("tinypool"));
    const pool = new Tinypool({ filename: file("square.mjs"), minThreads: workers, maxThreads: workers });
    return { name: "tinypool", run: (value) => pool.run(value), close: () => pool.destroy() };
  },
  poolifier(workers) {
    const { FixedThreadPool } = require("poolifier");
    const pool = new FixedThreadPool(workers, file("poolifier_worker.cjs"));
    return { name: "poolifier", run: (value) => pool.execute(value), close: () => pool.destroy() };
  },
  workerpool(workers) {
    // On Bun it does not run.
    if ("Bun" in globalThis) throw new Error("not here");
    const pool = require("workerpool").pool({ maxWorkers: workers, minWorkers: workers, workerType: "thread" });
    const work = (x: unknown): unknown => typeof x === "number" ? x * x : x;
    return { name: "workerpool", run: (value) => pool.exec(work, [value]), close: () => pool.terminate() };
  },
};

/** Those that are installed and do one task. */
export async function peers(workers: number): Promise<Peer[]> {
  const all: Peer[] = [];
  for (const make of Object.values(makers)) {
    try {
      const peer = await make(workers);
      const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error("too late")), 3000));
      late.catch(() => {});
      if (await Promise.race([peer.run(3), late]) === 9) all.push(peer);
    } catch {
      // Not installed, or not for this runtime.
    }
  }
  return all;
}
