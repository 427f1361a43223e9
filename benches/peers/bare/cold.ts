/** Runs a program that measures something once, in a runtime in which nothing is warm. */

import { execFile } from "node:child_process";

/** Runs it `n` times; resolves to the sum of the numbers that it prints. */
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
