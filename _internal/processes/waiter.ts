/**
 * A worker that sleeps on behalf of a thread, on a runtime where C functions cannot run beside the event loop.
 *
 * This is the worker's side; the thread's side is in listen.ts. The two share a page of memory:
 *
 * ```text
 *   word                                                                            written by
 *   0   SEQUENCE   changes after each change of the list                             the thread
 *   1   COUNT      the length of the list                                            the thread
 *   2   RANG       1: the worker has sent a message that the thread has not seen     both
 *   3   OVER       1: the thread exits, and the worker sleeps no more                the thread
 *   8…  ENTRIES    the index of a word of the region, and the word as the thread
 *                  has seen it last                                                  the thread
 * ```
 *
 * The worker sleeps on SEQUENCE and on all words of the list at once. It reads the list without a lock. If it has read a
 * list that was half-written, it reads the list again, because the thread writes SEQUENCE last. The thread sets RANG to 0
 * before it looks at the words, so no change is missed: a change after that look sets RANG and sends another message.
 *
 * @module
 */

import { exchange, load } from "../atomics.ts";
import { ThreadMemory } from "../memory/memory.ts";
import type { Libc } from "../system/calls.ts";
import { loadLibc } from "../system/system.ts";
import { onParentMessage, postToParent } from "../runtime/this_thread.ts";
import { takeTurns } from "./native_turns.ts";
import type { Region } from "./region.ts";

export const SEQUENCE = 0;
export const COUNT = 1;
export const RANG = 2;
export const OVER = 3;
export const ENTRIES = 8;
export const ENTRY_WORDS = 2;
export const CONTROL_BYTES = 4096;
/** The most entries of the list. The kernel can wait for 128 words at once, and SEQUENCE is one of them. */
export const MAX_ENTRIES = 127;

/** The first message to the worker. */
export interface WaiterInit {
  readonly region: Region;
  /** The address of the page that the worker shares with the thread. */
  readonly control: number;
  /** The threads' memory, and the id there of the thread on whose behalf the worker sleeps. */
  readonly threads: { readonly buffer: SharedArrayBuffer; readonly id: number };
}

/** The longest sleep. A worker whose thread has ended must not sleep forever, because it can end only between sleeps. */
const SLICE_MS = 1000;
/**
 * The longest sleep if the system cannot sleep on several words at once. Then the worker reads all of them after each
 * sleep.
 */
const SHORT_SLICE_MS = 10;

/** Waits for the first message, and then sleeps on words until the thread ends. */
export function boot(): void {
  onParentMessage((message) => run(message as WaiterInit));
}

function run({ region, control: controlAddress, threads: { buffer, id } }: WaiterInit): void {
  // The worker takes turns with the id of its thread, because it ends when the thread does.
  const memory = new ThreadMemory(buffer);
  takeTurns(() => ({ memory, id }));
  const libc = loadLibc("wait for other processes");
  const words = new Int32Array(libc.native.view(region.address, region.bytes));
  const control = new Int32Array(libc.native.view(controlAddress, CONTROL_BYTES));
  const told = new Map<number, number>();
  for (;;) {
    // Before OVER: a thread that sets OVER after that look changes SEQUENCE, so the sleep does not begin.
    const sequence = load(control, SEQUENCE);
    if (load(control, OVER) === 1) return;
    const count = load(control, COUNT);
    const addresses = [controlAddress];
    const values = [sequence];
    let changed = false;
    const listed = new Set<number>();
    for (let i = 0; i < count; i++) {
      const index = load(control, ENTRIES + i * ENTRY_WORDS);
      listed.add(index);
      const now = load(words, index);
      const before = told.get(index) ?? load(control, ENTRIES + i * ENTRY_WORDS + 1);
      if (now !== before) changed = true;
      told.set(index, now);
      addresses.push(region.address + index * 4);
      values.push(now);
    }
    for (const index of told.keys()) {
      if (!listed.has(index)) told.delete(index);
    }
    if (changed && exchange(control, RANG, 1) === 0) postToParent(0);
    sleepOnAll(libc, addresses, values);
  }
}

function sleepOnAll(libc: Libc, addresses: readonly number[], values: readonly number[]): void {
  if (libc.waitForAny !== undefined) libc.waitForAny(addresses, values, SLICE_MS);
  else if (addresses.length === 1) libc.wait(addresses[0], values[0], SLICE_MS);
  else libc.wait(addresses[addresses.length - 1], values[values.length - 1], SHORT_SLICE_MS);
}
