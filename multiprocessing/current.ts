/**
 * Which processes there are, and how many processors.
 *
 * @module
 */

import { load } from "../_internal/atomics.ts";
import { dropReference, handleAt } from "../_internal/memory/shared_object.ts";
import { spaceOf } from "../_internal/memory/space.ts";
import { childrenOf, ensureOwnRecord, hasProcessEnded, ownRecord } from "../_internal/processes/process_record.ts";
import { checkPermissions } from "../_internal/processes/runtime_command.ts";
import { forgetChild } from "../_internal/processes/start_process.ts";
import * as runtime from "../_internal/runtime/runtime.ts";
import { requireIdentity } from "../_internal/runtime/this_thread.ts";
import { objectOf, PARENT } from "../_internal/work/record.ts";
import type { Process } from "./process.ts";

/**
 * The process that calls. The program's first is called `MainProcess`.
 *
 * Python: `multiprocessing.current_process`.
 *
 * @throws {Deno.errors.NotCapable} If the program may not do what that takes; the message names the flag.
 *
 * @example
 * ```ts
 * import { currentProcess } from "@weft/concurrent/multiprocessing";
 *
 * console.log(currentProcess().name); // MainProcess
 * ```
 */
export function currentProcess(): Process<unknown[]> {
  checkPermissions("tell the current process");
  const space = spaceOf("process");
  return handleAt(space, objectOf(ensureOwnRecord(space))) as Process<unknown[]>;
}

/**
 * The process that started the calling process; `undefined` in the program's first.
 *
 * Python: `multiprocessing.parent_process`.
 *
 * @example
 * ```ts
 * import { parentProcess } from "@weft/concurrent/multiprocessing";
 *
 * console.log(parentProcess()?.pid); // undefined
 * ```
 */
export function parentProcess(): Process<unknown[]> | undefined {
  requireIdentity();
  const own = ownRecord();
  if (own === 0) return undefined;
  const space = spaceOf("process");
  const parent = load(space.words, own + PARENT);
  return parent === 0 ? undefined : handleAt(space, objectOf(parent)) as Process<unknown[]>;
}

/**
 * The processes that the calling process started, in any of its threads, and that are alive, in the order of their start.
 *
 * Python: `multiprocessing.active_children`.
 *
 * @example
 * ```ts
 * import { activeChildren } from "@weft/concurrent/multiprocessing";
 *
 * for (const child of activeChildren()) child.terminate();
 * ```
 */
export function activeChildren(): Process<unknown[]>[] {
  requireIdentity();
  const own = ownRecord();
  if (own === 0) return [];
  const space = spaceOf("process");
  const alive: Process<unknown[]>[] = [];
  for (const child of childrenOf(space, own)) {
    if (hasProcessEnded(space, child)) forgetChild(space, child);
    else alive.unshift(handleAt(space, objectOf(child)) as Process<unknown[]>);
    dropReference(space, objectOf(child));
  }
  return alive;
}

/**
 * How many processors this program may use.
 *
 * Python: `multiprocessing.cpu_count`.
 *
 * @example
 * ```ts
 * import { cpuCount } from "@weft/concurrent/multiprocessing";
 * import { assert } from "@std/assert";
 *
 * assert(cpuCount() >= 1);
 * ```
 */
export function cpuCount(): number {
  return runtime.cpuCount();
}
