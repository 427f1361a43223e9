/**
 * Agents: programs that work for the pools of a fleet.
 *
 * @module
 */

import { existsSync } from "node:fs";
import process from "node:process";
import { optionsOr, requireNames, show, validateInteger } from "../_internal/options.ts";
import { cpuCount } from "../_internal/runtime/runtime.ts";
// A task may return an object that cannot be sent. The agent decodes the result to name the path to it, and needs the
// classes for that.
import "../multiprocessing/mod.ts";
import { processWorkers } from "../multiprocessing/pool.ts";
import { threadWorkers } from "../threading/pool.ts";
import { addressOf, type ConnectOptions } from "./_address.ts";
import { Agent } from "./_agent.ts";
import { rootFrom } from "./_code.ts";
import { connectNats } from "./_nats.ts";
import { connectPatiently } from "./_patience.ts";
import { hostOf, validateFleet } from "./pool.ts";

/** The options of {@linkcode serve}. Python has no equivalent. */
export interface ServeOptions {
  /** The address of the engine, as in a pool's `connect`. */
  connect: string | ConnectOptions;
  /** The folder of the modules that the agent may import, with all that they import, as a path or URL. */
  root: string | URL;
  /** The name of the fleet. Agents and pools of the same fleet find each other. Default: `"default"`. */
  fleet?: string;
  /**
   * How many tasks the agent runs at a time, 1 to 1,024. Pools that differ in `initializer`, `maxTasksPerChild`, `maxMemory` or
   * `concurrency` do not share workers: each kind gets this many. Default: one for each processor.
   */
  slots?: number;
  /** What the agent's workers are. Default: `"processes"`. */
  kind?: "processes" | "threads";
  /**
   * Whether the agent accepts functions that no module exports, and creates them from their source. Default: only if
   * the engine is on this machine.
   */
  inline?: boolean;
  /** What a pool's `agents()` shows of this agent, for people to read. Default: nothing. */
  labels?: Record<string, string>;
  /** How many milliseconds running tasks get to finish when the agent ends. Default: 30,000. */
  grace?: number;
  /** Called once the agent is connected and takes tasks. Default: nothing is called. */
  ready?: () => void;
  /** Ends the agent when it is aborted, as SIGTERM and SIGINT do. Default: only these signals end it. */
  signal?: AbortSignal;
  /**
   * Whether the agent may serve an engine on another machine without a password, token, key or certificate. Every
   * client of that engine may run every exported function below `root`. Default: `false`.
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
/** How long the engine may take to start: milliseconds. */
const ENGINE = 5000;

/**
 * Works for the pools of a fleet until the signal is aborted, or the process receives SIGTERM or SIGINT.
 *
 * Then the agent takes no more tasks, gives back those that no worker has begun, waits up to `grace` milliseconds for
 * those that run, and resolves. Tasks that still run then are ended, and reject with {@linkcode WorkerLostError} in
 * their program. The code of tasks runs only in workers, so the agent answers while they compute.
 *
 * Python: `dask worker` of Dask.
 *
 * @param options See {@linkcode ServeOptions}.
 * @throws {TypeError} If an option is of the wrong kind, or an engine on another machine has no secret.
 * @throws {RangeError} If a number is out of range, an address is malformed, or there is no such folder.
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
  if (connect === undefined) throw new TypeError(`Cannot ${action} as 'connect' must be the address of the engine`);
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
      `Cannot ${action} as every client of ${address.shown} could run functions here: use a user, token, key or certificate, or set { insecure: true } if the network keeps all other clients out`,
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
  // The connection is gone, so nothing can be reported to programs any more: close it and do not wait.
  if (error !== undefined) await engine.close();
  await agent.leave(error === undefined ? grace : 0);
  if (error !== undefined) throw error;
}

// The first signal asks the agent to end. It also removes the listeners, so a second signal ends the program as usual.
function whenAsked(signal: AbortSignal | undefined): { promise: Promise<undefined>; over: () => void } {
  let ask!: () => void;
  const promise = new Promise<undefined>((resolve) => ask = () => resolve(undefined));
  const over = (): void => {
    signal?.removeEventListener("abort", ask);
    process.off("SIGTERM", ask);
    process.off("SIGINT", ask);
  };
  signal?.addEventListener("abort", ask, { once: true });
  // It may have been aborted while the agent was connecting.
  if (signal?.aborted) ask();
  process.on("SIGTERM", ask);
  process.on("SIGINT", ask);
  return { promise, over };
}
