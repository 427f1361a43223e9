/**
 * Functions of a pool: described once, sent to each worker once.
 *
 * @module
 */

import type { Space } from "../memory/space.ts";
import { describeTarget, type TargetDescriptor } from "../targets/describe.ts";
import { ownModule } from "../runtime/modules.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Described = (...args: never[]) => unknown;

/** The functions that the owner of a pool has used, each in a block of shared memory. */
export class Functions {
  readonly #space: Space;
  readonly #known: WeakMap<Described, number> = new WeakMap();
  // By description: an inline function in a loop is another object each time, and still the same function.
  readonly #addresses: Map<string, number> = new Map();

  constructor(space: Space) {
    this.#space = space;
  }

  /** Where the function is described. */
  addressOf(fn: Described): number {
    const known = this.#known.get(fn);
    if (known !== undefined) return known;
    const text = JSON.stringify(describeTarget(fn, { what: "task" }));
    let address = this.#addresses.get(text);
    if (address === undefined) {
      address = this.#space.writeBlock(encoder.encode(text), "send a function to a pool");
      this.#addresses.set(text, address);
    }
    this.#known.set(fn, address);
    return address;
  }

  /** Gives all blocks back; no worker may be left. */
  destroy(): void {
    for (const address of this.#addresses.values()) this.#space.free(address);
    this.#addresses.clear();
  }
}

/** In a worker: the function of that address. */
export function readFunction(space: Space, address: number): TargetDescriptor {
  return JSON.parse(decoder.decode(space.readBlock(address)));
}

// Calls of the functions that a program gave the pool, in a way that keeps these functions as fast as they are by themselves.
//
// V8 looks at what a call calls, and if that was always the same function, its quick compiler (Maglev) makes the function's
// body a part of the caller. A worker's loop over tasks becomes hot by the number of tasks alone: after some hundred, the loops of
// a task would run in the quick compiler's code, four times as slow as the code that they already had, and stay there. Calls
// that have seen several functions are left as calls.

/** A function of a program. */
export type AnyFunction = (...args: unknown[]) => unknown;

/** Calls a function with an item. */
export function callOn(fn: AnyFunction, item: unknown): unknown {
  return fn(item);
}

/** Calls a function with arguments. */
export function callWith(fn: AnyFunction, args: readonly unknown[]): unknown {
  return fn(...args);
}

// V8 takes no notes of the first calls, hence so many.
for (let i = 0; i < 100; i++) {
  for (const fn of [() => 0, () => 1]) {
    callOn(fn, i);
    callWith(fn, []);
  }
}

// Where the program called: for the stack of an error that comes back from a worker.

/** Frames of the pool itself say nothing. */
const OWN: string = ownModule("./", import.meta.url).pathname;

/** A place in the program. The stack is not made to a string before it is asked for: that takes longer than a task. */
export class CallSite {
  readonly #error: Error = new Error();

  /** The stack, without the frames of the pool. */
  get stack(): string {
    const { stack } = this.#error;
    return `Error\n${(stack ?? "").split("\n").filter((line) => line.includes(":") && !line.includes(OWN)).join("\n")}`;
  }
}
