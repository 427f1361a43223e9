/**
 * Does one kind of operation, over and over, and prints what the process has meanwhile: lines of JSON.
 *
 *     program.ts NAME COUNT
 */

import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { operations } from "./operations.ts";

/** What is watched. */
export interface Sample {
  done: number;
  /** Milliseconds since the beginning. */
  ms: number;
  /** Resident bytes. */
  rss: number;
  descriptors: number;
  threads: number;
  /** Regions of memory that are mapped. */
  mappings: number;
  /** Milliseconds by which timers were late at most, since the last sample. */
  delay: number;
}

const SAMPLES = 40;

async function soak(name: string, wanted: number): Promise<void> {
  const operation = operations.find((one) => one.name === name);
  if (operation === undefined) throw new Error(`Cannot soak as there is no operation "${name}"`);
  const count = Math.max(SAMPLES, Math.round(wanted * (operation.share ?? 1)));
  const { batch, end } = await operation.begin();
  const size = Math.ceil(count / SAMPLES);
  const begin = performance.now();
  for (let done = 0; done < count;) {
    const before = performance.now();
    let fired = before;
    const timer = setTimeout(() => fired = performance.now(), 0);
    await batch(size);
    done += size;
    await new Promise((resolve) => setTimeout(resolve, 2));
    clearTimeout(timer);
    (globalThis as { gc?: () => void }).gc?.();
    const sample: Sample = {
      done,
      ms: performance.now() - begin,
      rss: Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024,
      descriptors: readdirSync("/proc/self/fd").length,
      threads: readdirSync("/proc/self/task").length,
      mappings: readFileSync("/proc/self/maps", "utf8").split("\n").length,
      delay: Math.max(0, fired - before),
    };
    console.log(JSON.stringify(sample));
  }
  await end?.();
}

if (import.meta.main) {
  const [name, wanted] = process.argv.slice(2);
  await soak(name!, Number(wanted));
}
