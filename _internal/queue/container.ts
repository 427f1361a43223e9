/**
 * The interface between a queue and its container, the structure that stores its messages, and the words that both use.
 *
 * A queue waits, checks options and turns values into messages. A container (log, stack or heap) stores messages in shared
 * memory and knows nothing of waiting. Every change to a container takes effect with one store: a thread that is killed at
 * any instruction leaves the container either as before the operation or as after it.
 *
 * The words of a queue begin at the first cache line (64 bytes) in its block. Words that different threads write are on
 * different lines:
 *
 * ```text
 *   line 0   state, bars: rarely written
 *        1   number of finished items, wait point of join
 *        2   wait point of gets
 *        3   wait point of puts
 *        4…  the container's own
 * ```
 *
 * @module
 */

import { load } from "../atomics.ts";
import { LINE } from "../memory/memory.ts";
import type { Space } from "../memory/space.ts";
import type { Batch } from "./many.ts";
import type { Message } from "./message.ts";

/** One of the states below. Written under the mutex of puts. A change to {@linkcode SHUT_AT_ONCE} also needs that of gets. */
export const STATE = 0;
/** 1: a waiter in `get` was overtaken too often, so newcomers in `get` wait. */
export const GET_BAR = 1;
/** 1: a waiter in `put` was overtaken too often, so newcomers in `put` wait. */
export const PUT_BAR = 2;
/** The number of items taken before the queue was shut down at once. Valid in state {@linkcode SHUT_AT_ONCE} only. */
export const DRAINED = 3;
/** The number of items marked by `taskDone`. */
export const DONE = LINE;
export const JOIN_POINT = LINE + 2;
export const GET_POINT = 2 * LINE;
export const PUT_POINT = 3 * LINE;
/** Where a container's own words begin. */
export const CONTAINER = 4 * LINE;

/** States. */
export const OPEN = 0;
/** No more puts. The remaining items can be taken. */
export const SHUT = 1;
/** No more puts. The items that were in the queue count as taken and finished. */
export const SHUT_AT_ONCE = 2;

/** Results of a container's operations. */
export const OK = 0;
export const EMPTY = 1;
export const FULL = 2;
export const CLOSED = 3;
/** The shared memory has no room for the message. */
export const NO_ROOM = 4;

/** Messages in shared memory, in the order of the queue. */
export interface Container {
  /** The number of messages in the container. */
  readonly size: number;
  /** The number of messages ever put in, wrapping at 32 bits. */
  readonly puts: number;
  /** Puts a message in. Returns {@linkcode OK}, {@linkcode FULL}, {@linkcode CLOSED} or {@linkcode NO_ROOM}. */
  push(message: Message): number;
  /** Takes the next message into `message`. Returns {@linkcode OK}, {@linkcode EMPTY} or {@linkcode CLOSED}. */
  shift(message: Message): number;
  /**
   * Puts in the next messages of a batch, in order, as long as there is room, and `most` of them. Returns {@linkcode OK} if the
   * batch is empty, else why the next one is not in: {@linkcode FULL}, {@linkcode CLOSED} or {@linkcode NO_ROOM}.
   */
  pushMany(batch: Batch, most: number): number;
  /**
   * Takes up to `max` messages into an empty batch. It may take fewer than there are, but takes a message if there is one. At
   * most the last message is in a parcel, because a thread strikes out its notes of parcels from the last to the first: see
   * taken.ts. Returns {@linkcode OK}, {@linkcode EMPTY} or {@linkcode CLOSED}.
   */
  shiftMany(batch: Batch, max: number): number;
  /** Refuses messages from now on. With `atOnce`, it also drops the messages in the container. */
  shutDown(atOnce: boolean): void;
}

/** A kind of container. */
export interface ContainerType {
  /** The kind of the queues with such a container. */
  readonly kind: number;
  /** The queue's name in error messages. */
  readonly label: string;
  /** The number of the container's own words, which begin at {@linkcode CONTAINER}. */
  readonly words: number;
  /** Writes the initial state. `base` is where the words of the queue begin. */
  initialize(words: Int32Array, base: number): void;
  /** Makes the container of a queue, as one thread sees it. `limit` is the largest number of messages; 0: no limit. */
  attach(space: Space, base: number, limit: number): Container;
  /** Writes a priority into a message. Only containers that order messages by priority have this. */
  rank?(message: Message, priority: number): void;
  /** Frees the messages and blocks of a container that no thread can reach any more. */
  destroy(space: Space, base: number): void;
}

/** The number of words to allocate: the words of the queue and its container, and the gap before the first cache line. */
export function wordsOf(type: ContainerType): number {
  return CONTAINER + type.words + LINE - 1;
}

/** The number of items that `taskDone` can mark: all that were put, less those that a shutdown dropped. */
export function tasksOf(words: Int32Array, base: number, container: Container): number {
  return load(words, base + STATE) === SHUT_AT_ONCE ? load(words, base + DRAINED) : container.puts;
}
