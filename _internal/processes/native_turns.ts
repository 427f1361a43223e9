/**
 * The turns in which the threads of this process bind functions of the C library, which Bun needs: see `setTurns` in
 * ffi.ts. They are taken by a mutex of the threads' memory, so that the turn of a thread that is stopped meanwhile goes to the
 * next in line.
 *
 * @module
 */

import { type Memory, NATIVE_MUTEX_AT } from "../memory/memory.ts";
import { lockMutex, unlockMutex } from "../memory/participants.ts";
import { setTurns } from "../system/ffi.ts";

/** A thread that takes part: a view of the threads' memory, and the id of a participant that lives as long as this thread. */
interface TurnTaker {
  readonly memory: Memory;
  readonly id: number;
}

/** Makes this thread take turns with the others. `taker` is called when it first opens a library. */
export function takeTurns(taker: () => TurnTaker): void {
  setTurns({
    take: () => {
      const { memory, id } = taker();
      lockMutex(memory, NATIVE_MUTEX_AT, id);
    },
    give: () => unlockMutex(taker().memory, NATIVE_MUTEX_AT),
  });
}
