/**
 * Where the named objects of a fleet are kept: entries, which are bytes with a revision, and queues of items.
 *
 * @module
 */

import type { Link, Taking } from "./_engine.ts";

/** What is kept under a name. */
export interface Entry {
  /** Grows with every write. */
  readonly revision: number;
  readonly bytes: Uint8Array;
}

/** An item as a getter gets it. */
export interface Item {
  readonly bytes: Uint8Array;
  /** When it came, on the clock of `performance.now`. */
  readonly since: number;
  /** Takes it out of the queue. Resolves when the queue has confirmed that. */
  take(): Promise<void>;
  /** Another getter is to have it. */
  giveBack(): void;
}

/** What came of putting an item. */
export type PutOutcome = "put" | "full" | "shut";

/** A queue of items. */
export interface ItemQueue {
  /** Makes it where it is not there. Resolves with the most items that it may have; 0: any number. */
  open(maxsize: number): Promise<number>;
  /** Puts an item; the same key is the same item. */
  put(bytes: Uint8Array, key: string): Promise<PutOutcome>;
  /** An item that is there now, if there is one, or comes within so many milliseconds. */
  itemNow(wait: number): Promise<Item | undefined>;
  /** Calls `hear` with as many items as `ask` says, when they are there. */
  items(hear: (item: Item) => void): Taking;
  /** How many items it has, and whether it is shut. */
  state(): Promise<{ size: number; isShut: boolean }>;
  /** Nothing can be put any more. `immediate`: and it is emptied. */
  shut(immediate: boolean): Promise<void>;
  /** Removes it, with all its items. */
  remove(): Promise<void>;
}

/** A connection to where the objects of a fleet are kept. */
export interface Store extends Link {
  /** Reads an entry; `undefined`: there is none. */
  read(name: string): Promise<Entry | undefined>;
  /** How many milliseconds ago an entry was written, by the clock of the store; `undefined`: that is not known. */
  ageOf(name: string): Promise<number | undefined>;
  /** Writes an entry whose revision is that one; 0: that is not there. Resolves with the new revision; `undefined`: it has another. */
  write(name: string, bytes: Uint8Array, revision: number): Promise<number | undefined>;
  /** Removes an entry. */
  remove(name: string): Promise<void>;
  /** Calls `hear` with messages to a name. Returns what ends that. */
  listen(name: string, hear: (bytes: Uint8Array) => void): () => void;
  /** The queue of a name. */
  queue(name: string): ItemQueue;
}
