/**
 * A queue between threads: last in, first out.
 *
 * @module
 */

import { registerKind } from "../_internal/memory/kinds.ts";
import { onDestroy } from "../_internal/memory/shared_object.ts";
import { CONTAINER_TYPE, type ContainerType, firstLine } from "../_internal/queue/container.ts";
import { STACK } from "../_internal/queue/stack.ts";
import { Queue, registerQueueReadiness } from "./queue.ts";

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

registerKind("thread", STACK.kind, LifoQueue);
onDestroy(STACK.kind, (space, at) => STACK.destroy(space, firstLine(at)));
registerQueueReadiness(STACK);
