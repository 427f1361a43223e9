/**
 * The interface of a memory, the layout of its words, and the memory that threads share.
 *
 * There are two memories. The threads of a program share a `SharedArrayBuffer`, which is {@linkcode ThreadMemory} here.
 * The processes of a tree share a mapping: see processes/process_memory.ts. No primitive knows which of them it is in,
 * and both have the same layout of words:
 *
 * ```text
 *      0  header
 *    256  heads of the allocator's free lists
 *    512  doorbells, a cache line each
 *   4096  participants, 16 words each
 *  69632  heap
 * ```
 *
 * @module
 */

import { load, notify, wait, whenChanged } from "../atomics.ts";
import { environmentVariable, isBun, mayBlock } from "../runtime/runtime.ts";

/** Where an object is shared: between the threads of one program, or between the processes of a tree. */
export type Scope = "thread" | "process";

/**
 * Where a message goes: to a reader of the same memory, or to another machine, where no object of this memory exists.
 */
export type Destination = Scope | "network";

/** A region of shared words that can be waited on. Addresses are indexes into {@linkcode Memory.words}. */
export interface Memory {
  /** Which of the two memories it is. */
  readonly scope: Scope;
  /** The region as words. It may get longer when memory is committed, and never gets shorter. */
  readonly words: Int32Array;
  /** The region as bytes. */
  readonly bytes: Uint8Array;
  /**
   * Blocks until the word is notified or differs from `expected`, or `ms` milliseconds have passed. It may also return
   * for no reason.
   */
  wait(index: number, expected: number, ms: number): void;
  /** Wakes up to `count` blocked waiters and returns how many it woke. */
  notify(index: number, count: number): number;
  /**
   * Calls `onChange` at once, and then from the event loop soon after each time that the word was changed and notified,
   * until the returned function is called. Listening does not keep the program alive, and does not delay its end.
   */
  listen(index: number, onChange: () => void): () => void;
  /** The most words that the region can have. */
  readonly capacity: number;
  /** Backs the bytes `[0, end)` with real memory. `false`: there is no room. Called under the allocator's mutex. */
  commit(end: number): boolean;
  /** Whether the process with this index in the region lives. Threads of one program: always. */
  isProcessAlive(process: number): boolean;
}

// The layout of a region. All numbers are word indexes.

/** "WEFT" */
export const MAGIC = 0x57454654;
/** The version of this layout. It changes with every change of the layout. */
export const VERSION = 4;

export const MAGIC_AT = 0;
export const VERSION_AT = 1;
/** Size of the region in units of 64 KiB: fixed at its creation. */
export const SIZE_AT = 2;
/** 1: threads, 2: processes. */
export const SCOPE_AT = 3;
/** Two random words that identify the region, for a thread that gets the same region a second time. */
export const TOKEN_AT = 4;
/** Of the threads' memory: the record of this process, in the processes' memory. */
export const PROCESS_AT = 8;
/** Of the threads' memory: how many processes this process has named by number. */
export const PROCESS_NAMES_AT = 9;
/** Of the threads' memory: the descriptor whose other end is closed when this process ends, plus one. */
export const LIFELINE_AT = 10;
/** Of the threads' memory: held by the thread that opens the lifeline. */
export const PROCESS_MUTEX_AT = 11;
/** Of the threads' memory: how this process starts others: see multiprocessing/start_method.ts. */
export const START_METHOD_AT = 12;
/** Of the threads' memory: how many threads were named by number. */
export const THREAD_NAMES_AT = 13;
/**
 * Of the threads' memory: held by a thread that drops the reference that the table of threads has, or takes another
 * from it.
 */
export const THREADS_MUTEX_AT = 14;
/** Of the threads' memory: held by the thread that binds functions of the C library: see processes/native_turns.ts. */
export const NATIVE_MUTEX_AT = 15;

/**
 * Where the heap ends: there are no blocks behind it. This word and the four that follow are written under the
 * allocator's mutex.
 */
export const TOP_AT = 16;
/** No word from here on was ever written to. */
export const FRESH_AT = 17;
/** Words in blocks that are given out. */
export const USED_AT = 18;
/** How often a block was given back. */
export const FREED_AT = 19;
/** Words that were given back since free blocks were joined. */
export const LOOSE_AT = 20;
/** Whether blocks have guards and poison: see allocator.ts. Written once, when the region is created. */
export const CHECKED_AT = 21;
/** The wait point that is notified when a block is given back. */
export const ROOM_AT = 24;
/** When a worker last reported that there was no room for a result: see room.ts. */
export const WANTED_AT = 26;
/** The allocator's mutex, on a line of its own. */
export const ALLOCATOR_MUTEX_AT = 32;
/** The id that the next participant gets. */
export const NEXT_PARTICIPANT_AT = 48;
/** First entry of the directory of names; 0: none. */
export const NAMES_AT = 64;
/** The directory's mutex. */
export const NAMES_MUTEX_AT = 80;
/** Eight words that only the owner of a region uses. */
export const OWNER_AT = 96;

export const FREE_LISTS_AT = 256;
export const FREE_LIST_COUNT = 128;

export const BELLS_AT = 512;
export const BELL_STRIDE = 16;
/** How many doorbells there are: each has a bit of a positive word. */
export const BELL_COUNT = 31;

export const PARTICIPANTS_AT = 4096;
export const PARTICIPANT_COUNT = 4096;
export const PARTICIPANT_WORDS = 16;

