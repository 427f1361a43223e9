/** Waits that return at once, beside the atomic operations underneath. */

import { Barrier, Event, Latch, waitAnySync } from "@weft/concurrent/sync";
import { bench, keep } from "./_harness.ts";

const words = new Int32Array(new SharedArrayBuffer(64));
const event = new Event();
const happened = new Event();
happened.set();
const open = new Latch(1);
open.countDown();
const barrier = new Barrier(1);

const set = "set and clear";

bench("Atomics.store + notify: twice", { group: set, baseline: true }, () => {
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
  Atomics.store(words, 0, 0);
  Atomics.notify(words, 0);
});
bench("Event.set + clear", { group: set }, () => {
  event.set();
  event.clear();
});

const wait = "wait for what has happened";

bench("Atomics.load", { group: wait, baseline: true }, () => {
  keep(Atomics.load(words, 0));
});
bench("Event.isSet", { group: wait }, () => {
  keep(happened.isSet);
});
bench("Event.waitSync", { group: wait }, () => {
  happened.waitSync();
});
bench("await Event.wait", { group: wait }, async () => {
  await happened.wait();
});
bench("Latch.waitSync", { group: wait }, () => {
  open.waitSync();
});
bench("waitAnySync of two", { group: wait }, () => {
  waitAnySync([event, happened]);
});

const meet = "meet";

bench("Atomics.add + notify", { group: meet, baseline: true }, () => {
  Atomics.add(words, 1, 1);
  Atomics.notify(words, 1);
});
bench("Barrier.waitSync: alone", { group: meet }, () => {
  barrier.waitSync();
});
bench("await Barrier.wait: alone", { group: meet }, async () => {
  await barrier.wait();
});

const made = "made and given back";

bench("new SharedArrayBuffer(64)", { group: made, baseline: true }, () => {
  keep(new Int32Array(new SharedArrayBuffer(64)));
});
bench("new Event", { group: made }, () => {
  new Event()[Symbol.dispose]();
});
bench("new Latch: counted down and waited for", { group: made }, () => {
  const latch = new Latch(1);
  latch.countDown();
  latch.waitSync();
  latch[Symbol.dispose]();
});
bench("new Barrier", { group: made }, () => {
  new Barrier(2)[Symbol.dispose]();
});
