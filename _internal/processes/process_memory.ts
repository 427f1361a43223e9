/**
 * The memory of a tree of processes, as a thread sees it. A thread joins this memory when it has loaded this module and
 * asks for the space of the scope `"process"`.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import type { Memory } from "../memory/memory.ts";
import { RECORD } from "../memory/participants.ts";
import { existingSpace, setProcessSpaceFactory, Space, spaceOf } from "../memory/space.ts";
import { exitThread, isWorker, onExit } from "../runtime/this_thread.ts";
import type { Libc } from "../system/calls.ts";
import { loadLibc } from "../system/system.ts";
import { PROCESS_ID } from "../work/record.ts";
import { type Listening, listenTo } from "./listen.ts";
import { commit, existingRegion, leaveRegion, type Region, region } from "./region.ts";
import { sweep, sweepAtExit } from "./memory_files.ts";

/** A {@linkcode Memory} in the region, which all processes of the tree have mapped. */
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

  /** Lets another thread run first that is ready to run on this processor. */
  yield(): void {
    this.#libc.yield();
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

setProcessSpaceFactory(() => {
  const isFirst = existingRegion() === undefined;
  const memory = new ProcessMemory(region());
  const space = Space.join(memory, memory.region.index, exitThread);
  space.obey(spaceOf("thread"));
  // Note the id for the starter of this thread. If this thread is stopped, it cannot leave the processes' memory itself.
  // Then its starter marks this participant as ended.
  const thread = existingSpace("thread");
  const record = thread === undefined ? 0 : load(thread.words, thread.entry + RECORD);
  if (record !== 0) store(thread!.words, record + PROCESS_ID, space.id);
  // Remove what killed trees have left.
  if (isFirst) {
    const libc = loadLibc("remove shared memory");
    sweep(libc);
    libc.sweep();
  }
  if (!isWorker()) {
    onExit(() => {
      sweepAtExit();
      leaveRegion();
    });
  }
  return space;
});

/** This thread's view of the processes' memory. */
export function processSpace(): Space {
  return spaceOf("process");
}
