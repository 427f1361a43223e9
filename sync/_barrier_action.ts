/**
 * The function that the last party to come to a barrier calls, in whichever thread that is.
 *
 * The thread that made the barrier has it. Other threads find it by its description, which is in a block of the shared memory:
 * its length in bytes, and JSON behind it. That thread writes the block before any other can see the barrier; then it is only
 * read.
 *
 * @module
 */

import { onArrival } from "../_internal/codec/arrivals.ts";
import { TargetError } from "../_internal/errors.ts";
import type { Space } from "../_internal/memory/space.ts";
import { bindContext } from "../_internal/runtime/this_thread.ts";
import { describeTarget, locationOf, type TargetDescriptor } from "../_internal/targets/describe.ts";

type Description = { target: TargetDescriptor } | { flaw: string };

/** An action, as one thread has it. */
export class BarrierAction {
  readonly #space: Space;
  readonly #block: number;
  #run: (() => unknown) | undefined;
  #problem: unknown;
  #finding: Promise<void> | undefined;

  /** The action that is described in `block`. `own`: what this thread was given for it. */
  constructor(space: Space, block: number, own: (() => unknown) | undefined) {
    this.#space = space;
    this.#block = block;
    // What task() returns cannot be called.
    if (own !== undefined && locationOf(own) === undefined) this.#run = bindContext(own);
    else onArrival(() => this.find().catch(() => {}));
  }

  /** Whether it can be called now. */
  get isFound(): boolean {
    return this.#run !== undefined;
  }

  /** Looks for it, if that was not done yet. */
  async find(): Promise<void> {
    if (this.#run !== undefined) return;
    await (this.#finding ??= this.#find());
  }

  /** Throws why it cannot be called now, if that is so. */
  check(): void {
    if (this.#run !== undefined) return;
    if (this.#problem !== undefined) throw this.#problem;
    throw new TargetError(
      "Cannot wait at barrier as its action is not known in this thread yet: it is looked up for a barrier that comes in the args of a thread, else by the first await wait(), which waitSync() cannot do",
    );
  }

  /** Calls it. */
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
 * What other threads need to find the action, as bytes. A flaw that keeps it from running elsewhere reaches the threads that
 * would run it.
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
