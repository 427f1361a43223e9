/**
 * What one thread remembers of a shared object beside the shared words, for all of its handles.
 *
 * A thread has several handles of one object where it opened it by name more than once. What it holds it holds through
 * all of them.
 *
 * @module
 */

import type { Space } from "./space.ts";

const states = new WeakMap<Space, Map<number, WeakRef<object>>>();

const dropped = new FinalizationRegistry<{ space: Space; at: number }>(({ space, at }) => {
  const known = states.get(space)!;
  if (known.get(at)?.deref() === undefined) known.delete(at);
});

/** This thread's memory of the object there, which lives as long as one of the handles that have it. */
export function localState<T extends object>(space: Space, at: number, create: () => T): T {
  let known = states.get(space);
  if (known === undefined) states.set(space, known = new Map());
  const existing = known.get(at)?.deref() as T | undefined;
  if (existing !== undefined) return existing;
  const state = create();
  known.set(at, new WeakRef(state));
  dropped.register(state, { space, at });
  return state;
}

/** Forgets what was remembered of an earlier object: there is a new one now that has no other handle. */
export function forgetLocalState(space: Space, at: number): void {
  states.get(space)?.delete(at);
}
