/**
 * Which threads there are.
 *
 * @module
 */

import { participants } from "../_internal/work/record.ts";
import { ensureRecord, type Thread, threadOf, threadSpace } from "./thread.ts";

/**
 * The thread that calls. In a worker that the library did not start and that adopted an object: `Dummy-n`.
 *
 * Python: `threading.current_thread`.
 *
 * @example
 * ```ts
 * import { currentThread } from "@weft/concurrent/threading";
 *
 * console.log(currentThread().name); // MainThread
 * ```
 */
export function currentThread(): Thread<unknown[]> {
  const space = threadSpace();
  ensureRecord(space, space.id);
  return threadOf(space, space.id)!;
}

/**
 * The thread that the program began with.
 *
 * Python: `threading.main_thread`.
 *
 * @example
 * ```ts
 * import { currentThread, mainThread } from "@weft/concurrent/threading";
 *
 * console.log(currentThread() === mainThread()); // true, here
 * ```
 */
export function mainThread(): Thread<unknown[]> {
  const space = threadSpace();
  ensureRecord(space, 1);
  return threadOf(space, 1)!;
}

/**
 * All threads that are alive: the main one, those that were started and have not ended, workers that adopted. Out of
 * date as soon as it is returned.
 *
 * Python: `threading.enumerate`.
 *
 * @example
 * ```ts
 * import { enumerate } from "@weft/concurrent/threading";
 *
 * console.log(enumerate().map((thread) => thread.name)); // ["MainThread"]
 * ```
 */
export function enumerate(): Thread<unknown[]>[] {
  const space = threadSpace();
  ensureRecord(space, space.id);
  ensureRecord(space, 1);
  return participants(space).map((id) => threadOf(space, id)).filter((thread) => thread !== undefined);
}

/**
 * How many threads are alive: the length of what {@linkcode enumerate} returns.
 *
 * Python: `threading.active_count`.
 *
 * @example
 * ```ts
 * import { activeCount } from "@weft/concurrent/threading";
 *
 * console.log(activeCount()); // 1
 * ```
 */
export function activeCount(): number {
  return enumerate().length;
}

/**
 * The calling thread's number: 1 for the main thread, and no number is given twice.
 *
 * Python: `threading.get_ident`.
 *
 * @example
 * ```ts
 * import { getIdent } from "@weft/concurrent/threading";
 *
 * console.log(getIdent()); // 1
 * ```
 */
export function getIdent(): number {
  return threadSpace().id;
}
