/**
 * The player of what the platform has by itself, on Deno, Bun and Node: `player.ts threads` plays with workers and messages,
 * `player.ts atomics` with words that they share, `player.ts pair` with a word alone, `player.ts processes` with `child_process.fork`.
 * `cold` and `memory` behind that as for the library's player.
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { play, timed, type Work } from "../../lib/play.ts";
import { atomics } from "./atomics.ts";
import { memoryOfTree } from "./memory.ts";
import { messages } from "./messages.ts";
import { pair } from "./pair.ts";
import { nextAnswer, type Partner, startChild, startWorker } from "./partner.ts";
import { pool } from "./pool.ts";
import { afterOthers, runCold } from "./repeated.ts";

const TEN = 10;
const [name, measure, count] = process.argv.slice(2);
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

/** Resolves to how many bytes so many take that wait. */
async function memoryOnce(count: number): Promise<number> {
  const before = memoryOfTree();
  const partners = Array.from({ length: count }, () => start());
  for (const partner of partners) await useOnce(partner);
  const bytes = memoryOfTree() - before;
  for (const partner of partners) await partner.end();
  return bytes;
}

const runtime = process.versions.deno === undefined ? [] : ["run", "-A", "--no-check"];
const once = (measure: string, n: number, count: number): Promise<number> =>
  runCold(n, [process.execPath, ...runtime, fileURLToPath(import.meta.url), name!, measure, String(count)]);

const nothing = fileURLToPath(import.meta.url).replace(/player(\.[jt]s)$/, "importing_nothing$1");
const starting: Record<string, Work> = {
  "start/import": (n) => runCold(n, [process.execPath, ...runtime, nothing]),
  "start/cold": (n) => once("cold", n, 1),
  "start/ten cold": (n) => once("cold", n, TEN),
  "start/spare": (n) => afterOthers(n, () => startOnce(1)),
  async "start/in turn"(n) {
    for (let i = 0; i < n; i++) await startOnce(1);
  },
  async "start/ten"(n) {
    for (let i = 0; i < n; i++) await startOnce(TEN);
  },
  "memory/idle": (n) => once("memory", 1, n),
};

if (measure !== undefined) {
  console.log(await (measure === "memory" ? memoryOnce : startOnce)(Number(count)));
  process.exit();
}
if (name === "atomics") await play(name, atomics);
if (name === "pair") await play(name, pair);
const { works, close } = pool(name === "threads");
await play(name!, { ...starting, ...messages(name === "threads"), ...works }, close);
