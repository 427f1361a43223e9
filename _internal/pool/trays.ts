/**
 * The tasks that a pool's owner has posted: their trays, and the jobs to which they belong.
 *
 * A tray is filled from its first task to its last, and then the next tray is begun. It is used again when all of its tasks are
 * back: a worker has reported them, the owner has taken them back, or their worker is dead. If the owner read an outcome before
 * the worker reported the task, the task is not back, since the worker still has it in its stack of finished tasks.
 *
 * @module
 */

import { load, store } from "../atomics.ts";
import { USED_AT } from "../memory/memory.ts";
import { noRoom, type Space } from "../memory/space.ts";
import { type Batch, Batches } from "./batch.ts";
import { advance, type Board, distance, END, FROM, RING_TRAYS, TO, TRAY_BITS, TRAY_TASKS } from "./board.ts";
import type { Job } from "./job.ts";
import {
  ATTEMPT,
  BATCH,
  BEGUN,
  BESIDE,
  COUNT,
  FREE,
  FUNCTION,
  nameAt,
  NUMBER,
  type Packed,
  phaseOf,
  putInput,
  READY,
  READY_ASIDE,
  readyAt,
  roomOf,
  STATE,
  TASK_WORDS,
  TRAY_WORDS,
} from "./task.ts";

/** The number of trays that are allocated at the beginning. More are needed only for short tasks, whose results are small. */
const FIRST_TRAYS = 8;
/** The maximum number of batches. */
const BATCHES = 64;

interface Tray {
  readonly at: number;
  /** The number of its first task. */
  readonly first: number;
  /** The number of its tasks that are not back. */
  out: number;
}

/** What an owner has posted. */
export class Trays {
  readonly #board: Board;
  readonly #space: Space;
  readonly #words: Int32Array;
  readonly #trays: Tray[] = [];
  /** Trays of which all tasks are back. */
  readonly #free: Tray[] = [];
  /** The tray that is being filled. */
  #open: Tray | undefined;
  #end: number;
  #published: number;
  /** The job of each task, by the task's number; `undefined`: its outcome was read, or there is no task. */
  readonly jobs: (Job | undefined)[] = [];
  /** The index of each task in its job. */
  readonly indexes: number[] = [];
  /** When the job of each task was created, on the clock of `now`. */
  readonly sinces: number[] = [];
  /** The batch of each task; `undefined`: it is a single item. */
  readonly batches: (Batch | undefined)[] = [];
  readonly #batches: Batches;
  /** The number of bytes of each task's input, if it has a block of its own; otherwise 0. */
  readonly #sizes: number[] = [];
  #lent = 0;
  /** The number of items of tasks whose outcomes were not read. */
  out = 0;

  constructor(board: Board) {
    this.#board = board;
    this.#space = board.space;
    this.#words = board.words;
    this.#batches = new Batches(board.space, BATCHES);
    this.#end = this.#published = load(board.words, board.at + END);
    // Trays that are allocated later are between large results, and stay there.
    for (let i = 0; i < FIRST_TRAYS; i++) {
      const tray = this.#create();
      if (tray !== undefined) this.#free.push(tray);
    }
  }

