/**
 * How a worker says what became of a task: in the words of the task, or in a block for which it may have to wait.
 *
 * @module
 */

import { now, store } from "../atomics.ts";
import { trimScratch } from "../codec/encode.ts";
import { dropReferences } from "../codec/format.ts";
import { scratch } from "../codec/output.ts";
import { kept, RoomWait } from "../memory/room.ts";
import { noRoom, type Space } from "../memory/space.ts";
import { notify } from "../memory/wait_point.ts";
import { quickTurn } from "../runtime/runtime.ts";
import { sendable } from "../work/record.ts";
import { type Board, DONE, NEED, PENDING } from "./board.ts";
import { putBlockOutcome, putNumberOutcome, putShortOutcome } from "./task.ts";

/** What fails and is shorter than this is not sent in other words. */
const SHORT = 1 << 13;
/** While a worker waits for room, its event loop stands still for so many milliseconds at most. */
const TURN = 100;

/** Writes the outcomes of one worker. */
export class Results {
  readonly #board: Board;
  readonly #space: Space;
  readonly #desk: number;
  readonly #tell: () => void;

  /** `tell`: tells the owner what is finished, which gives room back. */
  constructor(board: Board, desk: number, tell: () => void) {
    this.#board = board;
    this.#space = board.space;
    this.#desk = desk;
    this.#tell = tell;
  }

  /** Writes what a task returned or, where that cannot be sent, why. A promise where there is no room yet. */
  put(task: number, value: unknown): void | Promise<void> {
    if (typeof value === "number") return putNumberOutcome(this.#space.words, task, value);
    try {
      const length = putShortOutcome(this.#space, task, value, false, this.#space.memory.scope);
      return length === 0 ? undefined : this.#putLong(task, length, false);
    } catch (error) {
      return this.fail(task, error);
    }
  }

  /** Writes what a task threw. A promise where there is no room yet. */
  fail(task: number, error: unknown): void | Promise<void> {
    const { scope } = this.#space.memory;
    let length: number;
    try {
      length = putShortOutcome(this.#space, task, error, true, scope);
    } catch (unsendable) {
      length = putShortOutcome(this.#space, task, sendable(error, unsendable, scope), true, scope);
    }
    if (length > 0) return this.#putLong(task, length, true);
  }

  // The message is in the scratch buffer.
  #putLong(task: number, length: number, failed: boolean): void | Promise<void> {
    if (this.#tryPut(task, scratch, length, failed)) return trimScratch();
    const own = scratch.slice(0, length);
    trimScratch();
    return this.#putWithRoom(task, own, failed);
  }

  #tryPut(task: number, data: Uint8Array, length: number, failed: boolean): boolean {
    const { words } = this.#space;
    const block = this.#space.tryLend((length + 3) >> 2, this.#board.owner, kept(this.#space));
    if (block === 0) return false;
    // If this worker is killed before the task has the block, the owner gives it back.
    store(words, this.#desk + PENDING, block);
    putBlockOutcome(this.#space, task, block, data.length === length ? data : data.subarray(0, length), failed);
    store(words, this.#desk + PENDING, 0);
    return true;
  }

  // Waits until the owners of results have read some, and takes its turns of the event loop meanwhile.
  async #putWithRoom(task: number, data: Uint8Array, failed: boolean): Promise<void> {
    const { length } = data;
    this.#tell();
    const room = new RoomWait(this.#space);
    const attempt = (): boolean => this.#tryPut(task, data, length, failed);
    let turned = now();
    try {
      for (;;) {
        this.#need(true);
        if (room.sleep(attempt) || attempt()) return;
        const most = room.judge(length);
        if (most !== undefined) {
          dropReferences(data);
          const error = noRoom("return the result of a task", length, most);
          // There is not even room to say so.
          if (failed && length < SHORT) throw error;
          await this.fail(task, error);
          return;
        }
        if (now() - turned > TURN) {
          await quickTurn();
          turned = now();
        }
      }
    } finally {
      this.#need(false);
      room.end();
    }
  }

  #need(isInNeed: boolean): void {
    store(this.#space.words, this.#desk + NEED, Number(isInNeed));
    if (isInNeed) notify(this.#space, this.#board.at + DONE, 1);
  }
}
