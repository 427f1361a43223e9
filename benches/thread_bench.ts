/**
 * How long it takes to start a thread and join it, beside a bare worker that does the same; and what an idle one costs in
 * memory.
 *
 *     deno run -A --no-check benches/thread_bench.ts
 *     bun benches/thread_bench.ts
 */

import process from "node:process";
import { Event, sleep, Thread } from "@weft/concurrent/threading";
import { compare } from "./_bench.ts";
import { doubleLocked } from "./_package_targets.ts";
import { double } from "./_thread_targets.ts";
import { waitForEvent } from "../tests/threading/_targets.ts";

const RAW = new URL("./_raw_worker.ts", import.meta.url);
const RAW_WITH_PACKAGE = new URL("./_raw_worker_with_package.ts", import.meta.url);

const used: Map<string, number[]> = new Map();

/** Runs one and notes which time the processors spent on it: that says more than the clock on a machine with other work. */
async function timed(name: string, run: () => unknown): Promise<number> {
  const [cpu, begin] = [process.cpuUsage(), performance.now()];
  await run();
  const ms = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  used.set(name, [...used.get(name) ?? [], (user + system) / 1000]);
  return 1000 / ms;
}

function printUsed(): void {
  for (const [name, times] of used) {
    const median = times.sort((a, b) => a - b)[times.length >> 1]!;
    console.log(`  ${name.padEnd(44)} ${median.toFixed(1)} ms of processor time`);
  }
  used.clear();
}

async function raw(module: URL): Promise<number> {
  let worker!: Worker;
  const rate = await timed("bare Worker", async () => worker = await idleWorker(module));
  worker.terminate();
  return rate;
}

async function thread(target: (x: number) => number, blocked: boolean, warm: boolean): Promise<number> {
  // A spare worker goes after a few seconds without use; it is there a moment after the last start.
  await sleep(warm ? 150 : 3_300);
  return await timed(`Thread, ${blocked ? "joinSync" : "await join"}`, async () => {
    const one = new Thread({ target, args: [1] }).start();
    if (blocked) one.joinSync();
    else await one.join();
  });
}

async function idleWorker(module: URL): Promise<Worker> {
  const worker = new Worker(module, { type: "module" });
  worker.postMessage(1);
  await new Promise((resolve) => worker.onmessage = resolve);
  return worker;
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
  for (const warm of [false, true]) {
    const when = warm ? "some time after another" : "with nothing warm";
    const rounds = warm ? 15 : 7;
    await compare(`start and end of one, ${when}`, [
      { name: "bare Worker", run: () => raw(RAW) },
      { name: "Thread, start and await join", run: () => thread(double, false, warm) },
      { name: "Thread, start and joinSync", run: () => thread(double, true, warm) },
    ], rounds);
    printUsed();
    await compare(`the same where the function's module imports the package, ${when}`, [
      { name: "bare Worker", run: () => raw(RAW_WITH_PACKAGE) },
      { name: "Thread, start and await join", run: () => thread(doubleLocked, false, warm) },
      { name: "Thread, start and joinSync", run: () => thread(doubleLocked, true, warm) },
    ], rounds);
    printUsed();
  }

  const bare = await memoryOf(() => idleWorker(RAW));
  const withPackage = await memoryOf(() => idleWorker(RAW_WITH_PACKAGE));
  const idle = await memoryOf(async () => {
    const thread = new Thread({ target: waitForEvent, args: [new Event()] }).start();
    await sleep(50);
    return thread;
  });
  console.log(
    `\nmemory of an idle one: bare Worker ${bare.toFixed(1)} MB, one that imports the package ${
      withPackage.toFixed(1)
    } MB, Thread ${idle.toFixed(1)} MB`,
  );
  process.exit();
}
