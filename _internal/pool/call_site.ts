/**
 * Where the program called: for the stack of an error that comes back from a worker.
 *
 * @module
 */

import { ownModule } from "../runtime/bundle.ts";

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
