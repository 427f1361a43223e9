/**
 * The region of a tree of processes, as one process has it: a file, mapped once for all its threads.
 *
 * The process that needs it first creates it; children open it by the path that their starter gives them. On Linux it has no
 * name, and the kernel frees it with the last process that has it.
 *
 * A process has an index in the region. It is never given twice, and its process holds it by a lock of the kernel's, which
 * no call of a program can drop by accident, so that any process can ask at any time whether that process lives: neither a
 * zombie nor a process that got the same pid is taken for it. On Linux that is an open file description lock on the byte
 * of that number in the file.
 *
 * Which descriptor, address and index this process has is in words of the threads' memory, for its other threads.
 *
 * @module
 */

import { add, compareExchange, load, store } from "../atomics.ts";
import {
  CHECKED_AT,
  HEAP_AT,
  isChecking,
  MAGIC,
  MAGIC_AT,
  OWNER_AT,
  SCOPE_AT,
  SIZE_AT,
  TOKEN_AT,
  VERSION,
  VERSION_AT,
} from "../memory/memory.ts";
import { lockMutex, unlockMutex } from "../memory/participants.ts";
import { isReservationConfigured, reservationOf, spaceOf } from "../memory/space.ts";
import { loadLibc } from "../system/system.ts";
import { takeTurns } from "./native_turns.ts";
import { AttachError } from "../errors.ts";

takeTurns(() => spaceOf("thread"));

/** The region, as this process has it. */
export interface Region {
  readonly descriptor: number;
  readonly address: number;
  readonly bytes: number;
  /** Index of this process. */
  readonly index: number;
}

// Words of the threads' memory.

/** Under which the region is created or attached to. */
const MUTEX = OWNER_AT + 1;
/** Descriptor + 1; 0: there is no region. Written last. */
const DESCRIPTOR = OWNER_AT + 2;
/** Two words: the lower half first. */
const ADDRESS = OWNER_AT + 3;
/** In units of {@linkcode UNIT}. */
const SIZE = OWNER_AT + 5;
const INDEX = OWNER_AT + 6;
/** For memory_files.ts: the descriptor of the list of memory files, plus one. */
export const LIST_DESCRIPTOR: number = OWNER_AT + 7;

// Words of the region.

/** How much of it is backed by memory, in units of {@linkcode STEP}. */
const COMMITTED = OWNER_AT;
/** The index that the last process got. */
const PROCESSES = OWNER_AT + 1;
/** Pid of the process that created the region, and two words that say when that was started. */
export const ROOT_PID = OWNER_AT + 2;
export const ROOT_START = OWNER_AT + 3;
/** How many memory files are noted, and the mutex under which that is done: see memory_files.ts. */
export const MEMORY_FILES = OWNER_AT + 5;
export const MEMORY_FILES_MUTEX = OWNER_AT + 6;
/** The descriptor of the first process's lifeline, plus one; negative: its janitor runs. See lifeline.ts. */
export const ROOT_LIFELINE = OWNER_AT + 7;

/** The region is backed by memory in steps of so many bytes. */
const STEP = 2 ** 20;
/** The least that a region makes sense with. */
const LEAST = HEAP_AT * 4 + STEP;
/** The size of a region is a whole number of these, which fits into a word. */
const UNIT = 65536;
/** A region that was not configured is never smaller than this. */
const SMALLEST = 2 ** 24;
/** So many indexes are tried: each is new, and so its lock is free. */
const MOST_TRIES = 1000;

/** The region of this process, if it has one. */
export function existingRegion(): Region | undefined {
  const { words } = spaceOf("thread");
  const descriptor = load(words, DESCRIPTOR) - 1;
  if (descriptor < 0) return undefined;
  return {
    descriptor,
    address: (load(words, ADDRESS) >>> 0) + load(words, ADDRESS + 1) * 2 ** 32,
    bytes: load(words, SIZE) * UNIT,
    index: load(words, INDEX),
  };
}

/** The region of this process; created where there is none. */
export function region(): Region {
  return existingRegion() ?? enterOnce(create);
}

/** Makes the region that another process has this one's. `path` is what {@linkcode regionPath} returned there. */
export function attachRegion(path: string): Region {
  return existingRegion() ?? enterOnce(() => attach(path));
}

/** Where another process can open the region of this one, while this one lives. */
export function regionPath(): string {
  return loadLibc("share memory between processes").pathOf(region().descriptor);
}

/** At the end of this process: takes away what the system would leave of the region. May be called again. */
export function leaveRegion(): void {
  const region = existingRegion();
  if (region !== undefined) loadLibc("share memory between processes").leave(region.descriptor);
}

interface Opened {
  readonly descriptor: number;
  readonly bytes: number;
}

// Two threads that come first at once get the same region.
function enterOnce(open: () => Opened): Region {
  const space = spaceOf("thread");
  const { words, memory, id } = space;
  lockMutex(memory, MUTEX, id);
  try {
    if (load(words, DESCRIPTOR) === 0) enter(words, open());
  } finally {
    unlockMutex(memory, MUTEX);
  }
  return existingRegion()!;
}

