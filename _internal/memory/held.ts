/**
 * What this thread holds, for one who ends something and not the thread: a worker's task.
 *
 * @module
 */

import { load } from "../atomics.ts";
import { OBJECT_HEADER } from "./shared_object.ts";
import type { Space } from "./space.ts";

/** If this thread holds the object whose own words begin at `at`, makes it abandoned. */
export type Abandon = (space: Space, at: number) => void;

interface Kind {
  isHeld(space: Space, at: number): boolean;
  abandon: Abandon;
}

const kinds: Map<number, Kind> = new Map();

/** Says how an object of a kind is asked whether this thread holds it, and made to be held by `NOBODY`. */
export function registerHeld(kind: number, isHeld: (space: Space, at: number) => boolean, abandon: Abandon): void {
  kinds.set(kind, { isHeld, abandon });
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
  return kinds.get(load(space.words, at) & 0xff);
}
