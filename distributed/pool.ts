/**
 * A pool whose workers are on any number of machines.
 *
 * @module
 */

import { hostname } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { encodeApart } from "../_internal/codec/encode.ts";
import { TimeoutError } from "../_internal/errors.ts";
import {
  optionsOr,
  requireNames,
  show,
  validateInteger,
  validateWait,
  type WaitOptions,
} from "../_internal/options.ts";
import { BasePool } from "../_internal/pool/pool.ts";
import type { PoolKind } from "../_internal/pool/pool_calls.ts";
import type { PoolOptions } from "../_internal/pool/pool_options.ts";
import { cpuCount, environmentVariable } from "../_internal/runtime/runtime.ts";
import { kindOf } from "../multiprocessing/pool.ts";
import { addressOf, addressOfEnvironment, type ConnectOptions } from "./_address.ts";
import { rootFrom, rootOf } from "./_code.ts";
import { Driver } from "./_driver.ts";
import { FleetFunctions } from "./_fleet_functions.ts";
import { connectNats } from "./_nats.ts";
import { connectPatiently } from "./_patience.ts";
import { PIECE } from "./_pieces.ts";
import type { AgentInfo } from "./_wire.ts";

export type { TlsOptions } from "./_address.ts";
export type { AgentInfo, ConnectOptions };

/** How a pool finds its agents, beside {@linkcode PoolOptions}. Python has no equivalent. */
export interface DistributedOptions<I extends unknown[] = unknown[]> extends PoolOptions<I> {
  /**
   * Where the engine is: `nats://host:4222`, with a user and password or a token before an `@`, or {@linkcode ConnectOptions}. By
   * default what the environment variable `WEFT_CONNECT` says; where that is not set, the pool is one of processes of this machine.
   */
  connect?: string | ConnectOptions;
  /** Agents and pools of one fleet find each other: letters, digits, `-` and `_`. By default `default`. */
  fleet?: string;
  /** For how many milliseconds an agent may be silent until its tasks are lost. By default 5,000. */
  lease?: number;
  /** How many messages with tasks are on their way at once. By default four for each slot of the fleet. */
  window?: number;
  /** `"check"`: agents refuse functions whose files differ from the program's; `"trust"`: they do not look. By default `"check"`. */
  code?: "check" | "trust";
  /** How often a task is tried again whose worker was lost, where its own options do not say so. By default 0. */
  retries?: number;
  /** The folder that agents have as their root, too. By default the nearest one above the main module that has a manifest. */
  root?: string | URL;
  /** For how many milliseconds tasks wait while no agent is there: then they reject with `NoAgentError`. By default 10,000. */
  agentTimeout?: number;
  /** For how many milliseconds the engine may be away: then tasks reject with `EngineError`. By default 30,000. */
  engineTimeout?: number;
}

const LEASE = 5000;
const AGENT_TIMEOUT = 10_000;
const ENGINE_TIMEOUT = 30_000;
const MOST_WINDOW = 100_000;

/** Their names: what is written otherwise is refused, since a pool without `connect` is one of this machine. */
const OPTIONS = Object.keys(
  {
    initializer: 1,
    initargs: 1,
    maxTasksPerChild: 1,
    name: 1,
    idleTimeout: 1,
    trace: 1,
    concurrency: 1,
    min: 1,
    max: 1,
    maxMemory: 1,
    connect: 1,
    fleet: 1,
    lease: 1,
    window: 1,
    code: 1,
    retries: 1,
    root: 1,
    agentTimeout: 1,
    engineTimeout: 1,
  } satisfies Record<keyof DistributedOptions, 1>,
);

/** What a pool knows of its fleet; `undefined`: it is one of processes of this machine. */
interface Fleet {
  /** `undefined`: no call has been made. */
  driver: () => Driver | undefined;
}

