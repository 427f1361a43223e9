/**
 * The functions that a program gives a pool: each is described once and sent to each worker once, is called so that it stays
 * as fast as it is by itself, and an error of it carries the place in the program where the pool was called.
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
 * The functions that the owner of a pool has used, each in a block of shared memory: what a task of it takes, in nanoseconds, as
 * its workers have measured, 0 if they have not; how long the slowest of them took until it could call it, in milliseconds, 0 if
 * none has come that far; the length of its description in bytes; and that, as JSON.
 */
export class Functions {
  readonly #space: Space;
  readonly #known: WeakMap<AnyFunction, number> = new WeakMap();
  // By description: an inline function in a loop is another object each time, and still the same function.
  readonly #addresses: Map<string, number> = new Map();
  readonly #names: Map<number, string> = new Map();

  constructor(space: Space) {
    this.#space = space;
  }

  /** Where the function is described. */
  addressOf(fn: AnyFunction): number {
    const known = this.#known.get(fn);
    if (known !== undefined) return known;
    const address = this.addressOfText(JSON.stringify(describeTarget(fn, { what: "task" })), nameOf(fn));
    this.#known.set(fn, address);
    return address;
  }

  /** Where the function of that description, and of that name in messages, is described. */
  addressOfText(text: string, name: string): number {
    let address = this.#addresses.get(text);
    if (address === undefined) {
      address = this.#space.writeBlock(encoder.encode(text), "send a function to a pool", DESCRIPTION);
      this.#addresses.set(text, address);
      this.#names.set(address, name);
    }
    return address;
  }

  /** The name of the function that is described there. */
  nameOf(address: number): string {
    return this.#names.get(address)!;
  }

  /** Gives all blocks back; no worker may be left. */
  destroy(): void {
    for (const address of this.#addresses.values()) this.#space.free(address);
    this.#addresses.clear();
  }
}

/** In a worker: the function of that address. */
export function readFunction(space: Space, address: number): TargetDescriptor {
  return JSON.parse(decoder.decode(space.readBlock(address + DESCRIPTION)));
}

/** The name of a function, for messages. */
export function nameOf(fn: AnyFunction): string {
  return fn.name || "anonymous";
}

/** Nanoseconds that a task of the function takes; 0: not known. Not exact, so it is read and written without further ado. */
export function costOf({ words }: Space, address: number): number {
  return words[address + COST];
}

/** How long the slowest worker took until it could call the function, which may be long as modules are imported; 0: none can yet. */
export function slowestResolved({ words }: Space, address: number): number {
  return words[address + RESOLVED];
}

/** In a worker: that took so many milliseconds. */
export function noteResolved({ words }: Space, address: number, ms: number): void {
  words[address + RESOLVED] = Math.max(words[address + RESOLVED], Math.ceil(ms), 1);
}

/** In a worker: so many tasks of the function took so many milliseconds. */
export function noteCost({ words }: Space, address: number, tasks: number, ms: number): void {
  const each = ms * 1e6 / tasks;
  const known = words[address + COST];
  // The first tasks take longer than those that follow; what turns out to be slow is done by others in time.
  const weight = known === 0 ? 1 : each < known ? 0.7 : 0.3;
  words[address + COST] = Math.max(1, Math.min(0x7fffffff, known * (1 - weight) + each * weight));
}

// Calls, in a worker.
//
// V8 looks at what a call calls, and if that was always the same function, its quick compiler (Maglev) makes the function's
// body a part of the caller. A worker's loop over tasks becomes hot by the number of tasks alone: after some hundred, the loops of
// a task would run in the quick compiler's code, four times as slow as the code that they already had, and stay there. Calls
// that have seen several functions are left as calls.

/** Calls a function with an item. */
export function callOn(fn: Callable, item: unknown): unknown {
  return fn(item);
}

/** Calls a function with arguments. */
export function callWith(fn: Callable, args: readonly unknown[]): unknown {
  return fn(...args);
}

// V8 takes no notes of the first calls, hence so many.
for (let i = 0; i < 100; i++) {
  for (const fn of [() => 0, () => 1]) {
    callOn(fn, i);
    callWith(fn, []);
  }
}

// The call of the pool, for the stack of an error that comes back from a worker.

/** A place in the program. The stack is not made to a string before it is asked for: that takes longer than a task. */
export class CallSite {
  readonly #error: Error = new Error();

  /** The stack, without the frames of the pool itself, which say nothing. */
  get stack(): string {
    const { stack } = this.#error;
    return `Error\n${(stack ?? "").split("\n").filter((line) => line.includes(":") && !isOwnFrame(line)).join("\n")}`;
  }
}
