/**
 * The memory of one program: a reserved `SharedArrayBuffer` that every thread has from its start.
 *
 * A reservation, not a growable buffer: only touched pages are resident, and length-tracking views of a growable one
 * make each atomic operation twice as slow on V8.
 *
 * @module
 */

import { load, notify, wait, waitAsync } from "../atomics.ts";
import { MAGIC, MAGIC_AT, SCOPE_AT, SIZE_AT, TOKEN_AT, VERSION, VERSION_AT } from "./layout.ts";
import type { Memory } from "./memory.ts";

/** Reserved where nothing else was configured: 4 GiB. */
export const DEFAULT_RESERVATION = 2 ** 32;

/** {@linkcode Memory} over a `SharedArrayBuffer`. */
export class ThreadMemory implements Memory {
  readonly scope = "thread";
  readonly words: Int32Array;
  readonly bytes: Uint8Array;

  /** Takes a buffer that {@linkcode ThreadMemory.reserve} made, in this thread or in another. */
  constructor(readonly buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** A new region of at least `bytes`. */
  static reserve(bytes: number): ThreadMemory {
    const memory = new ThreadMemory(new SharedArrayBuffer(bytes));
    const words = memory.words;
    words[VERSION_AT] = VERSION;
    words[SIZE_AT] = bytes / 65536;
    words[SCOPE_AT] = 1;
    words.set(crypto.getRandomValues(new Int32Array(2)), TOKEN_AT);
    words[MAGIC_AT] = MAGIC;
    return memory;
  }

  wait(index: number, expected: number, ms: number): void {
    wait(this.words, index, expected, ms);
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
    return end <= this.bytes.length;
  }

  isProcessAlive(): boolean {
    return true;
  }
}
