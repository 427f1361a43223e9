/**
 * A task in shared memory: one call of a function, its input and, in the same words, its outcome.
 *
 * ```text
 *   0  STATE      see below
 *   1  NEXT       a finished task: the one that was finished before it
 *   2  FUNCTION   address of the function's description
 *   3  FORM       what VALUE is: kind | flag | bytes << 4
 *   4  ATTEMPT    which try it is, from 1; and whether buffers come beside the input, or it is a batch
 *   5  BEGAN      when its worker began with this task and those finished before it since it last told: hundredths of a
 *   6  RAN        millisecond since the pool's beginning; for how long: microseconds
 *   7  COUNT      how many these are; 0: a later one says it. Of an input: how many tasks its worker takes together
 *   8… VALUE      a number, up to 28 bytes of a message, or the address and length of a block with more
 *  15  NUMBER     where the owner finds what it knows of the task; never changes
 * ```
 *
 * Behind the tasks of a tray stand their names, in the same order, of four words each: two for the program, or that for which it
 * works, the job's number there, and the index in the job. No part but the task itself reads them.
 *
 * ```text
 *   STATE                    who may change it, into what
 *   FREE                     owner: READY
 *   READY | position         a worker: BEGUN.   owner: FREE (taken back). Of a task for one worker: the position behind all
 *   BEGUN | worker           that worker: OVER.   owner: TOLD, LEFT
 *   TOLD | worker            that worker: OVER.   owner: LEFT
 *   OVER | worker            owner: FREE, once it was told, or that worker is dead
 *   LEFT | worker            owner: FREE, once that worker is dead; so what a dead worker had BEGUN, and what it was TOLD
 * ```
 *
 * So a task belongs to exactly one side at any time, and a worker that is killed anywhere leaves its number behind: what it
 * had finished counts, what it had begun with is lost, and nothing else. READY carries the position, which is used once: a
 * worker with an old view of the tray fails to begin, instead of reading an input that is half written.
 *
 * @module
 */

import { compareExchange, exchange, load, store } from "../atomics.ts";
import { decodeFirst } from "../codec/decode.ts";
import { encodeScratch, trimScratch } from "../codec/encode.ts";
import { dropReferences } from "../codec/format.ts";
import { scratchWords } from "../codec/output.ts";
import type { Scope } from "../memory/memory.ts";
import type { Space } from "../memory/space.ts";

export const STATE = 0;
export const NEXT = 1;
export const FUNCTION = 2;
const FORM = 3;
export const ATTEMPT = 4;
export const BEGAN = 5;
export const RAN = 6;
export const COUNT = 7;
const VALUE = 8;
export const NUMBER = 15;
export const TASK_WORDS = 16;
/** Tasks of a tray. */
export const TRAY_TASKS = 256;
const NAME_WORDS = 4;
/** Words of a tray: its tasks, and their names. */
export const TRAY_WORDS: number = TRAY_TASKS * (TASK_WORDS + NAME_WORDS);

/** In ATTEMPT: buffers come beside the input. */
export const BESIDE = 1 << 30;
/** In ATTEMPT: the input is the address of a batch. */
export const BATCH = 1 << 29;

export const FREE = 0;
export const READY = 1;
export const BEGUN = 2;
export const TOLD = 3;
export const OVER = 4;
export const LEFT = 5;
const STATES = 7;
const OWNER_BITS = 3;
/** Positions count to here, and then from 0. */
export const POSITIONS = 2 ** 28;

const INTEGER = 0;
const FLOAT = 1;
const INLINE = 2;
const BLOCK = 3;
const KINDS = 3;
/** An input: a list of arguments. An outcome: an error. */
const FLAG = 4;
/** It is an outcome, no input any more. */
const OUTCOME = 8;
const LENGTH_BITS = 4;
const INLINE_BYTES = (NUMBER - VALUE) * 4;

/** More bytes are read where they are: to copy them first would be to copy them twice. */
const LARGE = 1 << 15;

/** What crosses: a number, or the bytes of a message. */
export type Packed = number | Uint8Array;

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);
const small = new Uint8Array(32);
const smallWords = new Int32Array(small.buffer);

/** Where the name of a task is. */
export function nameAt(words: Int32Array, task: number): number {
  const slot = words[task + NUMBER] & (TRAY_TASKS - 1);
  return task + (TRAY_TASKS - slot) * TASK_WORDS + slot * NAME_WORDS;
}

/** A name as a text: `at` is where its words are, and `item` how far the item is behind the first one of a batch. */
export function nameFrom(words: Int32Array, at: number, item: number): string {
  const [first, second, job, index] = words.subarray(at, at + NAME_WORDS);
  return `${hex(first, 8)}${hex(second, 4)}-${job >>> 0}-${index + item}`;
}

function hex(word: number, digits: number): string {
  return (word >>> 0).toString(16).padStart(digits, "0");
}

/** The state of a task that is ready at a position. */
export function readyAt(position: number): number {
  return position << OWNER_BITS | READY;
}

