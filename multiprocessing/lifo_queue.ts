/**
 * A queue between processes: last in, first out.
 *
 * @module
 */

import { LIFO_QUEUE, registerClass } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/memory.ts";
import * as sync from "../sync/ordered_queues.ts";

/**
 * A queue between processes from which the item that was put last is taken first: {@linkcode sync.LifoQueue} in memory
 * that processes share.
 *
 * Python has none between processes; `queue.LifoQueue` is its counterpart for threads.
 *
 * @example
 * ```ts
 * import { LifoQueue } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const stack = new LifoQueue<string>();
 * stack.putSync("first");
 * stack.putSync("last");
 * assertEquals(stack.getSync(), "last");
 * ```
 */
export class LifoQueue<T = unknown> extends sync.LifoQueue<T> {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", LIFO_QUEUE, LifoQueue);
