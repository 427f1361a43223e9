/**
 * Queues between threads with an order other than first in, first out.
 *
 * @module
 */

import { show, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import { HEAP } from "../_internal/queue/heap.ts";
import { STACK } from "../_internal/queue/stack.ts";
import { defineQueue } from "./_queue_ends.ts";
import { offer, Queue } from "./queue.ts";

/**
 * A {@linkcode Queue} whose last item is taken first.
 *
 * Everything else is as for {@linkcode Queue}: waiting, copies, visibility, shutdown, and the death of threads.
 *
 * Python: `queue.LifoQueue`.
 *
 * @example Last in, first out
 * ```ts
 * import { LifoQueue } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const stack = new LifoQueue<string>();
 * stack.putSync("first");
 * stack.putSync("last");
 * assertEquals(stack.getSync(), "last");
 * ```
 *
 * @typeParam T The type of the items.
 */
export class LifoQueue<T = unknown> extends Queue<T> {}

defineQueue(STACK, LifoQueue);

/** Options of a put into a {@linkcode PriorityQueue}. */
export interface PriorityOptions {
  /** The item's priority: any number except NaN, also a negative or infinite one. Lower numbers are taken first. Default: 0. */
  priority?: number;
}

/**
 * A {@linkcode Queue} whose item with the lowest priority is taken first. Items with equal priorities are taken in the order in
 * which they were put.
 *
 * The priority is an option of `put`, not part of the item, so items need not be comparable. Everything else is as for
 * {@linkcode Queue}: waiting, copies, visibility, shutdown, and the death of threads.
 *
 * Python: `queue.PriorityQueue`, which compares the items themselves.
 *
 * @example Lowest priority first
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
 *
 * @typeParam T The type of the items.
 */
export class PriorityQueue<T = unknown> extends Queue<T> {
  /**
   * Puts an item into the queue. Waits, without blocking the event loop, while the queue is full. See {@linkcode Queue.put}.
   *
   * Python: `queue.PriorityQueue.put`.
   *
   * @param item The item: anything that can be sent to another thread.
   * @param options `priority`, `timeout` in milliseconds, and `signal`.
   * @throws {TypeError} If the priority is not a number.
   * @throws {RangeError} If the priority is NaN.
   * @throws What {@linkcode Queue.put} throws.
   *
   * @example With a priority
   * ```ts
   * import { PriorityQueue } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new PriorityQueue<string>();
   * await queue.put("work"); // priority 0
   * await queue.put("urgent", { priority: -1, timeout: 100 });
   * assertEquals(await queue.get(), "urgent");
   * ```
   */
  override async put(item: T, options?: PriorityOptions & WaitOptions): Promise<void> {
    validatePriority(options);
    await super.put(item, options);
  }

  /**
   * Puts an item into the queue. Blocks this thread while the queue is full. See {@linkcode Queue.putSync}.
   *
   * Python: `queue.PriorityQueue.put`.
   *
   * @param item The item: anything that can be sent to another thread.
   * @param options `priority`, and `timeout` in milliseconds.
   * @throws {TypeError} If the priority is not a number.
   * @throws {RangeError} If the priority is NaN.
   * @throws What {@linkcode Queue.putSync} throws.
   */
  override putSync(item: T, options?: PriorityOptions & WaitSyncOptions): void {
    validatePriority(options);
    super.putSync(item, options);
  }

  /**
   * Puts an item into the queue if there is room now. Never waits. See {@linkcode Queue.tryPut}.
   *
   * Python: `queue.PriorityQueue.put_nowait`, which raises `queue.Full` where this returns `false`.
   *
   * @param item The item: anything that can be sent to another thread.
   * @param options `priority`.
   * @returns `true` if the item was put, `false` if the queue is full.
   * @throws {TypeError} If the priority is not a number.
   * @throws {RangeError} If the priority is NaN.
   * @throws What {@linkcode Queue.tryPut} throws.
   */
  override tryPut(item: T, options?: PriorityOptions): boolean {
    validatePriority(options);
    return offer(this, item, options);
  }

  /**
   * Puts all items of an array into the queue, with the same priority. Waits, without blocking the event loop, while the queue
   * is full. See {@linkcode Queue.putMany}.
   *
   * Python has no equivalent.
   *
   * @param items The items: anything that can be sent to another thread.
   * @param options `priority` of all items, `timeout` in milliseconds for all items together, and `signal`.
   * @throws {TypeError} If the priority is not a number.
   * @throws {RangeError} If the priority is NaN.
   * @throws What {@linkcode Queue.putMany} throws.
   *
   * @example With a priority
   * ```ts
   * import { PriorityQueue } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new PriorityQueue<string>();
   * await queue.putMany(["work", "more work"]); // priority 0
   * await queue.putMany(["urgent", "urgent, too"], { priority: -1 });
   * assertEquals(await queue.getMany(3), ["urgent", "urgent, too", "work"]);
   * ```
   */
  override async putMany(items: readonly T[], options?: PriorityOptions & WaitOptions): Promise<void> {
    validatePriority(options, "put items into queue");
    await super.putMany(items, options);
  }

  /**
   * Puts all items of an array into the queue, with the same priority. Blocks this thread while the queue is full. See
   * {@linkcode Queue.putManySync}.
   *
   * Python has no equivalent.
   *
   * @param items The items: anything that can be sent to another thread.
   * @param options `priority` of all items, and `timeout` in milliseconds for all items together.
   * @throws {TypeError} If the priority is not a number.
   * @throws {RangeError} If the priority is NaN.
   * @throws What {@linkcode Queue.putManySync} throws.
   */
  override putManySync(items: readonly T[], options?: PriorityOptions & WaitSyncOptions): void {
    validatePriority(options, "put items into queue");
    super.putManySync(items, options);
  }
}

function validatePriority(options: PriorityOptions | undefined, action: string = "put an item into queue"): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot ${action} as the options must be an object like { priority: 1 }: received ${show(options)}`,
    );
  }
  const { priority } = options;
  if (priority === undefined) return;
  if (typeof priority !== "number") {
    throw new TypeError(`Cannot ${action} as 'priority' must be a number: received ${show(priority)}`);
  }
  if (Number.isNaN(priority)) {
    throw new RangeError(
      `Cannot ${action} as 'priority' must be a number other than NaN: received NaN`,
    );
  }
}

defineQueue(HEAP, PriorityQueue);
