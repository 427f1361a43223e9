/**
 * A condition between processes.
 *
 * @module
 */

import { CONDITION, registerClass } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/condition.ts";
import "./rlock.ts";

/**
 * Lets processes wait for a change of what a lock guards: {@linkcode sync.Condition} in memory that processes share.
 *
 * Its lock must be one of this module; an `RLock` is made where none is given. A sleeper that is killed takes no
 * notification away from the others.
 *
 * Python: `multiprocessing.Condition`.
 *
 * @example
 * ```ts
 * import { Condition, Process, Value } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function produce(changed: Condition, stock: Value<"i32">): void {
 *   using _held = changed.acquireSync();
 *   stock.value = 5;
 *   changed.notifyAll();
 * }
 *
 * if (import.meta.main) {
 *   const changed = new Condition();
 *   const stock = new Value("i32");
 *   const child = new Process({ target: produce, args: [changed, stock] }).start();
 *   {
 *     using _held = await changed.acquire();
 *     await changed.waitFor(() => stock.value > 0);
 *   }
 *   assertEquals(stock.value, 5);
 *   await child.join();
 * }
 * ```
 */
export class Condition extends sync.Condition {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", CONDITION, Condition);
