/**
 * The memory of a tree of processes, as one thread has it.
 *
 * @module
 */

import type { Memory } from "../memory/memory.ts";
import { type Libc, loadLibc } from "../runtime/libc.ts";
import { type Listening, listenTo } from "./listen.ts";
import { commit, type Region } from "./region.ts";

/** {@linkcode Memory} over a mapping. */
export class ProcessMemory implements Memory {
  readonly scope = "process";
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly capacity: number;
  readonly region: Region;
  readonly #libc: Libc;
  readonly #listening: Listening;

  constructor(region: Region) {
    const libc = loadLibc("share memory between processes");
    const buffer = libc.native.view(region.address, region.bytes);
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.capacity = this.words.length;
    this.region = region;
    this.#libc = libc;
    this.#listening = listenTo(this.words, region, libc);
  }

  wait(index: number, expected: number, ms: number): void {
    this.#libc.wait(this.region.address + index * 4, expected, ms);
  }

  notify(index: number, count: number): number {
    return this.#libc.wake(this.region.address + index * 4, count);
  }

  listen(index: number, onChange: () => void): () => void {
    return this.#listening(index, onChange);
  }

  commit(end: number): boolean {
    return commit(this.region, this.words, end);
  }

  isProcessAlive(process: number): boolean {
    const { descriptor, index } = this.region;
    return process === index || this.#libc.isNumberHeld(descriptor, process);
  }
}
