/**
 * That no process outlives the one that started it.
 *
 * Each process that has children holds both ends of a pipe, and nobody else has the writing one. A child opens the reading
 * end and has the system kill it when the last writer is gone: that happens in the kernel, however the parent ended, and
 * whatever the child is doing. Its own children follow in the same way.
 *
 * The system's own mechanism for this, `PR_SET_PDEATHSIG`, is no good here, since it also fires when only the *thread*
 * ends that started the child.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import { LIFELINE_AT, PROCESS_AT, PROCESS_MUTEX_AT } from "../memory/layout.ts";
import { lockMutex, unlockMutex } from "../memory/mutex.ts";
import { spaceOf } from "../memory/spaces.ts";
import { loadProcessCalls, pidOfThis } from "../runtime/process_calls.ts";

/** Where the children of this process open what tells them that it is gone. */
export function lifelinePath(): string {
  const { words, memory, id } = spaceOf("thread");
  if (load(words, LIFELINE_AT) === 0) {
    lockMutex(memory, PROCESS_MUTEX_AT, id);
    try {
      if (load(words, LIFELINE_AT) === 0) {
        const ends = loadProcessCalls("start process").pipe();
        if (ends === undefined) {
          throw new RangeError("Cannot start process as this one has too many files open: close some first");
        }
        store(words, LIFELINE_AT, ends[0] + 1);
      }
    } finally {
      unlockMutex(memory, PROCESS_MUTEX_AT);
    }
  }
  return `/proc/${pidOfThis()}/fd/${load(words, LIFELINE_AT) - 1}`;
}

/** Ties the life of this process to that of its parent. `false`: its parent is gone already. */
export function holdLifeline(path: string): boolean {
  return loadProcessCalls("start process").dieWithPipe(path);
}

/** Makes this process's record known to its threads. `false`: another thread was first. */
export function setOwnRecord(record: number): boolean {
  return compareExchange(spaceOf("thread").words, PROCESS_AT, 0, record) === 0;
}
