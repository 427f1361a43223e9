/**
 * Agents: programs that work for the pools of a fleet.
 *
 * @module
 */

import { existsSync } from "node:fs";
import process from "node:process";
import { optionsOr, requireNames, show, validateInteger } from "../_internal/options.ts";
import { cpuCount } from "../_internal/runtime/runtime.ts";
// For what tasks return that cannot go: to say where it is, it has to be read.
import "../multiprocessing/mod.ts";
import { processWorkers } from "../multiprocessing/pool.ts";
import { threadWorkers } from "../threading/pool.ts";
import { addressOf, type ConnectOptions } from "./_address.ts";
import { Agent } from "./_agent.ts";
import { rootFrom } from "./_code.ts";
import { connectNats } from "./_nats.ts";
import { connectPatiently } from "./_patience.ts";
import { hostOf, validateFleet } from "./pool.ts";

/** How an agent is made. Python has no equivalent. */
export interface ServeOptions {
  /** Where the engine is: as of a pool's `connect`. */
  connect: string | ConnectOptions;
  /** The folder below which the modules are that it may import, with what they import: a path or URL. */
  root: string | URL;
  /** Agents and pools of one fleet find each other. By default `default`. */
  fleet?: string;
  /**
   * How many tasks it runs at a time, where its pools' workers are alike. Pools that differ in their initializers,
   * `maxTasksPerChild`, `maxMemory` or `concurrency` have workers of their own, each so many. By default one for each processor.
   */
  slots?: number;
  /** What its workers are. By default `"processes"`. */
  kind?: "processes" | "threads";
  /** Whether it makes functions of their sources that no module exports. By default only where the engine is on this machine. */
  inline?: boolean;
  /** What `agents()` of a pool says of it, for people. By default nothing. */
  labels?: Record<string, string>;
  /** How many milliseconds what runs may take when the agent ends. By default 30,000. */
  grace?: number;
  /** Called when it is connected and takes tasks. */
  ready?: () => void;
  /** Ends the agent when it is aborted, as SIGTERM and SIGINT do. */
  signal?: AbortSignal;
  /**
   * Whether it may serve without a password, token or certificate an engine that is not on this machine: every client of that
   * engine may run every function below `root`. By default `false`.
   */
  insecure?: boolean;
}

const OPTIONS = Object.keys(
  {
    connect: 1,
    root: 1,
    fleet: 1,
    slots: 1,
    kind: 1,
    inline: 1,
    labels: 1,
    grace: 1,
    ready: 1,
    signal: 1,
    insecure: 1,
  } satisfies Record<keyof ServeOptions, 1>,
);
const GRACE = 30_000;
/** How long the engine may take to come up: milliseconds. */
const ENGINE = 5000;

/**
 * Works for the pools of a fleet until it is told to end, by the signal or by SIGTERM or SIGINT. Then it takes nothing more, gives
 * back what no worker has begun with, lets what runs end within `grace`, and resolves. A task's code runs in workers alone, so that
 * the agent answers while tasks compute.
 *
 * @param options See {@linkcode ServeOptions}.
 * @throws {TypeError} If an option is of the wrong kind, or there is no secret for an engine elsewhere.
 * @throws {RangeError} If a number among the options is out of range, or an address is none.
 * @throws {EngineError} If the engine cannot be reached, or has ended the connection.
 *
 * @example
 * ```ts
 * import { devServer, Pool, serve } from "@weft/concurrent/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * export function square(x: number): number {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   await using server = await devServer();
 *   const end = new AbortController();
 *   const root = new URL("./", import.meta.url);
 *   // On another machine, or on many.
 *   const agent = serve({ connect: server.url, root, slots: 2, signal: end.signal });
 *   {
 *     await using pool = new Pool({ connect: server.url, root });
 *     assertEquals(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
 *   }
 *   end.abort();
 *   await agent;
 * }
 * ```
 */
