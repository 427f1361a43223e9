/**
 * The player of what the platform has by itself, on Deno, Bun and Node: `player.ts threads` plays with workers, messages and
 * `Atomics`, `player.ts processes` with `child_process.fork`. `cold` behind that as for the library's player.
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { play, timed, type Work } from "../../lib/play.ts";
import { atomics } from "./atomics.ts";
import { runCold } from "./cold.ts";
import { memoryOfTree } from "./memory.ts";
import { messages } from "./messages.ts";
import { nextAnswer, type Partner, startChild, startWorker } from "./partner.ts";
import { pool } from "./pool.ts";

const TEN = 10;
const [name, cold, count] = process.argv.slice(2);
const start = name === "threads" ? startWorker : startChild;

async function useOnce(partner: Partner): Promise<void> {
  partner.send({ do: "task", id: 0, task: "square", value: 1 });
  await nextAnswer(partner);
}

/** Starts and ends so many, all at once; resolves to nanoseconds. */
async function startOnce(count: number): Promise<number> {
  return await timed(() =>
    Promise.all(Array.from({ length: count }, async () => {
      const partner = start();
      await useOnce(partner);
      await partner.end();
    }))
  );
}

const runtime = process.versions.deno === undefined ? [] : ["run", "-A", "--no-check"];
const coldly = (n: number, count: number): Promise<number> =>
  runCold(n, [process.execPath, ...runtime, fileURLToPath(import.meta.url), name!, "cold", String(count)]);

const starting: Record<string, Work> = {
  "start/cold": (n) => coldly(n, 1),
  "start/ten cold": (n) => coldly(n, TEN),
  async "start/spare"(n) {
    let ns = 0;
    for (let i = 0; i < n; i++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      ns += await startOnce(1);
    }
    return ns;
  },
  async "start/in turn"(n) {
    for (let i = 0; i < n; i++) await startOnce(1);
  },
  async "start/ten"(n) {
    for (let i = 0; i < n; i++) await startOnce(TEN);
  },
  async "memory/idle"(n) {
    const before = memoryOfTree();
    const partners = Array.from({ length: n }, () => start());
    for (const partner of partners) await useOnce(partner);
    const bytes = memoryOfTree() - before;
    for (const partner of partners) await partner.end();
    return bytes;
  },
};

if (cold === "cold") {
  console.log(await startOnce(Number(count)));
  process.exit();
}
const { works, close } = pool(name === "threads");
await play(
  name!,
  { ...starting, ...messages(name === "threads"), ...(name === "threads" ? atomics : {}), ...works },
  close,
);
