/**
 * How processes are started.
 *
 * @module
 */

import { warmUp } from "../_internal/processes/forkserver.ts";
import { show } from "../_internal/wait_options.ts";
import { InvalidStateError, NotSupportedError } from "../sync/errors.ts";

/** A way in which processes are started. */
export type StartMethod = "spawn" | "forkserver";

let method: StartMethod | undefined;

/**
 * Says how processes are started from here on. Once in a program, before the first start.
 *
 * `"spawn"`, the default: a fresh runtime for each process. `"forkserver"`: runtimes that are up and idle are kept ready, so
 * that a start takes a few milliseconds; one that has run a process is never used again, and another comes up for it.
 * It is a setting of this thread of this process; children begin with that of their starter.
 *
 * Python: `multiprocessing.set_start_method`.
 *
 * @throws {NotSupportedError} For `"fork"`: a copy of a runtime has none of its threads, without which it does not work.
 * @throws {TypeError} If there is no such method.
 * @throws {InvalidStateError} If it was set before, unless `force` is `true`.
 *
 * @example
 * ```ts
 * import { getStartMethod, setStartMethod } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * setStartMethod("forkserver");
 * assertEquals(getStartMethod(), "forkserver");
 * ```
 */
export function setStartMethod(name: StartMethod, options?: { force?: boolean }): void {
  validateMethod(name, "set start method");
  if (method !== undefined && options?.force !== true) {
    throw new InvalidStateError(
      `Cannot set start method as it was set before, to "${method}": set it once, or write setStartMethod("${name}", { force: true })`,
    );
  }
  method = name;
  if (name === "forkserver") warmUp();
}

/**
 * How processes are started.
 *
 * Python: `multiprocessing.get_start_method`.
 *
 * @example
 * ```ts
 * import { getStartMethod } from "@weft/concurrent/multiprocessing";
 *
 * console.log(getStartMethod()); // spawn
 * ```
 */
export function getStartMethod(): StartMethod {
  return methodInUse();
}

/**
 * The ways in which processes can be started, the default first.
 *
 * Python: `multiprocessing.get_all_start_methods`.
 *
 * @example
 * ```ts
 * import { getAllStartMethods } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(getAllStartMethods(), ["spawn", "forkserver"]);
 * ```
 */
export function getAllStartMethods(): StartMethod[] {
  return ["spawn", "forkserver"];
}

/** How processes are started where nothing else is said. */
export function methodInUse(): StartMethod {
  return method ?? "spawn";
}

/** Throws unless that is a way in which processes can be started. */
export function validateMethod(name: unknown, action: string): void {
  if (name === "spawn" || name === "forkserver") return;
  if (name === "fork") {
    throw new NotSupportedError(
      `Cannot ${action} as a copy of a runtime that runs has none of its threads (garbage collection, compilers, the event loop) and does not work: write "spawn", or "forkserver" for a quick start`,
    );
  }
  throw new TypeError(`Cannot ${action} as it must be "spawn" or "forkserver": received ${show(name)}`);
}
