/** Objects that processes share, used by one process alone, beside the bare operations on memory that threads share. */

import {
  Condition,
  Event,
  Lock,
  Pipe,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  SharedArray,
  SharedMemory,
  Value,
} from "@weft/concurrent/multiprocessing";
import { bench, keep } from "./_harness.ts";
import { items } from "./_items.ts";

const words = new Int32Array(new SharedArrayBuffer(64));
const lock = new Lock();
const rlock = new RLock();
const semaphore = new Semaphore(1);
const rwlock = new RWLock();
const condition = new Condition();
const value = new Value("i32");
const event = new Event();
const queue = new Queue<unknown>();
const [receiver, sender] = Pipe({ duplex: false });

const free = "acquire and release over memory of processes: uncontended";

bench("compareExchange + exchange", { group: free, baseline: true }, () => {
  Atomics.compareExchange(words, 0, 0, 1);
  Atomics.exchange(words, 0, 0);
});
bench("Lock.acquireSync + release", { group: free }, () => {
  lock.acquireSync();
  lock.release();
});
bench("RLock.acquireSync + release", { group: free }, () => {
  rlock.acquireSync();
  rlock.release();
});
bench("Semaphore.acquireSync + release", { group: free }, () => {
  semaphore.acquireSync();
  semaphore.release();
});
bench("RWLock.readSync + dispose of the guard", { group: free }, () => {
  rwlock.readSync()[Symbol.dispose]();
});
bench("RWLock.writeSync + dispose of the guard", { group: free }, () => {
  rwlock.writeSync()[Symbol.dispose]();
});
bench("Condition.acquireSync + notify + release", { group: free }, () => {
  condition.acquireSync();
  condition.notify();
  condition.release();
});
bench("Event.set + clear", { group: free }, () => {
  event.set();
  event.clear();
});
bench("Value of i32: add(1)", { group: free }, () => {
  value.add(1);
});

for (const [name, item] of Object.entries(items)) {
  const group = `put and get over memory of processes: ${name}`;
  bench("structuredClone", { group, baseline: true }, () => {
    keep(structuredClone(item));
  });
  bench("Queue.putSync + getSync", { group }, () => {
    queue.putSync(item);
    queue.getSync();
  });
  bench("Pipe: sendSync + recvSync", { group }, () => {
    sender.sendSync(item);
    receiver.recvSync();
  });
}

const SIZE = 1 << 20;
const made = "1 MB made and given back";

bench("new SharedArrayBuffer", { group: made, baseline: true }, () => {
  new Uint8Array(new SharedArrayBuffer(SIZE))[0] = 1;
});
bench("new SharedArray", { group: made }, () => {
  const array = new SharedArray("u8", SIZE);
  array.array[0] = 1;
  array[Symbol.dispose]();
});
bench("new SharedMemory", { group: made }, () => {
  const memory = new SharedMemory({ size: SIZE });
  new Uint8Array(memory.buffer)[0] = 1;
  memory.close();
  memory.unlink();
});

const read = "sum of 1 MB";

function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i++) total += bytes[i]!;
  return total;
}

const bare = new Uint8Array(new SharedArrayBuffer(SIZE));
const memory = new SharedMemory({ size: SIZE });
const bytes = new Uint8Array(memory.buffer);
const array = new SharedArray("u8", SIZE);

bench("SharedArrayBuffer", { group: read, baseline: true }, () => {
  keep(sum(bare));
});
bench("SharedMemory.buffer", { group: read }, () => {
  keep(sum(bytes));
});
bench("SharedArray.array", { group: read }, () => {
  keep(sum(array.array));
});
