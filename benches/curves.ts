/**
 * How cost grows: with the number of threads that want one lock or one queue, and with the number of items in a queue.
 * Where it grows in proportion, the last column stays the same.
 *
 *     deno run -A --no-check benches/curves.ts
 *     bun benches/curves.ts
 *     bun benches/curves.ts items # only the curves of items, or only those of threads
 */

import process from "node:process";
import { Barrier, LifoQueue, Lock, PriorityQueue, Queue, Thread, Value } from "@weft/concurrent/threading";
import { getItems, increment, putNumbers } from "./curves_targets.ts";
import { Watch } from "./lib/watch.ts";

const THREADS = [1, 2, 4, 8, 16, 32, 64];
const ITEMS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
const INCREMENTS = 640_000;
const PASSED = 64_000;

function row(count: number, ms: number, operations: number): void {
  const each = ms * 1e6 / operations;
  console.log(
    `${count.toLocaleString("en").padStart(12)} ${ms.toFixed(1).padStart(10)} ms ${
      each.toFixed(0).padStart(8)
    } ns each`,
  );
}

function fillAndDrain(queue: Queue<unknown>, count: number): void {
  const item = { id: 1, name: "an item", tags: ["a", "b"] };
  for (let i = 0; i < count; i++) queue.putSync(item);
  for (let i = 0; i < count; i++) queue.getSync();
}

const only = process.argv[2];
const watch = await Watch.begin();

if (only !== "items") {
  console.log(`\nThreads that start, stop and are joined`);
  for (const count of THREADS) {
    const end = new Barrier(1);
    const begin = performance.now();
    const threads = Array.from({ length: count }, () => {
      return new Thread({ target: getItems, args: [new Queue<unknown>(), 0, end] }).start();
    });
    for (const thread of threads) await thread.join();
    const ms = performance.now() - begin;
    console.log(
      `${String(count).padStart(12)} ${ms.toFixed(1).padStart(10)} ms ${(ms / count).toFixed(1).padStart(8)} ms each`,
    );
  }

  console.log(`\nThreads that want one lock, ${INCREMENTS.toLocaleString("en")} increments in all`);
  for (const count of THREADS) {
    const lock = new Lock();
    const value = new Value("i32");
    const start = new Barrier(count + 1);
    const end = new Barrier(count + 1);
    const threads = Array.from({ length: count }, () => {
      return new Thread({ target: increment, args: [lock, value, INCREMENTS / count, start, end] }).start();
    });
    await start.wait();
    const begin = performance.now();
    await end.wait();
    row(count, performance.now() - begin, INCREMENTS);
    for (const thread of threads) await thread.join();
    if (value.value !== INCREMENTS) throw new Error(`Lost an increment: ${value.value}`);
  }

  console.log(`\nThreads on one queue, half of them put, ${PASSED.toLocaleString("en")} items in all`);
  for (const count of THREADS.slice(1)) {
    const queue = new Queue<number>();
    const start = new Barrier(count / 2 + 1);
    const end = new Barrier(count / 2 + 1);
    const share = PASSED / (count / 2);
    const threads = Array.from({ length: count }, (_, i) => {
      return i % 2 === 0
        ? new Thread({ target: putNumbers, args: [queue, share, start] }).start()
        : new Thread({ target: getItems, args: [queue as Queue<unknown>, share, end] }).start();
    });
    await start.wait();
    const begin = performance.now();
    await end.wait();
    row(count, performance.now() - begin, PASSED);
    for (const thread of threads) await thread.join();
  }
}

if (only !== "threads") {
  for (const Type of [Queue, LifoQueue, PriorityQueue]) {
    console.log(`\n${Type.name}: so many items put, then taken; time of the processor`);
    fillAndDrain(new Type<unknown>(), 20_000);
    for (const count of ITEMS) {
      // Few items take no time, so the work is repeated until it has handled ten thousand.
      const rounds = Math.max(1, 10_000 / count);
      const queue = new Type<unknown>();
      const begin = process.cpuUsage();
      for (let round = 0; round < rounds; round++) fillAndDrain(queue, count);
      const { user, system } = process.cpuUsage(begin);
      row(count, (user + system) / 1000, rounds * count);
      queue[Symbol.dispose]();
    }
  }
}
console.log(`\n${watch.tell()}`);
process.exit();
