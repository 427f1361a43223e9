/**
 * The kinds of shared objects: which class stands for each in each scope, and what is known of an object by nothing but its
 * address, which is all that a message, a `waitAny` or a thread that ends has of it. {@linkcode registerClass} says the first
 * and {@linkcode defineKind} the second, in the module of the kind's class.
 *
 * @module
 */

import { load } from "../atomics.ts";
import { OBJECT_HEADER, type Scope } from "./memory.ts";
import type { Space } from "./space.ts";

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
type SharedClass = new () => object;

const classes: Record<Scope, SharedClass[]> = { thread: [], process: [] };

/** Says which class stands for a kind. */
export function registerClass(scope: Scope, kind: number, type: abstract new (...args: never[]) => object): void {
  classes[scope][kind] = type as unknown as SharedClass;
}

/** The class for a kind, where its module has been imported. */
export function classOf(scope: Scope, kind: number): SharedClass | undefined {
  return classes[scope][kind];
}

/** What holds for the objects of a kind, of either scope. `at` is where an object's own words begin. */
export interface Kind {
  /** How `waitAny` waits for it; kinds without this cannot be waited for. */
  readonly readiness?: (space: Space, at: number) => Omit<Readiness, "space">;
  /** Whether this thread holds it. */
  readonly isHeld?: (space: Space, at: number) => boolean;
  /** If this thread holds it, makes it abandoned. */
  readonly abandon?: (space: Space, at: number) => void;
  /** Gives back, with the last reference, what it has besides its own words. */
  readonly destroy?: (space: Space, at: number) => void;
  /** Called in place of its receipt: it was sent to a thread or process that is gone. */
  readonly lost?: (space: Space, at: number) => void;
}

const kinds: (Kind | undefined)[] = [];

/** Says what holds for a kind. */
export function defineKind(kind: number, traits: Kind): void {
  kinds[kind] = traits;
}

/** What holds for the object there, as `locate` tells it; `undefined` for kinds of which nothing is to be known. */
export function kindAt(space: Space, at: number): Kind | undefined {
  return kinds[load(space.words, at) & 0xff];
}

/** An object, from the side of a thread that waits for it and takes nothing. */
export interface Readiness {
  /** The memory in which it is. */
  readonly space: Space;
  /**
   * The wait points that are notified when it may have become ready. Deaths are not notified: look again after each
   * slice. A waiter that was woken here while the object was ready has taken a wake-up that was meant for a thread that takes,
   * and passes it on: `notify(space, point, 1)`.
   */
  readonly points: readonly number[];
  /** Whether what its `try` form asks for could be had now. */
  isReady(): boolean;
}

/**
 * Under this an object that has no kind, or is more than its kind says, has a method that returns its readiness; or
 * `undefined` where it cannot be used.
 */
export const READINESS: unique symbol = Symbol.for("@weft/concurrent.readiness") as never;

/** Something that becomes ready in this thread, like a future. */
export interface LocalReadiness {
  /** Whether it is ready now. */
  isReady(): boolean;
  /** Calls back once it is ready; returns how to call that off. */
  whenReady(onReady: () => void): () => void;
}

/** An object with a {@linkcode READINESS} of its own. */
export interface Ready {
  [READINESS](): Readiness | LocalReadiness | undefined;
}

/** How to ask the object there whether it is ready; `undefined` for kinds that cannot be waited for in this way. */
export function readinessAt(space: Space, at: number): Readiness | undefined {
  const readiness = kindAt(space, at)?.readiness?.(space, at + OBJECT_HEADER);
  return readiness === undefined ? undefined : { space, ...readiness };
}

// What a thread holds. A handle may be gone already, and the object with it if that was the last: what its words say then is
// not that this thread holds it. Hence `isHeld` is asked each time, of the words.

/** The addresses of all objects that this thread holds; used when a pool worker's task ends but its thread goes on. */
export function heldBy(space: Space): Set<number> {
  const held = new Set<number>();
  for (const at of space.handles.keys()) if (kindAt(space, at)?.isHeld?.(space, at + OBJECT_HEADER)) held.add(at);
  return held;
}

/** Makes all objects that this thread holds abandoned, but for those `except`. */
export function abandonHeld(space: Space, except: ReadonlySet<number>): void {
  for (const at of space.handles.keys()) {
    const kind = kindAt(space, at);
    if (kind?.isHeld?.(space, at + OBJECT_HEADER) && !except.has(at)) kind.abandon?.(space, at + OBJECT_HEADER);
  }
}
