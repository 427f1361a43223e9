/**
 * Everything of this package with a start method of its own.
 *
 * @module
 */

import { Connection, Pipe } from "./connection.ts";
import * as current from "./current.ts";
import * as data from "./data.ts";
import { asCompleted, currentTask, Future, type Pool, poolOf, wait } from "./pool.ts";
import * as primitives from "./primitives.ts";
import { Process, type ProcessOptions, setMethod } from "./process.ts";
import { SharedMemory } from "./shared_memory.ts";
import { getAllStartMethods, methodInUse, type StartMethod, validateMethod } from "./start_method.ts";

/**
 * What {@linkcode getContext} returns: the package's own classes and functions, but for processes and pools, which start by the
 * context's method.
 */
export interface Context extends Readonly<typeof primitives & typeof data & typeof current> {
  /** As {@linkcode Process}, which it extends; its processes start by the context's method. */
  readonly Process: typeof Process;
  /** As {@linkcode Pool}; its workers start by the context's method. */
  readonly Pool: typeof Pool;
  /** As the package's own. */
  readonly Connection: typeof Connection;
  /** As the package's own. */
  readonly Future: typeof Future;
  /** As the package's own. */
  readonly Pipe: typeof Pipe;
  /** As the package's own. */
  readonly SharedMemory: typeof SharedMemory;
  /** As the package's own. */
  readonly asCompleted: typeof asCompleted;
  /** As the package's own. */
  readonly currentTask: typeof currentTask;
  /** As the package's own. */
  readonly wait: typeof wait;
  /** As the package's own. */
  getAllStartMethods(): StartMethod[];
  /** The method of this context. */
  getStartMethod(): StartMethod;
}

/**
 * The package with a start method of its own, whatever {@linkcode setStartMethod} says: for libraries, which should not
 * change what is the program's. Without a method: that of the program, as it is now.
 *
 * Python: `multiprocessing.get_context`.
 *
 * @throws {NotSupportedError} For `"fork"`, and the message says why.
 * @throws {TypeError} If there is no such method.
 *
 * @example
 * ```ts
 * import { getContext } from "@weft/concurrent/multiprocessing";
 *
 * export function work(): void {}
 *
 * if (import.meta.main) {
 *   const context = getContext("spawn");
 *   const process = new context.Process({ target: work }).start();
 *   await process.join();
 * }
 * ```
 */
export function getContext(method: StartMethod = methodInUse()): Context {
  validateMethod(method, "get context");
  const OfContext = class<A extends unknown[] = unknown[], R = unknown> extends Process<A, R> {
    constructor(options?: ProcessOptions<A, R>) {
      super(options);
      setMethod(this as never, method);
    }
  };
  Object.defineProperty(OfContext, "name", { value: "Process" });
  return {
    ...primitives,
    ...data,
    ...current,
    Process: OfContext,
    Pool: poolOf(method),
    Connection,
    Future,
    Pipe,
    SharedMemory,
    asCompleted,
    currentTask,
    wait,
    getAllStartMethods,
    getStartMethod: () => method,
  };
}
