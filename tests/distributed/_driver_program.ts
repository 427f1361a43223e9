/** A program with tasks, which tests kill: the server, a file for notes, and how many tasks of how many milliseconds. */

import process from "node:process";
import { Pool } from "@weft/concurrent/distributed";
import { begin } from "./_targets.ts";

if (import.meta.main) {
  const [connect, root, file, count, ms] = process.argv.slice(2);
  const pool = new Pool({ connect, root });
  for (let i = 0; i < Number(count); i++) pool.submit(begin, file!, i, Number(ms)).catch(() => {});
  console.log("submitted");
}
