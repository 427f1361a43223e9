/** How starts and memory are measured again and again, so that each time finds a program in the same state. */

import { execFile } from "node:child_process";

/** Runs a program that measures something once, `n` times, without warming. Resolves to the sum of the printed numbers. */
export async function runCold(n: number, [program, ...args]: readonly string[]): Promise<number> {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += await new Promise<number>((resolve, reject) => {
      execFile(program!, args, { timeout: 30_000 }, (error, stdout) => {
        if (error === null) resolve(Number(stdout.trim()));
        else reject(error);
      });
    });
  }
  return sum;
}

/**
 * Starts and ends a worker `n` times, each a while after the one before. Resolves to nanoseconds. Two starts before that do not
 * count: a program keeps things ready for the next start only if it starts often.
 */
export async function afterOthers(n: number, startOnce: () => Promise<number>): Promise<number> {
  for (let i = 0; i < 2; i++) await startOnce();
  let ns = 0;
  for (let i = 0; i < n; i++) {
    // What is made ready is ready a moment after the last start.
    await new Promise((resolve) => setTimeout(resolve, 500));
    ns += await startOnce();
  }
  return ns;
}
