/** Uncontended locks, beside the two atomic operations that a lock cannot do without. */

import { BoundedSemaphore, Condition, Lock, RLock, RWLock, Semaphore } from "@weft/concurrent/sync";
import { bench } from "./_harness.ts";

const words = new Int32Array(new SharedArrayBuffer(64));
const lock = new Lock();
const local = new Lock({ local: true });
const rlock = new RLock();
const semaphore = new Semaphore(1);
const bounded = new BoundedSemaphore(1);
const condition = new Condition();
const rwlock = new RWLock();

const group = "acquire and release: uncontended";

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
bench("local Lock.acquireSync + release", { group }, () => {
  local.acquireSync();
  local.release();
});
bench("RLock.acquireSync + release", { group }, () => {
  rlock.acquireSync();
  rlock.release();
});
bench("RLock.acquireSync + release while held already", { group }, () => {
  rlock.acquireSync();
  rlock.acquireSync();
  rlock.release();
  rlock.release();
});
bench("Semaphore.acquireSync + release", { group }, () => {
  semaphore.acquireSync();
  semaphore.release();
});
bench("BoundedSemaphore.acquireSync + release", { group }, () => {
  bounded.acquireSync();
  bounded.release();
});
bench("Condition.acquireSync + notify + release", { group }, () => {
  condition.acquireSync();
  condition.notify();
  condition.release();
});
bench("RWLock.readSync + dispose of the guard", { group }, () => {
  rwlock.readSync()[Symbol.dispose]();
});
bench("RWLock.writeSync + dispose of the guard", { group }, () => {
  rwlock.writeSync()[Symbol.dispose]();
});

const awaited = "acquire and release: uncontended and awaited";

bench("compareExchange + exchange + await", { group: awaited, baseline: true }, async () => {
  await Atomics.compareExchange(words, 0, 0, 1);
  Atomics.exchange(words, 0, 0);
});
bench("await Lock.acquire", { group: awaited }, async () => {
  (await lock.acquire())[Symbol.dispose]();
});
bench("await RLock.acquire", { group: awaited }, async () => {
  (await rlock.acquire())[Symbol.dispose]();
});
bench("await Semaphore.acquire", { group: awaited }, async () => {
  (await semaphore.acquire())[Symbol.dispose]();
});
bench("await RWLock.read", { group: awaited }, async () => {
  (await rwlock.read())[Symbol.dispose]();
});
