/**
 * What a primitive may know of the memory it lives in.
 *
 * There are two: a `SharedArrayBuffer` that all threads of a program have, and a mapping that all processes of a tree
 * have. No primitive knows which one it is on.
 *
 * @module
 */

/** Where an object is shared: between the threads of one program, or between the processes of a tree. */
export type Scope = "thread" | "process";

/** A region of shared words that can be waited on. Addresses are indexes into {@linkcode Memory.words}. */
export interface Memory {
  /** Which of the two it is. */
  readonly scope: Scope;
  /** The region as words. It may get longer while memory is committed, and never shorter. */
  readonly words: Int32Array;
  /** The same bytes. */
  readonly bytes: Uint8Array;
  /** Blocks until notified, the word differs from `expected`, `ms` have passed, or for no reason at all. */
  wait(index: number, expected: number, ms: number): void;
  /** Wakes up to `count` blocked waiters and returns how many were. */
  notify(index: number, count: number): number;
  /**
   * Calls `onChange` from the event loop, at once and then soon after each time that the word was changed and notified,
   * until the returned function is called. Neither keeps the program alive by itself nor holds up its end.
   */
  listen(index: number, onChange: () => void): () => void;
  /** How many words there can be at most. */
  readonly capacity: number;
  /** Backs the bytes `[0, end)` with real memory. `false`: there is no room. Called under the allocator's mutex. */
  commit(end: number): boolean;
  /** Whether the process with this index in the region lives. Threads of one program: always. */
  isProcessAlive(process: number): boolean;
}
