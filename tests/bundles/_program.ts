/** A program that is bundled: `PROGRAM thread|process|threads|processes` prints what came of it, and "main" each time it runs. */

import { Pool as ProcessPool, Process } from "@weft/concurrent/multiprocessing";
import { Pool as ThreadPool, Thread } from "@weft/concurrent/threading";
import process from "node:process";

export function square(x: number): number {
  return x * x;
}

if (import.meta.main) {
  console.log("main");
  try {
    const what = process.argv[2];
    if (what === "thread") console.log(await new Thread({ target: square, args: [3] }).start().result());
    if (what === "process") console.log(await new Process({ target: square, args: [3] }).start().result());
    if (what === "threads" || what === "processes") {
      await using pool = new (what === "threads" ? ThreadPool : ProcessPool)(2);
      console.log(await pool.apply(square, [3]));
    }
  } catch (error) {
    console.log(`${(error as Error).name}: ${(error as Error).message}`);
  }
}
