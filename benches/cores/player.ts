/**
 * The player of a runtime: `player.ts threads 1,2,4`, `player.ts processes 1,2,4`, `player.ts bare 1,2,4`.
 *
 * Threads, processes and bare workers have a player each, so that what one of them leaves behind is not the others' load.
 */

import process from "node:process";
import { play } from "../lib/play.ts";
import { bare } from "./bare.ts";
import { ours } from "./ours.ts";

if (import.meta.main) {
  const [kind, list] = process.argv.slice(2);
  const sizes = list!.split(",").map(Number);
  const { works, close } = kind === "bare" ? bare(sizes) : ours(kind as "threads" | "processes", sizes);
  await play(kind!, works, close);
}
