/**
 * The function that the last party to come to a barrier calls, in any thread.
 *
 * The thread that made the barrier has the function. Other threads find it by its description, which is in a block of
 * the shared memory: its length in bytes, then JSON. The thread that made the barrier writes the block before any other
 * thread can see the barrier. After that the block is only read.
 *
 * @module
 */

import { onArrival } from "../_internal/codec/arrivals.ts";
import { TargetError } from "../_internal/errors.ts";
import type { Space } from "../_internal/memory/space.ts";
import { bindContext } from "../_internal/runtime/this_thread.ts";
import { describeTarget, locationOf, type TargetDescriptor } from "../_internal/targets/describe.ts";

type Description = { target: TargetDescriptor } | { flaw: string };

/** A barrier's action, as one thread sees it. */
export class BarrierAction {
  readonly #space: Space;
  readonly #block: number;
  #run: (() => unknown) | undefined;
  #problem: unknown;
  #finding: Promise<void> | undefined;

  /**
   * Takes the action that is described in `block`. `own` is the function that the constructor in this thread was given.
   */
  constructor(space: Space, block: number, own: (() => unknown) | undefined) {
    this.#space = space;
    this.#block = block;
    // What task() returns cannot be called.
    if (own !== undefined && locationOf(own) === undefined) this.#run = bindContext(own);
    else onArrival(() => this.find().catch(() => {}));
  }

  /** Whether the action can be called now. */
  get isFound(): boolean {
    return this.#run !== undefined;
  }

  /** Looks the action up, unless that was done already. */
  async find(): Promise<void> {
    if (this.#run !== undefined) return;
    await (this.#finding ??= this.#find());
  }

  /** Throws an error that says why the action cannot be called now, if that is so. */
  check(): void {
    if (this.#run !== undefined) return;
    if (this.#problem !== undefined) throw this.#problem;
    throw new TargetError(
      "Cannot wait at barrier as its action was not looked up in this thread yet: pass the barrier in the args of the thread, or await wait() first",
    );
  }

  /** Calls the action. */
  call(): unknown {
    const run = this.#run!;
    return run();
  }

  async #find(): Promise<void> {
    try {
      const description = readDescription(this.#space, this.#block);
      if ("flaw" in description) throw new TargetError(description.flaw);
      const { resolveTarget } = await import("../_internal/targets/resolve.ts");
      this.#run = await resolveTarget(description.target, "a thread that got a barrier") as () => unknown;
    } catch (error) {
      this.#problem = error;
      throw error;
    }
  }
}

/**
 * Describes an action, as bytes, so that other threads can find it. If the action cannot run in another thread, the
 * description says why, and a thread that must run it throws that.
 */
export function describeAction(action: () => unknown): Uint8Array {
  let description: Description;
  try {
    description = { target: describeTarget(action, { what: "barrier action" }) };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    description = { flaw: error.message };
  }
  return new TextEncoder().encode(JSON.stringify(description));
}

function readDescription(space: Space, block: number): Description {
  return JSON.parse(new TextDecoder().decode(space.readBlock(block)));
}
