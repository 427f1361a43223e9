/**
 * Functions of a pool: described once, sent to each worker once.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import type { Space } from "../memory/space.ts";
import { describeTarget, type TargetDescriptor } from "../targets/describe.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type AnyFunction = (...args: never[]) => unknown;

/** The functions that the owner of a pool has used, each in a block of shared memory. */
export class Functions {
  readonly #space: Space;
  readonly #known: WeakMap<AnyFunction, number> = new WeakMap();
  // By description: an inline function in a loop is another object each time, and still the same function.
  readonly #addresses: Map<string, number> = new Map();

  constructor(space: Space) {
    this.#space = space;
  }

  /** Where the function is described. */
  addressOf(fn: AnyFunction): number {
    const known = this.#known.get(fn);
    if (known !== undefined) return known;
    const text = JSON.stringify(describeTarget(fn, { what: "task" }));
    let address = this.#addresses.get(text);
    if (address === undefined) {
      const bytes = encoder.encode(text);
      address = this.#space.allocate(1 + ((bytes.length + 3) >> 2), "send a function to a pool");
      store(this.#space.words, address, bytes.length);
      this.#space.memory.bytes.set(bytes, (address + 1) * 4);
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
  const start = (address + 1) * 4;
  return JSON.parse(decoder.decode(space.memory.bytes.slice(start, start + load(space.words, address))));
}
