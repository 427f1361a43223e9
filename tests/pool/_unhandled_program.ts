/** A program that shows what the runtime reports about futures. Run by future_test.ts. */

import process from "node:process";
import { Pool } from "@weft/concurrent/threading";
import { failAt } from "./_targets.ts";

if (import.meta.main) {
  const reported: Error[] = [];
  process.on("unhandledRejection", (error) => void reported.push(error as Error));
  const pool = new Pool(1);
  const dropped = pool.submit(failAt, 1, 1);
  while (dropped.state !== "finished") await new Promise((resolve) => setTimeout(resolve, 1));
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  console.log(reported.length === 0 ? "nothing" : reported);
  void dropped.then(() => {});
  while (reported.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  console.log(reported[0].message);
  pool.terminate();
  await pool.join();
}
