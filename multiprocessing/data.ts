/**
 * Queues, values and arrays that processes share: the classes of `sync`, in the memory of processes.
 *
 * @module
 */

import { LIFO_QUEUE, PRIORITY_QUEUE, QUEUE, SHARED_ARRAY, VALUE } from "../_internal/memory/kinds.ts";
import { hasScope, registerProcessClass } from "../_internal/memory/shared_object.ts";
// This import sets up the memory of processes, and the locks that values and arrays have.
import "./primitives.ts";
import * as sync from "../sync/mod.ts";

/**
 * Passes items between processes, first in, first out: a {@linkcode sync.Queue} in memory that processes share.
 *
 * Items lie in shared memory, and not, as in Python, in a pipe that a feeder thread fills. So an item whose `put` has returned
 * is delivered even if the process that put it ends or is killed, and a process that has put items can end at once.
 *
 * Python: `multiprocessing.Queue` and `multiprocessing.JoinableQueue`.
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
  /**
   * Implements `value instanceof Queue`. The `LifoQueue` and `PriorityQueue` of this module are queues, too, although their
   * classes extend those of `sync`.
   *
   * @param value Any value.
   * @returns Whether it is a queue in memory that processes share. For a subclass: whether it is an instance of the subclass.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === Queue
      ? value instanceof sync.Queue && hasScope(value, "process")
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

/**
 * Passes items between processes, last in, first out: a {@linkcode sync.LifoQueue} in memory that processes share.
 *
 * Python has no equivalent for processes. For threads it has `queue.LifoQueue`.
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
export class LifoQueue<T = unknown> extends sync.LifoQueue<T> {}

/**
 * Passes items between processes by priority: a {@linkcode sync.PriorityQueue} in memory that processes share.
 *
 * The item with the lowest priority number is taken first. Among equal priorities, the item that was put first comes first.
 *
 * Python has no equivalent for processes. For threads it has `queue.PriorityQueue`.
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
export class PriorityQueue<T = unknown> extends sync.PriorityQueue<T> {}

/**
 * A number that all processes of the tree read and write: a {@linkcode sync.Value} in memory that processes share.
 *
 * Each read and each write is atomic. But `total.value += 1` is a read and then a write, and another process may write in
 * between. Use {@linkcode sync.Value.add} instead, or hold {@linkcode sync.Value.lock}.
 *
 * Python: `multiprocessing.Value`.
 *
 * @example
 * ```ts
 * import { Process, Value } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function count(total: Value<"i32">): void {
 *   for (let i = 0; i < 1000; i++) total.add(1);
 * }
 *
 * if (import.meta.main) {
 *   const total = new Value("i32");
 *   const children = [1, 2].map(() => new Process({ target: count, args: [total] }).start());
 *   for (const child of children) await child.join();
 *   assertEquals(total.value, 2000);
 * }
 * ```
 */
export class Value<K extends sync.ValueType = sync.ValueType> extends sync.Value<K> {}

/**
 * An array of numbers that all processes of the tree read and write without copying it: a {@linkcode sync.SharedArray} in
 * memory that processes share.
 *
 * Python: `multiprocessing.Array`.
 *
 * @example
 * ```ts
 * import { Process, SharedArray } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function double(numbers: SharedArray<"f64">): void {
 *   for (let i = 0; i < numbers.length; i++) numbers.array[i] *= 2;
 * }
 *
 * if (import.meta.main) {
 *   const numbers = new SharedArray("f64", [1, 2, 3]);
 *   await new Process({ target: double, args: [numbers] }).start().join();
 *   assertEquals([...numbers], [2, 4, 6]);
 * }
 * ```
 */
export class SharedArray<K extends sync.ValueType = sync.ValueType> extends sync.SharedArray<K> {}

registerProcessClass(QUEUE, Queue);
registerProcessClass(LIFO_QUEUE, LifoQueue);
registerProcessClass(PRIORITY_QUEUE, PriorityQueue);
registerProcessClass(VALUE, Value);
registerProcessClass(SHARED_ARRAY, SharedArray);
