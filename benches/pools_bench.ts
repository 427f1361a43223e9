/** Pools of one thread and of one process, beside a bare worker and a bare child that do the same. */

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { bench, keep } from "./_harness.ts";
import { double } from "./targets/double.ts";

const worker = new Worker(new URL("./targets/bare_worker.ts", import.meta.url), { type: "module" });
const child = fork(fileURLToPath(new URL("./targets/bare_child.ts", import.meta.url)));
const pools = { threading: new threading.Pool(1), multiprocessing: new multiprocessing.Pool(1) };
for (const pool of Object.values(pools)) await pool.map(double, [1]);

const numbers = Array.from({ length: 1_000 }, (_, i) => i);

async function askWorker(question: unknown): Promise<void> {
  const answer = new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage(question);
  await answer;
}

async function askChild(question: number | number[]): Promise<void> {
  const answer = new Promise((resolve) => child.once("message", resolve));
  child.send(question);
  await answer;
}

const single = "one task";

bench("bare Worker: one message", { group: single, baseline: true }, async () => {
  await askWorker(1);
});
bench("child_process.fork: one message", { group: single, peer: true }, async () => {
  await askChild(1);
});
for (const [name, pool] of Object.entries(pools)) {
  bench(`${name}.Pool.apply`, { group: single }, async () => {
    await pool.apply(double, [1]);
  });
}

const many = "1000 tasks";

bench("bare Worker: one message", { group: many, baseline: true }, async () => {
  await askWorker(numbers);
});
bench("child_process.fork: one message", { group: many, peer: true }, async () => {
  await askChild(numbers);
});
for (const [name, pool] of Object.entries(pools)) {
  bench(`${name}.Pool.map`, { group: many }, async () => {
    await pool.map(double, numbers);
  });
  bench(`${name}.Pool.imap`, { group: many }, async () => {
    for await (const result of pool.imap(double, numbers)) keep(result);
  });
  bench(`${name}.Pool.imap in chunks of 100`, { group: many }, async () => {
    for await (const result of pool.imap(double, numbers, { chunksize: 100 })) keep(result);
  });
  bench(`${name}.Pool.submit`, { group: many }, async () => {
    await Promise.all(numbers.map((x) => pool.submit(double, x)));
  });
}
