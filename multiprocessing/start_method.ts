/**
 * How processes are started.
 *
 * @module
 */

import { load, store } from "../_internal/atomics.ts";
import { START_METHOD_AT } from "../_internal/memory/memory.ts";
import { spaceOf } from "../_internal/memory/space.ts";
import { warmUp } from "../_internal/processes/forkserver.ts";
import { show } from "../_internal/options.ts";
import { InvalidStateError, NotSupportedError } from "../_internal/errors.ts";

/** A way in which processes are started. */
export type StartMethod = "spawn" | "forkserver";

const METHODS: readonly StartMethod[] = ["spawn", "forkserver"];
/** A flag of the word that has the method (0: none, else its index + 1): the program chose it. */
const CHOSEN = 4;

/**
 * Says how processes are started from here on. Once in a program, before the first start.
 *
 * `"spawn"`, the default: a fresh runtime for each process. `"forkserver"`: runtimes that are up and idle are kept ready, so
 * that a start takes a few milliseconds; each runs one process and is never used again, and another comes up in its place.
 * Where a process runs what another ran that has ended, such a runtime imports the module before the next process comes: the
 * top level of a module may run earlier, and more often, than processes are started.
 * Children begin with the method of their starter.
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
  const { words } = spaceOf("thread");
  if ((load(words, START_METHOD_AT) & CHOSEN) !== 0 && options?.force !== true) {
    throw new InvalidStateError(
      `Cannot set start method as it was set before, to "${methodInUse()}": set it once, or write setStartMethod("${name}", { force: true })`,
    );
  }
  store(words, START_METHOD_AT, METHODS.indexOf(name) + 1 | CHOSEN);
  if (name === "forkserver") warmUp();
}

/**
 * How processes are started: `"spawn"`, unless {@linkcode setStartMethod} has said otherwise here or in the starter.
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
  return [...METHODS];
}

/** How processes are started where nothing else is said. */
export function methodInUse(): StartMethod {
  return METHODS[(load(spaceOf("thread").words, START_METHOD_AT) & ~CHOSEN) - 1] ?? "spawn";
}

/** In a new process: how it starts others unless it says so itself. */
export function inheritMethod(method: StartMethod): void {
  store(spaceOf("thread").words, START_METHOD_AT, METHODS.indexOf(method) + 1);
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
