/** Threads that start and answer, beside bare workers that do the same. */

import { currentThread, enumerate, getIdent, Queue, Semaphore, Thread } from "@weft/concurrent/threading";
import { bench, keep } from "./_harness.ts";
import { double } from "./targets/double.ts";
import { answerPermits, answerQueue } from "./targets/partners.ts";

function bareWorker(file: string): Worker {
  return new Worker(new URL(`./targets/${file}`, import.meta.url), { type: "module" });
}

async function ask(worker: Worker, question: unknown): Promise<unknown> {
  const answer = new Promise<MessageEvent>((resolve) => worker.onmessage = resolve);
  worker.postMessage(question);
  return (await answer).data;
}

const start = "start and end of a thread: one after the other";

bench("bare Worker", { group: start, baseline: true, n: 10 }, async () => {
  const worker = bareWorker("bare_worker.ts");
  await ask(worker, 1);
  worker.terminate();
});
bench("Thread: await join", { group: start, n: 10 }, async () => {
  await new Thread({ target: double, args: [1] }).start().join();
});
bench("Thread: await result", { group: start, n: 10 }, async () => {
  await new Thread({ target: double, args: [1] }).start().result();
});
bench("Thread: joinSync", { group: start, n: 10 }, () => {
  new Thread({ target: double, args: [1] }).start().joinSync();
});

const trip = "round trip to a thread";

const echo = bareWorker("bare_worker.ts");
const words = new Int32Array(new SharedArrayBuffer(8));
const waiter = bareWorker("bare_waiter.ts");
waiter.postMessage(words);
const [questions, answers] = [new Queue<unknown>(), new Queue<unknown>()];
new Thread({ target: answerQueue, args: [questions, answers], daemon: true }).start();
const [asked, answered] = [new Semaphore(0), new Semaphore(0)];
new Thread({ target: answerPermits, args: [asked, answered], daemon: true }).start();

bench("bare Worker: postMessage", { group: trip, baseline: true }, async () => {
  await ask(echo, 1);
});
bench("bare Worker: Atomics.wait + notify", { group: trip, peer: true }, () => {
  const turn = Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
  Atomics.wait(words, 1, turn);
});
bench("two Semaphores", { group: trip }, () => {
  asked.release();
  answered.acquireSync();
});
bench("two Queues: blocking", { group: trip }, () => {
  questions.putSync(1);
  answers.getSync();
});
bench("two Queues: awaited", { group: trip }, async () => {
  await questions.put(1);
  await answers.get();
});

const current = "which thread this is";
const own = { name: "MainThread" };

bench("a variable of the module", { group: current, baseline: true }, () => {
  keep(own.name);
});
bench("currentThread", { group: current }, () => {
  keep(currentThread());
});
bench("getIdent", { group: current }, () => {
  keep(getIdent());
});
bench("enumerate", { group: current }, () => {
  keep(enumerate());
});
