/**
 * What the thread or process that calls knows of itself for its end: what has to be over before its worker goes, which threads
 * it has started, what becomes of the error that ended it, and what it runs.
 *
 * Modules that may never be loaded in a thread say here what they know, so that a worker loads none of them to ask.
 *
 * @module
 */

import { load } from "../atomics.ts";
import { Attachment } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import type { AnyFunction } from "../targets/source.ts";
import { FLAGS, HOOKED, labelOf, objectOf, RESULT_ASKED } from "./record.ts";

// What has to be over before the worker goes.

const endings: (() => void)[] = [];

/** Has `wait`, which blocks, called once the target of this thread has returned. */
export function onEnding(wait: () => void): void {
  endings.push(wait);
}

/** Waits for all of that. */
export function waitForEndings(): void {
  for (const wait of endings) wait();
}

/** What a thread that ends has to know of the threads that it started. */
interface Offspring {
  /** The records of the threads that are not gone. */
  records(): number[];
  /** Sees to the threads that were told to end. */
  attend(): void;
  terminate(space: Space, record: number): void;
  /** Gives up the references that the table of participants has to their records. */
  forget(space: Space): void;
}

let offspring: Offspring | undefined;

/** Says what is known of them. */
export function setOffspring(known: Offspring): void {
  offspring = known;
}

/** What is known of them; `undefined`: this thread has not even loaded what starts threads. */
export function ownOffspring(): Offspring | undefined {
  return offspring;
}

// The error that ended a thread.

type Hook = (space: Space, record: number, error: unknown) => void;

let hook: Hook | undefined;

/** Sets what is called in this thread with the errors that threads do not catch. */
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

/** In the worker of a pool: says when an error of the thread reaches a caller, which is while a task runs. */
export function setTold(newIsTold: () => boolean): void {
  isTold = newIsTold;
}

/** In the thread that failed: prints the error or calls the hook, or returns `true` where the starter has a hook for it. */
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

// What the thread or process runs of which this is the inside. Its handle may be made later, or never: many need none.

let own: { readonly space: Space; readonly record: number; readonly target: AnyFunction } | undefined;

/** Notes what the thread or process of a record runs, inside it. */
export function setOwnTarget(space: Space, record: number, target: AnyFunction): void {
  own = { space, record, target };
}

/** What the thread or process of a record runs, if this is the inside of it. */
export function ownTarget(space: Space, record: number): AnyFunction | undefined {
  return own?.space === space && own.record === record ? own.target : undefined;
}
