/**
 * What happens with errors that end a thread.
 *
 * @module
 */

import { handleAt } from "../_internal/memory/shared_object.ts";
import { bindContext } from "../_internal/runtime/async_context.ts";
import { objectOf } from "../_internal/work/record.ts";
import { hookChildren } from "../_internal/threads/start_thread.ts";
import { setHook } from "../_internal/work/ending.ts";
import { show } from "../_internal/options.ts";
import type { Thread } from "./thread.ts";

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
 * turns, or when it joins the thread before; a hook that a module sets at its top level is set in every thread that imports it, and is called there. What
 * the hook throws is printed.
 *
 * Python: `threading.excepthook`.
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
