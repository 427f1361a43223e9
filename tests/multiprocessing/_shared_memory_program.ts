/** A program of its own that does with shared memory what is said. */

import process from "node:process";
import { SharedMemory } from "../../multiprocessing/mod.ts";

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
