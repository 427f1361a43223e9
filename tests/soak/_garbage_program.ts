/**
 * Makes garbage without a turn of the event loop, as a task that computes does, and prints by how many bytes the process
 * has grown meanwhile.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";

const [scope, count] = [process.argv[2], Number(process.argv[3])];

function resident(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
}

const lock = scope === "process" ? new multiprocessing.Lock() : new threading.Lock();
for (let i = 0; i < 100_000; i++) lock.acquireSync()[Symbol.dispose]();
const before = resident();
for (let i = 0; i < count; i++) lock.acquireSync()[Symbol.dispose]();
console.log(resident() - before);
