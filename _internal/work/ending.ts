/**
 * What the calling thread or process knows of itself and needs at its end: what must be finished before its worker goes,
 * which threads it has started, how the error that ended it is reported, and what it runs.
 *
 * Modules that many threads never load register here what they know. So a worker need not load a module to find out that
 * there is nothing to do.
 *
 * @module
 */

import { load } from "../atomics.ts";
import { Attachment } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import type { AnyFunction } from "../targets/source.ts";
import { FLAGS, HOOKED, labelOf, objectOf, RESULT_ASKED } from "./record.ts";

// What must be finished before the worker goes.

const endings: (() => void)[] = [];

/** Registers `wait`, a blocking function that is called after the target of this thread has returned. */
export function onEnding(wait: () => void): void {
  endings.push(wait);
}

/** Calls all functions that {@linkcode onEnding} has registered. */
export function waitForEndings(): void {
  for (const wait of endings) wait();
}

/** What a thread that ends must know of the threads that it started. */
interface Offspring {
  /** The records of the threads that are not gone. */
  records(): number[];
  /** Looks after the threads that were asked to end. */
  attend(): void;
  terminate(space: Space, record: number): void;
  /** Drops the references that the table of participants has to their records. */
  forget(space: Space): void;
}

let offspring: Offspring | undefined;

/** Registers how to reach the threads that this thread started. */
export function setOffspring(known: Offspring): void {
  offspring = known;
}

/** What {@linkcode setOffspring} has registered; `undefined` if this thread has not even loaded the code that starts threads. */
export function ownOffspring(): Offspring | undefined {
  return offspring;
}

// The error that ended a thread.

type Hook = (space: Space, record: number, error: unknown) => void;

let hook: Hook | undefined;

/** Sets the function that this thread calls with errors that a thread did not catch. */
export function setHook(newHook: Hook): void {
  hook = newHook;
}

/** Whether this thread has a hook. */
export function hasHook(): boolean {
  return hook !== undefined;
}

/** Calls this thread's hook, if it has one. */
export function callHook(space: Space, record: number, error: unknown): void {
  hook?.(space, record, error);
}

let isTold = (): boolean => true;

/** In a pool's worker: sets how to tell whether a caller gets an error of this thread. That is so while a task runs. */
export function setTold(newIsTold: () => boolean): void {
  isTold = newIsTold;
}

/** In the thread that failed: prints the error or calls the hook. Returns `true` if the starter has a hook that must be called. */
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

// What this thread or process runs. It is kept here because its handle may be made later, or not at all.

let own: { readonly space: Space; readonly record: number; readonly target: AnyFunction } | undefined;

/** In a thread or process: notes what it runs. */
export function setOwnTarget(space: Space, record: number, target: AnyFunction): void {
  own = { space, record, target };
}

/** What the thread or process of a record runs, if it is the calling one; else `undefined`. */
export function ownTarget(space: Space, record: number): AnyFunction | undefined {
  return own?.space === space && own.record === record ? own.target : undefined;
}
