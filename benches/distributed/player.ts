/** The player of this library: `player.ts fleet`, with an agent in a process of its own, and `player.ts local`, the pool of processes. */

import process from "node:process";
import { play } from "../lib/play.ts";
import { fleet } from "./fleet.ts";
import { local } from "./local.ts";

if (import.meta.main) {
  const [kind] = process.argv.slice(2);
  const { works, close } = kind === "fleet" ? await fleet() : local();
  await play(kind!, works, close);
}
