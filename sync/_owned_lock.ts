/**
 * The lock that comes with a shared number or array: an `RLock` of its own, which is made when a thread first asks for it.
 *
 * One word of the owner has the address of the lock, 0 while there is none, and with it a reference. Any thread writes it,
 * once, by a compare-exchange: of two threads that ask at once each makes a lock, and the lock whose address does not get into
 * the word is given back.
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
 * The lock whose address is, or will be, in the word at `at`. `last` is what this returned before: the program may have
 * disposed of it.
 */
export function ownedLock(space: Space, at: number, last?: RLock): RLock {
  if (last !== undefined && locate(last) !== undefined) return last;
  const { words } = space;
  const known = load(words, at);
  if (known !== 0) return handleAt(space, known) as unknown as RLock;
  const type = (classOf(space.memory.scope, RLOCK) ?? RLock) as unknown as new (options: SharedOptions) => RLock;
  // Not subject to the rule on objects that a worker makes while it imports: it belongs to its owner.
  const made = new type({ local: true });
  const address = locate(made)!.at;
  addReference(space, address);
  const found = compareExchange(words, at, 0, address);
  if (found === 0) return made;
  dropReference(space, address);
  made[Symbol.dispose]();
  return handleAt(space, found) as unknown as RLock;
}

/** Gives the owner's reference back. */
export function dropOwnedLock(space: Space, at: number): void {
  const address = load(space.words, at);
  if (address !== 0) dropReference(space, address);
}
