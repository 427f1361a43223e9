/**
 * A queue between threads: last in, first out.
 *
 * @module
 */

import { registerClass } from "../_internal/memory/kinds.ts";
import { CONTAINER_TYPE, type ContainerType } from "../_internal/queue/container.ts";
import { STACK } from "../_internal/queue/stack.ts";
import { defineQueueKind, Queue } from "./queue.ts";

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
export class LifoQueue<T = unknown> extends Queue<T> {
  /** @ignore */
  static override readonly [CONTAINER_TYPE]: ContainerType = STACK;
}

registerClass("thread", STACK.kind, LifoQueue);
defineQueueKind(STACK);
