/** The contestants: their programs, and what these need. */

import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { versionOf } from "../lib/machine.ts";
import { C_PLAYER, isInstalled, NODE_FILES } from "./build.ts";
import { type Scope, SCOPES } from "./work.ts";

/** A program that takes part. */
export interface Contestant {
  /** As in tables. */
  readonly name: string;
  readonly runtime: "Deno" | "Bun" | "Node" | "CPython" | "C";
  readonly scope: Scope;
  readonly ours: boolean;
  readonly command: readonly string[];
}

/** Runtimes by how a file is run. */
export interface Runtimes {
  readonly Deno?: readonly string[];
  readonly Bun?: readonly string[];
  /** A Node on which this library runs. All that runs on Node is run by it. */
  readonly Node?: readonly string[];
}

/** The runtimes of this library, in the order of tables and charts. */
export const RUNTIMES = ["Deno", "Bun", "Node"] as const;

/** npm's packages that are pools of threads or processes, or start them. */
export const PACKAGES: Readonly<Record<string, readonly Scope[]>> = {
  piscina: ["threads"],
  tinypool: ["threads", "processes"],
  workerpool: ["threads", "processes"],
  poolifier: ["threads", "processes"],
  threads: ["threads"],
  comlink: ["threads"],
};

/** What programs write by hand with shared words. */
const ATOMICS = "bare Atomics";
/** The least that any lock does, whatever else shares it. */
const PAIR = "bare pair";
const BARE_ON_NODE = `${NODE_FILES}peers/bare/player.js`;
/** Prints Node's version. Deno and Bun have programs of that name, too, which run what they are given themselves: they print nothing. */
const TELL_NODE = "process.versions.deno || process.versions.bun ? '' : process.version";
const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * All that can take part on this machine, and a sentence for each runtime that is missing here. `weft`: where this library's player is.
 */
export function contestants(
  runtimes: Runtimes,
  weft: string = file("weft/player.ts"),
): { found: Contestant[]; missing: string[] } {
  const hasNode = process.platform !== "win32" && versionOf("node", "--print", TELL_NODE) !== undefined;
  const node = runtimes.Node ?? (hasNode ? ["node"] : undefined);
  const hasPython = versionOf("python3", "--version") !== undefined;
  const missing = [
    node !== undefined ? [] : "Without Node and npm's packages: no 'node' was found.",
    hasPython ? [] : "Without CPython: no 'python3' was found.",
  ].flat();
  const found: Contestant[] = [];
  for (const scope of SCOPES) {
    for (const runtime of RUNTIMES) {
      const command = runtimes[runtime];
      if (command === undefined) continue;
      const common = { runtime, scope } as const;
      const name = scope === "threads" ? "threading" : "multiprocessing (spawn)";
      const bare = scope === "threads" ? "bare Worker" : "child_process.fork";
      found.push({ ...common, name, ours: true, command: [...command, weft, scope] });
      if (scope === "processes") {
        const forkserver = [...command, weft, "forkserver"];
        found.push({ ...common, name: "multiprocessing (forkserver)", ours: true, command: forkserver });
      }
      // What is bare on Node is the same for programs without this library: see nodes().
      if (runtime === "Node") continue;
      const player = [...command, file("bare/player.ts")];
      found.push({ ...common, name: bare, ours: false, command: [...player, scope] });
      if (scope === "threads") found.push({ ...common, name: ATOMICS, ours: false, command: [...player, "atomics"] });
      found.push({ ...common, name: PAIR, ours: false, command: [...player, "pair"] });
    }
    if (node !== undefined) found.push(...nodes(node, scope));
    if (hasPython) found.push(...pythons(scope));
    found.push(...cPrograms(scope));
  }
  // It needs `navigator`, which Node has from 21 on: so on Bun.
  if (runtimes.Bun !== undefined && isInstalled("multithreading") && existsSync(BARE_ON_NODE)) {
    const command = [...runtimes.Bun, file("node/player.mjs"), "multithreading", "threads"];
    found.push({ name: "multithreading", runtime: "Bun", scope: "threads", ours: false, command });
  }
  return { found, missing };
}

function nodes(node: readonly string[], scope: Scope): Contestant[] {
  const common = { runtime: "Node", scope, ours: false } as const;
  const found: Contestant[] = [];
  const name = scope === "threads" ? "bare worker_threads" : "child_process.fork";
  if (existsSync(BARE_ON_NODE)) {
    found.push({ ...common, name, command: [...node, BARE_ON_NODE, scope] });
    if (scope === "threads") found.push({ ...common, name: ATOMICS, command: [...node, BARE_ON_NODE, "atomics"] });
    found.push({ ...common, name: PAIR, command: [...node, BARE_ON_NODE, "pair"] });
  }
  for (const [name, scopes] of Object.entries(PACKAGES)) {
    if (!scopes.includes(scope) || !isInstalled(name) || !existsSync(BARE_ON_NODE)) continue;
    found.push({ ...common, name, command: [...node, file("node/player.mjs"), name, scope] });
  }
  return found;
}

function pythons(scope: Scope): Contestant[] {
  const make = (name: string, argument: string): Contestant => ({
    name,
    runtime: "CPython",
    scope,
    ours: false,
    command: ["python3", file("python/player.py"), argument],
  });
  if (scope === "threads") return [make("threading", "threads"), make("ThreadPoolExecutor", "thread-pool")];
  return [
    make("multiprocessing (spawn)", "spawn"),
    make("multiprocessing (forkserver)", "forkserver"),
    make("ProcessPoolExecutor", "process-pool"),
  ];
}

function cPrograms(scope: Scope): Contestant[] {
  if (!existsSync(C_PLAYER)) return [];
  const name = scope === "threads" ? "pthreads + futexes" : "fork + futexes + pipes";
  return [{ name, runtime: "C", scope, ours: false, command: [C_PLAYER, scope] }];
}
