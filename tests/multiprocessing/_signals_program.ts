/** A program that drains its pool at a signal: `PROGRAM SIGNAL METHOD`. */

import { Event, Pool, setStartMethod } from "@weft/concurrent/multiprocessing";
import process from "node:process";
import { busy, idle } from "./_signals_targets.ts";

if (import.meta.main) {
  const [signal, method] = process.argv.slice(2);
  setStartMethod(method as "spawn");
  const pool = new Pool(2);
  const [first, second, goOn] = [new Event(), new Event(), new Event()];
  const tasks = [pool.submit(busy, first, goOn), pool.submit(idle, second, goOn)];
  await first.wait();
  await second.wait();
  process.once(signal as "SIGINT", async () => {
    goOn.set();
    pool.close();
    await pool.join();
    console.log(JSON.stringify(await Promise.all(tasks)));
    process.exit(0);
  });
  console.log("ready");
  setTimeout(() => process.exit(4), 20_000);
}
