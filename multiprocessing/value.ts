/**
 * A number between processes.
 *
 * @module
 */

import { registerClass, VALUE } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import type { ValueType } from "../sync/_value_types.ts";
import * as sync from "../sync/value.ts";
import "./rlock.ts";

/**
 * One number that all processes of the tree read and write: {@linkcode sync.Value} in memory that processes share.
 *
 * One read or one write is atomic; `value += 1` is two. Use {@linkcode sync.Value.add}, or hold {@linkcode sync.Value.lock}.
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
export class Value<K extends ValueType = ValueType> extends sync.Value<K> {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", VALUE, Value);
