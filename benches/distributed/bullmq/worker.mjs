/** BullMQ's worker as a program of its own: `worker.mjs PORT QUEUE CONCURRENCY`. The functions run in its own loop. */

import process from "node:process";
import { Worker } from "bullmq";

const [port, queue, concurrency] = process.argv.slice(2);

const TASKS = {
  increment: (x) => x + 1,
  echo: (text) => text,
};

const worker = new Worker(queue, ({ name, data }) => Promise.resolve(TASKS[name](data)), {
  connection: { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null },
  concurrency: Number(concurrency),
});
await worker.waitUntilReady();
console.log("ready");
