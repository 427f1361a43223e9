/**
 * One thread's view of one memory: which participant it is there, what it waits for, which handles it has, and the
 * blocks that it takes and gives back. Each thread has at most two views; this module also creates them.
 *
 * The directory in which objects are found by their names is here, too. It is a list in the memory, which the thread
 * that makes an object writes under its mutex, and which is read without:
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

import { load, peeksPlainly, store } from "../atomics.ts";
import { InvalidStateError } from "../errors.ts";
import { requireBegun } from "../runtime/own_files.ts";
import { exitThread } from "../runtime/this_thread.ts";
import { isBrowser, isBun, requireSharing } from "../runtime/runtime.ts";
import { allocate, free, reach } from "./allocator.ts";
import { AsyncWaiters } from "./async_waiters.ts";
import {
  BELL_COUNT,
  fixedWords,
  type Memory,
  NAMES_AT,
  NAMES_MUTEX_AT,
  ROOM_AT,
  type Scope,
  ThreadMemory,
} from "./memory.ts";
import { enter, entryOf, KILL, lockMutex, PROCESS, unlockMutex } from "./participants.ts";
import { ALL_SLEEPERS, DEFAULT_SPINS, notify } from "./wait_point.ts";

// A copy: see {@linkcode peeksPlainly}.
const isPlain = peeksPlainly;

/** One thread's view of one memory. */
export class Space {
  readonly memory: Memory;
  readonly words: Int32Array;
  /**
   * The words that the memory had when this thread last looked, as an array of a fixed length, for hot paths:
   * JavaScriptCore reads the length of an array that grows with its buffer before each access. All words of the objects
   * that this thread has handles of are in it. Other words may not be: see {@linkcode Space.fix}.
   */
  fixed: Int32Array;
  /** This thread's id in the memory. */
  readonly id: number;
  /** Where its entry in the table of participants is. */
  readonly entry: number;
  /** The index of its doorbell. */
  readonly bell: number;
  /** How many pauses this thread makes between looks before it sleeps. */
  readonly spins: number;
  /** When this thread last began to block. */
  blockedAt = -Infinity;
  /** When it last woke another thread. */
  wokeAt = -Infinity;
  readonly async: AsyncWaiters;
  /** A handle for each object, by address: the newest. */
  readonly handles: Map<number, WeakRef<object>> = new Map();
  /** The handles of an object that there are besides, by address. Some may be garbage whose finalizer has not run. */
  readonly others: Map<number, Set<WeakRef<object>>> = new Map();
  /** Whether the thread has given up all handles, because it ends. */
  isReleased = false;
  /** Stops this thread at once; called when its kill word is set. */
  exit: () => never;
  #killWords: Int32Array;
  #killAt: number;
  readonly #process: number;

  constructor(memory: Memory, id: number, exit: () => never) {
    this.memory = memory;
    this.words = memory.words;
    this.fixed = fixedWords(memory);
    this.id = id;
    this.entry = entryOf(id);
    // Not atomic: it was written before any thread knew this id.
    this.#process = this.words[this.entry + PROCESS];
    this.bell = id % BELL_COUNT;
    this.spins = (globalThis.navigator?.hardwareConcurrency ?? 2) > 1 ? DEFAULT_SPINS : 0;
    this.async = new AsyncWaiters(this);
    this.exit = exit;
    this.#killWords = this.fixed;
    this.#killAt = this.entry + KILL;
  }

  /**
   * Makes this thread end when another thread asked it to in `other`: a thread is asked to end in its program's memory.
   * That request does not wake a sleep in this memory, so the thread ends after its slice.
   */
  obey(other: Space): void {
    this.#killWords = other.fixed;
    this.#killAt = other.entry + KILL;
  }

  /**
   * Makes {@linkcode Space.fixed} as long as the memory is now, if it ends before `end`. All words of blocks that were given
   * out are then in it.
   */
  fix(end: number): void {
    if (end > this.fixed.length) this.fixed = fixedWords(this.memory);
  }

  /** Adds the thread to the memory and returns its view. */
  static join(memory: Memory, process: number, exit: () => never): Space {
    return new Space(memory, enter(memory, process), exit);
  }

