/**
 * The player of a runtime: `player.ts threads 4`, `player.ts processes 4`, `player.ts bare 4`, `player.ts bare 0`.
 *
 * Each kind and each number of workers has a player of its own, so that its leftovers and waiting workers do not
 * burden the others.
 */

import process from "node:process";
import { play } from "../lib/play.ts";
import { bare } from "./bare.ts";
import { ours } from "./ours.ts";

if (import.meta.main) {
  const [kind, workers] = process.argv.slice(2);
  const { works, close } = kind === "bare"
    ? bare(Number(workers))
    : ours(kind as "threads" | "processes", Number(workers));
  await play(kind!, works, close);
}
