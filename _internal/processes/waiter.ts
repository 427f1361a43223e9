/**
 * A worker that sleeps for a thread, where functions cannot run beside the event loop.
 *
 * This is the worker's side; the thread's is in listen.ts. The two share a page of memory:
 *
 * ```text
 *   word 0   SEQUENCE  the thread: changed after each change of the list
 *        1   COUNT     the thread: length of the list
 *        2   RANG      the worker: 1, and tells the thread of a change; the thread: 0, before it looks
 *        8…  ENTRIES   the thread: index of a word of the region, and what that was when the thread looked last
 * ```
 *
 * The worker sleeps on the first of these words and on all in the list at once. The list is read without a lock: a worker
 * that reads it half-written reads it anew, since the first word is written last.
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
export const ENTRIES = 8;
export const ENTRY_WORDS = 2;
export const CONTROL_BYTES = 4096;
/** The kernel can wait for 128 words at once, of which the first is SEQUENCE. */
export const MAX_ENTRIES = 127;

/** What the worker is told. */
export interface WaiterInit {
  readonly region: Region;
  readonly control: number;
  /** The threads' memory, and the id there of the thread that the worker sleeps for. */
  readonly threads: { readonly buffer: SharedArrayBuffer; readonly id: number };
}

/** A sleep is never longer, so that a worker whose thread has ended can end. */
const SLICE_MS = 1000;
/** Where the system has no sleep on several words at once, the worker looks at them this often. */
const SHORT_SLICE_MS = 10;

/** Waits for the first message, and then for words. */
export function boot(): void {
  onParentMessage((message) => run(message as WaiterInit));
}

function run({ region, control: controlAddress, threads: { buffer, id } }: WaiterInit): never {
  // As that thread, with which it ends.
  const memory = new ThreadMemory(buffer);
  takeTurns(() => ({ memory, id }));
  const libc = loadLibc("wait for other processes");
  const words = new Int32Array(libc.native.view(region.address, region.bytes));
  const control = new Int32Array(libc.native.view(controlAddress, CONTROL_BYTES));
  const told = new Map<number, number>();
  for (;;) {
    const sequence = load(control, SEQUENCE);
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