/**
 * A pool whose workers are on any number of machines: processes of the agents that {@linkcode serve} makes. Where no address is
 * given, and none by `WEFT_CONNECT`, it is a pool of processes of this machine, so that a program changes one import.
 *
 * - **Tasks** begin at most once, whatever the engine does, unless `retries` says otherwise. Every promise settles while the program
 *   lives: also where an agent, a machine or the engine is gone.
 * - **Death**: the tasks of a process, an agent or a machine that is gone reject with {@linkcode WorkerLostError}: they may have
 *   run, wholly or in part. A process is missed at once, an agent that has ended within a second, a machine that is silent after
 *   `lease` milliseconds.
 * - **Code** is not sent. Agents have the same files, below a root, and refuse functions that are made of others, with
 *   {@linkcode CodeMismatchError}.
 * - **Values** are copied, large ones piece by piece. What is shared by threads or processes of a machine cannot be sent:
 *   `TypeError` with its path.
 *
 * The connection keeps the program alive until the pool has ended: write `await using`.
 *
 * @typeParam I The arguments of the initializer; nothing else depends on it.
 *
 * Python: `ray.util.multiprocessing.Pool`, or `distributed.Client` of Dask.
 *
 * @example
 * ```ts
 * import { Pool } from "@weft/concurrent/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * export function square(x: number): number {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   // No address: processes of this machine.
 *   await using pool = new Pool(2);
 *   assertEquals(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
 * }
 * ```
 */
export class Pool<I extends unknown[] = unknown[]> extends BasePool {
  readonly #fleet: Fleet | undefined;
  readonly #workers: number;

  /**
   * Makes a pool. It connects with the first task, or by {@linkcode Pool.ready}.
   *
   * @param workers How many messages with tasks are with agents at a time, at most; by default as many as the fleet can take.
   * Without an address: the number of processes.
   * @param options See {@linkcode DistributedOptions}.
   * @throws {TypeError} If an option is of the wrong kind.
   * @throws {RangeError} If a number among the arguments and options is out of range, or an address is none.
   * @throws {TargetError} If the initializer cannot run elsewhere.
   */
  constructor(workers?: number | DistributedOptions<I>, options?: DistributedOptions<I>) {
    if (typeof workers === "object") [workers, options] = [undefined, workers];
    const given = optionsOr(options) as DistributedOptions;
    requireNames(given, OPTIONS, "create pool");
    if (given.retries !== undefined) validateInteger(given.retries, "'retries'", 0, 0x7fffffff, "create pool");
    const { connect = addressOfEnvironment() } = given;
    const made = connect === undefined ? undefined : fleetOf(connect, given);
    super({ ...made?.kind ?? kindOf(), retries: given.retries }, workers, options as PoolOptions | undefined);
    this.#fleet = made?.fleet;
    this.#workers = workers ?? cpuCount();
  }

  /**
   * Connects, and waits until an agent is there.
   *
   * @param options How long to wait, and what gives it up.
   * @returns How many agents are known, and how many tasks they run at a time: more may come.
   * @throws {TimeoutError} If the time has passed.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws {InvalidStateError} If the pool was closed.
   * @throws The signal's reason.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(3);
   * assertEquals((await pool.ready({ timeout: 10_000 })).slots, 3);
   * ```
   */
  async ready(options?: WaitOptions): Promise<{ agents: number; slots: number }> {
    const timeout = validateWait(options, "wait for agents");
    if (this.#fleet === undefined) return { agents: 1, slots: this.#workers };
    const driver = await this.#connected(this.#fleet);
    if (!await driver.whenReady(timeout, options?.signal)) {
      const silent = driver.engine?.awaySince === undefined && driver.engine !== undefined
        ? "none"
        : "not even the engine";
      throw new TimeoutError(
        `Cannot wait for agents any longer as ${silent} has answered for the ${timeout} ms of 'timeout'`,
      );
    }
    const { agents } = driver;
    return { agents: agents.all.length, slots: agents.slots };
  }

  async #connected({ driver }: Fleet): Promise<Driver> {
    const known = driver();
    if (known !== undefined) return known;
    const warm = this.warm();
    // It waits for an agent, with patience of its own.
    warm.catch(() => {});
    return driver() ?? await warm.then(() => driver()!);
  }

