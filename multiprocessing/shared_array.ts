/**
 * Numbers between processes.
 *
 * @module
 */

import { registerClass, SHARED_ARRAY } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import type { ValueType } from "../sync/_value_types.ts";
import * as sync from "../sync/shared_array.ts";
import "./rlock.ts";

/**
 * An array of numbers that all processes of the tree have without copying it: {@linkcode sync.SharedArray} in memory that
 * processes share.
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
export class SharedArray<K extends ValueType = ValueType> extends sync.SharedArray<K> {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", SHARED_ARRAY, SharedArray);
