/**
 * The directory of names of a region: a list that only grows, since named objects live as long as the program.
 *
 * ```text
 *   entry   0  next entry, 0: none
 *           1  the object
 *           2  length of the name in UTF-16 units
 *           3… the name, two units a word
 * ```
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { NAMES_AT, NAMES_MUTEX_AT } from "./memory.ts";
import { lockMutex, unlockMutex } from "./mutex.ts";
import type { Space } from "./space.ts";

/**
 * The object of that name. Where there is none, `create` makes it; two that come at once get one object, since the
 * directory is held meanwhile.
 */
export function openOrCreate(space: Space, name: string, create: () => number): { at: number; created: boolean } {
  const words = space.words;
  // Most names exist by the second time, and the list only grows: no need to hold it for a look.
  const known = find(words, name);
  if (known !== 0) return { at: known, created: false };
  lockMutex(space.memory, NAMES_MUTEX_AT, space.id);
  try {
    const meanwhile = find(words, name);
    if (meanwhile !== 0) return { at: meanwhile, created: false };
    // The entry first: where there is no room for it, there is no object either that nobody would find.
    const entry = space.allocate(3 + ((name.length + 1) >> 1), `name an object "${name}"`);
    let at: number;
    try {
      at = create();
    } catch (error) {
      space.free(entry);
      throw error;
    }
    store(words, entry + 1, at);
    store(words, entry + 2, name.length);
    for (let i = 0; i < name.length; i += 2) {
      store(words, entry + 3 + (i >> 1), packed(name, i));
    }
    store(words, entry, load(words, NAMES_AT));
    store(words, NAMES_AT, entry);
    return { at, created: true };
  } finally {
    unlockMutex(space.memory, NAMES_MUTEX_AT);
  }
}

function find(words: Int32Array, name: string): number {
  for (let entry = load(words, NAMES_AT); entry !== 0; entry = load(words, entry)) {
    if (load(words, entry + 2) !== name.length) continue;
    let same = true;
    for (let i = 0; i < name.length && same; i += 2) {
      same = load(words, entry + 3 + (i >> 1)) === packed(name, i);
    }
    if (same) return load(words, entry + 1);
  }
  return 0;
}

function packed(name: string, index: number): number {
  return name.charCodeAt(index) | (index + 1 < name.length ? name.charCodeAt(index + 1) << 16 : 0);
}
