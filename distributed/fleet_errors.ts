/**
 * What a pool of many machines throws, beside what every pool throws.
 *
 * @module
 */

import { InvalidStateError } from "../_internal/errors.ts";

function named(type: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, "name", { value: name, configurable: true, writable: true });
}

/**
 * An agent has other code than the program: the task was not begun. The message names the file that differs.
 *
 * Python has no equivalent.
 *
 * @example
 * ```ts
 * import { CodeMismatchError, WorkerLostError } from "@weft/concurrent/distributed";
 * import { assert } from "@std/assert";
 *
 * // Not a task that may have run, wholly or in part: it has not.
 * assert(!(new CodeMismatchError("Cannot run task") instanceof WorkerLostError));
 * ```
 */
export class CodeMismatchError extends Error {
  static {
    named(this, "CodeMismatchError");
  }
}

/**
 * No agent of the fleet has answered for the `agentTimeout` of the pool: none of the tasks that waited was begun. The message has
 * the command that starts an agent.
 *
 * Python has no equivalent.
 *
 * @example
 * ```ts
 * import { devServer, NoAgentError, Pool } from "@weft/concurrent/distributed";
 * import { assertRejects } from "@std/assert";
 *
 * await using server = await devServer();
 * await using pool = new Pool({ connect: server.url, agentTimeout: 50 });
 * await assertRejects(() => pool.apply(Math.max, [1, 2]), NoAgentError);
 * ```
 */
export class NoAgentError extends Error {
  static {
    named(this, "NoAgentError");
  }
}

/**
 * The engine, which carries tasks and results, cannot be reached, refuses the program, or was away for longer than the
 * `engineTimeout` of the pool. A task that had begun may have run, wholly or in part.
 *
 * Python has no equivalent.
 *
 * @example
 * ```ts
 * import { EngineError, Pool } from "@weft/concurrent/distributed";
 * import { assertRejects } from "@std/assert";
 *
 * // Nothing listens there.
 * await using pool = new Pool({ connect: "nats://127.0.0.1:9", engineTimeout: 100 });
 * await assertRejects(() => pool.apply(Math.max, [1, 2]), EngineError);
 * ```
 */
export class EngineError extends Error {
  static {
    named(this, "EngineError");
  }
}

/**
 * A lease has run out before it was given back: another program may have what it stood for. It is the reason of
 * {@linkcode Lease.lost}.
 *
 * Python has no equivalent.
 *
 * @example
 * ```ts
 * import { InvalidStateError, LeaseLostError } from "@weft/concurrent/distributed";
 * import { assert } from "@std/assert";
 *
 * assert(new LeaseLostError("the lease has run out") instanceof InvalidStateError);
 * ```
 */
export class LeaseLostError extends InvalidStateError {
  static {
    named(this, "LeaseLostError");
  }
}
