/** Processes that start and answer, beside the bare runtime on an empty module and `child_process.fork`. */

import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { getContext, Pipe, Process, Queue } from "@weft/concurrent/multiprocessing";
import { ask, forkEcho } from "./_fork.ts";
import { bench } from "./_harness.ts";
import { double } from "./targets/double.ts";
import { answerPipe, answerQueue } from "./targets/partners.ts";

const EMPTY = fileURLToPath(new URL("./targets/empty.ts", import.meta.url));
const COMMAND = "Deno" in globalThis ? ["run", "-A", "--no-config", EMPTY] : [EMPTY];
const forkserver = getContext("forkserver");

const start = "start and end of a process: one after the other";

bench("child_process.spawn of the bare runtime", { group: start, baseline: true, n: 5 }, async () => {
  const child = spawn(process.execPath, COMMAND, { stdio: "ignore" });
  await new Promise((resolve) => child.on("exit", resolve));
});
bench("Process (spawn)", { group: start, n: 5 }, async () => {
  await new Process({ target: double, args: [1] }).start().join();
});
bench("Process (forkserver)", { group: start, n: 5 }, async () => {
  await new forkserver.Process({ target: double, args: [1] }).start().join();
});
bench("Process (forkserver): await result", { group: start, n: 5 }, async () => {
  await new forkserver.Process({ target: double, args: [1] }).start().result();
});

const trip = "round trip to a process";

// Each form of messages where it is the faster one.
const [jsonChild, advancedChild] = [forkEcho("json"), forkEcho("advanced")];
const [here, there] = Pipe();
new Process({ target: answerPipe, args: [there], daemon: true }).start();
const [questions, answers] = [new Queue<unknown>(), new Queue<unknown>()];
new Process({ target: answerQueue, args: [questions, answers], daemon: true }).start();
const block = new Uint8Array(65_536);

bench("child_process.fork (JSON)", { group: trip, baseline: true }, async () => {
  await ask(jsonChild, 1);
});
bench("Pipe: blocking", { group: trip }, () => {
  here.sendSync(1);
  here.recvSync();
});
bench("Pipe: awaited", { group: trip }, async () => {
  await here.send(1);
  await here.recv();
});
bench("two Queues: blocking", { group: trip }, () => {
  questions.putSync(1);
  answers.getSync();
});

const large = "round trip of 64 KB to a process";

bench("child_process.fork (advanced)", { group: large, baseline: true }, async () => {
  await ask(advancedChild, block);
});
bench("Pipe: blocking", { group: large }, () => {
  here.sendSync(block);
  here.recvSync();
});
