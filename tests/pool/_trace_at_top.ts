/** A pool that a worker makes again when it imports this module; prints whether the worker has written a trace. */

import { existsSync } from "node:fs";
import process from "node:process";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";

const [kind, path] = process.argv.slice(2);
const { Pool } = kind === "thread" ? threading : multiprocessing;
const pool = new Pool(1, { trace: path, maxTasksPerChild: 1 });

export function double(x: number): number {
  return 2 * x;
}

if (import.meta.main) {
  for (let i = 0; i < 3; i++) await pool.submit(double, i);
  console.log(existsSync(path!));
}
