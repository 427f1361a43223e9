/**
 * The player of BullMQ: a server that keeps nothing in files, workers as programs of their own on the runtime of this one, and a
 * queue here. `WEFT_VALKEY_SERVER` says what the server is.
 */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Queue, QueueEvents } from "bullmq";
import { play, typicalOf } from "../../lib/play.ts";
import { checkIncremented, CONCURRENCY, MEGABYTE, numbers } from "../sizes.ts";

const WORKER = fileURLToPath(new URL("./worker.mjs", import.meta.url));
const CONFIG = fileURLToPath(new URL("./deno.json", import.meta.url));
/** The command before the name of a program. */
const RUNTIME = "Deno" in globalThis
  ? [process.execPath, "run", "-A", "--no-check", "--quiet", "--no-lock", `--config=${CONFIG}`]
  : [process.execPath];

/** A port that was free a moment ago. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts a program; resolves when it has printed something that this matches. */
async function start(command, args, ready) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  await new Promise((resolve, reject) => {
    child.stdout.on("data", (data) => ready.test(said += data) && resolve());
    child.once("exit", () => reject(new Error(`Cannot start '${command}': it ended before it was ready: ${said}`)));
  });
  return child;
}

/** A queue, its events, and its worker. */
async function open(name, port, concurrency) {
  const connection = { host: "127.0.0.1", port };
  const [command, ...args] = [...RUNTIME, WORKER, String(port), name, String(concurrency)];
  const worker = await start(command, args, /ready/);
  const queue = new Queue(name, { connection });
  const events = new QueueEvents(name, { connection });
  // Each job that is waited for listens to both.
  for (const each of [queue, events]) each.setMaxListeners(0);
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const run = async (task, data) => {
    const job = await queue.add(task, data);
    return await job.waitUntilFinished(events);
  };
  return { worker, queue, events, run };
}

const port = await freePort();
const server = await start(
  process.env.WEFT_VALKEY_SERVER ?? "valkey-server",
  ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", tmpdir()],
  /Ready to accept connections/i,
);

/** Those that are open, by name: they are opened when they are used for the first time. */
const opened = {};
const trips = async () => await (opened.trips ??= open("trips", port, 1));
const rates = async () => await (opened.rates ??= open("rates", port, CONCURRENCY));

/** Adds many jobs at once; resolves with their results. The events have these, so that no job is asked for its own. */
async function addBulk(n) {
  const { queue, events } = await rates();
  const results = [];
  let hear;
  const all = new Promise((resolve) => {
    hear = ({ returnvalue }) => {
      results.push(Number(returnvalue));
      if (results.length === n) resolve();
    };
  });
  events.on("completed", hear);
  await queue.addBulk(numbers(n).map((data) => ({ name: "increment", data })));
  await all;
  events.off("completed", hear);
  checkIncremented(results, n);
}

const works = {
  async "round trip"(n) {
    const { run } = await trips();
    return await typicalOf(n, (i) => run("increment", i));
  },
  "map, chunks of 1": addBulk,
  async "submits"(n) {
    const { run } = await rates();
    checkIncremented(await Promise.all(numbers(n).map((i) => run("increment", i))), n);
  },
  "map": addBulk,
  async "1 MB"(n) {
    const { run } = await trips();
    const text = "x".repeat(MEGABYTE);
    for (let i = 0; i < n; i++) {
      const { length } = await run("echo", text);
      if (length !== MEGABYTE) throw new Error(`wrong result: ${length}`);
    }
  },
};

/** Their connections complain of a server that ends first. */
async function close() {
  for (const { worker, queue, events } of await Promise.all(Object.values(opened))) {
    worker.kill("SIGKILL");
    await Promise.all([queue.close(), events.close()]);
  }
  server.kill("SIGKILL");
}

const manifest = new URL("./node_modules/bullmq/package.json", import.meta.url);
await play(`bullmq ${JSON.parse(readFileSync(manifest, "utf8")).version}`, works, close);
