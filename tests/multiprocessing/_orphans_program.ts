/** A program that ends while processes of it are starting: `PROGRAM METHOD ENDING COUNT DELAY`. */

import { Process, setStartMethod, sleepSync } from "@weft/concurrent/multiprocessing";
import process from "node:process";
import { wait } from "./_orphans_targets.ts";

if (import.meta.main) {
  const [method, ending, count, delay] = process.argv.slice(2);
  if (method !== "none") setStartMethod(method as "spawn");
  const permissions = method === "none" ? "none" : "inherit";
  for (let i = 0; i < Number(count); i++) new Process({ target: wait, daemon: true, permissions }).start();
  // Blocks every other time: the event loop notifies at other moments then.
  if (Number(delay) % 2 === 0) sleepSync(Number(delay));
  else await new Promise((resolve) => setTimeout(resolve, Number(delay)));
  if (ending === "exit") process.exit(0);
  if (ending === "throw") throw new Error("the main module failed");
  if (ending === "kill") process.kill(process.pid, "SIGKILL");
}
