/**
 * How users of npm's packages have tasks run: `open(workers)` starts so many workers, `run(task, value, transfer)` resolves to
 * what the task returns, `map` is there where a package has one.
 */

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Worker as NodeWorker } from "node:worker_threads";

const require = createRequire(import.meta.url);
const file = (name) => fileURLToPath(new URL(`./workers/${name}`, import.meta.url));

async function piscina() {
  const { Piscina } = await import("piscina");
  return (workers) => {
    const pool = new Piscina({ filename: file("tasks.cjs"), minThreads: workers, maxThreads: workers });
    return { run: (name, value, transferList) => pool.run(value, { name, transferList }), close: () => pool.destroy() };
  };
}

async function tinypool(scope) {
  const { Tinypool } = await import("tinypool");
  const runtime = scope === "threads" ? "worker_threads" : "child_process";
  return (workers) => {
    const pool = new Tinypool({ filename: file("tasks.cjs"), minThreads: workers, maxThreads: workers, runtime });
    return { run: (name, value, transferList) => pool.run(value, { name, transferList }), close: () => pool.destroy() };
  };
}

function workerpool(scope) {
  const { pool: create } = require("workerpool");
  return (workers) => {
    const workerType = scope === "threads" ? "thread" : "process";
    const pool = create(file("workerpool.mjs"), { minWorkers: workers, maxWorkers: workers, workerType });
    return {
      run: (name, value, transfer) => pool.exec(name, [value], transfer && { transfer }),
      close: () => pool.terminate(true),
    };
  };
}

async function poolifier(scope) {
  const { FixedClusterPool, FixedThreadPool } = await import("poolifier");
  return (workers) => {
    const pool = scope === "threads"
      ? new FixedThreadPool(workers, file("poolifier_thread.mjs"))
      : new FixedClusterPool(workers, file("poolifier_cluster.cjs"));
    return {
      run: (name, value, transfer) => pool.execute(value, name, undefined, transfer),
      map: (name, values) => pool.mapExecute(values, name),
      close: () => pool.destroy(),
    };
  };
}

function threads() {
  const { Pool, spawn, Transfer, Worker } = require("threads");
  return (workers) => {
    const pool = Pool(() => spawn(new Worker("./workers/threads.mjs")), workers);
    return {
      run: (name, value, transfer) =>
        pool.queue((worker) => worker[name](transfer === undefined ? value : Transfer(value, transfer))),
      close: () => pool.terminate(true),
    };
  };
}

/** It has no pool: its users share tasks out by themselves. */
async function comlink() {
  const { transfer: moved, wrap } = await import("comlink");
  const { default: endpointOf } = await import("comlink/dist/esm/node-adapter.mjs");
  return (count) => {
    const workers = Array.from({ length: count }, () => new NodeWorker(file("comlink.mjs")));
    const proxies = workers.map((worker) => wrap(endpointOf(worker)));
    let next = 0;
    return {
      run: (name, value, transfer) =>
        proxies[next++ % count][name](transfer === undefined ? value : moved(value, transfer)),
      close: () => Promise.all(workers.map((worker) => worker.terminate())),
    };
  };
}

async function multithreading() {
  const { initRuntime, move, shutdown, spawn } = await import("multithreading");
  const { default: functions } = await import("./workers/tasks.cjs");
  return (maxWorkers) => {
    // There is one pool in a program, whose size can be set before its first task.
    shutdown();
    initRuntime({ maxWorkers });
    return {
      async run(name, value) {
        // It moves what it is given, where that can be moved.
        const result = await spawn(move(value), functions[name]).join();
        if (!result.ok) throw result.error;
        return result.value;
      },
      close: () => shutdown(),
    };
  };
}

const PACKAGES = { piscina, tinypool, workerpool, poolifier, threads, comlink, multithreading };

/** The function that opens a package's pool of threads or processes. */
export async function opener(name, scope) {
  return await PACKAGES[name](scope);
}
