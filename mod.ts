/**
 * Threads, processes, and locks that share memory, modeled on Python's `threading` and `multiprocessing`.
 *
 * This module exports everything of `@weft/concurrent/sync` directly. `threading` and `multiprocessing` are namespaces, since
 * some of their names are the same.
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
