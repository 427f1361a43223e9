/**
 * What `waitAny` asks of an object: whether it is ready, without taking anything, and where to wait until it is.
 *
 * By kind and address, not by class, so that it holds for the twins over the processes' memory as well.
 *
 * @module
 */

import { load } from "../_internal/atomics.ts";
import { OBJECT_HEADER } from "../_internal/memory/shared_object.ts";
import type { Space } from "../_internal/memory/space.ts";

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

const kinds: Map<number, ReadinessOf> = new Map();

/** Says how the objects of a kind, of either scope, are asked. */
export function registerReadiness(kind: number, readinessOf: ReadinessOf): void {
  kinds.set(kind, readinessOf);
}

/** How to ask the object there, as `locate` tells it; `undefined` for kinds that nobody can wait for in this way. */
export function readinessAt(space: Space, at: number): Readiness | undefined {
  const readiness = kinds.get(load(space.words, at) & 0xff)?.(space, at + OBJECT_HEADER);
  return readiness === undefined ? undefined : { space, ...readiness };
}