  /** The number of tasks that were written since {@linkcode Trays.publish}. */
  get unpublished(): number {
    return distance(this.#published, this.#end);
  }

  /** Whether there is a place for one more task: in a tray, or room for another tray. */
  canPut(): boolean {
    if (this.#open !== undefined) return true;
    let tray = this.#free.pop();
    if (tray === undefined) {
      if (!this.mayGrow) return false;
      tray = this.#create();
      if (tray === undefined) return false;
    }
    this.#open = tray;
    this.#board.setTray(this.#end, tray.at);
    return true;
  }

  /**
   * Whether one more tray is worth its room. It is never freed before the pool ends, and it fragments the memory. Without it, tasks
   * wait until other tasks are over.
   */
  get mayGrow(): boolean {
    return this.out === 0 || load(this.#words, USED_AT) < this.#space.memory.capacity >> 2;
  }

  /**
   * Writes a task of a job at the next position. {@linkcode Trays.canPut} must have returned `true`. Returns the task's number;
   * -1: there is no room for its input with `spare` words left over.
   */
  put(job: Job, index: number, input: Packed, spare: number): number {
    const tray = this.#open!;
    const slot = this.#end & (TRAY_TASKS - 1);
    if (!this.#write(tray, slot, readyAt(this.#end), job, index, input, spare)) return -1;
    this.#end = advance(this.#end, 1);
    if (slot === TRAY_TASKS - 1) this.#open = undefined;
    return tray.first + slot;
  }

  /** Whether there is a free batch for the next task. */
  canPutBatch(): boolean {
    return this.#batches.canTake();
  }

  /** Writes consecutive items of a job, which are numbers, as one task. {@linkcode Trays.canPutBatch} must have returned `true`. */
  putBatch(job: Job, index: number, numbers: Float64Array): void {
    const batch = this.#batches.take();
    batch.fill(numbers);
    const task = this.#open!.at + (this.#end & (TRAY_TASKS - 1)) * TASK_WORDS;
    const number = this.put(job, index, batch.at, 0);
    this.#words[task + ATTEMPT] = job.attemptOf(index) | BATCH;
    this.batches[number] = batch;
    this.out += numbers.length - 1;
  }

  /** Takes the items of a batch that no worker has claimed, which are the last ones. Returns how many. */
  takeRest(number: number): number {
    const batch = this.batches[number];
    if (batch === undefined) return 0;
    const rest = batch.takeRest();
    this.out -= rest;
    return rest;
  }

  /** Writes all tasks of a job without positions: each is for one worker, and ERRAND names it. Returns their numbers. */
  putAside(job: Job, count: number): number[] {
    const numbers: number[] = [];
    let tray: Tray | undefined;
    for (let index = 0; index < count; index++) {
      const slot = index & (TRAY_TASKS - 1);
      if (slot === 0) tray = this.#free.pop() ?? this.#create();
      if (tray === undefined || !this.#write(tray, slot, READY_ASIDE, job, index, job.inputOf(index), 0)) {
        throw noRoom("give a task to each worker of the pool", TRAY_WORDS * 4, this.#space.available());
      }
      numbers.push(tray.first + slot);
    }
    return numbers;
  }

  #write(tray: Tray, slot: number, ready: number, job: Job, index: number, input: Packed, spare: number): boolean {
    const words = this.#words;
    const task = tray.at + slot * TASK_WORDS;
    if (!putInput(this.#space, task, input, job.spread, spare)) return false;
    words[task + FUNCTION] = job.fn;
    words[task + ATTEMPT] = job.attemptOf(index) | (job.hasBuffers(index) ? BESIDE : 0);
    words[task + COUNT] = job.together;
    job.writeName(words, nameAt(words, task), index);
    // A plain write: the store of END publishes it.
    words[task + STATE] = ready;
    const number = tray.first + slot;
    const bytes = roomOf(words, task);
    this.#lent += bytes;
    this.#sizes[number] = bytes;
    this.jobs[number] = job;
    this.sinces[number] = job.since;
    this.indexes[number] = index;
    tray.out++;
    this.out++;
    return true;
  }

  /** Makes the tasks that were written visible to workers. */
  publish(): void {
    store(this.#words, this.#board.at + END, this.#end);
    this.#published = this.#end;
  }

  /** The address of the task with a number. */
  taskOf(number: number): number {
    return this.#trays[number >> TRAY_BITS].at + (number & (TRAY_TASKS - 1)) * TASK_WORDS;
  }

  /** The number of a task. */
  numberOf(task: number): number {
    return this.#words[task + NUMBER];
  }

  /** Separates a task from its job: its outcome was read, or it will have none. */
  settle(number: number): void {
    this.jobs[number] = undefined;
    this.#lent -= this.#sizes[number];
    this.out -= this.batches[number]?.count ?? 1;
  }

  /** Makes a task free again. No worker may write to it any more. */
  back(number: number): void {
    const tray = this.#trays[number >> TRAY_BITS];
    const batch = this.batches[number];
    if (batch !== undefined) {
      this.batches[number] = undefined;
      this.#batches.back(batch);
    }
    // A plain write, as that of READY: only the owner changes the state of such a task, and no worker begins with a task before
    // END publishes it.
    this.#words[this.taskOf(number) + STATE] = FREE;
    if (--tray.out === 0 && tray !== this.#open) this.#free.push(tray);
  }

  /** The numbers of all tasks that belong to a job. */
  *live(): Iterable<number> {
    for (const { first, out } of this.#trays) {
      if (out === 0) continue;
      for (let number = first; number < first + TRAY_TASKS; number++) if (this.jobs[number] !== undefined) yield number;
    }
  }

  /** The numbers of all tasks that are not back. */
  *away(): Iterable<number> {
    for (const { at, first, out } of this.#trays) {
      if (out === 0) continue;
      for (let slot = 0; slot < TRAY_TASKS; slot++) {
        if (this.#words[at + slot * TASK_WORDS + STATE] !== FREE) yield first + slot;
      }
    }
  }

  /** The numbers of the tasks in a desk's share that no worker has begun. */
  ready(desk: number): number[] {
    const found: number[] = [];
    const words = this.#words;
    const from = load(words, desk + FROM);
    const count = distance(from, load(words, desk + TO));
    // The worker may be between its writes of FROM and TO, or have died there. The two words are not a share then: they would
    // contain almost all positions.
    if (count > RING_TRAYS * TRAY_TASKS || distance(from, this.#end) > RING_TRAYS * TRAY_TASKS) return found;
    for (let i = 0; i < count; i++) {
      const position = advance(from, i);
      const task = this.#board.taskAt(position);
      if (task >= TASK_WORDS && load(words, task + STATE) === readyAt(position)) found.push(this.numberOf(task));
    }
    return found;
  }

  /** Whether a share is so old that the ring will soon have other trays at its positions. */
  isOld(desk: number): boolean {
    const from = load(this.#words, desk + FROM);
    if (from === load(this.#words, desk + TO)) return false;
    const age = distance(from, this.#end);
    return age > RING_TRAYS * TRAY_TASKS >> 1 && age <= RING_TRAYS * TRAY_TASKS;
  }

  /** The number of posted items that no worker has begun with. */
  get waiting(): number {
    let count = 0;
    for (const number of this.live()) {
      const phase = phaseOf(load(this.#words, this.taskOf(number) + STATE));
      const batch = this.batches[number];
      if (phase === READY) count += batch?.count ?? 1;
      else if (phase === BEGUN && batch !== undefined) count += batch.count - batch.reached;
    }
    return count;
  }

  /** The number of words of inputs that no worker has read. While it is small this is an upper bound, otherwise it is exact. */
  get lent(): number {
    if (this.#lent < this.#space.memory.capacity >> 4) return this.#lent >> 2;
    let bytes = 0;
    for (const number of this.live()) bytes += roomOf(this.#words, this.taskOf(number));
    return bytes >> 2;
  }

  /** Whether a task is for one worker, which has not begun with it. */
  isAside(number: number): boolean {
    return load(this.#words, this.taskOf(number) + STATE) === READY_ASIDE;
  }

  /** Whether the input of a task has a block of its own that no worker has read. */
  hasBlock(number: number): boolean {
    return roomOf(this.#words, this.taskOf(number)) > 0;
  }

  /** Frees the trays. No worker may be left. */
  destroy(): void {
    for (const { at } of this.#trays) this.#space.free(at);
    this.#batches.destroy();
  }

  #create(): Tray | undefined {
    const at = this.#space.tryAllocate(TRAY_WORDS, true);
    if (at === 0) return undefined;
    const first = this.#trays.length * TRAY_TASKS;
    const tray = { at, first, out: 0 };
    this.#trays.push(tray);
    for (let slot = 0; slot < TRAY_TASKS; slot++) {
      this.#words[at + slot * TASK_WORDS + NUMBER] = first + slot;
      this.jobs.push(undefined);
      this.batches.push(undefined);
      this.indexes.push(0);
      this.#sizes.push(0);
      this.sinces.push(0);
    }
    return tray;
  }
}
