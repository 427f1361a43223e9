/** Works: starts and ends of threads and processes, and what an idle one takes. */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { timed, type Work } from "../../lib/play.ts";
import { runCold } from "../bare/cold.ts";
import { memoryOfTree } from "../bare/memory.ts";
import type { Scope } from "./scope.ts";
import { double, idle } from "./targets.ts";

const TEN = 10;

/** Starts and ends so many, all at once; resolves to nanoseconds. */
export async function startOnce(scope: Scope, count: number): Promise<number> {
  return await timed(() => {
    const started = Array.from({ length: count }, (_, i) => scope.start(double, [i]));
    return Promise.all(started.map((each) => each.join()));
  });
}

/** The works. `name` is that of the player. */
export function starting(scope: Scope, name: string): Record<string, Work> {
  const player = fileURLToPath(new URL("./player.ts", import.meta.url));
  const runtime = process.versions.deno === undefined ? [] : ["run", "-A", "--no-check"];
  const cold = (n: number, count: number): Promise<number> =>
    runCold(n, [process.execPath, ...runtime, player, name, "cold", String(count)]);
  return {
    "start/cold": (n) => cold(n, 1),
    "start/ten cold": (n) => cold(n, TEN),
    async "start/spare"(n) {
      let ns = 0;
      for (let i = 0; i < n; i++) {
        // The next spare is up a moment after the last start.
        await new Promise((resolve) => setTimeout(resolve, 500));
        ns += await startOnce(scope, 1);
      }
      return ns;
    },
    async "start/in turn"(n) {
      for (let i = 0; i < n; i++) await startOnce(scope, 1);
    },
    async "start/ten"(n) {
      for (let i = 0; i < n; i++) await startOnce(scope, TEN);
    },
    async "memory/idle"(n) {
      const there = new scope.kind.Latch(n);
      const end = new scope.kind.Event();
      const before = memoryOfTree();
      const started = Array.from({ length: n }, () => scope.start(idle, [there, end]));
      await there.wait();
      const bytes = memoryOfTree() - before;
      end.set();
      for (const each of started) await each.join();
      return bytes;
    },
  };
}
