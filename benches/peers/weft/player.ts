/**
 * This library's player, on Deno, Bun and Node: `player.ts threads`, `player.ts processes`, `player.ts forkserver`.
 *
 * `cold` or `memory` and a count behind that has it measure that once and print the figure: see starting.ts.
 */

import process from "node:process";
import { play } from "../../lib/play.ts";
import { free } from "./free.ts";
import { contended } from "./contended.ts";
import { pool } from "./pool.ts";
import { scopeNamed } from "./scope.ts";
import { ONCE, starting } from "./starting.ts";
import { waking } from "./waking.ts";

if (import.meta.main) {
  const [name, measure, count] = process.argv.slice(2);
  const scope = scopeNamed(name!);
  if (measure !== undefined) {
    console.log(await ONCE[measure]!(scope, Number(count)));
    process.exit();
  }
  // A fork server changes nothing but starts.
  const others = name === "forkserver" ? {} : { ...free(scope), ...contended(scope), ...waking(scope) };
  const { works, close } = pool(scope);
  await play(
    name!,
    { ...starting(scope, name!), ...others, ...(name === "forkserver" ? {} : works) },
    close,
  );
}
