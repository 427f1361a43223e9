/**
 * How child processes come to be: `"spawn"`, a fresh runtime for each.
 *
 * It is the method that works everywhere and the default; `"forkserver"` keeps warm runtimes ready. There is no
 * `"fork"`: a copy of a runtime without its threads does not work.
 */

import { getStartMethod, Process, setStartMethod } from "@weft/concurrent/multiprocessing";

export function worker() {
  console.log("Hello from a fresh runtime");
}

if (import.meta.main) {
  setStartMethod("spawn");
  console.log(getStartMethod());

  const p = new Process({ target: worker });
  p.start();
  await p.join();
}

/* Prints:
spawn
Hello from a fresh runtime
*/