/** The state of a task that is for one worker: that of no position. */
export const READY_ASIDE: number = readyAt(POSITIONS);

/** The state of a task that a worker has. */
export function stateOf(phase: number, worker: number): number {
  return worker << OWNER_BITS | phase;
}

/** What a state says, without whose it is. */
export function phaseOf(state: number): number {
  return state & STATES;
}

/** The worker that has a task in this state. */
export function workerOf(state: number): number {
  return state >>> OWNER_BITS;
}

/** Owner: whether the task can be taken back, as no worker has begun with it; then it is FREE. */
export function takeBack(space: Space, task: number): boolean {
  const { words } = space;
  const state = load(words, task + STATE);
  if (phaseOf(state) !== READY || compareExchange(words, task + STATE, state, FREE) !== state) return false;
  dropInput(space, task);
  return true;
}

/** Owner: tells the worker that runs the task to give up. Which worker was told now; 0: none. */
export function tell(space: Space, task: number): number {
  const { words } = space;
  const state = load(words, task + STATE);
  if (phaseOf(state) !== BEGUN) return 0;
  const worker = workerOf(state);
  return compareExchange(words, task + STATE, state, stateOf(TOLD, worker)) === state ? worker : 0;
}

/** Owner: takes the task from a worker that runs it: what that worker makes of it does not count. `false`: it is over. */
export function leave(space: Space, task: number, worker: number): boolean {
  const { words } = space;
  for (const phase of [BEGUN, TOLD]) {
    const state = stateOf(phase, worker);
    if (compareExchange(words, task + STATE, state, stateOf(LEFT, worker)) === state) return true;
  }
  return false;
}

/** Worker: the task is over, its outcome is written. `false`: it was taken from this worker. */
export function finish(space: Space, task: number, worker: number): boolean {
  const { words } = space;
  const begun = stateOf(BEGUN, worker);
  const over = stateOf(OVER, worker);
  const found = compareExchange(words, task + STATE, begun, over);
  if (found === begun) return true;
  // Told meanwhile, or left. Nothing else can happen to what is told but that it is left.
  return found === stateOf(TOLD, worker) && compareExchange(words, task + STATE, found, over) === found;
}

/** Owner: writes an input. `false`: there is no room for it and `spare` words besides. */
export function putInput(space: Space, task: number, input: Packed, spread: boolean, spare: number): boolean {
  const { words } = space;
  const flag = spread ? FLAG : 0;
  if (typeof input === "number") {
    putNumber(words, task, input, flag);
    return true;
  }
  const { length } = input;
  const { bytes } = space.memory;
  if (length <= INLINE_BYTES) {
    const to = (task + VALUE) * 4;
    for (let i = 0; i < length; i++) bytes[to + i] = input[i];
    words[task + FORM] = INLINE | flag | length << LENGTH_BITS;
    return true;
  }
  const block = space.tryLend((length + 3) >> 2, space.id, spare);
  if (block === 0) return false;
  bytes.set(input, block * 4);
  words[task + FORM] = BLOCK | flag;
  words[task + VALUE] = block;
  words[task + VALUE + 1] = length;
  return true;
}

/** Whether an input takes room of its own. */
export function needsBlock(input: Packed): boolean {
  return typeof input !== "number" && input.length > INLINE_BYTES;
}

function putNumber(words: Int32Array, task: number, value: number, flags: number): void {
  if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
    words[task + FORM] = INTEGER | flags;
    words[task + VALUE] = value;
  } else {
    double[0] = value;
    words[task + FORM] = FLOAT | flags;
    words[task + VALUE] = halves[0];
    words[task + VALUE + 1] = halves[1];
  }
}

/** Worker: whether the input is a list of arguments. */
export function isSpread(words: Int32Array, task: number): boolean {
  return (words[task + FORM] & FLAG) !== 0;
}

/**
 * Worker: the input; a block that it had is given back. The word at `pending` names it while it is read: if this worker is killed
 * meanwhile, the owner gives it back.
 */
export function takeInput(space: Space, task: number, pending: number): unknown {
  return take(space, task, pending);
}

function take(space: Space, task: number, pending: number): unknown {
  const { words } = space;
  const form = words[task + FORM];
  switch (form & KINDS) {
    case INTEGER:
      return words[task + VALUE];
    case FLOAT:
      halves[0] = words[task + VALUE];
      halves[1] = words[task + VALUE + 1];
      return double[0];
    case INLINE: {
      for (let i = 0, length = form >>> LENGTH_BITS; i << 2 < length; i++) smallWords[i] = words[task + VALUE + i];
      // From here on its references are the reader's: of a task whose worker dies before, the owner gives them back.
      words[task + FORM] = INTEGER;
      return decodeFirst(small, form >>> LENGTH_BITS, false);
    }
    default: {
      if (pending !== 0) store(words, pending, words[task + VALUE]);
      const block = exchange(words, task + VALUE, 0);
      const length = words[task + VALUE + 1];
      // The first word of an outcome must not be taken for a block, should its worker die before it says what it is.
      words[task + FORM] = INTEGER;
      const { bytes } = space.memory;
      try {
        const from = block * 4;
        const data = length > LARGE ? bytes.subarray(from, from + length) : bytes.slice(from, from + length);
        return decodeFirst(data, length, false);
      } finally {
        if (pending !== 0) store(words, pending, 0);
        space.free(block);
      }
    }
  }
}

