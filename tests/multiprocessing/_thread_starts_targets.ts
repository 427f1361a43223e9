/** Threads that start processes, for the tests of what outlives them. */

import { type Event, Pool, Process, type Queue, sleep } from "@weft/concurrent/multiprocessing";
import type { Event as ThreadEvent } from "@weft/concurrent/threading";
import process from "node:process";

export async function returnAfter(go: Event): Promise<number> {
  await go.wait();
  return 5;
}

/** Starts a process, hands it over, and ends in the given way. */
export async function startProcess(
  handles: Queue<Process<[Event], number>>,
  go: Event,
  ending: "terminated" | "exits" | "returns",
  daemon: boolean,
): Promise<void> {
  handles.putSync(new Process({ target: returnAfter, args: [go], daemon }).start());
  if (ending === "exits") process.exit(0);
  if (ending === "terminated") await sleep(600_000);
}

export function pid(): number {
  return process.pid;
}

/** Makes a pool, hands over the number of its worker, and waits to be ended. */
export async function startPool(pids: Queue<number>): Promise<void> {
  const pool = new Pool(1);
  pids.putSync(await pool.apply(pid));
  await sleep(600_000);
}

/** As {@linkcode startProcess}, in a program whose main module knows of no process. */
export async function startAndSay(started: ThreadEvent): Promise<void> {
  new Process({ target: sayLater }).start();
  started.set();
  await sleep(600_000);
}

export async function sayLater(): Promise<void> {
  console.log("begun");
  await sleep(300);
  console.log("done");
}
