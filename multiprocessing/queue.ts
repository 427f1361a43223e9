/**
 * A queue between processes: first in, first out.
 *
 * @module
 */

import { QUEUE, registerClass } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { hasScope, SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/queue.ts";

/**
 * Passes items between processes: {@linkcode sync.Queue} in memory that processes share.
 *
 * Items lie in shared memory, not in a pipe with a feeder thread as in Python: a `put` that has returned is delivered
 * whatever becomes of the process that put, and a process that has put can end, and be joined, at once.
 *
 * Python: `multiprocessing.Queue`, and `JoinableQueue`.
 *
 * @example
 * ```ts
 * import { Process, Queue } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function square(numbers: Queue<number>, squares: Queue<number>): void {
 *   squares.putSync(numbers.getSync() ** 2);
 * }
 *
 * if (import.meta.main) {
 *   const numbers = new Queue<number>();
 *   const squares = new Queue<number>();
 *   const child = new Process({ target: square, args: [numbers, squares] }).start();
 *   await numbers.put(7);
 *   assertEquals(await squares.get(), 49);
 *   await child.join();
 * }
 * ```
 */
export class Queue<T = unknown> extends sync.Queue<T> {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";

  /** Also a `LifoQueue` and a `PriorityQueue` of this module, which extend those of `sync`. @ignore */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === Queue
      ? value instanceof sync.Queue && hasScope(value, "process")
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

registerClass("process", QUEUE, Queue);
