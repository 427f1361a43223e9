/**
 * A count that processes wait for.
 *
 * @module
 */

import { LATCH, registerClass } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/latch.ts";

/**
 * A count that goes down once, and that any process waits for: {@linkcode sync.Latch} in memory that processes share.
 *
 * Python has none.
 *
 * @example
 * ```ts
 * import { Latch, Process } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function prepare(ready: Latch): void {
 *   ready.countDown();
 * }
 *
 * if (import.meta.main) {
 *   const ready = new Latch(2);
 *   for (const _ of [1, 2]) new Process({ target: prepare, args: [ready] }).start();
 *   await ready.wait();
 *   assertEquals(ready.count, 0);
 * }
 * ```
 */
export class Latch extends sync.Latch {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", LATCH, Latch);