export const HEAP_AT = PARTICIPANTS_AT + PARTICIPANT_COUNT * PARTICIPANT_WORDS;

/** How many words the header of an object has. */
export const OBJECT_HEADER = 4;

/** Words of a cache line, which is 64 bytes. Words that different threads write should be in different lines. */
export const LINE = 16;

/** The first address at or behind this one where a cache line begins. */
export function firstLine(at: number): number {
  return (at + LINE - 1) & ~(LINE - 1);
}

// The same words in pairs, for values of 64 bits.

const views = new WeakMap<Memory, BigInt64Array>();

/** All words of a memory in pairs: pair `n` is the words `2n` and `2n + 1`. */
export function pairsOf(memory: Memory): BigInt64Array {
  let pairs = views.get(memory);
  if (pairs === undefined) {
    // Without a length, so that the view grows with the memory.
    const { buffer, byteOffset } = memory.words;
    views.set(memory, pairs = new BigInt64Array(buffer, byteOffset));
  }
  return pairs;
}

/**
 * All words of a memory as numbers of 64 bits: number `n` is the words `2n` and `2n + 1`. Each call makes a new view,
 * so the caller keeps it.
 */
export function doublesOf({ words: { buffer, byteOffset } }: Memory): Float64Array {
  return new Float64Array(buffer, byteOffset);
}

/** The words that a memory has now, as an array that does not grow. */
export function fixedWords({ words }: Memory): Int32Array {
  const { buffer, byteOffset, length } = words;
  return (buffer as Partial<Growable>).growable ? new Int32Array(buffer, byteOffset, length) : words;
}

// The memory of threads: a `SharedArrayBuffer` that every thread gets at its start. Only the pages that were touched
// are resident.
//
// On V8 it has its full length at once: length-tracking views of a growable buffer make each atomic operation twice as
// slow there. On JavaScriptCore it grows: the garbage collector counts the length of every buffer as memory in use, and
// with 4 GiB counted it lets gigabytes of garbage accumulate before it runs. A length-tracking view costs a nanosecond for
// each access there, so hot paths use an array of a fixed length: see `Space.fixed`.

/** How many bytes a growable buffer has at first, and the fewest that it grows by. */
const STEP = 2 ** 20;

type Growable = SharedArrayBuffer & {
  readonly growable?: boolean;
  readonly maxByteLength: number;
  grow(bytes: number): void;
};

/** {@linkcode Memory} over a `SharedArrayBuffer`. */
export class ThreadMemory implements Memory {
  readonly scope = "thread";
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly capacity: number;
  readonly buffer: SharedArrayBuffer;

  /** Wraps a buffer that {@linkcode ThreadMemory.reserve} made, in this thread or in another. */
  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    const { growable, maxByteLength } = buffer as Growable;
    this.capacity = Math.floor((growable ? maxByteLength : buffer.byteLength) / 4);
  }

  /** Creates a region that can have `bytes` bytes. */
  static reserve(bytes: number): ThreadMemory {
    const memory = new ThreadMemory(
      isBun
        ? new (SharedArrayBuffer as new (length: number, options: { maxByteLength: number }) => SharedArrayBuffer)(
          Math.min(bytes, STEP),
          { maxByteLength: bytes },
        )
        : new SharedArrayBuffer(bytes),
    );
    const words = memory.words;
    words[VERSION_AT] = VERSION;
    words[SIZE_AT] = bytes / 65536;
    words[SCOPE_AT] = 1;
    words.set(crypto.getRandomValues(new Int32Array(2)), TOKEN_AT);
    words[CHECKED_AT] = Number(isChecking());
    words[MAGIC_AT] = MAGIC;
    return memory;
  }

  wait(index: number, expected: number, ms: number): void {
    // A thread that may not block returns at once and tries again in a loop. That is enough for the library's own
    // mutexes, which are held only for moments.
    if (mayBlock) wait(this.words, index, expected, ms);
  }

  notify(index: number, count: number): number {
    return notify(this.words, index, count);
  }

  listen(index: number, onChange: () => void): () => void {
    let listening = true;
    const listen = (): void => {
      while (listening) {
        // Read before calling `onChange`: a change after this read makes the wait below return at once.
        const seen = load(this.words, index);
        onChange();
        const change = whenChanged(this.words, index, seen);
        if (change !== undefined) {
          change.then(listen);
          return;
        }
      }
    };
    listen();
    return () => {
      listening = false;
      // A pending wait keeps Bun alive, so end it. Other threads with the same doorbell are woken too and find nothing.
      notify(this.words, index, 0x7fffffff);
    };
  }

  commit(end: number): boolean {
    const buffer = this.buffer as Growable;
    const length = buffer.byteLength;
    if (end <= length) return true;
    if (end > this.capacity * 4) return false;
    try {
      buffer.grow(
        Math.min(
          Math.max(Math.ceil(end / STEP) * STEP, length + Math.ceil(length / 4 / STEP) * STEP),
          this.capacity * 4,
        ),
      );
      return true;
    } catch {
      // The system has no more memory.
      return false;
    }
  }

  isProcessAlive(): boolean {
    return true;
  }
}

/** Whether memory that is created now will be checked: see allocator.ts. */
export function isChecking(): boolean {
  const value = environmentVariable("WEFT_CHECK_MEMORY");
  return value !== undefined && value !== "" && value !== "0";
}
