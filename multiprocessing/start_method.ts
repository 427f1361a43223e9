/**
 * The start methods: how processes are started.
 *
 * @module
 */

import { load, store } from "../_internal/atomics.ts";
import { START_METHOD_AT } from "../_internal/memory/memory.ts";
import { spaceOf } from "../_internal/memory/space.ts";
import { warmUp } from "../_internal/processes/forkserver.ts";
import { show } from "../_internal/options.ts";
import { InvalidStateError, NotSupportedError } from "../_internal/errors.ts";

/** How processes are started: see {@linkcode setStartMethod}. */
export type StartMethod = "spawn" | "forkserver";

const METHODS: readonly StartMethod[] = ["spawn", "forkserver"];
/** A flag in the word of the method, which is 0 for none and else the method's index plus 1: the program has set the method. */
const CHOSEN = 4;

/**
 * Sets how the program starts processes from now on. Call it once, before the first start.
 *
 * - `"spawn"`, the default, starts a new runtime for each process. That takes some tens of milliseconds.
 * - `"forkserver"` keeps some idle runtimes ready, so that a start takes a few milliseconds. Each runtime runs one process and
 *   is never used again; another runtime is started in its place. If processes run the same target again and again, an idle
 *   runtime also imports the target's module ahead. So the top level of a module may run earlier and more often than processes
 *   are started.
 *
 * The setting holds for all threads of the process. A child begins with the method of its starter.
 *
 * Python: `multiprocessing.set_start_method`.
 *
 * @param name The start method.
 * @param options `force`: whether to replace a method that was set before. Default: `false`.
 * @throws {NotSupportedError} If `name` is `"fork"`: a copy of a running runtime lacks the threads that it needs.
 * @throws {TypeError} If there is no such method.
 * @throws {InvalidStateError} If the method was set before, and `force` is not `true`.
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
 * Returns the start method of the program.
 *
 * Python: `multiprocessing.get_start_method`.
 *
 * @returns The method that was set with {@linkcode setStartMethod}, in this process or in its starter; `"spawn"` if none was
 * set.
 *
 * @example
 * ```ts
 * import { getStartMethod } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(getStartMethod(), "spawn");
 * ```
 */
export function getStartMethod(): StartMethod {
  return methodInUse();
}

/**
 * Lists the start methods.
 *
 * Python: `multiprocessing.get_all_start_methods`.
 *
 * @returns The start methods, the default first.
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

/** The start method of processes that do not get another method from a context. */
export function methodInUse(): StartMethod {
  return METHODS[(load(spaceOf("thread").words, START_METHOD_AT) & ~CHOSEN) - 1] ?? "spawn";
}

/** In a new process: takes over the start method of its starter. The process may still set another. */
export function inheritMethod(method: StartMethod): void {
  store(spaceOf("thread").words, START_METHOD_AT, METHODS.indexOf(method) + 1);
}

/** Throws unless `name` is a start method. */
export function validateMethod(name: unknown, action: string): void {
  if (name === "spawn" || name === "forkserver") return;
  if (name === "fork") {
    throw new NotSupportedError(
      `Cannot ${action} as a copy of a running runtime lacks its threads (garbage collection, compilers, the event loop) and does not work: received "fork", expected "spawn", or "forkserver" for a quick start`,
    );
  }
  throw new TypeError(`Cannot ${action} as it must be "spawn" or "forkserver": received ${show(name)}`);
}
