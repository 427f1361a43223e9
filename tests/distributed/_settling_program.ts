/** A program with tasks, which says what has become of each, and ends. What it is to do is its argument, in JSON. */

import process from "node:process";
import { type DistributedOptions, Pool } from "@weft/concurrent/distributed";
import { begin } from "./_targets.ts";

/** What it is to do. */
export interface Tasks {
  options: DistributedOptions;
  /** Where each task notes that it was begun. */
  file: string;
  count: number;
  /** How many milliseconds each takes. */
  ms: number;
}

if (import.meta.main) {
  const { options, file, count, ms } = JSON.parse(process.argv[2]!) as Tasks;
  await using pool = new Pool(options);
  const futures = Array.from({ length: count }, (_, i) => pool.submit(begin, file, i, ms));
  console.log("submitted");
  const outcomes = await Promise.allSettled(futures);
  const texts = outcomes.map((each) => each.status === "fulfilled" ? each.value : String(each.reason));
  console.log(`settled ${JSON.stringify(texts)}`);
}
