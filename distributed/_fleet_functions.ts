/**
 * The functions that a program gives its agents. Each is described once, and sent to an agent when a task first needs
 * it.
 *
 * @module
 */

import { nameOf } from "../_internal/pool/functions.ts";
import { describeTarget, type TargetDescriptor } from "../_internal/targets/describe.ts";
import type { AnyFunction } from "../_internal/targets/source.ts";
import { hashesOf, toPortable } from "./_code.ts";
import type { PoolSetup, Setup } from "./_wire.ts";

/** A described function. */
interface Described {
  readonly name: string;
  readonly descriptor: TargetDescriptor;
  readonly text: string;
  files: Promise<Record<string, string>> | undefined;
}

/** How the workers of a pool are set up. */
export interface WorkersSetup extends Omit<PoolSetup, "initializer"> {
  readonly initializer: TargetDescriptor | null;
  readonly initargs: Uint8Array;
}

/** The functions of one pool, by numbers from 1. */
export class FleetFunctions {
  readonly #root: string;
  readonly #isChecked: boolean;
  readonly #known: WeakMap<AnyFunction, number> = new WeakMap();
  // By description: an inline function in a loop is a new object each time, but the same function.
  readonly #numbers: Map<string, number> = new Map();
  readonly #all: Described[] = [];
  readonly #workers: WorkersSetup;
  #pool: Promise<string> | undefined;

  constructor(root: string, isChecked: boolean, workers: WorkersSetup) {
    this.#root = root;
    this.#isChecked = isChecked;
    this.#workers = workers;
    // Checked here, so that the call that creates the pool throws if the initializer cannot run elsewhere.
    if (workers.initializer !== null) toPortable(workers.initializer, root, isChecked);
  }

  /** How many tasks a worker runs at a time. */
  get concurrency(): number {
    return this.#workers.concurrency;
  }

  /** The number of a function. */
  addressOf(fn: AnyFunction): number {
    const known = this.#known.get(fn);
    if (known !== undefined) return known;
    const descriptor = describeTarget(fn, { what: "task" });
    const text = JSON.stringify(toPortable(descriptor, this.#root, this.#isChecked));
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#all.push({ name: nameOf(fn), descriptor, text, files: undefined });
      this.#numbers.set(text, number);
    }
    this.#known.set(fn, number);
    return number;
  }

  /** The name of a function. */
  nameOf(number: number): string {
    return this.#all[number - 1]?.name ?? "anonymous";
  }

  /** Describes what an agent needs in order to call a function. */
  async setupOf(number: number): Promise<Setup> {
    try {
      return await this.#setupOf(number);
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      return { failure, fn: "", name: "", files: {}, isChecked: false, pool: "", initargs: new Uint8Array() };
    }
  }

  async #setupOf(number: number): Promise<Setup> {
    const described = this.#all[number - 1];
    if (described === undefined) throw new TypeError("Cannot run task as the program does not know its function");
    described.files ??= this.#filesOf(described.descriptor);
    return {
      failure: "",
      fn: described.text,
      name: described.name,
      files: await described.files,
      isChecked: this.#isChecked,
      pool: await (this.#pool ??= this.#describePool()),
      initargs: this.#workers.initargs,
    };
  }

  async #describePool(): Promise<string> {
    const { initializer, maxTasks, maxMemory, concurrency } = this.#workers;
    const setup: PoolSetup = {
      initializer: initializer === null ? null : {
        descriptor: toPortable(initializer, this.#root, this.#isChecked),
        name: "name" in initializer ? initializer.name : initializer.path,
        files: await this.#filesOf(initializer),
      },
      maxTasks,
      maxMemory,
      concurrency,
    };
    return JSON.stringify(setup);
  }

  async #filesOf(descriptor: TargetDescriptor): Promise<Record<string, string>> {
    return this.#isChecked ? await hashesOf(descriptor, this.#root) : {};
  }
}
