/**
 * The first operations of a program: `first.ts lock 10000` or `first.ts bare 10000` does that many, as the first thing that it
 * does, and prints how many nanoseconds they took.
 */

import process from "node:process";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Lock } from "@weft/concurrent/sync";
import type { Work } from "../lib/play.ts";
import { PAIR } from "./plan.ts";

const RUN = "Deno" in globalThis ? ["run", "-A", "--no-check", "--quiet"] : [];
const FILE = fileURLToPath(import.meta.url);

function pairs(count: number): number {
  const words = new Int32Array(new SharedArrayBuffer(4096));
  const begin = performance.now();
  for (let i = 0; i < count; i++) {
    Atomics.compareExchange(words, 0, 0, 1);
    Atomics.exchange(words, 0, 0);
  }
  return performance.now() - begin;
}

// Not async: the engines compile a loop of an async function later.
function acquisitions(lock: Lock, count: number): number {
  const begin = performance.now();
  for (let i = 0; i < count; i++) {
    lock.acquireSync();
    lock.release();
  }
  return performance.now() - begin;
}

async function acquisitionsOfLock(count: number): Promise<number> {
  const { Lock } = await import("@weft/concurrent/sync");
  return acquisitions(new Lock(), count);
}

/** Starts a program for it, and returns what it printed. */
function inNewProgram(what: "bare" | "lock"): Work {
  return (n) => {
    const { status, stdout } = spawnSync(process.execPath, [...RUN, FILE, what, String(n)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (status !== 0) throw new Error(`the program ended with ${status}`);
    return Number(stdout);
  };
}

/** The works. */
export function firstWorks(): Record<string, Work> {
  const works: Record<string, Work> = {};
  for (const count of ["10,000", "200,000"]) {
    works[`${PAIR}: the first ${count}`] = inNewProgram("bare");
    works[`Lock: acquireSync + release: the first ${count}`] = inNewProgram("lock");
  }
  return works;
}

if (import.meta.main) {
  const [what, count] = process.argv.slice(2);
  const ms = what === "bare" ? pairs(Number(count)) : await acquisitionsOfLock(Number(count));
  console.log(Math.round(ms * 1e6));
}
