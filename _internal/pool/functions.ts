/**
 * The functions that a program passes to a pool. Each is described once, and sent to each worker once. Calls in a worker are made
 * so that the function runs as fast as elsewhere, and errors get the stack of the call of the pool.
 *
 * @module
 */

import type { Space } from "../memory/space.ts";
import { isOwnFrame } from "../runtime/own_files.ts";
import { describeTarget, type TargetDescriptor } from "../targets/describe.ts";
import type { AnyFunction, Callable } from "../targets/source.ts";

const COST = 0;
const RESOLVED = 1;
const DESCRIPTION = 2;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The functions that the owner of a pool has used. Each has a block of shared memory:
 *
 * ```text
 *   0  COST          nanoseconds that a task takes, as measured by the workers; 0: not known
 *   1  RESOLVED      milliseconds until the slowest worker could call the function; 0: none can yet
 *   2  DESCRIPTION   length in bytes, then the description, as JSON
 * ```
 */
export class Functions {
  readonly #space: Space;
  readonly #known: WeakMap<AnyFunction, number> = new WeakMap();
  // By description: an inline function in a loop is a new object each time, but has the same description.
  readonly #addresses: Map<string, number> = new Map();
  readonly #names: Map<number, string> = new Map();

  constructor(space: Space) {
    this.#space = space;
  }

  /** The address of the function's block. */
  addressOf(fn: AnyFunction): number {
    const known = this.#known.get(fn);
    if (known !== undefined) return known;
    const address = this.addressOfText(JSON.stringify(describeTarget(fn, { what: "task" })), nameOf(fn));
    this.#known.set(fn, address);
    return address;
  }

  /** The same for a function with this description. `name` is used in error messages. */
  addressOfText(text: string, name: string): number {
    let address = this.#addresses.get(text);
    if (address === undefined) {
      address = this.#space.writeBlock(encoder.encode(text), "send a function to a pool", DESCRIPTION);
      this.#addresses.set(text, address);
      this.#names.set(address, name);
    }
    return address;
  }

  /** The name of the function at an address. */
  nameOf(address: number): string {
    return this.#names.get(address)!;
  }

  /** Frees all blocks. No worker may be left. */
  destroy(): void {
    for (const address of this.#addresses.values()) this.#space.free(address);
    this.#addresses.clear();
  }
}

/** Worker: reads the description of the function at an address. */
export function readFunction(space: Space, address: number): TargetDescriptor {
  return JSON.parse(decoder.decode(space.readBlock(address + DESCRIPTION)));
}

/** The name of a function, used in error messages. */
export function nameOf(fn: AnyFunction): string {
  return fn.name || "anonymous";
}

/** Nanoseconds that a task of the function takes; 0: not known. An estimate, so plain reads and writes are good enough. */
export function costOf({ words }: Space, address: number): number {
  return words[address + COST];
}

/** Milliseconds until the slowest worker could call the function, imports of modules included; 0: none can yet. */
export function slowestResolved({ words }: Space, address: number): number {
  return words[address + RESOLVED];
}

/** Worker: notes how many milliseconds it took until this worker could call the function. */
export function noteResolved({ words }: Space, address: number, ms: number): void {
  words[address + RESOLVED] = Math.max(words[address + RESOLVED], Math.ceil(ms), 1);
}

/** Worker: notes that `tasks` tasks of the function took `ms` milliseconds. */
export function noteCost({ words }: Space, address: number, tasks: number, ms: number): void {
  const each = ms * 1e6 / tasks;
  const known = words[address + COST];
  // Lower costs get more weight, since the first tasks take longer than later ones. An estimate that is too low does little
  // harm: other workers take the tasks behind a slow one.
  const weight = known === 0 ? 1 : each < known ? 0.7 : 0.3;
  words[address + COST] = Math.max(1, Math.min(0x7fffffff, known * (1 - weight) + each * weight));
}

// Calls, in a worker.
//
// If a call site has always called the same function, V8's mid-tier compiler (Maglev) inlines that function into the caller. A
// worker's loop over tasks becomes hot by the number of tasks alone. After some hundred tasks, the loops inside a task would
// run as Maglev's code, four times slower than the optimized code that the function already had, and would stay so. V8 does not
// inline at call sites that have seen several functions.

/** Calls a function with an item. */
export function callOn(fn: Callable, item: unknown): unknown {
  return fn(item);
}

/** Calls a function with arguments. */
export function callWith(fn: Callable, args: readonly unknown[]): unknown {
  return fn(...args);
}

// V8 does not record the functions of the first calls, hence the number of rounds.
for (let i = 0; i < 100; i++) {
  for (const fn of [() => 0, () => 1]) {
    callOn(fn, i);
    callWith(fn, []);
  }
}

// The call of the pool, for the stack of an error that comes back from a worker.

/** A place in the program. The stack becomes a string only when it is read, since that takes longer than a task. */
export class CallSite {
  readonly #error: Error = new Error();

  /** The stack, without the frames of this package. */
  get stack(): string {
    const { stack } = this.#error;
    return `Error\n${(stack ?? "").split("\n").filter((line) => line.includes(":") && !isOwnFrame(line)).join("\n")}`;
  }
}
