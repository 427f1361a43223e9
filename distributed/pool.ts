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

/**
 * The options of a distributed {@linkcode Pool}: how it finds its agents, and how long it waits for them. Python has no
 * equivalent.
 */
export interface DistributedOptions<I extends unknown[] = unknown[]> extends PoolOptions<I> {
  /**
   * The address of the engine, a NATS server: `nats://host:4222`, with `user:password@` or `token@` before the host if
   * it asks for them, or {@linkcode ConnectOptions}. Default: the environment variable `WEFT_CONNECT`. Without an
   * address, the pool has processes of this machine.
   */
  connect?: string | ConnectOptions;
  /**
   * The name of the fleet, up to 64 letters, digits, `-` and `_`. Agents and pools of the same fleet find each other.
   * Default: `"default"`.
   */
  fleet?: string;
  /** How many milliseconds an agent may be silent before its tasks count as lost. Default: 5,000. */
  lease?: number;
  /**
   * How many messages with tasks may be in the queue and with agents at once, 1 to 100,000. Default: four for each slot
   * of the fleet, at least 16.
   */
  window?: number;
  /**
   * `"check"`: an agent compares the files of a function with the program's, and refuses the function if they differ,
   * with {@linkcode CodeMismatchError}. `"trust"`: agents do not compare. Default: `"check"`.
   */
  code?: "check" | "trust";
  /**
   * How often a task is tried again after its worker was lost, unless the task's own options say otherwise. Default: 0.
   */
  retries?: number;
  /**
   * The folder that agents have as their `root`, as a path or URL. Default: the nearest folder above the main module
   * that has a `deno.json`, `deno.jsonc` or `package.json`.
   */
  root?: string | URL;
  /**
   * How many milliseconds tasks wait while there is no agent, before they reject with {@linkcode NoAgentError}.
   * Default: 10,000.
   */
  agentTimeout?: number;
  /**
   * How many milliseconds the engine may be away before tasks reject with {@linkcode EngineError}. A first connection
   * is tried for 5,000 at most. Default: 30,000.
   */
  engineTimeout?: number;
}

const LEASE = 5000;
const AGENT_TIMEOUT = 10_000;
const ENGINE_TIMEOUT = 30_000;
const MOST_WINDOW = 100_000;

/** The names of the options. Others are refused: with a misspelled `connect`, the pool would run on this machine. */
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

/** What a pool over a fleet has. A pool of processes of this machine has none. */
interface Fleet {
  /** `undefined` before the first call. */
  driver: () => Driver | undefined;
}

/**
 * A pool whose workers are processes on any number of machines: those of the agents that {@linkcode serve} starts.
 *
 * Without an address in `connect` or `WEFT_CONNECT`, it is a pool of processes of this machine.
 *
 * - **Tasks** begin at most once, even if the engine loses or repeats messages, unless `retries` allows more. Every
 *   promise settles while the program lives, even if an agent, a machine or the engine is gone.
 * - **Order.** `map` and `imap` return results in the order of the items. Agents may begin tasks in any order.
 * - **Death.** The tasks of a process, an agent or a machine that is gone reject with {@linkcode WorkerLostError}: they
 *   may have run in part or to their end. The pool notices the end of a process at once, that of an agent within a
 *   second, and a silent machine after `lease` milliseconds.
 * - **Code** is not sent. Agents have the same files below their root, and refuse a function whose files differ, with
 *   {@linkcode CodeMismatchError}.
 * - **Values** are copied, large ones in pieces. Objects that threads or processes of one machine share cannot be sent:
 *   the call throws `TypeError` with the path to the object.
 *
 * The connection keeps the program alive until the pool has ended: create the pool with `await using`.
 *
 * Python: `ray.util.multiprocessing.Pool`, or `distributed.Client` of Dask.
 *
 * @typeParam I The arguments of the initializer; nothing else depends on it.
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
   * Creates a pool. It connects when it gets its first task, or when {@linkcode Pool.ready} or {@linkcode Pool.agents}
   * is called.
   *
   * @param workers How many messages with tasks are with agents at once, at most. Default: as many as the fleet can
   * take. Without an address: the number of processes, by default one for each processor.
   * @param options See {@linkcode DistributedOptions}.
   * @throws {TypeError} If an option is of the wrong kind.
   * @throws {RangeError} If a number is out of range, or an address is malformed.
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
   * Connects and waits until at least one agent has answered.
   *
   * A timeout or an aborted signal ends only this wait. The pool stays usable, and goes on looking for agents once it
   * has tasks. On a pool of this machine the promise resolves at once.
   *
   * Python: `distributed.Client.wait_for_workers` of Dask.
   *
   * @param options How long to wait, in milliseconds, and a signal that cancels the wait.
   * @returns How many agents are known, and how many tasks they run at a time. More agents may come later.
   * @throws {TimeoutError} If no agent has answered within `timeout`.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws {InvalidStateError} If the pool was closed.
   * @throws The signal's reason, if the signal is aborted first.
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
    // `warm` waits for an agent too, which may fail. Only the connection matters here.
    warm.catch(() => {});
    return driver() ?? await warm.then(() => driver()!);
  }

  /**
   * Lists the agents that are known, in no particular order.
   *
   * If none has answered yet, it waits half a second for the first. A pool of this machine describes itself as one
   * agent.
   *
   * Python: `distributed.Client.scheduler_info` of Dask.
   *
   * @returns What each agent has said of itself.
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
    // Running agents answer soon after the first question.
    if (driver.agents.all.length === 0) await driver.whenReady(SOON);
    return driver.agents.all.map(({ name, host, pid, slots, running, labels }) => {
      return { name, host, pid, slots, running, labels };
    });
  }
}

/** How long to wait for a first agent to answer: milliseconds. */
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
  // Every pool copies its arguments when it is created.
  const packed = initializer === undefined || initargs === undefined || !Array.isArray(initargs)
    ? new Uint8Array()
    : encodeApart(initargs, { root: "initargs", scope: "network" });
  if (packed.length > PIECE) {
    throw new RangeError(
      `Cannot ${action} as the initializer's arguments take ${packed.length} bytes, more than ${PIECE}: pass the address of the data instead`,
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

/** The name of this machine. On Deno it needs a permission that nothing else here needs, so that it may be missing. */
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
