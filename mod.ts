/**
 * Threads, processes and locks that share memory, in the shape of Python's `threading` and `multiprocessing`.
 *
 * What is shared between threads is exported as it is; the other two modules, whose names partly repeat, are
 * `threading` and `multiprocessing`.
 *
 * @example
 * ```ts
 * import { Lock, threading } from "@weft/concurrent";
 * import { assert } from "@std/assert";
 *
 * const lock = new Lock();
 * assert(lock instanceof threading.Lock);
 * ```
 *
 * @module
 */

export * from "./sync/mod.ts";
export * as multiprocessing from "./multiprocessing/mod.ts";
export * as threading from "./threading/mod.ts";
