/** A program of its own that does with shared memory what is said. */

import { existsSync } from "node:fs";
import process from "node:process";
import { Process, SharedMemory } from "../../multiprocessing/mod.ts";
import { createAndSit } from "./_shared_memory_targets.ts";

const [what, name] = process.argv.slice(2);
switch (what) {
  case "create and return":
    console.log(new SharedMemory({ size: 100 }).name);
    break;
  case "create and sit":
    console.log(new SharedMemory({ size: 100, name }).name);
    console.log("ready");
    setInterval(() => {}, 1000);
    break;
  case "create and throw":
    console.log(new SharedMemory({ size: 100, name }).name);
    throw new Error("on purpose");
  case "create and reject":
    console.log(new SharedMemory({ size: 100, name }).name);
    void Promise.reject(new Error("on purpose"));
    setInterval(() => {}, 1000);
    break;
  case "create, start and exit":
    console.log(new SharedMemory({ size: 100, name }).name);
    new Process({ target: createAndSit, args: [`${name}-child`] }).start();
    process.exit(3);
    break;
  case "child creates and sits": {
    const child = new Process({ target: createAndSit, args: [name] }).start();
    while (!existsSync(`/dev/shm/${name}`)) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log(`${child.pid}`);
    console.log("ready");
    break;
  }
  case "create and unlink": {
    const memory = new SharedMemory({ size: 100 });
    memory.unlink();
    memory.close();
    break;
  }
  case "attach and return":
    console.log(new SharedMemory({ name }).size);
    break;
  case "attach and sit":
    console.log(new SharedMemory({ name }).size);
    console.log("ready");
    setInterval(() => {}, 1000);
}
