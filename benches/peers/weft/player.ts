/**
 * This library's player, on Deno and on Bun: `player.ts threads`, `player.ts processes`, `player.ts forkserver`.
 *
 * `cold` behind that has it start and end so many once, in a program in which nothing is warm, and print the nanoseconds.
 */

import process from "node:process";
import { play } from "../../lib/play.ts";
import { free } from "./free.ts";
import { contended } from "./contended.ts";
import { pool } from "./pool.ts";
import { scopeNamed } from "./scope.ts";
import { starting, startOnce } from "./starting.ts";

if (import.meta.main) {
  const [name, cold, count] = process.argv.slice(2);
  const scope = scopeNamed(name!);
  if (cold === "cold") {
    console.log(await startOnce(scope, Number(count)));
    process.exit();
  }
  // A fork server changes nothing but starts.
  const others = name === "forkserver" ? {} : { ...free(scope), ...contended(scope) };
  const { works, close } = pool(scope);
  await play(
    name!,
    { ...starting(scope, name!), ...others, ...(name === "forkserver" ? {} : works) },
    close,
  );
}
