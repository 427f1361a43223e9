/**
 * The region: the memory of a tree of processes. It is a file that each process maps once, for all its threads.
 *
 * The first process that needs the region creates it. Children open it by a path that their starter passes to them. On
 * Linux the file has no name, and the kernel frees it when the last process that has it is gone.
 *
 * Each process has an index in the region. An index is never used twice. The process holds its index by a lock of the kernel's,
 * which a program cannot release by accident. So any process can see at any time whether the process with an index is alive. A
 * zombie does not count as alive, and a process that has got the same pid is not confused with it. On Linux the lock is
 * an open file description lock on one byte of the file, at the offset of the index.
 *
 * The descriptor, the address and the index are in words of the threads' memory, so that all threads of the process find them.
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

/** The region, as this process has mapped it. */
export interface Region {
  readonly descriptor: number;
  readonly address: number;
  readonly bytes: number;
  /** The index of this process. */
  readonly index: number;
}

// Words of the threads' memory. A thread of this process writes them when it creates the region or attaches to it.

/** The mutex for creating the region or attaching to it. */
const MUTEX = OWNER_AT + 1;
/** The descriptor plus 1; 0: there is no region. Written last, so that a thread that sees it can read the other words. */
const DESCRIPTOR = OWNER_AT + 2;
/** The address: two words, the lower half first. */
const ADDRESS = OWNER_AT + 3;
/** The size, in units of {@linkcode UNIT}. */
const SIZE = OWNER_AT + 5;
const INDEX = OWNER_AT + 6;
/** For memory_files.ts: the descriptor of the list of memory files, plus 1. */
export const LIST_DESCRIPTOR: number = OWNER_AT + 7;

// Words of the region.

/** How much of the region is backed by memory, in units of {@linkcode STEP}. */
const COMMITTED = OWNER_AT;
/** The index that was given out last. */
const PROCESSES = OWNER_AT + 1;
/** The pid of the process that created the region, and the time of that process's start, in two words. Written once. */
export const ROOT_PID = OWNER_AT + 2;
export const ROOT_START = OWNER_AT + 3;
/** How many memory files are on the list, and the mutex for changes of the list: see memory_files.ts. */
export const MEMORY_FILES = OWNER_AT + 5;
export const MEMORY_FILES_MUTEX = OWNER_AT + 6;
/** The descriptor of the first process's lifeline, plus 1; negative: its janitor runs. See lifeline.ts. */
export const ROOT_LIFELINE = OWNER_AT + 7;

/** The region is backed by memory in steps of this many bytes. */
const STEP = 2 ** 20;
/** The fewest bytes that a region can have. */
const LEAST = HEAP_AT * 4 + STEP;
/** The size of a region is a multiple of this many bytes, so that the number of units fits into a word. */
const UNIT = 65536;
/** The fewest bytes of a region whose size was not configured. */
const SMALLEST = 2 ** 24;
/** How many indexes are tried. Each index is new, so its lock is free unless locking fails in general. */
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

/** The region of this process. Creates the region if there is none. */
export function region(): Region {
  return existingRegion() ?? enterOnce(create);
}

/** Attaches this process to the region of another process. `path` is what {@linkcode regionPath} returned there. */
export function attachRegion(path: string): Region {
  return existingRegion() ?? enterOnce(() => attach(path));
}

/** The path by which another process can open the region, as long as this process is alive. */
export function regionPath(): string {
  return loadLibc("share memory between processes").pathOf(region().descriptor);
}

/** When this process ends: removes what the system would leave of the region. It may be called more than once. */
export function leaveRegion(): void {
  const region = existingRegion();
  if (region !== undefined) loadLibc("share memory between processes").leave(region.descriptor);
}

interface Opened {
  readonly descriptor: number;
  readonly bytes: number;
}

// If two threads of this process need the region at the same time, both get the same region.
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
  // Lock the index before any other process can learn it: an index that is not locked counts as that of a dead process.
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
  // Try half of the size if the system does not let a process map that much. A size that the program has configured is
  // not halved.
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
      `Cannot share memory between processes as the system has no room for it: needed ${LEAST} bytes at once, and a file of ${bytes} bytes`,
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
  // A shorter file must not be read: a page behind its end would kill the program.
  if (size < LEAST) refuse("the file is too short");
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
 * Backs the bytes `[0, end)` of the region with memory. `false`: the system has no more memory. Called under the mutex of the
 * allocator.
 */
export function commit(region: Region, words: Int32Array, end: number): boolean {
  const committed = load(words, COMMITTED) * STEP;
  if (end <= committed) return true;
  if (end > region.bytes) return false;
  const wanted = Math.min(Math.ceil(end / STEP) * STEP, region.bytes);
  const libc = loadLibc("share memory between processes");
  if (!libc.reserve(region.descriptor, committed, wanted - committed)) {
    if (!libc.reserve(region.descriptor, committed, end - committed)) return false;
    // COMMITTED counts whole steps, so this part is not noted. The next caller asks the system for it again.
    return true;
  }
  // The number only rises. If a process is killed before this, the number stays too low, which does no harm.
  compareExchange(words, COMMITTED, committed / STEP, Math.floor(wanted / STEP));
  return true;
}