  /**
   * Adds the thread to the memory once more, under another id, and returns that view. It is for a thread that has left, and
   * has something to give back: it would take mutexes as a dead participant, and other threads would take these over.
   */
  rejoin(): Space {
    return Space.join(this.memory, this.#process, this.exit);
  }

  /** Whether another thread asked this thread to end. */
  isKilled(): boolean {
    return load(this.#killWords, this.#killAt) !== 0;
  }

  /**
   * Ends this thread if another thread asked it to end. A thread that polls in a loop and never waits learns here that
   * it was asked.
   */
  endIfKilled(): void {
    if (load(this.#killWords, this.#killAt) !== 0) this.exit();
  }

  /** As {@linkcode Space.endIfKilled}, at a path that has another atomic operation: see {@linkcode peek}. */
  peekKill(): void {
    if ((isPlain ? this.#killWords[this.#killAt] : load(this.#killWords, this.#killAt)) !== 0) this.exit();
  }

  /** Returns a zeroed block, or throws a `RangeError` that says what there was no room for. */
  allocate(words: number, action: string): number {
    const at = this.tryAllocate(words, true);
    if (at === 0) throw noRoom(action, words * 4, this.available());
    return at;
  }

  /** Returns a block, or 0 if there is no room. */
  tryAllocate(words: number, zeroed: boolean): number {
    return allocate(this.memory, this.id, words, zeroed);
  }

  /** Returns a block that `holder` will give back, or 0 if there is no room for it and `spare` words besides. */
  tryLend(words: number, holder: number, spare: number): number {
    return allocate(this.memory, this.id, words, false, holder, spare);
  }

  /** How many bytes the largest block can still have. */
  available(): number {
    return reach(this.memory, this.id);
  }

  /** Gives a block back. */
  free(at: number): void {
    free(this.memory, this.id, at);
    // A worker may wait for room: see room.ts.
    notify(this, ROOM_AT, ALL_SLEEPERS);
  }

  /**
   * Has this view give out no block any more, and take none back. The thread has left the memory, but objects that have kept
   * the view, such as a pool, may be used once more.
   */
  close(): void {
    // In place of the methods, which so have no check.
    this.tryAllocate = requireOpen as () => never;
    this.tryLend = requireOpen as () => never;
    this.free = () => {};
  }

  /** Writes bytes into a new block: their length, then the bytes. The first `before` words are left to the caller. */
  writeBlock(bytes: Uint8Array, action: string, before = 0): number {
    const at = this.allocate(before + 1 + ((bytes.length + 3) >> 2), action);
    store(this.words, at + before, bytes.length);
    this.memory.bytes.set(bytes, (at + before + 1) * 4);
    return at;
  }

  /** Returns a private copy of the bytes whose length is at `at`, since decoders refuse shared memory. */
  readBlock(at: number): Uint8Array {
    const begin = (at + 1) * 4;
    return this.memory.bytes.slice(begin, begin + load(this.words, at));
  }
}

/** The error message if there is no room for `what`. */
export function noRoomText(action: string, needed: number, available: number, what = "it"): string {
  return `Cannot ${action} as the shared memory has no room for ${what}: needed ${needed} bytes, available about ${available} (reserve more with configure({ memory }) before the first use)`;
}

/** The error if there is no room. Its properties have the numbers of its message. */
export function noRoom(action: string, needed: number, available: number, what?: string): RangeError {
  return Object.assign(new RangeError(noRoomText(action, needed, available, what)), { needed, available });
}

// The views that this thread has.
//
// The main thread makes its view of the threads' memory at first use. A worker of the library gets its view before it
// imports any of the program's modules. `multiprocessing` makes the view of the processes' memory, since only it knows
// how.

const spaces: Record<Scope, Space | undefined> = { thread: undefined, process: undefined };

/**
 * How many bytes are reserved unless configured.
 *
 * JavaScriptCore's garbage collector counts the whole mapping of the processes' memory as memory in use, and lets as
 * much garbage accumulate before it runs. So less is reserved there. See also memory.ts. A browser may refuse 4 GiB, and has
 * many pages in a process.
 */
const DEFAULT_RESERVATION: Readonly<Record<Scope, number>> = {
  thread: isBrowser ? 2 ** 30 : 2 ** 32,
  process: isBun ? 2 ** 29 : 2 ** 32,
};
const reservation: Record<Scope, number> = { ...DEFAULT_RESERVATION };
let makeProcessSpace: (() => Space) | undefined;

/** This thread's view of a memory. */
export function spaceOf(scope: Scope): Space {
  return spaces[scope] ??= join(scope);
}

function join(scope: Scope): Space {
  requireBegun();
  requireOpen();
  return scope === "thread" ? Space.join(reserve(), 0, exitThread) : processSpace();
}

/** This thread's view of a memory, if it has one already. */
export function existingSpace(scope: Scope): Space | undefined {
  return spaces[scope];
}

/** Sets this thread's view: in a worker at its start, or at its first `adopt`. */
export function setSpace(space: Space): void {
  spaces[space.memory.scope] = space;
}

let isClosed = false;

/**
 * Takes this thread's views away, as it has left the memories. Code of the program may still run: listeners of the thread's
 * exit. It would take mutexes as a dead participant, and other threads would take these over at once.
 */
export function closeSpaces(): void {
  isClosed = true;
  spaces.thread?.close();
  spaces.process?.close();
  spaces.thread = undefined;
  spaces.process = undefined;
}

/** Throws if this thread has left the memories. */
export function requireOpen(): void {
  if (!isClosed) return;
  throw new InvalidStateError(
    "Cannot use the shared memory as this thread has ended, and only listeners of its exit still run: use it in the target, for instance in a finally block",
  );
}

/** Sets how the view of the processes' memory is made at its first use. */
export function setProcessSpaceFactory(make: () => Space): void {
  makeProcessSpace = make;
}

/** How many bytes a region will have. */
export function reservationOf(scope: Scope): number {
  return reservation[scope];
}

/** Whether the program has configured how many bytes a region will have. */
export function isReservationConfigured(scope: Scope): boolean {
  return reservation[scope] !== DEFAULT_RESERVATION[scope];
}

/** Sets how many bytes the regions will have. Neither may exist yet. */
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

/**
 * Reserves the threads' memory; less than the default if the system refuses to reserve that much (strict overcommit).
 */
function reserve(): Memory {
  requireSharing();
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
 * The object of that name. If there is none, `create` makes it. Two threads that come at once get the same object,
 * since the directory is locked meanwhile.
 */
export function openOrCreate(space: Space, name: string, create: () => number): { at: number; created: boolean } {
  const words = space.words;
  // Most names exist already, and the list only grows, so the first look needs no mutex.
  const known = find(words, name);
  if (known !== 0) return { at: known, created: false };
  lockMutex(space.memory, NAMES_MUTEX_AT, space.id);
  try {
    const meanwhile = find(words, name);
    if (meanwhile !== 0) return { at: meanwhile, created: false };
    // The entry first: if there is no room for it, no object is made that could never be found.
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
