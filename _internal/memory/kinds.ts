/**
 * Which class stands for which kind of shared object, in each scope.
 *
 * @module
 */

import type { Scope } from "./memory.ts";
import type { SharedHandle } from "./shared_object.ts";

/** The kinds, as they are written into the first word of an object. */
export const LOCK = 1;
export const RLOCK = 2;
export const SEMAPHORE = 3;
export const BOUNDED_SEMAPHORE = 4;
export const EVENT = 5;
export const CONDITION = 6;
export const BARRIER = 7;
export const RWLOCK = 8;
export const LATCH = 9;
export const VALUE = 10;
export const SHARED_ARRAY = 11;
export const QUEUE = 12;
export const LIFO_QUEUE = 13;
export const PRIORITY_QUEUE = 14;
export const CONNECTION = 15;
export const THREAD = 16;
export const PROCESS = 17;

export const FIRST_KIND: number = LOCK;
export const LAST_KIND: number = PROCESS;

/** A class whose instances can be made from an address. */
export type SharedClass = new (attachment: never) => SharedHandle;

const classes: Record<Scope, Map<number, SharedClass>> = { thread: new Map(), process: new Map() };

/** Says which class stands for a kind. */
export function registerKind(scope: Scope, kind: number, type: SharedClass): void {
  classes[scope].set(kind, type);
}

/** The class for a kind, where its module has been imported. */
export function classOf(scope: Scope, kind: number): SharedClass | undefined {
  return classes[scope].get(kind);
}
