/**
 * How long it takes to start a process and join it, beside the bare runtime on an empty module.
 *
 *     deno run -A --no-check benches/process_bench.ts
 *     bun benches/process_bench.ts
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { getContext, Process } from "@weft/concurrent/multiprocessing";
import { sleep } from "@weft/concurrent/sync";
import { compare } from "./_bench.ts";
import { double } from "./_thread_targets.ts";

const EMPTY = fileURLToPath(new URL("./_empty.ts", import.meta.url));

async function bare(): Promise<number> {
  const begin = performance.now();
  const args = "Deno" in globalThis ? ["run", "-A", "--no-config", EMPTY] : [EMPTY];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  await new Promise((resolve) => child.on("exit", resolve));
  return 1000 / (performance.now() - begin);
}

async function start(make: () => { start(): unknown; join(): Promise<boolean> }): Promise<number> {
  const begin = performance.now();
  const one = make();
  one.start();
  await one.join();
  return 1000 / (performance.now() - begin);
}

if (import.meta.main) {
  const forkserver = getContext("forkserver");
  await compare("start and end of one", [
    { name: "bare runtime", run: bare },
    { name: "Process, spawn", run: () => start(() => new Process({ target: double, args: [1] })) },
    {
      name: "Process, forkserver",
      run: async () => {
        // The next spare is up a moment after the last start.
        await sleep(500);
        return await start(() => new forkserver.Process({ target: double, args: [1] }));
      },
    },
  ], 11);
  process.exit();
}