/** Owner: gives back what an input has, whose references stay the job's: it will not be read. */
function dropInput(space: Space, task: number): void {
  const { words } = space;
  const form = words[task + FORM];
  if ((form & KINDS) !== BLOCK || (form & OUTCOME) !== 0) return;
  const block = exchange(words, task + VALUE, 0);
  if (block !== 0) space.free(block);
}

/** Owner: the bytes of an input, if they take room of their own. */
export function roomOf(words: Int32Array, task: number): number {
  return (words[task + FORM] & (KINDS | OUTCOME)) === BLOCK ? words[task + VALUE + 1] : 0;
}

/** Owner: what an outcome became, and whether that is an error. A block that it had is given back. */
export function takeOutcome(space: Space, task: number): unknown {
  return take(space, task, 0);
}

/** Owner: the same as it is written, with the references in it. */
export function takePacked(space: Space, task: number): Packed {
  const { words } = space;
  const form = words[task + FORM];
  if ((form & KINDS) < INLINE) return take(space, task, 0) as number;
  if ((form & KINDS) === INLINE) {
    const from = (task + VALUE) * 4;
    words[task + FORM] = INTEGER;
    return space.memory.bytes.slice(from, from + (form >>> LENGTH_BITS));
  }
  const block = exchange(words, task + VALUE, 0);
  words[task + FORM] = INTEGER;
  const packed = space.memory.bytes.slice(block * 4, block * 4 + words[task + VALUE + 1]);
  space.free(block);
  return packed;
}

/** Owner: whether the outcome is an error. */
export function isFailure(words: Int32Array, task: number): boolean {
  return (words[task + FORM] & FLAG) !== 0;
}

/** Owner: gives back what an outcome has, with the references in it: no caller wants it. */
export function dropOutcome(space: Space, task: number): void {
  const { words } = space;
  const form = words[task + FORM];
  if ((form & OUTCOME) === 0) return dropInput(space, task);
  if ((form & KINDS) === INLINE) {
    const from = (task + VALUE) * 4;
    dropReferences(space.memory.bytes.slice(from, from + (form >>> LENGTH_BITS)));
  } else if ((form & KINDS) === BLOCK) {
    const block = exchange(words, task + VALUE, 0);
    if (block === 0) return;
    dropReferences(space.memory.bytes.subarray(block * 4, block * 4 + words[task + VALUE + 1]));
    space.free(block);
  }
}

/**
 * Owner: of a task that a dead worker did not finish: gives back what its input has, if it was not read, or a block of an outcome
 * that the worker was about to tell. The address of a block, which the worker may have noted elsewhere as well; 0: there was none.
 */
export function dropUnfinished(space: Space, task: number): number {
  const { words } = space;
  const form = words[task + FORM];
  const isInput = (form & OUTCOME) === 0;
  if ((form & KINDS) === INLINE && isInput) {
    const from = (task + VALUE) * 4;
    dropReferences(space.memory.bytes.slice(from, from + (form >>> LENGTH_BITS)));
  }
  if ((form & KINDS) !== BLOCK) return 0;
  const block = exchange(words, task + VALUE, 0);
  if (block === 0) return 0;
  if (isInput) dropReferences(space.memory.bytes.slice(block * 4, block * 4 + words[task + VALUE + 1]));
  space.free(block);
  return block;
}

/** Worker: writes a number as the outcome. */
export function putNumberOutcome(words: Int32Array, task: number, value: number): void {
  putNumber(words, task, value, OUTCOME);
}

/**
 * Worker: writes a value as the outcome, if its message is short. Returns 0; or the length of its message, which is in
 * the scratch buffer of the codec until the next message is made.
 *
 * @throws What `encode` throws.
 */
export function putShortOutcome(space: Space, task: number, value: unknown, failed: boolean, scope: Scope): number {
  const length = encodeScratch(value, failed ? { root: "", scope } : { root: "result", scope });
  if (length > INLINE_BYTES) return length;
  const { words } = space;
  for (let i = 0; i << 2 < length; i++) words[task + VALUE + i] = scratchWords[i];
  words[task + FORM] = INLINE | OUTCOME | (failed ? FLAG : 0) | length << LENGTH_BITS;
  trimScratch();
  return 0;
}

/** Worker: writes a message as the outcome into a block that is this worker's. */
export function putBlockOutcome(space: Space, task: number, block: number, data: Uint8Array, failed: boolean): void {
  const { words } = space;
  space.memory.bytes.set(data, block * 4);
  words[task + VALUE] = block;
  words[task + VALUE + 1] = data.length;
  words[task + FORM] = BLOCK | OUTCOME | (failed ? FLAG : 0);
}
