/**
 * The calling process, its parent and its children, and the number of processors.
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
 * Returns the calling process.
 *
 * The first process of a program has the name `MainProcess`.
 *
 * Python: `multiprocessing.current_process`.
 *
 * @returns The handle of the calling process. Every call in the same thread returns the same object.
 * @throws {Deno.errors.NotCapable} If the program lacks a permission that processes need. The message names the flag.
 *
 * @example
 * ```ts
 * import { currentProcess } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(currentProcess().name, "MainProcess");
 * ```
 */
export function currentProcess(): Process<unknown[]> {
  checkPermissions("tell the current process");
  const space = spaceOf("process");
  return handleAt(space, objectOf(ensureOwnRecord(space))) as Process<unknown[]>;
}

/**
 * Returns the process that started the calling process.
 *
 * Python: `multiprocessing.parent_process`.
 *
 * @returns The handle of the parent; `undefined` in the first process of the program.
 *
 * @example
 * ```ts
 * import { parentProcess } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parentProcess(), undefined);
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
 * Lists the living processes that the calling process has started, in any of its threads. Workers of pools are among them.
 *
 * The list is a snapshot. Children may start and end while it is returned.
 *
 * Python: `multiprocessing.active_children`.
 *
 * @returns The handles of the living children, in the order of their start.
 *
 * @example
 * ```ts
 * import { activeChildren, Process, sleep } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * new Process({ target: sleep, args: [60_000], name: "sleeper" }).start();
 * assertEquals(activeChildren().map((child) => child.name), ["sleeper"]);
 * for (const child of activeChildren()) {
 *   child.terminate();
 *   await child.join();
 * }
 * assertEquals(activeChildren(), []);
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
 * Returns the number of processors that this program may use.
 *
 * Python: `multiprocessing.cpu_count`.
 *
 * @returns The number of processors, at least 1.
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
