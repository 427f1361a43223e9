/**
 * What else has to be over before a thread's worker goes, beside the threads that it started.
 *
 * @module
 */

import { load } from "../atomics.ts";
import { Attachment } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import { FLAGS, HOOKED, labelOf, objectOf, RESULT_ASKED } from "./record.ts";

const endings: (() => void)[] = [];

/** Has `wait`, which blocks, called in a thread whose target has returned. */
export function onEnding(wait: () => void): void {
  endings.push(wait);
}

/** Waits for all of that. */
export function waitForEndings(): void {
  for (const wait of endings) wait();
}

/** What a thread that ends has to know of the threads that it started. */
export interface Offspring {
  /** The records of those that are not gone. */
  records(): number[];
  /** Sees to those that were told to end. */
  attend(): void;
  /** Whether a thread that is no daemon runs below this one. */
  hasOthersBelow(space: Space, record: number): boolean;
  /** Whether this one has not returned yet. */
  isBusy(space: Space, record: number): boolean;
  terminate(space: Space, record: number): void;
  /** Gives up what the table has of them. */
  forget(space: Space): void;
}

let offspring: Offspring | undefined;

/** Says who knows of them. */
export function setOffspring(known: Offspring): void {
  offspring = known;
}

/** Who knows of them; `undefined`: this thread has not even loaded what starts threads. */
export function ownOffspring(): Offspring | undefined {
  return offspring;
}

// What a thread does with the error that ended it.

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

/** Calls this thread's hook, if it has one. */
export function callHook(space: Space, record: number, error: unknown): void {
  hook?.(space, record, error);
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

// What the thread runs whose worker this is. Its handle may be made later, or never: many threads need none.

type AnyFunction = (...args: never[]) => unknown;

let record = 0;
let target: AnyFunction | undefined;

/** Notes what the thread of a record runs, in its worker. */
export function setOwnTarget(ownRecord: number, ownTarget: AnyFunction): void {
  record = ownRecord;
  target = ownTarget;
}

/** What the thread of this record runs, in its worker. */
export function ownTarget(ofRecord: number): AnyFunction | undefined {
  return ofRecord === record ? target : undefined;
}
