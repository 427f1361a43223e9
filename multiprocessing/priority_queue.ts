/**
 * A queue between processes: lowest priority first.
 *
 * @module
 */

import { PRIORITY_QUEUE, registerClass } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/memory.ts";
import * as sync from "../sync/ordered_queues.ts";

/**
 * A queue between processes from which the item with the lowest priority is taken first, and among equals the one that was
 * put first: {@linkcode sync.PriorityQueue} in memory that processes share.
 *
 * Python has none between processes; `queue.PriorityQueue` is its counterpart for threads.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new PriorityQueue<string>();
 * queue.putSync("later", { priority: 2 });
 * queue.putSync("sooner", { priority: 1 });
 * assertEquals(queue.getSync(), "sooner");
 * ```
 */
export class PriorityQueue<T = unknown> extends sync.PriorityQueue<T> {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", PRIORITY_QUEUE, PriorityQueue);
