/**
 * Processes that want the same lock, and that send each other messages, beside CPython's `multiprocessing` where `python3`
 * is installed, and `child_process.fork`.
 *
 *     deno run -A --no-check benches/processes.ts
 *     bun benches/processes.ts
 *     bun benches/processes.ts Pipe # some of them
 */

import { fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  Barrier,
  Event,
  Lock,
  Pipe,
  Process,
  Queue,
  SharedArray,
  sleep,
  Value,
} from "@weft/concurrent/multiprocessing";
import { compare, type Contestant, python } from "./_bench.ts";
import { getItems, increment, putNumbers, putObjects } from "./contended_targets.ts";
import { echo, readLast, takeBytes, turns } from "./processes_targets.ts";

const TIMES = 200_000;
const OBJECTS = 30_000;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const only = process.argv[2];

async function show(title: string, contestants: Contestant[]): Promise<void> {
  if (only === undefined || title.includes(only)) await compare(title, contestants, ROUNDS);
}

async function contended(processes: number): Promise<number> {
  const lock = new Lock();
  const value = new Value("i32");
  const start = new Barrier(processes + 1);
  const end = new Barrier(processes + 1);
  const started = Array.from(
    { length: processes },
    () => new Process({ target: increment, args: [lock, value, TIMES, start, end] }).start(),
  );
  await start.wait();
  const begin = performance.now();
  await end.wait();
  const ms = performance.now() - begin;
  for (const one of started) await one.join();
  if (value.value !== processes * TIMES) throw new Error(`Lost an increment: ${value.value}`);
  return processes * TIMES / ms * 1000;
}

async function queued(count: number, size: number): Promise<number> {
  const queue = new Queue<never>();
  const start = new Barrier(2);
  const end = new Barrier(2);
  const getter = new Process({ target: getItems, args: [queue as Queue<unknown>, count, end] }).start();
  const putter = size === 0
    ? new Process({ target: putNumbers, args: [queue as Queue<number>, count, start] }).start()
    : new Process({ target: putObjects, args: [queue as Queue<object>, count, start, "x".repeat(size)] }).start();
  await start.wait();
  const begin = performance.now();
  await end.wait();
  const ms = performance.now() - begin;
  await getter.join();
  await putter.join();
  return count / ms * 1000;
}

/** From a child to this process, as fast as it goes. */
async function forked(count: number, size: number): Promise<number> {
  const child = fork(fileURLToPath(new URL("./_fork_child.ts", import.meta.url)), [], { serialization: "json" });
  let left = count;
  let begin = 0;
  await new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("message", () => {
      if (begin === 0) begin = performance.now();
      if (--left === 0) resolve();
    });
    child.send({ count, size });
  });
  const ms = performance.now() - begin;
  child.kill();
  return count / ms * 1000;
}

/** Round trips a second: without a break, or each after one in which the other side falls asleep. */
async function pingPong(times: number, pause: number): Promise<number> {
  const [here, there] = Pipe();
  const child = new Process({ target: echo, args: [there] }).start();
  here.recvSync();
  let ms = 0;
  for (let i = 0; i < times; i++) {
    if (pause > 0) await sleep(pause);
    const begin = performance.now();
    here.sendSync(i);
    here.recvSync();
    ms += performance.now() - begin;
  }
  here.sendSync(null);
  await child.join();
  return times / ms * 1000;
}

/** Two words that nobody sleeps on: the least that a round trip can cost. */
async function spinning(times: number): Promise<number> {
  const words = new SharedArray("i32", 16);
  const end = new Barrier(2);
  const child = new Process({ target: turns, args: [words, times, end] }).start();
  const { array } = words;
  let begin = 0;
  for (let i = 0; i < times; i++) {
    Atomics.store(array, 0, 2 * i + 1);
    while (Atomics.load(array, 0) !== 2 * i + 2) continue;
    if (i === times >> 1) begin = performance.now();
  }
  const ms = performance.now() - begin;
  end.waitSync();
  await child.join();
  return (times - (times >> 1)) / ms * 1000;
}

/** Megabytes a second. */
async function megabytes(count: number): Promise<number> {
  const [here, there] = Pipe();
  const child = new Process({ target: takeBytes, args: [there, count] }).start();
  here.recvSync();
  const bytes = new Uint8Array(1 << 20).fill(1);
  const begin = performance.now();
  for (let i = 0; i < count; i++) here.sendBytesSync(bytes);
  here.recvSync();
  const ms = performance.now() - begin;
  await child.join();
  return count / ms * 1000;
}

