/** An agent as a program of its own, for the engine that its argument names. */

import process from "node:process";
import { serve } from "@weft/concurrent/distributed";
import { ROOT } from "./root.ts";
import { SLOTS } from "./sizes.ts";

if (import.meta.main) {
  await serve({ connect: process.argv[2]!, root: ROOT, slots: SLOTS, ready: () => console.log("ready") });
}