function enter(words: Int32Array, { descriptor, bytes }: Opened): void {
  const libc = loadLibc("share memory between processes");
  const address = libc.map(descriptor, bytes);
  if (address === 0) {
    libc.close(descriptor);
    throw new RangeError(
      `Cannot share memory between processes as there is no room to map it: needed ${bytes} bytes (reserve less with configure({ memory }) before the first use)`,
    );
  }
  const region = new Int32Array(libc.native.view(address, LEAST));
  // The lock first: an index that is known and not locked is that of a dead process.
  let index = add(region, PROCESSES, 1) + 1;
  for (let tries = 1; !libc.holdNumber(descriptor, index); tries++) {
    if (tries === MOST_TRIES) {
      throw new AttachError(
        `Cannot share memory between processes as the system locks no byte of its file (error ${libc.errno()}): the folder for shared memory must be on a file system with locks`,
      );
    }
    index = add(region, PROCESSES, 1) + 1;
  }
  store(words, ADDRESS, address % 2 ** 32 | 0);
  store(words, ADDRESS + 1, Math.floor(address / 2 ** 32));
  store(words, SIZE, bytes / UNIT);
  store(words, INDEX, index);
  store(words, DESCRIPTOR, descriptor + 1);
}

function create(): Opened {
  const libc = loadLibc("share memory between processes");
  const descriptor = libc.createShared();
  const wanted = Math.max(reservationOf("process"), Math.ceil(LEAST / UNIT) * UNIT);
  let bytes = Math.min(wanted, libc.native.longestView);
  let address = 0;
  // Less where a process may not have that many addresses; what the program asked for itself is not made less.
  for (; descriptor >= 0; bytes /= 2) {
    if (libc.setSize(descriptor, bytes)) address = libc.map(descriptor, bytes);
    if (address !== 0 || bytes <= SMALLEST || isReservationConfigured("process")) break;
  }
  if (address === 0 || !libc.reserve(descriptor, 0, LEAST)) {
    if (address !== 0) libc.unmap(address, bytes);
    if (descriptor >= 0) {
      libc.leave(descriptor);
      libc.close(descriptor);
    }
    throw new RangeError(
      `Cannot share memory between processes as the system gives none: needed ${LEAST} bytes at once, and a file of ${bytes} bytes`,
    );
  }
  const words = new Int32Array(libc.native.view(address, LEAST));
  words[VERSION_AT] = VERSION;
  words[SIZE_AT] = bytes / UNIT;
  words[SCOPE_AT] = 2;
  words.set(crypto.getRandomValues(new Int32Array(2)), TOKEN_AT);
  words[CHECKED_AT] = Number(isChecking());
  words[COMMITTED] = Math.floor(LEAST / STEP);
  words[ROOT_PID] = libc.pid;
  const start = libc.startOf(libc.pid);
  words[ROOT_START] = start % 2 ** 32 | 0;
  words[ROOT_START + 1] = Math.floor(start / 2 ** 32);
  store(words, MAGIC_AT, MAGIC);
  words.buffer.transfer(0);
  libc.unmap(address, bytes);
  return { descriptor, bytes };
}

function attach(path: string): Opened {
  const libc = loadLibc("attach to the memory of another process");
  const descriptor = libc.open(path);
  if (descriptor < 0) {
    throw new AttachError(
      `Cannot attach to the memory of another process as ${path} cannot be opened (error ${libc.errno()}): that process has ended, or belongs to another user`,
    );
  }
  const refuse = (reason: string): never => {
    libc.close(descriptor);
    throw new AttachError(`Cannot attach to the memory of another process as ${reason}: ${path}`);
  };
  const size = libc.sizeOf(descriptor);
  // What is not there cannot be looked at: reading it would end the program.
  if (size < LEAST) refuse("the file is shorter than such a memory");
  const address = libc.map(descriptor, LEAST);
  if (address === 0) refuse("it cannot be mapped");
  const words = new Int32Array(libc.native.view(address, LEAST));
  const magic = load(words, MAGIC_AT);
  const version = load(words, VERSION_AT);
  const bytes = words[SIZE_AT] * UNIT;
  const scope = words[SCOPE_AT];
  words.buffer.transfer(0);
  libc.unmap(address, LEAST);
  if (magic !== MAGIC || scope !== 2) refuse("the file is not the memory of processes");
  if (version !== VERSION) {
    refuse(`it is of another version of this library (expected ${VERSION}, received ${version})`);
  }
  if (bytes !== size) refuse(`its size was changed (expected ${bytes} bytes, received ${size})`);
  return { descriptor, bytes };
}

/**
 * Backs the bytes `[0, end)` of the region with memory; `false`: there is none. Called under the allocator's
 * mutex.
 */
export function commit(region: Region, words: Int32Array, end: number): boolean {
  const committed = load(words, COMMITTED) * STEP;
  if (end <= committed) return true;
  if (end > region.bytes) return false;
  const wanted = Math.min(Math.ceil(end / STEP) * STEP, region.bytes);
  const libc = loadLibc("share memory between processes");
  if (!libc.reserve(region.descriptor, committed, wanted - committed)) {
    if (!libc.reserve(region.descriptor, committed, end - committed)) return false;
    // Not noted, since it is no whole step: the next caller will ask for it again.
    return true;
  }
  // Never made less. A process that is killed before this leaves the number too low, which does no harm.
  compareExchange(words, COMMITTED, committed / STEP, Math.floor(wanted / STEP));
  return true;
}
