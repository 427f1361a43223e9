/**
 * A flag that processes wait for.
 *
 * @module
 */

import { EVENT, registerClass } from "../_internal/memory/kinds.ts";
import type { Scope } from "../_internal/memory/memory.ts";
import { SCOPE } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/event.ts";

/**
 * A flag that any process sets or clears and any waits for: {@linkcode sync.Event} in memory that processes share.
 *
 * Python: `multiprocessing.Event`.
 *
 * @example
 * ```ts
 * import { Event, Process } from "@weft/concurrent/multiprocessing";
 * import { assert } from "@std/assert";
 *
 * export function prepare(ready: Event): void {
 *   ready.set();
 * }
 *
 * if (import.meta.main) {
 *   const ready = new Event();
 *   const child = new Process({ target: prepare, args: [ready] }).start();
 *   assert(await ready.wait({ timeout: 10_000 }));
 *   await child.join();
 * }
 * ```
 */
export class Event extends sync.Event {
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";
}

registerClass("process", EVENT, Event);
