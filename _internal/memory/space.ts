/**
 * One thread's view of one memory: which participant it is there, what it waits for, which handles it has, and the blocks that
 * it takes and gives back. Each thread has at most two views, and how they come to be is here as well; so is the directory by
 * which objects are found by their names. That is a list in the memory, written under its mutex by the thread that makes an
 * object, and read without:
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
import { InvalidStateError } from "../errors.ts";
import { exitThread } from "../runtime/this_thread.ts";
import { isBun } from "../runtime/runtime.ts";
import { allocate, free, reach } from "./allocator.ts";
import { AsyncWaiters } from "./async_waiters.ts";
import { BELL_COUNT, type Memory, NAMES_AT, NAMES_MUTEX_AT, ROOM_AT, type Scope, ThreadMemory } from "./memory.ts";
import { enter, entryOf, KILL, lockMutex, unlockMutex } from "./participants.ts";
import { DEFAULT_SPINS, EVERYBODY, notify } from "./wait_point.ts";

/** One thread's view of one memory. */
export class Space {
  readonly memory: Memory;
  readonly words: Int32Array;
  /** This thread's id in the memory. */
  readonly id: number;
  /** Where its entry in the table of participants is. */
  readonly entry: number;
  /** The index of its doorbell. */
  readonly bell: number;
  /** How often it looks before it sleeps. */
  readonly spins: number;
  readonly async: AsyncWaiters;
  /** One handle an object, by address. */
  readonly handles: Map<number, WeakRef<object>> = new Map();
  /** Stops this thread at once; called when its kill word is set. */
  exit: () => never;
  #killWords: Int32Array;
  #killAt: number;

  constructor(memory: Memory, id: number, exit: () => never) {
    this.memory = memory;
    this.words = memory.words;
    this.id = id;
    this.entry = entryOf(id);
    this.bell = id % BELL_COUNT;
    this.spins = (globalThis.navigator?.hardwareConcurrency ?? 2) > 1 ? DEFAULT_SPINS : 0;
    this.async = new AsyncWaiters(this);
    this.exit = exit;
    this.#killWords = memory.words;
    this.#killAt = this.entry + KILL;
  }

  /**
   * Has this thread end here where another thread asked for its end in `other`: a thread is told in its program's memory. No
   * sleep in this memory is woken by that: it ends after its slice.
   */
  obey(other: Space): void {
    this.#killWords = other.words;
    this.#killAt = other.entry + KILL;
  }

  /** The view of a thread that the memory does not know yet. */
  static join(memory: Memory, process: number, exit: () => never): Space {
    return new Space(memory, enter(memory, process), exit);
  }

