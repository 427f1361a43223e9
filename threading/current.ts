/**
 * Which threads there are, and what is called with the errors that end them.
 *
 * @module
 */

import { handleAt } from "../_internal/memory/shared_object.ts";
import { show } from "../_internal/options.ts";
import { bindContext } from "../_internal/runtime/this_thread.ts";
import { hookChildren } from "../_internal/threads/start_thread.ts";
import { setHook } from "../_internal/work/ending.ts";
import { objectOf, participants } from "../_internal/work/record.ts";
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
 * All threads that are alive: the main thread, those that were started and have not ended, and workers that adopted an object.
 * Out of date as soon as it is returned.
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

/** What an except hook is told. */
export interface ExceptHookInfo {
  /** The thread that ended. */
  thread: Thread<unknown[]>;
  /** What its target threw. */
  error: unknown;
}

let hook: ((info: ExceptHookInfo) => void) | undefined;

/**
 * Sets what is called when the target of a thread throws and no caller has asked for {@linkcode Thread.result}.
 *
 * Without a hook, `Exception in thread NAME:` and the stack are printed on standard error by the thread itself, at once. A
 * hook is called in the thread that set it, for the threads that this thread started or starts, when its event loop
 * turns, or when it joins the thread before that; a hook that a module sets at its top level is set in every thread that
 * imports the module, and is called there. What the hook throws is printed.
 *
 * Python: `threading.excepthook`.
 *
 * @throws {TypeError} If the hook is not a function.
 *
 * @example
 * ```ts
 * import { setExceptHook } from "@weft/concurrent/threading";
 *
 * setExceptHook(({ thread, error }) => console.error(`${thread.name} failed:`, error));
 * ```
 */
export function setExceptHook(newHook: (info: ExceptHookInfo) => void): void {
  if (typeof newHook !== "function") {
    throw new TypeError(`Cannot set except hook as it must be a function: received ${show(newHook)}`);
  }
  hook = bindContext(newHook);
  setHook((space, record, error) => {
    call({ thread: handleAt(space, objectOf(record)) as Thread<unknown[]>, error });
  });
  hookChildren();
}

function call(info: ExceptHookInfo): void {
  try {
    hook?.(info);
  } catch (error) {
    console.error("Exception in the except hook:", error);
  }
}
