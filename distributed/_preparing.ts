/**
 * What an agent must find out before it calls a function of a program: which function it is, whether its files here are
 * the same, and which pool calls it.
 *
 * @module
 */

import { decode } from "../_internal/codec/decode.ts";
import type { Dispatcher } from "../_internal/pool/dispatcher.ts";
import type { OwnerOptions } from "../_internal/pool/owner.ts";
import { Relay } from "../_internal/pool/relay.ts";
import type { TargetDescriptor } from "../_internal/targets/describe.ts";
import { differenceFrom, fromPortable, requireExport } from "./_code.ts";
import type { Engine } from "./_engine.ts";
import { insist } from "./_insist.ts";
import { foreign, fromBytes, type PoolSetup, type Refusal, type Setup, toBytes } from "./_wire.ts";

/** How long a pool's workers stay idle before they end: milliseconds. */
const IDLE = 60_000;

/** The options of an agent that matter here. */
export interface PreparingOptions {
  /** The agent's name, for messages. */
  readonly name: string;
  /** The folder of the modules that it may import. */
  readonly root: string;
  readonly slots: number;
  /** Whether functions that no module exports are created from their source. */
  readonly inline: boolean;
  /** Creates a pool of this machine. */
  readonly own: (options: OwnerOptions) => Dispatcher;
}

/** A function that can be called here. */
export interface Prepared {
  /** Describes the pool that calls it. */
  readonly setup: Setup;
  /** The generation of workers that have loaded its files as they are now. */
  readonly generation: number;
  /** Its description for this machine, in JSON. */
  readonly description: string;
  readonly name: string;
}

/** Why a function cannot be called here. */
export interface Refused {
  readonly refusal: Omit<Refusal, "id">;
}

/** Prepares the functions of programs, each once. */
export class Preparing {
  readonly #engine: Engine;
  readonly #options: PreparingOptions;
  /** For each program, by the functions' numbers. */
  readonly #prepared: Map<string, Map<number, Promise<Prepared | Refused | "gone">>> = new Map();
  readonly #ready: Map<string, Map<number, Prepared>> = new Map();
  readonly #pools: Map<string, { relay: Relay; driver: string | undefined; generation: number }> = new Map();
  /** The hashes of the files that the workers of the newest generation have loaded. */
  readonly #loaded: Map<string, string> = new Map();
  #generation = 0;

  constructor(engine: Engine, options: PreparingOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Asks a program for one of its functions. `"gone"`: the program is gone. */
  prepare(driver: string, fn: number): Promise<Prepared | Refused | "gone"> {
    let known = this.#prepared.get(driver);
    if (known === undefined) this.#prepared.set(driver, known = new Map());
    let prepared = known.get(fn);
    if (prepared === undefined) known.set(fn, prepared = this.#prepare(driver, fn));
    return prepared;
  }

  /** A prepared function that can be called; `undefined`: it is not prepared, or not yet. */
  known(driver: string, fn: number): Prepared | undefined {
    return this.#ready.get(driver)?.get(fn);
  }

  async #prepare(driver: string, fn: number): Promise<Prepared | Refused | "gone"> {
    const answer = await insist(this.#engine, `driver.${driver}.setup`, toBytes({ fn }));
    if (answer === undefined) {
      this.#prepared.get(driver)?.delete(fn);
      return "gone";
    }
    const { name, root } = this.#options;
    try {
      const setup = fromBytes<Setup>(answer);
      if (setup.failure !== "") return { refusal: { kind: "target", message: setup.failure } };
      const pool = JSON.parse(setup.pool) as PoolSetup;
      const files = { ...setup.files, ...pool.initializer?.files };
      const difference = setup.isChecked ? await differenceFrom(files, root) : undefined;
      if (difference !== undefined) {
        const message =
          `Cannot run task "${setup.name}" as ${difference} on agent ${name}, below ${root}: bring the same files there, start it with the same root, or make the pool with { code: "trust" }`;
        return { refusal: { kind: "code", message } };
      }
      const description = JSON.stringify(this.#localize(JSON.parse(setup.fn)));
      const generation = this.#generationOf(files);
      const prepared = { setup, description, name: setup.name, generation };
      this.relayFor(driver, prepared);
      let ready = this.#ready.get(driver);
      if (ready === undefined) this.#ready.set(driver, ready = new Map());
      ready.set(fn, prepared);
      return prepared;
    } catch (error) {
      return { refusal: { kind: "target", message: `${(error as Error).message} (agent ${name})` } };
    }
  }

  #localize(descriptor: TargetDescriptor): TargetDescriptor {
    const local = fromPortable(descriptor, this.#options.root);
    if (this.#options.inline) return local;
    requireExport(local);
    return local.kind === "function" ? { ...local, isInlineRefused: true } : local;
  }

  /** The programs whose functions are known. */
  get drivers(): string[] {
    return [...this.#prepared.keys()];
  }

  /**
   * The pool that calls a function. Programs whose workers are set up in the same way share a pool, but a program with
   * an initializer has its own.
   */
  relayFor(driver: string, { setup: { pool: text, initargs }, generation }: Prepared): Relay {
    const pool = JSON.parse(text) as PoolSetup;
    const key = `${generation} ${pool.initializer === null ? "" : driver} ${text}`;
    const known = this.#pools.get(key);
    // A pool whose workers could not start is replaced. If its initializer has failed, the pool stays, and reports that
    // error.
    if (known !== undefined && (known.relay.broken === undefined || pool.initializer !== null)) return known.relay;
    void known?.relay.terminate();
    const { initializer, maxTasks, maxMemory, concurrency } = pool;
    const { slots, name, own } = this.#options;
    const relay = new Relay(own, {
      asked: slots,
      size: slots,
      least: 0,
      idle: IDLE,
      name,
      initializer: initializer === null ? null : this.#localize(initializer.descriptor as TargetDescriptor),
      initargs: initargs.length === 0 ? [] : decode(foreign(initargs)) as unknown[],
      maxTasks,
      maxMemory,
      concurrency,
      trace: undefined,
    });
    this.#pools.set(key, { relay, driver: initializer === null ? undefined : driver, generation });
    return relay;
  }

  // Workers keep the files that they have loaded. If a file has changed since, new workers are needed.
  #generationOf(files: Readonly<Record<string, string>>): number {
    const hasChanged = Object.entries(files).some(([file, hash]) => (this.#loaded.get(file) ?? hash) !== hash);
    if (hasChanged) {
      this.#generation++;
      this.#loaded.clear();
    }
    for (const [file, hash] of Object.entries(files)) this.#loaded.set(file, hash);
    return this.#generation;
  }

  /** A program is gone. */
  forget(driver: string): void {
    this.#prepared.delete(driver);
    this.#ready.delete(driver);
    for (const [key, { relay, driver: its, generation }] of this.#pools) {
      // Workers of an older generation serve programs that began before a file changed. They end when no program is
      // left.
      const isOld = generation < this.#generation && this.#prepared.size === 0;
      if (its !== driver && !isOld) continue;
      this.#pools.delete(key);
      void relay.terminate();
    }
  }

  /** Ends all pools, and resolves when their workers have ended. */
  async terminate(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map(({ relay }) => relay.terminate()));
  }
}
