/**
 * Which threads are alive, and the hook for errors that end a thread.
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
 * Returns the calling thread.
 *
 * In a worker that this library did not start, but that uses one of its shared objects, this is a thread named `Dummy-n`.
 *
 * Python: `threading.current_thread`.
 *
 * @returns The handle of the calling thread. Every call in the same thread returns the same object.
 *
 * @example
 * ```ts
 * import { currentThread } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(currentThread().name, "MainThread");
 * ```
 */
export function currentThread(): Thread<unknown[]> {
  const space = threadSpace();
  ensureRecord(space, space.id);
  return threadOf(space, space.id)!;
}

/**
 * Returns the thread that the program began with.
 *
 * Python: `threading.main_thread`.
 *
 * @returns The handle of the main thread, in whichever thread it is called.
 *
 * @example
 * ```ts
 * import { currentThread, mainThread } from "@weft/concurrent/threading";
 * import { assert } from "@std/assert";
 *
 * assert(currentThread() === mainThread());
 * ```
 */
export function mainThread(): Thread<unknown[]> {
  const space = threadSpace();
  ensureRecord(space, 1);
  return threadOf(space, 1)!;
}

/**
 * Lists the threads that are alive: the main thread, the threads that were started and have not ended, and workers that
 * this library did not start but that use its shared objects.
 *
 * The list is a snapshot. Threads may start and end while it is returned.
 *
 * Python: `threading.enumerate`.
 *
 * @returns The handles of the living threads, in the order of their {@linkcode Thread.ident}.
 *
 * @example
 * ```ts
 * import { enumerate } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(enumerate().map((thread) => thread.name), ["MainThread"]);
 * ```
 */
export function enumerate(): Thread<unknown[]>[] {
  const space = threadSpace();
  ensureRecord(space, space.id);
  ensureRecord(space, 1);
  return participants(space).map((id) => threadOf(space, id)).filter((thread) => thread !== undefined);
}

/**
 * Counts the threads that are alive.
 *
 * Python: `threading.active_count`.
 *
 * @returns The length of the array that {@linkcode enumerate} returns.
 *
 * @example
 * ```ts
 * import { activeCount } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(activeCount(), 1);
 * ```
 */
export function activeCount(): number {
  return enumerate().length;
}

/**
 * Returns the number of the calling thread.
 *
 * The main thread has the number 1. A number is never used again, also after its thread has ended.
 *
 * Python: `threading.get_ident`.
 *
 * @returns The {@linkcode Thread.ident} of the calling thread.
 *
 * @example
 * ```ts
 * import { getIdent } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(getIdent(), 1);
 * ```
 */
export function getIdent(): number {
  return threadSpace().id;
}

/** What a hook that was set with {@linkcode setExceptHook} receives. */
export interface ExceptHookInfo {
  /** The thread that ended. */
  thread: Thread<unknown[]>;
  /** The error that its target threw. */
  error: unknown;
}

let hook: ((info: ExceptHookInfo) => void) | undefined;

/**
 * Sets the function that is called when the target of a thread throws and no caller has asked for {@linkcode Thread.result}.
 *
 * - **Without a hook**, the failed thread itself prints `Exception in thread NAME:` and the stack on standard error, at once.
 * - **With a hook**, the thread that set the hook calls it for the threads that it started before or starts later. It does so
 *   in a turn of its event loop, or when it joins the failed thread before that.
 * - **A hook that is set at the top level of a module** is set in every thread that imports the module, and each of these
 *   threads calls it for its own errors.
 *
 * An error that the hook throws is printed. A second call replaces the hook.
 *
 * Python: `threading.excepthook`.
 *
 * @param newHook Called with the failed thread and its error.
 * @throws {TypeError} If `newHook` is not a function.
 *
 * @example
 * ```ts
 * import { setExceptHook, Thread } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const failed: string[] = [];
 * setExceptHook(({ thread, error }) => failed.push(`${thread.name}: ${(error as Error).name}`));
 * const thread = new Thread({ target: JSON.parse, args: [""], name: "parser" }).start();
 * await thread.join();
 * assertEquals(failed, ["parser: SyntaxError"]);
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
