/** A program that shows what happens when its main module has ended. */

import process from "node:process";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { square, takeTime } from "./_targets.ts";

export function failLater(how: string): string {
  const error = new Error(["after", "the task"].join(" "));
  setTimeout(() => {
    if (how === "late-error") throw error;
    void Promise.reject(error);
  }, 0);
  return "done";
}

if (import.meta.main) {
  const [kind, mode, path] = process.argv.slice(2);
  const { Pool } = kind === "thread" ? threading : multiprocessing;
  if (mode === "forgotten") {
    const pool = new Pool(2);
    console.log(await pool.map(square, [1, 2, 3]));
  } else if (mode === "pending") {
    void new Pool(1).submit(takeTime, 300).then((ms) => console.log(`after ${ms} ms`));
  } else if (mode === "idle") {
    const pool = new Pool(2);
    await pool.map(square, [1, 2, 3]);
    // After the start a runtime compiles beside the threads for a while. A worker that spins does so in every second.
    let least = Infinity;
    for (let second = 0; second < 4 && least > 100; second++) {
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, (user + system) / 1000);
    }
    console.log(least);
  } else if (mode === "timers") {
    // Timers must run between tasks that follow each other.
    const pool = new Pool(1);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    for (const until = performance.now() + 500; performance.now() < until;) await pool.apply(square, [2]);
    clearInterval(timer);
    console.log(ticks);
  } else if (mode.startsWith("trace-")) {
    const pool = new Pool(1, { trace: path });
    await pool.submit(square, 3);
    if (mode === "trace-exit") process.exit(0);
    if (mode === "trace-error") {
      setTimeout(() => {
        throw new Error("uncaught");
      }, 0);
    }
    if (mode === "trace-rejection") void Promise.reject(new Error("uncaught"));
  } else if (mode === "late-error" || mode === "late-rejection") {
    const pool = new Pool(1);
    console.log(await pool.submit(failLater, mode));
    // This ends the worker.
    while (pool.stats().workers > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    console.log(await pool.submit(square, 3));
  } else if (mode === "trace") {
    await using pool = new Pool(1, { trace: path });
    await pool.map(square, [1, 2, 3]);
  }
}
