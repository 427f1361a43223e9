/**
 * Turns in which the threads of this process bind functions of the C library, one thread at a time. Bun needs them: see
 * `inTurn` in ffi.ts.
 *
 * A turn is a mutex of the threads' memory. So if a thread is stopped during its turn, the next waiter takes the turn over.
 *
 * @module
 */

import { type Memory, NATIVE_MUTEX_AT } from "../memory/memory.ts";
import { lockMutex, unlockMutex } from "../memory/participants.ts";
import { setTurns } from "../system/ffi.ts";

/** A thread that takes turns: its view of the threads' memory, and the id of a participant that lives as long as the thread. */
interface TurnTaker {
  readonly memory: Memory;
  readonly id: number;
}

/** Makes this thread take turns with the others. `taker` is not called before this thread opens a library. */
export function takeTurns(taker: () => TurnTaker): void {
  setTurns({
    take: () => {
      const { memory, id } = taker();
      lockMutex(memory, NATIVE_MUTEX_AT, id);
    },
    give: () => unlockMutex(taker().memory, NATIVE_MUTEX_AT),
  });
}
