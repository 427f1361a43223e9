/**
 * Queues between threads with another order than first in, first out.
 *
 * @module
 */

import { show, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import { HEAP } from "../_internal/queue/heap.ts";
import { STACK } from "../_internal/queue/stack.ts";
import { defineQueue } from "./_queue_ends.ts";
import { offer, Queue } from "./queue.ts";

/**
 * A {@linkcode Queue} from which the item that was put last is taken first.
 *
 * Python: `queue.LifoQueue`.
 *
 * @example
 * ```ts
 * import { LifoQueue } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const stack = new LifoQueue<string>();
 * stack.putSync("first");
 * stack.putSync("last");
 * assertEquals(stack.getSync(), "last");
 * ```
 */
export class LifoQueue<T = unknown> extends Queue<T> {}

defineQueue(STACK, LifoQueue);

/** What an item's turn depends on. */
export interface PriorityOptions {
  /** Lower numbers are taken first; 0 where none is given. NaN: `RangeError`. */
  priority?: number;
}

/**
 * A {@linkcode Queue} from which the item with the lowest priority is taken first, and among equals the item that was put
 * first.
 *
 * The priority stands beside the item, not in it: items need not be comparable.
 *
 * Python: `queue.PriorityQueue`.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new PriorityQueue<string>();
 * queue.putSync("tidy up", { priority: 10 });
 * queue.putSync("put the fire out", { priority: -1 });
 * queue.putSync("work");
 * assertEquals(queue.getSync(), "put the fire out");
 * assertEquals(queue.getSync(), "work");
 * ```
 */
export class PriorityQueue<T = unknown> extends Queue<T> {
  /**
   * Puts an item in; waits, without blocking the event loop, while the queue is full. See {@linkcode Queue.put}.
   *
   * @throws {TypeError} If the priority is not a number.
   * @throws {RangeError} If the priority is NaN.
   */
  override async put(item: T, options?: PriorityOptions & WaitOptions): Promise<void> {
    validatePriority(options);
    await super.put(item, options);
  }

  /**
   * Puts an item in; blocks this thread while the queue is full. See {@linkcode Queue.putSync}.
   *
   * @throws {TypeError} If the priority is not a number.
   * @throws {RangeError} If the priority is NaN.
   */
  override putSync(item: T, options?: PriorityOptions & WaitSyncOptions): void {
    validatePriority(options);
    super.putSync(item, options);
  }

  /**
   * Puts an item in if there is room at once. Never waits. See {@linkcode Queue.tryPut}.
   *
   * @throws {TypeError} If the priority is not a number.
   * @throws {RangeError} If the priority is NaN.
   */
  override tryPut(item: T, options?: PriorityOptions): boolean {
    validatePriority(options);
    return offer(this, item, options);
  }
}

function validatePriority(options: PriorityOptions | undefined): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot put an item into queue as the options must be an object like { priority: 1 }: received ${show(options)}`,
    );
  }
  const { priority } = options;
  if (priority === undefined) return;
  if (typeof priority !== "number") {
    throw new TypeError(`Cannot put an item into queue as 'priority' must be a number: received ${show(priority)}`);
  }
  if (Number.isNaN(priority)) {
    throw new RangeError(
      "Cannot put an item into queue as 'priority' must be a number that has an order: received NaN",
    );
  }
}

defineQueue(HEAP, PriorityQueue);
