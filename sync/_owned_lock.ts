/**
 * The lock that comes with a shared number, an array or a condition: an `RLock` that is created when a thread first
 * asks for it.
 *
 * A word of the owner has the address of the lock and owns a reference to it; it is 0 while there is no lock. It is
 * written once, by a compare-exchange. If two threads ask at once, each creates a lock, and the lock whose address does
 * not get into the word is given back.
 *
 * @module
 */

import { compareExchange, load } from "../_internal/atomics.ts";
import { classOf, RLOCK } from "../_internal/memory/kinds.ts";
import {
  addReference,
  dropReference,
  handleAt,
  locate,
  type SharedOptions,
} from "../_internal/memory/shared_object.ts";
import type { Space } from "../_internal/memory/space.ts";
import { RLock } from "./rlock.ts";

/**
 * The lock whose address is in the word at `at`; created if there is none. `last` is what this returned before, which
 * the program may have disposed of.
 */
export function ownedLock(space: Space, at: number, last?: RLock): RLock {
  if (last !== undefined && locate(last) !== undefined) return last;
  const { words } = space;
  const known = load(words, at);
  if (known !== 0) return handleAt(space, known) as unknown as RLock;
  const type = (classOf(space.memory.scope, RLOCK) ?? RLock) as unknown as new (options: SharedOptions) => RLock;
  // `local`, since the lock belongs to its owner: the rule for objects that a worker creates while it imports a module
  // does not apply.
  const made = new type({ local: true });
  const address = locate(made)!.at;
  addReference(space, address);
  const found = compareExchange(words, at, 0, address);
  if (found === 0) return made;
  dropReference(space, address);
  made[Symbol.dispose]();
  return handleAt(space, found) as unknown as RLock;
}

/** Drops the owner's reference. */
export function dropOwnedLock(space: Space, at: number): void {
  const address = load(space.words, at);
  if (address !== 0) dropReference(space, address);
}