  /** Whether another thread asked this thread to end. */
  isKilled(): boolean {
    return load(this.#killWords, this.#killAt) !== 0;
  }

  /** Ends this thread where another thread asked for that. A thread that polls in a loop, and never waits, learns it here. */
  endIfKilled(): void {
    if (load(this.#killWords, this.#killAt) !== 0) this.exit();
  }

  /** A zeroed block, or a `RangeError` that says what there was no room for. */
  allocate(words: number, action: string): number {
    const at = this.tryAllocate(words, true);
    if (at === 0) throw noRoom(action, words * 4, this.available());
    return at;
  }

  /** A block, or 0 when there is no room. */
  tryAllocate(words: number, zeroed: boolean): number {
    return allocate(this.memory, this.id, words, zeroed);
  }

  /** A block that `holder` will give back, or 0 when there is no room for it and `spare` words besides. */
  tryLend(words: number, holder: number, spare: number): number {
    return allocate(this.memory, this.id, words, false, holder, spare);
  }

  /** Bytes that can still be had in one piece. */
  available(): number {
    return reach(this.memory, this.id);
  }

  /** Gives a block back. */
  free(at: number): void {
    free(this.memory, this.id, at);
    // A worker may wait for room: see room.ts.
    notify(this, ROOM_AT, EVERYBODY);
  }

  /** Writes bytes into a block of their own: their length, then they. The first `before` words are left to the caller. */
  writeBlock(bytes: Uint8Array, action: string, before = 0): number {
    const at = this.allocate(before + 1 + ((bytes.length + 3) >> 2), action);
    store(this.words, at + before, bytes.length);
    this.memory.bytes.set(bytes, (at + before + 1) * 4);
    return at;
  }

  /** A private copy of the bytes whose length is there: decoders refuse shared memory. */
  readBlock(at: number): Uint8Array {
    const begin = (at + 1) * 4;
    return this.memory.bytes.slice(begin, begin + load(this.words, at));
  }
}

/** What an error says where there is no room for `what`. */
export function noRoomText(action: string, needed: number, available: number, what = "it"): string {
  return `Cannot ${action} as the shared memory has no room for ${what}: needed ${needed} bytes, available about ${available} (reserve more with configure({ memory }) before the first use)`;
}

/** What is thrown where there is no room: its properties say the same as its message. */
export function noRoom(action: string, needed: number, available: number, what?: string): RangeError {
  return Object.assign(new RangeError(noRoomText(action, needed, available, what)), { needed, available });
}

// The views that this thread has.
//
// That of the threads' memory is made at first use in the main thread; a worker of the library gets its own before any of the
// program's modules is imported. That of the processes' memory is made by `multiprocessing`, which alone knows how.

const spaces: Record<Scope, Space | undefined> = { thread: undefined, process: undefined };

/**
 * Bytes reserved where nothing else was configured.
 *
 * JavaScriptCore's garbage collector counts the whole mapping of the processes' memory among the bytes in use, and waits
 * for as much garbage before it begins: so that is less there. See also memory.ts.
 */
const DEFAULT_RESERVATION: Readonly<Record<Scope, number>> = { thread: 2 ** 32, process: isBun ? 2 ** 29 : 2 ** 32 };
const reservation: Record<Scope, number> = { ...DEFAULT_RESERVATION };
let makeProcessSpace: (() => Space) | undefined;

/** This thread's view of a memory. */
export function spaceOf(scope: Scope): Space {
  return spaces[scope] ??= scope === "thread" ? Space.join(reserve(), 0, exitThread) : processSpace();
}

/** This thread's view of a memory, where it has one already. */
export function existingSpace(scope: Scope): Space | undefined {
  return spaces[scope];
}

/** Gives this thread its view: a worker at its start, or at its first `adopt`. */
export function setSpace(space: Space): void {
  spaces[space.memory.scope] = space;
}

/** Says how a process view is made at its first use. */
export function setProcessSpaceFactory(make: () => Space): void {
  makeProcessSpace = make;
}

/** How many bytes a region gets. */
export function reservationOf(scope: Scope): number {
  return reservation[scope];
}

/** Whether the program has said how many bytes that are. */
export function isReservationConfigured(scope: Scope): boolean {
  return reservation[scope] !== DEFAULT_RESERVATION[scope];
}

/** Changes how many bytes the regions that are not there yet will get. */
export function setReservation(bytes: number): void {
  if (spaces.thread !== undefined || spaces.process !== undefined) {
    throw new InvalidStateError(
      "Cannot configure the shared memory as it is in use already: call configure() before the first object is made",
    );
  }
  reservation.thread = bytes;
  reservation.process = bytes;
}

function processSpace(): Space {
  if (makeProcessSpace === undefined) {
    throw new InvalidStateError("Cannot reach the processes' memory: import @weft/concurrent/multiprocessing first");
  }
  return makeProcessSpace();
}

/** The threads' memory: smaller where the system does not even reserve as much as was wanted (strict overcommit). */
function reserve(): Memory {
  for (let bytes = reservation.thread;; bytes /= 2) {
    try {
      return ThreadMemory.reserve(bytes);
    } catch (error) {
      if (isReservationConfigured("thread") || bytes <= 2 ** 24) throw error;
    }
  }
}

// The directory of names: a list that only grows, since named objects live as long as the program.

/**
 * The object of that name. Where there is none, `create` makes it; two threads that come at once get one object, since the
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
    // The entry first: where there is no room for it, there is no object either that could never be found.
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
