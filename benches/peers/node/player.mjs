/**
 * The player of npm's packages on Node: `player.mjs piscina threads`; `cold` and `memory` behind that as for the
 * library's player.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { play, timed } from "../out/lib/play.js";
import { memoryOfTree } from "../out/peers/bare/memory.js";
import { afterOthers, runCold } from "../out/peers/bare/repeated.js";
import { BATCH, MB, object, WORKERS } from "../out/peers/bare/sizes.js";
import { opener } from "./packages.mjs";

// What they print belongs to no answer.
process.on("uncaughtException", (error) => console.error(error));

const [name, scope, measure, count] = process.argv.slice(2);
const { version } = JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), "utf8"));
const openPool = await opener(name, scope);

function open(workers) {
  const { run, ...rest } = openPool(workers);
  // Some return promises of their own kind.
  return { ...rest, run: async (...args) => await run(...args) };
}

/** Has each worker of a pool do a task: while they sleep none of them takes a second one. */
async function useAll(pool, count) {
  await Promise.all(Array.from({ length: count }, () => pool.run(count === 1 ? "square" : "sleep", 1)));
}

/** Starts a pool of so many workers, has each do a task, and ends it; resolves to nanoseconds. */
function startOnce(count) {
  return timed(async () => {
    const pool = open(count);
    await useAll(pool, count);
    await pool.close();
  });
}

/** Resolves to how many bytes so many workers take that wait. */
async function memoryOnce(count) {
  const before = memoryOfTree();
  const pool = open(count);
  await useAll(pool, count);
  const bytes = memoryOfTree() - before;
  await pool.close();
  return bytes;
}

if (measure !== undefined) {
  console.log(await (measure === "memory" ? memoryOnce : startOnce)(Number(count)));
  process.exit();
}

const once = (measure, n, count) =>
  runCold(n, [process.execPath, fileURLToPath(import.meta.url), name, scope, measure, String(count)]);

let opened;
const pool = () => opened ??= open(WORKERS);

function mapOf(size) {
  const items = Array.from({ length: size }, (_, i) => i);
  return async (n) => {
    const maps = Math.max(1, Math.round(n / size));
    const { map, run } = pool();
    const ns = await timed(async () => {
      for (let i = 0; i < maps; i++) {
        await (map === undefined ? Promise.all(items.map((item) => run("square", item))) : map("square", items));
      }
    });
    return ns / (maps * size) * n;
  };
}

function withBytes(make, transferred) {
  return async (n) => {
    let ns = 0;
    for (let i = 0; i < n; i++) {
      const bytes = make();
      ns += await timed(() => pool().run("last", bytes, transferred ? [bytes.buffer] : undefined));
    }
    return ns;
  };
}

const works = {
  "start/cold": (n) => once("cold", n, 1),
  "start/spare": (n) => afterOthers(n, () => startOnce(1)),
  async "start/in turn"(n) {
    for (let i = 0; i < n; i++) await startOnce(1);
  },
  "memory/idle": (n) => once("memory", 1, n),
  "pool/map 1000": mapOf(1000),
  "pool/map 10000": mapOf(10_000),
  "pool/map 100000": mapOf(100_000),
  async "pool/submits"(n) {
    for (let left = n; left > 0; left -= BATCH) {
      await Promise.all(Array.from({ length: Math.min(left, BATCH) }, (_, i) => pool().run("square", i)));
    }
  },
  async "pool/round trip"(n) {
    for (let i = 0; i < n; i++) await pool().run("square", i);
  },
  async "pool/after idleness"(n) {
    let ns = 0;
    for (let i = 0; i < n; i++) {
      await delay(60);
      ns += await timed(() => pool().run("square", i));
    }
    return ns;
  },
  async "pool/1 KB"(n) {
    for (let i = 0; i < n; i++) await pool().run("echo", object(i));
  },
  async "pool/cpu"(n) {
    await Promise.all(Array.from({ length: n }, (_, i) => pool().run("compute", i)));
  },
  async "pool/killed"(n) {
    let ns = 0;
    for (let i = 0; i < n; i++) {
      await pool().run("square", i);
      ns += await timed(() => pool().run("die", i).then(() => {}, () => {}));
    }
    return ns;
  },
};
for (const [title, size] of [["1 MB", MB], ["64 MB", 64 * MB]]) {
  // One of them moves whatever it can, so that it copies nothing.
  if (name !== "multithreading") works[`pool/${title} copied`] = withBytes(() => new Uint8Array(size).fill(1));
  if (scope === "processes") continue;
  works[`pool/${title} transferred`] = withBytes(() => new Uint8Array(size).fill(1), true);
  works[`pool/${title} shared`] = async (n) => {
    const bytes = new Uint8Array(new SharedArrayBuffer(size));
    return await withBytes(() => bytes)(n);
  };
}
const own = name === "multithreading" ? (await import("./primitives.mjs")).works : {};
await play(`${name} ${version}`, { ...works, ...own }, () => opened?.close());
