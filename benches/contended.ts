/**
 * Threads that want the same lock, and that pass each other items, beside what else there is.
 *
 *     deno run -A --no-check benches/contended.ts
 *     bun benches/contended.ts
 *     bun benches/contended.ts lock # some of them
 */

import process from "node:process";
import { Barrier, Lock, Queue, Thread, Value } from "@weft/concurrent/threading";
import { channelRate, mutexRate } from "./_multithreading.ts";
import { compare, type Contestant, python } from "./_bench.ts";
import { getItems, increment, putNumbers, putObjects } from "./contended_targets.ts";

const TIMES = 200_000;

async function contended(threads: number, times = TIMES): Promise<number> {
  const lock = new Lock();
  const value = new Value("i32");
  const start = new Barrier(threads + 1);
  const end = new Barrier(threads + 1);
  const started = Array.from(
    { length: threads },
    () => new Thread({ target: increment, args: [lock, value, times, start, end] }).start(),
  );
  await start.wait();
  const begin = performance.now();
  await end.wait();
  const ms = performance.now() - begin;
  for (const thread of started) await thread.join();
  if (value.value !== threads * times) throw new Error(`Lost an increment: ${value.value}`);
  return threads * times / ms * 1000;
}

const pythonLock = (threads: number): string => `
import threading, time
lock = threading.Lock()
n = 0
def work():
    global n
    for _ in range(${TIMES}):
        with lock:
            n += 1
ts = [threading.Thread(target=work) for _ in range(${threads})]
b = time.perf_counter()
for t in ts: t.start()
for t in ts: t.join()
print(${threads} * ${TIMES} / (time.perf_counter() - b))`;

async function queued(target: "numbers" | "objects", count: number, padding = ""): Promise<number> {
  const queue = new Queue<never>({ maxsize: 0 });
  const start = new Barrier(2);
  const end = new Barrier(2);
  const getter = new Thread({ target: getItems, args: [queue as Queue<unknown>, count, end] }).start();
  const putter = target === "numbers"
    ? new Thread({ target: putNumbers, args: [queue as Queue<number>, count, start] }).start()
    : new Thread({ target: putObjects, args: [queue as Queue<object>, count, start, padding] }).start();
  await start.wait();
  const begin = performance.now();
  await end.wait();
  const ms = performance.now() - begin;
  await getter.join();
  await putter.join();
  return count / ms * 1000;
}

/** From a worker to this thread, as fast as it goes. */
async function posted(make: string, count: number): Promise<number> {
  const source = `self.onmessage = () => { for (let i = 0; i < ${count}; i++) self.postMessage(${make}); };`;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
  let left = count;
  let begin = 0;
  await new Promise<void>((resolve) => {
    worker.onmessage = ({ data }) => {
      if (data === undefined) throw new Error("Lost a message");
      if (begin === 0) begin = performance.now();
      if (--left === 0) resolve();
    };
    worker.postMessage("go");
  });
  const ms = performance.now() - begin;
  worker.terminate();
  return count / ms * 1000;
}

const pythonQueue = `
import threading, queue, time
q = queue.Queue()
def put():
    for i in range(${TIMES}): q.put(i)
t = threading.Thread(target=put)
b = time.perf_counter()
t.start()
for i in range(${TIMES}): q.get()
print(${TIMES} / (time.perf_counter() - b))`;

const only = process.argv[2];

/** With an argument, only what has that in its title. */
async function show(title: string, contestants: Contestant[]): Promise<void> {
  if (only === undefined || title.includes(only)) {
    await compare(title, contestants, Number(process.env.BENCH_ROUNDS ?? 5));
  }
}

for (const threads of [2, 4]) {
  await show(`${threads} threads x ${TIMES} increments under a lock`, [
    { name: "Lock", run: () => contended(threads) },
    { name: "CPython threading.Lock", run: () => python(pythonLock(threads)) },
  ]);
}
await show(`${TIMES} small integers from thread to thread`, [
  { name: "Queue", run: () => queued("numbers", TIMES) },
  { name: "postMessage", run: () => posted("i", TIMES) },
  { name: "CPython queue.Queue", run: () => python(pythonQueue) },
]);
await show(`${TIMES / 2} objects { id, name, tags } from thread to thread`, [
  { name: "Queue", run: () => queued("objects", TIMES / 2) },
  { name: "postMessage", run: () => posted("({ id: i, name: `item ${i}`, tags: ['a', 'b'] })", TIMES / 2) },
]);
await show(`${TIMES / 4} objects of 1 KB from thread to thread`, [
  { name: "Queue", run: () => queued("objects", TIMES / 4, "x".repeat(1000)) },
  {
    name: "postMessage",
    run: () => posted(`({ id: i, name: 'item ${"x".repeat(1000)}' + i, tags: ['a', 'b'] })`, TIMES / 4),
  },
]);
// Last, since its workers go on spinning. It takes too long for more, and what takes less time suffers less from other
// programs: so the same number for both.
const FEW = TIMES / 10;
for (const threads of [2, 4]) {
  await show(`${threads} threads x ${FEW} increments under a lock, beside npm's multithreading`, [
    { name: "Lock", run: () => contended(threads, FEW) },
    { name: "multithreading Mutex", run: () => mutexRate(threads, FEW) },
  ]);
}
await show(`${FEW} small integers from thread to thread, beside npm's multithreading`, [
  { name: "Queue", run: () => queued("numbers", FEW) },
  { name: "multithreading channel", run: () => channelRate(FEW) },
]);
process.exit();