/** How often a second a child could begin to read an array of so many bytes that it has. */
async function shared(bytes: number): Promise<number> {
  const numbers = new SharedArray("f64", bytes / 8);
  numbers.array[numbers.length - 1] = 7;
  const [here, there] = Pipe();
  const go = new Event();
  const child = new Process({ target: readLast, args: [numbers, go, there] }).start();
  here.recvSync();
  go.set();
  const [last, ms] = here.recvSync() as [number, number];
  if (last !== 7) throw new Error(`Read ${last}`);
  await child.join();
  numbers[Symbol.dispose]();
  return 1000 / ms;
}

const PYTHON = "import multiprocessing as mp, time\nmp.set_start_method('fork')\n";
const pythonLock = `${PYTHON}
def work(lock, value):
    for _ in range(${TIMES}):
        with lock: value.value += 1
lock = mp.Lock(); value = mp.Value('i', 0, lock=False)
ps = [mp.Process(target=work, args=(lock, value)) for _ in range(2)]
b = time.perf_counter()
for p in ps: p.start()
for p in ps: p.join()
print(2 * ${TIMES} / (time.perf_counter() - b))`;
const pythonQueue = (count: number, size: number): string =>
  `${PYTHON}
def put(q):
    for i in range(${count}): q.put(${
    size === 0 ? "i" : `{'id': i, 'name': 'item %d' % i + 'x' * ${size}, 'tags': ['a', 'b']}`
  })
q = mp.Queue()
p = mp.Process(target=put, args=(q,))
p.start()
q.get()
b = time.perf_counter()
for i in range(${count - 1}): q.get()
print(${count} / (time.perf_counter() - b))
p.join()`;
const pythonPipe = (times: number, pause: number): string =>
  `${PYTHON}
def echo(c):
    while True:
        m = c.recv()
        if m is None: return
        c.send(m)
a, b = mp.Pipe()
p = mp.Process(target=echo, args=(b,))
p.start()
t = 0
for i in range(${times}):
    time.sleep(${pause / 1000})
    s = time.perf_counter(); a.send(i); a.recv(); t += time.perf_counter() - s
a.send(None); p.join()
print(${times} / t)`;
const pythonBytes = (count: number): string =>
  `${PYTHON}
def take(c):
    for _ in range(${count}): c.recv_bytes()
    c.send(1)
a, b = mp.Pipe()
p = mp.Process(target=take, args=(b,))
p.start()
m = b'x' * (1 << 20)
s = time.perf_counter()
for _ in range(${count}): a.send_bytes(m)
a.recv()
print(${count} / (time.perf_counter() - s)); p.join()`;

if (import.meta.main) {
  await show(`2 processes x ${TIMES} increments of a Value under a Lock`, [
    { name: "Lock", run: () => contended(2) },
    { name: "CPython multiprocessing.Lock", run: () => python(pythonLock) },
  ]);
  await show(`Queue: ${TIMES} small integers from process to process`, [
    { name: "Queue", run: () => queued(TIMES, 0) },
    { name: "CPython multiprocessing.Queue", run: () => python(pythonQueue(TIMES, 0)) },
    { name: "child_process.fork", run: () => forked(TIMES, 0) },
  ]);
  await show(`Queue: ${OBJECTS} objects of 1 KB from process to process`, [
    { name: "Queue", run: () => queued(OBJECTS, 1000) },
    { name: "CPython multiprocessing.Queue", run: () => python(pythonQueue(OBJECTS, 1000)) },
    { name: "child_process.fork", run: () => forked(OBJECTS, 1000) },
  ]);
  await show("Pipe: round trips, both sides busy", [
    { name: "Pipe", run: () => pingPong(50_000, 0) },
    { name: "two bare words, spinning", run: () => spinning(200_000) },
    { name: "CPython multiprocessing.Pipe", run: () => python(pythonPipe(20_000, 0)) },
  ]);
  await show("Pipe: round trips, the other side asleep", [
    { name: "Pipe", run: () => pingPong(300, 1) },
    { name: "CPython multiprocessing.Pipe", run: () => python(pythonPipe(300, 1)) },
  ]);
  await show("Pipe: messages of 1 MiB of bytes", [
    { name: "Pipe", run: () => megabytes(500) },
    { name: "CPython multiprocessing.Pipe", run: () => python(pythonBytes(500)) },
  ]);
  await show("SharedArray: a child begins to read", [
    { name: "64 MB", run: () => shared(2 ** 26) },
    { name: "1 MB", run: () => shared(2 ** 20) },
  ]);
  process.exit();
}
