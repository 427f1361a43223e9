/**
 * How a worker writes the outcome of a task: into the words of the task, or into a block, for which it may have to wait.
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

/** An error that has no room and is shorter than this is not replaced by an error about the missing room: bytes. */
const SHORT = 1 << 13;
/** The longest time for which the event loop of a worker that waits for room gets no turn: milliseconds. */
const TURN = 100;

/** Writes the outcomes of one worker. */
export class Results {
  readonly #board: Board;
  readonly #space: Space;
  readonly #desk: number;
  readonly #tell: () => void;

  /** `tell` reports finished tasks to the owner, which frees their room when it reads them. */
  constructor(board: Board, desk: number, tell: () => void) {
    this.#board = board;
    this.#space = board.space;
    this.#desk = desk;
    this.#tell = tell;
  }

  /** Writes what a task returned or, if that cannot be sent, the error that says why. Returns a promise if there is no room yet. */
  put(task: number, value: unknown): void | Promise<void> {
    if (typeof value === "number") return putNumberOutcome(this.#space.words, task, value);
    try {
      const length = putShortOutcome(this.#space, task, value, false, this.#space.memory.scope);
      return length === 0 ? undefined : this.#putLong(task, length, false);
    } catch (error) {
      return this.fail(task, error);
    }
  }

  /** Writes what a task threw. Returns a promise if there is no room yet. */
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
    // If this worker is killed before the task has the block, the owner frees it.
    store(words, this.#desk + PENDING, block);
    putBlockOutcome(this.#space, task, block, data.length === length ? data : data.subarray(0, length), failed);
    store(words, this.#desk + PENDING, 0);
    return true;
  }

  // Waits until readers of other results have freed room. The event loop gets turns meanwhile.
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
          // There is no room for the other error either.
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
