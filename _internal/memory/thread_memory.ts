/**
 * The memory of one program: a `SharedArrayBuffer` that every thread has from its start, of which only touched pages are
 * resident.
 *
 * On V8 it has its full length at once: length-tracking views of a growable one make each atomic operation twice as slow
 * there. On JavaScriptCore it grows: the garbage collector counts the length of every buffer among the bytes in use, and
 * with 4 GiB of them waits for gigabytes of garbage before it begins. Length-tracking views cost little there.
 *
 * @module
 */

import { load, notify, wait, waitAsync } from "../atomics.ts";
import { isBun, mayBlock } from "../runtime/runtime.ts";
import { isChecking } from "./allocator.ts";
import { CHECKED_AT, MAGIC, MAGIC_AT, SCOPE_AT, SIZE_AT, TOKEN_AT, VERSION, VERSION_AT } from "./memory.ts";
import type { Memory } from "./memory.ts";

/** A buffer that grows begins with so many bytes, and gets so many more at a time at least. */
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

  /** Takes a buffer that {@linkcode ThreadMemory.reserve} made, in this thread or in another. */
  constructor(readonly buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    const { growable, maxByteLength } = buffer as Growable;
    this.capacity = Math.floor((growable ? maxByteLength : buffer.byteLength) / 4);
  }

  /** A new region of at least `bytes`. */
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
    // Where nobody may block, those who hold the library's own mutexes for a moment are waited for by looking again.
    if (mayBlock) wait(this.words, index, expected, ms);
  }

  notify(index: number, count: number): number {
    return notify(this.words, index, count);
  }

  listen(index: number, onChange: () => void): () => void {
    let listening = true;
    const listen = (): void => {
      while (listening) {
        // Read before looking: what changes after this makes the wait below return at once.
        const seen = load(this.words, index);
        onChange();
        const change = waitAsync(this.words, index, seen);
        if (change !== undefined) {
          change.then(listen);
          return;
        }
      }
    };
    listen();
    return () => {
      listening = false;
      // A pending wait keeps Bun alive. Whoever shares the doorbell takes this for a ring and looks in vain.
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
      // The system has no more.
      return false;
    }
  }

  isProcessAlive(): boolean {
    return true;
  }
}
