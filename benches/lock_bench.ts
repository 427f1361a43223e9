/** A free lock, beside the two atomic operations that it cannot do without. */

import { Event, Lock, RLock, RWLock, Semaphore, Value } from "@weft/concurrent/sync";
import { bench } from "./_bench.ts";

const group = "acquire and release, free";
const words = new Int32Array(new SharedArrayBuffer(64));
const lock = new Lock();
const rlock = new RLock();
const semaphore = new Semaphore(1);
const rwlock = new RWLock();

bench("compareExchange + exchange", { group, baseline: true }, () => {
  Atomics.compareExchange(words, 0, 0, 1);
  Atomics.exchange(words, 0, 0);
});
bench("Lock.acquireSync + release", { group }, () => {
  lock.acquireSync();
  lock.release();
});
bench("Lock.acquireSync + dispose of the guard", { group }, () => {
  lock.acquireSync()[Symbol.dispose]();
});
bench("using Lock.acquireSync", { group }, () => {
  using _held = lock.acquireSync();
});
bench("Lock.tryAcquire + dispose of the guard", { group }, () => {
  lock.tryAcquire()![Symbol.dispose]();
});
bench("await Lock.acquire", { group }, async () => {
  (await lock.acquire())[Symbol.dispose]();
});
bench("RLock.acquireSync + release", { group }, () => {
  rlock.acquireSync();
  rlock.release();
});
bench("Semaphore.acquireSync + release", { group }, () => {
  semaphore.acquireSync();
  semaphore.release();
});
bench("RWLock.readSync + dispose of the guard", { group }, () => {
  rwlock.readSync()[Symbol.dispose]();
});
bench("RWLock.writeSync + dispose of the guard", { group }, () => {
  rwlock.writeSync()[Symbol.dispose]();
});

const values = "one number";
const bare = new Int32Array(new SharedArrayBuffer(64));
const value = new Value("i32");
const event = new Event();

bench("Atomics.load and store", { group: values, baseline: true }, () => {
  Atomics.store(bare, 0, Atomics.load(bare, 0) + 1 | 0);
});
bench("value.value = value.value + 1", { group: values }, () => {
  value.value = value.value + 1 | 0;
});
bench("value.add(1)", { group: values }, () => {
  value.add(1);
});
bench("event.isSet", { group: values }, () => {
  void event.isSet;
});
