/**
 * That no process outlives the one that started it.
 *
 * A child ties its life to that of its parent, and is killed when that is gone: however the parent ended, and whatever the
 * child is doing. Its own children follow in the same way. What it is tied with depends on the system.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import { LIFELINE_AT, PROCESS_AT, PROCESS_MUTEX_AT } from "../memory/layout.ts";
import { lockMutex, unlockMutex } from "../memory/mutex.ts";
import { spaceOf } from "../memory/spaces.ts";
import { loadProcessCalls } from "../runtime/process_calls.ts";

/** What the children of this process need to tie their lives to it. One word. */
export function lifeline(): string {
  const { words, memory, id } = spaceOf("thread");
  const calls = loadProcessCalls("start process");
  if (load(words, LIFELINE_AT) === 0) {
    lockMutex(memory, PROCESS_MUTEX_AT, id);
    try {
      if (load(words, LIFELINE_AT) === 0) {
        const opened = calls.openLifeline();
        if (opened < 0) {
          throw new RangeError("Cannot start process as this one has too many files open: close some first");
        }
        store(words, LIFELINE_AT, opened + 1);
      }
    } finally {
      unlockMutex(memory, PROCESS_MUTEX_AT);
    }
  }
  return calls.lifelineOf(load(words, LIFELINE_AT) - 1);
}

/** Ties the life of this process to that of its parent. `false`: its parent is gone already. */
export function holdLifeline(lifeline: string): boolean {
  return loadProcessCalls("start process").dieWith(lifeline);
}

/** Makes this process's record known to its threads. `false`: another thread was first. */
export function setOwnRecord(record: number): boolean {
  return compareExchange(spaceOf("thread").words, PROCESS_AT, 0, record) === 0;
}
