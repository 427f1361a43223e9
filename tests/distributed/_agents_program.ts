/** Many agents in one program: how many, and what each is made with, are its arguments. SIGTERM ends them all. */

import process from "node:process";
import { setMaxListeners } from "node:events";
import { serve, type ServeOptions } from "@weft/concurrent/distributed";

if (import.meta.main) {
  const count = Number(process.argv[2]);
  // Each listens for the signals.
  setMaxListeners(count + 10, process);
  const options = JSON.parse(process.argv[3]!) as ServeOptions;
  await Promise.all(Array.from({ length: count }, () => serve({ ...options, kind: "threads" })));
  console.log("served");
}
