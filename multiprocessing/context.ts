/**
 * The contexts: this package's `multiprocessing` with a fixed start method.
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
import { freezeSupport } from "./freeze_support.ts";
import { getAllStartMethods, methodInUse, type StartMethod, validateMethod } from "./start_method.ts";

/**
 * The classes and functions of this module, as {@linkcode getContext} returns them. `Process` and `Pool` start processes by
 * the method of the context; everything else is the same as in the module.
 */
export interface Context extends Readonly<typeof primitives & typeof data & typeof current> {
  /** A subclass of {@linkcode Process} whose processes start by the method of the context. */
  readonly Process: typeof Process;
  /** A subclass of {@linkcode Pool} whose workers start by the method of the context. */
  readonly Pool: typeof Pool;
  /** The class {@linkcode Connection} of the module. */
  readonly Connection: typeof Connection;
  /** The class {@linkcode Future} of the module. */
  readonly Future: typeof Future;
  /** The function {@linkcode Pipe} of the module. */
  readonly Pipe: typeof Pipe;
  /** The class {@linkcode SharedMemory} of the module. */
  readonly SharedMemory: typeof SharedMemory;
  /** The function {@linkcode asCompleted} of the module. */
  readonly asCompleted: typeof asCompleted;
  /** The function {@linkcode currentTask} of the module. */
  readonly currentTask: typeof currentTask;
  /** The function {@linkcode freezeSupport} of the module. */
  readonly freezeSupport: typeof freezeSupport;
  /** The function {@linkcode wait} of the module. */
  readonly wait: typeof wait;
  /**
   * Lists the start methods of this package, as {@linkcode getAllStartMethods} of the module does.
   *
   * @returns The start methods, the default first.
   *
   * @example
   * ```ts
   * import { getContext } from "@weft/concurrent/multiprocessing";
   * import { assert } from "@std/assert";
   *
   * const context = getContext();
   * assert(context.getAllStartMethods().includes(context.getStartMethod()));
   * ```
   */
  getAllStartMethods(): StartMethod[];
  /**
   * Returns the start method of this context.
   *
   * @returns The method that was passed to {@linkcode getContext}, or else the method of the program at that time.
   *
   * @example
   * ```ts
   * import { getContext } from "@weft/concurrent/multiprocessing";
   * import { assertEquals } from "@std/assert";
   *
   * assertEquals(getContext("forkserver").getStartMethod(), "forkserver");
   * ```
   */
  getStartMethod(): StartMethod;
}

/**
 * Returns this module with a start method of its own, which {@linkcode setStartMethod} does not change.
 *
 * It is meant for libraries, which should not change the start method of the program.
 *
 * Python: `multiprocessing.get_context`.
 *
 * @param method The start method. Default: the method of the program at the time of the call.
 * @returns The classes and functions of the module. Each call creates new subclasses of {@linkcode Process} and
 * {@linkcode Pool}.
 * @throws {NotSupportedError} If `method` is `"fork"`. The message says why.
 * @throws {TypeError} If there is no such method.
 *
 * @example
 * ```ts
 * import { getContext } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const context = getContext("spawn");
 * const process = new context.Process({ target: Math.sqrt, args: [16] }).start();
 * assertEquals(await process.result(), 4);
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
    freezeSupport,
    wait,
    getAllStartMethods,
    getStartMethod: () => method,
  };
}
