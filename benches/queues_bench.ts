/** Putting and getting in one thread, beside a bare message port, whose message is copied just as often. */

import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { LifoQueue, PriorityQueue, Queue } from "@weft/concurrent/sync";
import { bench, keep } from "./_harness.ts";
import { items } from "./_items.ts";

const { port1, port2 } = new MessageChannel();
port1.unref();
port2.unref();
const queue = new Queue<unknown>();
const lifo = new LifoQueue<unknown>();
const priority = new PriorityQueue<unknown>();

for (const [name, item] of Object.entries(items)) {
  const group = `put and get: ${name}`;
  bench("MessagePort", { group, baseline: true }, () => {
    port1.postMessage(item);
    receiveMessageOnPort(port2);
  });
  bench("structuredClone", { group, peer: true }, () => {
    keep(structuredClone(item));
  });
  bench("Queue.putSync + getSync", { group }, () => {
    queue.putSync(item);
    queue.getSync();
  });
  bench("Queue.tryPut + tryGet", { group }, () => {
    queue.tryPut(item);
    queue.tryGet();
  });
  bench("await Queue.put + get", { group }, async () => {
    await queue.put(item);
    await queue.get();
  });
  bench("LifoQueue.putSync + getSync", { group }, () => {
    lifo.putSync(item);
    lifo.getSync();
  });
  bench("PriorityQueue.putSync + getSync", { group }, () => {
    priority.putSync(item);
    priority.getSync();
  });
}

// How cost grows: where it grows in proportion, the second group takes a hundred times as long as the first.
for (const count of [100, 10_000]) {
  const group = `${count} items put and then taken`;
  const item = items["a small object"];
  bench("Array.push + pop of structuredClone", { group, baseline: true }, () => {
    const array: unknown[] = [];
    for (let i = 0; i < count; i++) array.push(structuredClone(item));
    for (let i = 0; i < count; i++) array.pop();
  });
  for (const each of [queue, lifo, priority]) {
    bench(each.constructor.name, { group }, () => {
      for (let i = 0; i < count; i++) each.putSync(item);
      for (let i = 0; i < count; i++) each.getSync();
    });
  }
}