  /**
   * The agents that are known, in no order. Of a pool of this machine: what an agent of it would be.
   *
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { Pool } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(3);
   * assertEquals((await pool.agents())[0].slots, 3);
   * ```
   */
  async agents(): Promise<AgentInfo[]> {
    if (this.#fleet === undefined) {
      const host = hostOf();
      const { pid } = process;
      return [{ name: `${host}-${pid}`, host, pid, slots: this.#workers, running: this.stats().busy, labels: {} }];
    }
    const driver = await this.#connected(this.#fleet);
    // Those that are there have answered soon after the first.
    if (driver.agents.all.length === 0) await driver.whenReady(SOON);
    return driver.agents.all.map(({ name, host, pid, slots, running, labels }) => {
      return { name, host, pid, slots, running, labels };
    });
  }
}

/** So long it is waited for agents that may be there: milliseconds. */
const SOON = 500;

function fleetOf(connect: string | ConnectOptions, options: DistributedOptions): { kind: PoolKind; fleet: Fleet } {
  const action = "create pool";
  const address = addressOf(connect, action);
  const fleet = validateFleet(options.fleet, action);
  const { code = "check", initializer, initargs } = options;
  if (code !== "check" && code !== "trust") {
    throw new TypeError(`Cannot ${action} as 'code' must be "check" or "trust": received ${show(code)}`);
  }
  const { window } = options;
  if (window !== undefined) validateInteger(window, "'window'", 1, MOST_WINDOW, action);
  const { lease = LEASE, agentTimeout = AGENT_TIMEOUT, engineTimeout = ENGINE_TIMEOUT } = options;
  for (const [name, value] of Object.entries({ lease, agentTimeout, engineTimeout })) {
    if (typeof value !== "number") {
      throw new TypeError(`Cannot ${action} as '${name}' must be a number of milliseconds: received ${show(value)}`);
    }
    if (!(value >= 0)) {
      throw new RangeError(`Cannot ${action} as '${name}' must be zero or more milliseconds: received ${value}`);
    }
  }
  const root = options.root === undefined ? rootOf() : rootFrom(options.root);
  // Copied now, as by every pool.
  const packed = initializer === undefined || initargs === undefined || !Array.isArray(initargs)
    ? new Uint8Array()
    : encodeApart(initargs, { root: "initargs", scope: "network" });
  if (packed.length > PIECE) {
    throw new RangeError(
      `Cannot ${action} as the initializer's arguments take ${packed.length} bytes, more than ${PIECE}: give it what says where they are`,
    );
  }
  let driver: Driver | undefined;
  const kind: PoolKind = {
    scope: "network",
    label: "FleetPool",
    own: ({ asked, name, trace, initializer, maxTasks, maxMemory, concurrency }) => {
      const workers = { initializer, initargs: packed, maxTasks, maxMemory, concurrency };
      const functions = new FleetFunctions(root, code === "check", workers);
      return driver = new Driver({
        connect: () => connectPatiently((timeout) => connectNats(address, fleet, timeout), engineTimeout),
        fleet,
        functions,
        most: asked,
        window,
        lease,
        agentTimeout,
        engineTimeout,
        name,
        trace,
        command: `deno run -A jsr:@weft/concurrent/agent --connect ${address.shown} --root ${folderOf(root)}${
          fleet === "default" ? "" : ` --fleet ${fleet}`
        }${address.hasSecret ? ", with its password, token or key in the address" : ""}`,
      });
    },
  };
  return { kind, fleet: { driver: () => driver } };
}

/** The name of this machine. On Deno that is a permission of its own, which nothing else here needs. */
export function hostOf(): string {
  try {
    return hostname();
  } catch {
    return environmentVariable("HOSTNAME") ?? "unknown";
  }
}

function folderOf(root: string): string {
  return root.startsWith("file:") ? fileURLToPath(root) : root;
}

/** Checks the name of a fleet. */
export function validateFleet(fleet: string = "default", action: string): string {
  if (typeof fleet !== "string") {
    throw new TypeError(`Cannot ${action} as 'fleet' must be a string: received ${show(fleet)}`);
  }
  if (!/^[\w-]{1,64}$/.test(fleet)) {
    throw new RangeError(
      `Cannot ${action} as 'fleet' must have up to 64 letters, digits, - and _, and nothing else: received ${
        show(fleet)
      }`,
    );
  }
  return fleet;
}
