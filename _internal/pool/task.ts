/**
 * A task in shared memory: one call of a function, with its input and, later, its outcome in the same words.
 *
 * ```text
 *   0  STATE      see below
 *   1  NEXT       of a finished task: the task that its worker finished before it
 *   2  FUNCTION   address of the function's description
 *   3  FORM       what VALUE contains: kind | flag | bytes << 4
 *   4  ATTEMPT    the number of the try, from 1; flags: buffers come beside the input, the task is a batch
 *   5  BEGAN      of the last task of a report: when its worker began with the first task of the report, in hundredths
 *                 of a millisecond since the pool began
 *   6  RAN        of the same task: how long the tasks of the report ran, in microseconds
 *   7  COUNT      of the same task: the number of items in the report; 0 in its other tasks.
 *                 Of a task that is READY: how many tasks a worker takes together, 0: as the worker chooses
 *   8… VALUE      a number, up to 28 bytes of a message, or the address and length of a block with a longer message
 *  15  NUMBER     the index of the task in the owner's tables; never changes
 * ```
 *
 * The names of a tray's tasks follow its tasks, in the same order. A name has four words: two for the program, the number of
 * the job in that program, and the index in the job. If this program works for another one, the name is that of the other
 * program. Only `CurrentTask.id` reads names.
 *
 * ```text
 *   STATE                which side may change it, and into what
 *   FREE                 owner: READY
 *   READY | position     a worker: BEGUN.   owner: FREE (taken back).   A task for one worker has the position POSITIONS
 *   BEGUN | worker       that worker: OVER.   owner: TOLD, LEFT;   FREE, once that worker is dead
 *   TOLD | worker        that worker: OVER.   owner: LEFT;   FREE, once that worker is dead
 *   OVER | worker        owner: FREE, once that worker has reported the task, or is dead
 *   LEFT | worker        owner: FREE, once that worker is dead
 * ```
 *
 * A task belongs to exactly one side at any time. A worker that is killed at any instruction leaves its number in the states
 * of its tasks: the tasks that it had finished count, those that it had begun are lost, and no others are affected. READY
 * contains the position, and a position is not used again for a long time. So a worker with an old view of the tray fails to
 * begin, instead of reading an input that is half written.
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
/** The number of tasks of a tray. */
export const TRAY_TASKS = 256;
const NAME_WORDS = 4;
/** The number of words of a tray: its tasks, and their names. */
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
/** The number of positions: after the last one, they begin at 0 again. */
export const POSITIONS = 2 ** 28;

const INTEGER = 0;
const FLOAT = 1;
const INLINE = 2;
const BLOCK = 3;
const KINDS = 3;
/** In FORM: the input is a list of arguments, or the outcome is an error. */
const FLAG = 4;
/** In FORM: VALUE is an outcome and no longer an input. */
const OUTCOME = 8;
const LENGTH_BITS = 4;
const INLINE_BYTES = (NUMBER - VALUE) * 4;

/** Longer messages are decoded in place: copying one first would copy its contents twice. Bytes. */
const LARGE = 1 << 15;

/** An input or outcome as it is sent: a number, or the bytes of a message. */
export type Packed = number | Uint8Array;

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);
const small = new Uint8Array(32);
const smallWords = new Int32Array(small.buffer);

/** The address of a task's name. */
export function nameAt(words: Int32Array, task: number): number {
  const slot = words[task + NUMBER] & (TRAY_TASKS - 1);
  return task + (TRAY_TASKS - slot) * TASK_WORDS + slot * NAME_WORDS;
}

/** A name as text. `at` is the address of its words, `item` the index of the item in a batch. */
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

/** The state of a task that is for one worker: it has no position. */
export const READY_ASIDE: number = readyAt(POSITIONS);

/** The state of a task that a worker has. */
export function stateOf(phase: number, worker: number): number {
  return worker << OWNER_BITS | phase;
}

/** A state without its worker or position. */
export function phaseOf(state: number): number {
  return state & STATES;
}

/** The worker that has a task in this state. */
export function workerOf(state: number): number {
  return state >>> OWNER_BITS;
}

