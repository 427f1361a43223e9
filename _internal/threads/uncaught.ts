/**
 * What a thread does with the error that ended it.
 *
 * @module
 */

import { load } from "../atomics.ts";
import { Attachment } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import { labelOf } from "./name.ts";
import { FLAGS, HOOKED, objectOf, RESULT_ASKED } from "./record.ts";

type Hook = (space: Space, record: number, error: unknown) => void;

let hook: Hook | undefined;

/** Says what is called in this thread with the errors of threads. */
export function setHook(newHook: Hook): void {
  hook = newHook;
}

/** Whether this thread has a hook. */
export function hasHook(): boolean {
  return hook !== undefined;
}

let isTold = (): boolean => true;

/** In the worker of a pool: says when an error of the thread reaches a caller, which is while a task runs. */
export function setTold(newIsTold: () => boolean): void {
  isTold = newIsTold;
}

/** In the thread that failed: says so, or returns `true` where the starter has a hook for it. */
export function reportError(space: Space, record: number, error: unknown): boolean {
  const flags = load(space.words, record + FLAGS);
  if ((flags & RESULT_ASKED) !== 0 && isTold()) return false;
  if (hook !== undefined) {
    hook(space, record, error);
    return false;
  }
  if ((flags & HOOKED) !== 0) return true;
  console.error(`Exception in thread ${labelOf(new Attachment(space, objectOf(record)))}:`, error);
  return false;
}
