/**
 * Which class stands for which kind of shared object, in each scope.
 *
 * @module
 */

import { load } from "../atomics.ts";
import type { Scope } from "./memory.ts";
import { OBJECT_HEADER, type SharedHandle } from "./shared_object.ts";
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

// What this thread holds, for one who ends something and not the thread: a worker's task.

/** If this thread holds the object whose own words begin at `at`, makes it abandoned. */
export type Abandon = (space: Space, at: number) => void;

interface Kind {
  isHeld(space: Space, at: number): boolean;
  abandon: Abandon;
}

const holdings: Map<number, Kind> = new Map();

/** Says how an object of a kind is asked whether this thread holds it, and made to be held by `NOBODY`. */
export function registerHeld(kind: number, isHeld: (space: Space, at: number) => boolean, abandon: Abandon): void {
  holdings.set(kind, { isHeld, abandon });
}

/** The addresses of all objects that this thread holds. */
export function heldBy(space: Space): Set<number> {
  const held = new Set<number>();
  for (const at of space.handles.keys()) if (kindAt(space, at)?.isHeld(space, at + OBJECT_HEADER)) held.add(at);
  return held;
}

/** Makes all objects that this thread holds abandoned, but for those `except`. */
export function abandonHeld(space: Space, except: ReadonlySet<number>): void {
  for (const at of space.handles.keys()) {
    const kind = kindAt(space, at);
    if (kind?.isHeld(space, at + OBJECT_HEADER) && !except.has(at)) kind.abandon(space, at + OBJECT_HEADER);
  }
}

// The handle may be gone already, and the object with it if this was the last: its words then say FREE or what is there
// now, which nobody made with this thread as its holder.
function kindAt(space: Space, at: number): Kind | undefined {
  return holdings.get(load(space.words, at) & 0xff);
}

// What `waitAny` asks of an object: whether it is ready, without taking anything, and where to wait until it is.
//
// By kind and address, not by class, so that it holds for the twins over the processes' memory as well.

/** An object, from the side of one who waits for it and takes nothing. */
export interface Readiness {
  /** The memory in which it is. */
  readonly space: Space;
  /**
   * The wait points that are notified when it may have become ready. Deaths are not notified: look again after each
   * slice. One who was woken here while the object was ready has taken a wake-up that was meant for one who takes, and
   * passes it on: `notify(space, point, 1)`.
   */
  readonly points: readonly number[];
  /** Whether what its `try` form asks for could be had now. */
  isReady(): boolean;
}

/** Makes the readiness of an object whose own words begin at `at`. */
export type ReadinessOf = (space: Space, at: number) => Omit<Readiness, "space">;

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

const readinesses: Map<number, ReadinessOf> = new Map();

/** Says how the objects of a kind, of either scope, are asked. */
export function registerReadiness(kind: number, readinessOf: ReadinessOf): void {
  readinesses.set(kind, readinessOf);
}

/** How to ask the object there, as `locate` tells it; `undefined` for readinesses that nobody can wait for in this way. */
export function readinessAt(space: Space, at: number): Readiness | undefined {
  const readiness = readinesses.get(load(space.words, at) & 0xff)?.(space, at + OBJECT_HEADER);
  return readiness === undefined ? undefined : { space, ...readiness };
}
