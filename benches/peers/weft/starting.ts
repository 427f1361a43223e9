/** Works: starts and ends of threads and processes, and what an idle one takes. */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { timed, type Work } from "../../lib/play.ts";
import { memoryOfTree } from "../bare/memory.ts";
import { afterOthers, runCold } from "../bare/repeated.ts";
import type { Scope } from "./scope.ts";
import { double, idle } from "./targets.ts";

const TEN = 10;

/** Starts and ends so many, all at once; resolves to nanoseconds. */
async function startOnce(scope: Scope, count: number): Promise<number> {
  return await timed(() => {
    const started = Array.from({ length: count }, (_, i) => scope.start(double, [i]));
    return Promise.all(started.map((each) => each.join()));
  });
}

/** Resolves to how many bytes so many take that wait. */
async function memoryOnce(scope: Scope, count: number): Promise<number> {
  const there = new scope.kind.Latch(count);
  const end = new scope.kind.Event();
  const before = memoryOfTree();
  const started = Array.from({ length: count }, () => scope.start(idle, [there, end]));
  await there.wait();
  const bytes = memoryOfTree() - before;
  end.set();
  for (const each of started) await each.join();
  return bytes;
}

/** What is measured once in a program in which nothing was done before, by the word that asks for it. */
export const ONCE: Readonly<Record<string, (scope: Scope, count: number) => Promise<number>>> = {
  cold: startOnce,
  memory: memoryOnce,
};

/** The works. `name` is that of the player. */
export function starting(scope: Scope, name: string): Record<string, Work> {
  const player = fileURLToPath(new URL("./player.ts", import.meta.url));
  const importing = fileURLToPath(
    new URL(`./importing_${scope.processes ? "processes" : "threads"}.ts`, import.meta.url),
  );
  const runtime = process.versions.deno === undefined ? process.execArgv : ["run", "-A", "--no-check"];
  const once = (measure: string, n: number, count: number): Promise<number> =>
    runCold(n, [process.execPath, ...runtime, player, name, measure, String(count)]);
  return {
    "start/import": (n) => runCold(n, [process.execPath, ...runtime, importing]),
    "start/cold": (n) => once("cold", n, 1),
    "start/ten cold": (n) => once("cold", n, TEN),
    "start/spare": (n) => afterOthers(n, () => startOnce(scope, 1)),
    async "start/in turn"(n) {
      for (let i = 0; i < n; i++) await startOnce(scope, 1);
    },
    async "start/ten"(n) {
      for (let i = 0; i < n; i++) await startOnce(scope, TEN);
    },
    "memory/idle": (n) => once("memory", 1, n),
  };
}
