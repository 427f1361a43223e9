/** Programs that use named objects, of either runtime, which tests kill and freeze: what to do, the server, and more. */

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { Event, Lock, Queue, Value } from "@weft/concurrent/distributed";

const programs: Record<string, (connect: string, ...args: string[]) => Promise<void>> = {
  /** Adds 1 so many times. */
  async add(connect, name, times) {
    const value = new Value("i32", 0, { name: name!, connect });
    for (let i = 0; i < Number(times); i++) await value.add(1);
  },

  /** Adds 1 to what is in a file, under a lock. */
  async count(connect, name, times, file) {
    const lock = new Lock({ name: name!, connect });
    for (let i = 0; i < Number(times); i++) {
      await using lease = await lock.acquire();
      const before = Number(readFileSync(file!, "utf8"));
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (lease.isHeld) writeFileSync(file!, `${before + 1}`);
    }
  },

  /** Holds a lock until it is lost. */
  async hold(connect, name, ms) {
    const lease = await new Lock({ name: name!, lease: Number(ms), connect }).acquire();
    console.log(`token ${lease.token} ${lease.abandoned}`);
    await new Promise((resolve) => lease.lost.addEventListener("abort", resolve));
    console.log(`lost ${lease.lost.reason.name} ${lease.isHeld} ${await lease.release()}`);
  },

  /** Sends back what it gets, until the queue is shut down, then sets an event. */
  async echo(connect, from, to, done) {
    const answers = new Queue({ name: to!, connect });
    for await (const item of new Queue({ name: from!, connect })) await answers.put(item);
    await new Event({ name: done!, connect }).set();
  },

  /** Notes what it gets in a file. */
  async note(connect, name, file) {
    for await (const item of new Queue({ name: name!, connect })) appendFileSync(file!, `${item}\n`);
  },
};

if (import.meta.main) {
  const [what, connect, ...args] = process.argv.slice(2);
  await programs[what!]!(connect!, ...args);
  console.log("done");
}
