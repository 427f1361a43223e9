/**
 * Programs that share objects by name: a queue of work, a number, an event, and a lock for a step that only one program
 * may do at a time. Here all programs run on one machine; in production each would run on its own.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { devServer, Event, Lock, Queue, Value } from "@weft/concurrent/distributed";

const PROGRAMS = 3;

/** The same names stand for the same objects in each program. `WEFT_CONNECT` has the address of the server. */
function objects() {
  return {
    work: new Queue<number>({ name: "work" }),
    sum: new Value("i64", 0n, { name: "sum" }),
    begin: new Event({ name: "begin" }),
    lock: new Lock({ name: "ledger", lease: 5000 }),
    ledger: new Value("i32", 0, { name: "ledger" }),
    newest: new Value("f64", 0, { name: "newest" }),
  };
}

/** Takes numbers, adds up their squares, and enters the sum of the numbers into the ledger. */
async function work(): Promise<void> {
  const { work, sum, begin, lock, ledger, newest } = objects();
  await begin.wait();
  let amount = 0;
  for await (const item of work) {
    await sum.add(BigInt(item * item));
    amount += item;
  }
  await using lease = await lock.acquire();
  // A holder that was frozen for longer than its lease may arrive here late. Its token is too low then.
  await newest.update((token) => {
    if (lease.token < token) throw new Error("The lock was lost");
    return lease.token;
  });
  await ledger.set(await ledger.get() + amount);
}

function start(): ChildProcess {
  const runtime = "Deno" in globalThis ? [process.execPath, "run", "-A", "--quiet"] : [process.execPath];
  const [command, ...args] = [...runtime, fileURLToPath(import.meta.url), "work"];
  return spawn(command!, args, { stdio: "inherit" });
}

if (import.meta.main) {
  if (process.argv[2] === "work") await work();
  else {
    // In production the server already runs somewhere: nats://queue:4222.
    await using server = await devServer();
    process.env.WEFT_CONNECT = server.url;
    const programs = Array.from({ length: PROGRAMS }, start);
    const { work, sum, begin, lock, ledger } = objects();
    for (let item = 1; item <= 100; item++) await work.put(item);
    console.log(`${await work.size()} items wait`);
    await work.shutdown();
    await begin.set();
    await Promise.all(programs.map((program) => once(program, "exit")));
    console.log(`the sum of the squares is ${await sum.get()}`);
    console.log(`the ledger has ${await ledger.get()}, and its lock is ${await lock.locked() ? "held" : "free"}`);
  }
}

/* Prints:
100 items wait
the sum of the squares is 338350
the ledger has 5050, and its lock is free
*/
