/**
 * The kinds of shared objects: which class stands for each kind in each scope, and what can be done with an object of
 * which only the address is known. A message, a `waitAny` and a thread that ends have nothing but the address. The
 * module of a kind's class sets the first with {@linkcode registerClass} and the second with {@linkcode defineKind}.
 *
 * @module
 */

import { load } from "../atomics.ts";
import { OBJECT_HEADER, type Scope } from "./memory.ts";
import type { Space } from "./space.ts";

/** The numbers of the kinds, as they are in the first word of an object. */
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

/** Where, in its own words, a connection counts the messages under way that name it. */
export const CONNECTION_MESSAGES = 2;

/** A class whose instances can be made from an address. */
type SharedClass = new () => object;

const classes: Record<Scope, SharedClass[]> = { thread: [], process: [] };

/** Sets the class that stands for a kind. */
export function registerClass(scope: Scope, kind: number, type: abstract new (...args: never[]) => object): void {
  classes[scope][kind] = type as unknown as SharedClass;
}

/** The class for a kind, if its module has been imported. */
export function classOf(scope: Scope, kind: number): SharedClass | undefined {
  return classes[scope][kind];
}

/** What can be done with the objects of a kind, in either scope. `at` is where an object's own words begin. */
export interface Kind {
  /** How `waitAny` waits for it. A kind without this cannot be waited for. */
  readonly readiness?: (space: Space, at: number) => Omit<Readiness, "space">;
  /** Whether this thread holds it. */
  readonly isHeld?: (space: Space, at: number) => boolean;
  /** Makes it abandoned, if this thread holds it. */
  readonly abandon?: (space: Space, at: number) => void;
  /** Gives back what the object has besides its own words. Called when the last reference is dropped. */
  readonly destroy?: (space: Space, at: number) => void;
  /** Called with the handle when a thread receives an object of which it has a handle already. */
  readonly receivedAgain?: (handle: object) => void;
  /** Called instead of receiving the object when a message that names it is given up: its sender or its receiver may be gone. */
  readonly lost?: (space: Space, at: number) => void;
}

const kinds: (Kind | undefined)[] = [];

/** Sets what can be done with the objects of a kind. */
export function defineKind(kind: number, traits: Kind): void {
  kinds[kind] = traits;
}

/** The kind of the object at this address, as `locate` gives it; `undefined` if nothing was defined for its kind. */
export function kindAt(space: Space, at: number): Kind | undefined {
  return kinds[load(space.words, at) & 0xff];
}

/** How a thread waits for an object without taking anything. */
export interface Readiness {
  /** The memory in which it is. */
  readonly space: Space;
  /**
   * The wait points that are notified when the object may have become ready. Deaths are not notified, so look again
   * after each slice. A waiter that takes nothing must pass a wake-up on, with `notify(space, point, 1)`, if it was
   * woken here while the object was ready: the wake-up was meant for a thread that takes.
   */
  readonly points: readonly number[];
  /** Whether its `try` form would succeed now. */
  isReady(): boolean;
}

/**
 * The key of a method that returns an object's readiness, or `undefined` if the object cannot be used. Objects have it
 * if they have no kind, or if their kind does not say all of it.
 */
export const READINESS: unique symbol = Symbol.for("@weft/concurrent.readiness") as never;

/** Something that becomes ready in this thread, such as a future. */
export interface LocalReadiness {
  /** Whether it is ready now. */
  isReady(): boolean;
  /** Calls `onReady` once it is ready. Returns a function that cancels the call. */
  whenReady(onReady: () => void): () => void;
}

/** An object with a {@linkcode READINESS} of its own. */
export interface Ready {
  [READINESS](): Readiness | LocalReadiness | undefined;
}

/** How to wait for the object at this address; `undefined` if its kind cannot be waited for. */
export function readinessAt(space: Space, at: number): Readiness | undefined {
  const readiness = kindAt(space, at)?.readiness?.(space, at + OBJECT_HEADER);
  return readiness === undefined ? undefined : { space, ...readiness };
}

// What a thread holds. A handle may be gone already, and with the last handle the object: its words may then belong to
// something else. So `isHeld` looks at the words each time.

/** The addresses of all objects that this thread holds; used when a pool worker's task ends but its thread goes on. */
export function heldBy(space: Space): Set<number> {
  const held = new Set<number>();
  for (const at of space.handles.keys()) if (kindAt(space, at)?.isHeld?.(space, at + OBJECT_HEADER)) held.add(at);
  return held;
}

/** Makes all objects abandoned that this thread holds, except for those in `except`. */
export function abandonHeld(space: Space, except: ReadonlySet<number>): void {
  for (const at of space.handles.keys()) {
    const kind = kindAt(space, at);
    if (kind?.isHeld?.(space, at + OBJECT_HEADER) && !except.has(at)) kind.abandon?.(space, at + OBJECT_HEADER);
  }
}