/** Owner: takes the task back if no worker has begun with it: it is FREE then. Returns whether it did. */
export function takeBack(space: Space, task: number): boolean {
  const { words } = space;
  const state = load(words, task + STATE);
  if (phaseOf(state) !== READY || compareExchange(words, task + STATE, state, FREE) !== state) return false;
  dropInput(space, task);
  return true;
}

/** Owner: notifies the worker that runs the task that it was given up. Returns the worker's number; 0: none was notified. */
export function tell(space: Space, task: number): number {
  const { words } = space;
  const state = load(words, task + STATE);
  if (phaseOf(state) !== BEGUN) return 0;
  const worker = workerOf(state);
  return compareExchange(words, task + STATE, state, stateOf(TOLD, worker)) === state ? worker : 0;
}

/** Owner: takes the task from a worker that runs it, so that its outcome is ignored. Returns `false` if the task is over. */
export function leave(space: Space, task: number, worker: number): boolean {
  const { words } = space;
  for (const phase of [BEGUN, TOLD]) {
    const state = stateOf(phase, worker);
    if (compareExchange(words, task + STATE, state, stateOf(LEFT, worker)) === state) return true;
  }
  return false;
}

/** Worker: ends the task, of which the outcome is written. Returns `false` if the owner has taken it from this worker. */
export function finish(space: Space, task: number, worker: number): boolean {
  const { words } = space;
  const begun = stateOf(BEGUN, worker);
  const over = stateOf(OVER, worker);
  const found = compareExchange(words, task + STATE, begun, over);
  if (found === begun) return true;
  // The owner has set TOLD or LEFT meanwhile. After TOLD, the only other change it can make is LEFT.
  return found === stateOf(TOLD, worker) && compareExchange(words, task + STATE, found, over) === found;
}

/** Owner: writes an input. Returns `false` if there is no room for it with `spare` words left over. */
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

/** Whether an input needs a block of its own. */
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
 * Worker: reads the input, and frees its block. The word at `pending` has the block's address meanwhile: if this worker is
 * killed, the owner frees the block.
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
      // From here on this worker owns the references in the message. If it dies before, the owner drops them.
      words[task + FORM] = INTEGER;
      return decodeFirst(small, form >>> LENGTH_BITS, false);
    }
    default: {
      if (pending !== 0) store(words, pending, words[task + VALUE]);
      const block = exchange(words, task + VALUE, 0);
      const length = words[task + VALUE + 1];
      // The worker writes the first word of an outcome before FORM. If it dies in between, the owner must not take that word
      // for a block.
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

/** Owner: frees the block of an input that will not be read. The references in it still belong to the job. */
function dropInput(space: Space, task: number): void {
  const { words } = space;
  const form = words[task + FORM];
  if ((form & KINDS) !== BLOCK || (form & OUTCOME) !== 0) return;
  const block = exchange(words, task + VALUE, 0);
  if (block !== 0) space.free(block);
}

/** Owner: the number of bytes of an input that has a block of its own; 0: it has none. */
export function roomOf(words: Int32Array, task: number): number {
  return (words[task + FORM] & (KINDS | OUTCOME)) === BLOCK ? words[task + VALUE + 1] : 0;
}

/** Owner: reads an outcome, and frees its block. {@linkcode isFailure} says whether it is an error. */
export function takeOutcome(space: Space, task: number): unknown {
  return take(space, task, 0);
}

/** Owner: reads an outcome without decoding it. The caller owns the references in it. */
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

/** Owner: frees the block of an outcome that no caller wants, and drops the references in it. */
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
 * Owner: cleans up a task that a dead worker did not finish. It frees the block of the input, if that was not read, and drops
 * the references in the input, or it frees the block of an outcome that the worker had just written. Returns the address of
 * the freed block, which the dead worker may also have left in PENDING; 0: none.
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
 * Worker: writes a value as the outcome, if its message is short. Returns 0 if it did, and otherwise the length of the
 * message, which stays in the scratch buffer of the codec until the next message is encoded.
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

/** Worker: writes a message as the outcome into a block that this worker has allocated. */
export function putBlockOutcome(space: Space, task: number, block: number, data: Uint8Array, failed: boolean): void {
  const { words } = space;
  space.memory.bytes.set(data, block * 4);
  words[task + VALUE] = block;
  words[task + VALUE + 1] = data.length;
  words[task + FORM] = BLOCK | OUTCOME | (failed ? FLAG : 0);
}
