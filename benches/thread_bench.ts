/**
 * How long it takes to start a thread and join it, beside a bare worker that answers one message; and what an idle one
 * costs in memory.
 *
 *     deno run -A --no-check benches/thread_bench.ts
 *     bun benches/thread_bench.ts
 */

import process from "node:process";
import { Event, sleep, Thread } from "@weft/concurrent/threading";
import { compare } from "./_bench.ts";
import { double } from "./_thread_targets.ts";
import { waitForEvent } from "../tests/threading/_targets.ts";

const RAW = new URL("./_raw_worker.ts", import.meta.url);

async function raw(): Promise<number> {
  const begin = performance.now();
  const worker = new Worker(RAW, { type: "module" });
  worker.postMessage(1);
  await new Promise((resolve) => worker.onmessage = resolve);
  const ms = performance.now() - begin;
  worker.terminate();
  return 1000 / ms;
}

async function thread(blocked: boolean, warm: boolean): Promise<number> {
  // A spare worker goes after a few seconds without use; it is there a moment after the last start.
  await sleep(warm ? 150 : 3_300);
  const begin = performance.now();
  const one = new Thread({ target: double, args: [1] }).start();
  if (blocked) one.joinSync();
  else await one.join();
  return 1000 / (performance.now() - begin);
}

const COUNT = 16;

async function memoryOf(start: () => unknown): Promise<number> {
  const before = process.memoryUsage().rss;
  const all: unknown[] = [];
  for (let i = 0; i < COUNT; i++) all.push(await start());
  await sleep(500);
  return (process.memoryUsage().rss - before) / COUNT / 1e6;
}

if (import.meta.main) {
  await compare("start and end of one", [
    { name: "bare Worker", run: raw },
    { name: "Thread, start and await join", run: () => thread(false, false) },
    { name: "Thread, start and joinSync", run: () => thread(true, false) },
  ], 5);

  await compare("the same, some time after another", [
    { name: "bare Worker", run: raw },
    { name: "Thread, start and await join", run: () => thread(false, true) },
    { name: "Thread, start and joinSync", run: () => thread(true, true) },
  ], 9);

  const bare = await memoryOf(async () => {
    const worker = new Worker(RAW, { type: "module" });
    worker.postMessage(1);
    await new Promise((resolve) => worker.onmessage = resolve);
    return worker;
  });
  const idle = await memoryOf(async () => {
    const thread = new Thread({ target: waitForEvent, args: [new Event()] }).start();
    await sleep(50);
    return thread;
  });
  console.log(`\nmemory of an idle one: bare Worker ${bare.toFixed(1)} MB, Thread ${idle.toFixed(1)} MB`);
  process.exit();
}