export async function serve(options: ServeOptions): Promise<void> {
  const action = "serve";
  const given = optionsOr(options) as ServeOptions;
  requireNames(given, OPTIONS, action);
  const { connect, root, slots = cpuCount(), kind = "processes", labels = {}, grace = GRACE, signal } = given;
  if (connect === undefined) throw new TypeError(`Cannot ${action} as 'connect' must say where the engine is`);
  const address = addressOf(connect, action);
  const fleet = validateFleet(given.fleet, action);
  if (typeof root !== "string" && !(root instanceof URL)) {
    throw new TypeError(
      `Cannot ${action} as 'root' must be a folder, like new URL("./", import.meta.url): received ${show(root)}`,
    );
  }
  validateInteger(slots, "'slots'", 1, 1024, action);
  if (kind !== "processes" && kind !== "threads") {
    throw new TypeError(`Cannot ${action} as 'kind' must be "processes" or "threads": received ${show(kind)}`);
  }
  if (typeof grace !== "number") {
    throw new TypeError(`Cannot ${action} as 'grace' must be a number of milliseconds: received ${show(grace)}`);
  }
  if (!(grace >= 0)) {
    throw new RangeError(`Cannot ${action} as 'grace' must be zero or more milliseconds: received ${grace}`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`Cannot ${action} as 'signal' must be an AbortSignal: received ${show(signal)}`);
  }
  if (
    typeof labels !== "object" || labels === null || !Object.values(labels).every((each) => typeof each === "string")
  ) {
    throw new TypeError(`Cannot ${action} as 'labels' must be an object of strings: received ${show(labels)}`);
  }
  for (const name of ["inline", "insecure"] as const) {
    if (given[name] !== undefined && typeof given[name] !== "boolean") {
      throw new TypeError(`Cannot ${action} as '${name}' must be true or false: received ${show(given[name])}`);
    }
  }
  const folder = rootFrom(root);
  if (folder.startsWith("file:") && !existsSync(new URL(folder))) {
    throw new RangeError(`Cannot ${action} as there is no folder ${folder}, which 'root' names`);
  }
  if (!address.isLoopback && !address.hasSecret && given.insecure !== true) {
    throw new TypeError(
      `Cannot ${action} as every client of ${address.shown} could run functions here: give it a user, token, key or certificate, and say { insecure: true } where the network keeps all others out`,
    );
  }
  if (signal?.aborted) return;
  const host = hostOf();
  const engine = await connectPatiently((timeout) => connectNats(address, fleet, timeout), ENGINE);
  const gone = new Promise<Error>((resolve) => engine.onGone(resolve));
  const { pid } = process;
  const agent = new Agent(engine, {
    name: `${host}-${pid}`,
    host,
    pid,
    root: folder,
    slots,
    inline: given.inline ?? address.isLoopback,
    labels: { ...labels },
    own: kind === "processes" ? processWorkers() : threadWorkers,
  });
  const asked = whenAsked(signal);
  given.ready?.();
  const error = await Promise.race([gone, asked.promise]);
  asked.over();
  // What would be told to programs cannot be told any more.
  if (error !== undefined) await engine.close();
  await agent.leave(error === undefined ? grace : 0);
  if (error !== undefined) throw error;
}

// The first signal asks; the second one, by then no listener being there, ends the program as it always does.
function whenAsked(signal: AbortSignal | undefined): { promise: Promise<undefined>; over: () => void } {
  let ask!: () => void;
  const promise = new Promise<undefined>((resolve) => ask = () => resolve(undefined));
  const over = (): void => {
    signal?.removeEventListener("abort", ask);
    process.off("SIGTERM", ask);
    process.off("SIGINT", ask);
  };
  signal?.addEventListener("abort", ask, { once: true });
  // While it was connecting.
  if (signal?.aborted) ask();
  process.on("SIGTERM", ask);
  process.on("SIGINT", ask);
  return { promise, over };
}
