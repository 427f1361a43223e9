/**
 * The store of a fleet's named objects: entries, which are bytes with a revision, and queues of items.
 *
 * @module
 */

import type { Link, Taking } from "./_engine.ts";

/** The bytes that are kept under a name. */
export interface Entry {
  /** Grows with every write. */
  readonly revision: number;
  readonly bytes: Uint8Array;
}

/** An item as a getter receives it. */
export interface Item {
  readonly bytes: Uint8Array;
  /** When it arrived, on the clock of `performance.now`. */
  readonly since: number;
  /** Takes it out of the queue. Resolves when the queue has confirmed that. */
  take(): Promise<void>;
  /** Puts it back for another getter. */
  giveBack(): void;
}

/** The result of putting an item. */
export type PutOutcome = "put" | "full" | "shut";

/** A queue of items. */
export interface ItemQueue {
  /** Creates the queue if it does not exist. Resolves with its `maxsize`; 0: any number of items. */
  open(maxsize: number): Promise<number>;
  /** Puts an item. A repeated key is the same item, which is put once. */
  put(bytes: Uint8Array, key: string): Promise<PutOutcome>;
  /** An item that is there now or arrives within `wait` milliseconds; `undefined`: none. */
  itemNow(wait: number): Promise<Item | undefined>;
  /** Calls `hear` with each item, for as many items as `ask` asks for. */
  items(hear: (item: Item) => void): Taking;
  /** How many items it has, and whether it is shut down. */
  state(): Promise<{ size: number; isShut: boolean }>;
  /** Shuts the queue down: nothing can be put any more. `immediate`: its items are dropped too. */
  shut(immediate: boolean): Promise<void>;
  /** Removes the queue with all its items. */
  remove(): Promise<void>;
}

/** A connection to the store of a fleet. */
export interface Store extends Link {
  /** Reads an entry; `undefined`: there is none. */
  read(name: string): Promise<Entry | undefined>;
  /** How many milliseconds ago an entry was written, by the clock of the store; `undefined`: unknown. */
  ageOf(name: string): Promise<number | undefined>;
  /**
   * Writes an entry if it has this revision; 0: if it does not exist. Resolves with the new revision, or with
   * `undefined` if the entry has another revision.
   */
  write(name: string, bytes: Uint8Array, revision: number): Promise<number | undefined>;
  /** Removes an entry. */
  remove(name: string): Promise<void>;
  /** Calls `hear` with each message to a name. Returns a function that ends that. */
  listen(name: string, hear: (bytes: Uint8Array) => void): () => void;
  /** The queue of this name. */
  queue(name: string): ItemQueue;
}
