/** A program that has awaited a child, and exits while the child waits. It prints the time of its exit. */

import { Event, Process } from "@weft/concurrent/multiprocessing";
import process from "node:process";
import { block } from "./_process_targets.ts";

if (import.meta.main) {
  const blocked = new Event();
  new Process({ target: block, args: [blocked, new Event()] }).start();
  await blocked.wait();
  console.log(Date.now());
  process.exit(0);
}
