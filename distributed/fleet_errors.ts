/**
 * The errors of pools and objects of many machines, in addition to those of every pool.
 *
 * @module
 */

import { InvalidStateError } from "../_internal/errors.ts";

function named(type: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, "name", { value: name, configurable: true, writable: true });
}

/**
 * An agent has other code than the program, so the task was not begun. The message names the file that differs.
 *
 * Python has no equivalent.
 *
 * @example
 * ```ts
 * import { CodeMismatchError, WorkerLostError } from "@weft/concurrent/distributed";
 * import { assert } from "@std/assert";
 *
 * // The task has not begun, so this is no WorkerLostError.
 * assert(!(new CodeMismatchError("Cannot run task") instanceof WorkerLostError));
 * ```
 */
export class CodeMismatchError extends Error {
  static {
    named(this, "CodeMismatchError");
  }
}

/**
 * No agent of the fleet has answered within the `agentTimeout` of the pool. None of the waiting tasks was begun. The
 * message has the command that starts an agent.
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
 * The engine, the NATS server that carries tasks and results, cannot be reached, refuses the program, or was away for
 * longer than `engineTimeout`. A task that had begun may have run in part or to its end.
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
 * A lease ran out before it was given back: another program may hold the permit now. It is the reason of {@linkcode
 * Lease.lost}.
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
