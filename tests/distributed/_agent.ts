/** An agent as a program of its own: what it is made with is its argument, in JSON. */

import process from "node:process";
import { serve, type ServeOptions } from "@weft/concurrent/distributed";

if (import.meta.main) {
  const options = JSON.parse(process.argv[2]!) as ServeOptions;
  try {
    await serve(options);
    console.log("served");
  } catch (error) {
    console.log(`${(error as Error).name}: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
