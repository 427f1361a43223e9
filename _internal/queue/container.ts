/**
 * What a queue asks of the structure that holds its messages, and the words that both of them use.
 *
 * A queue waits, checks options and turns values into messages; a container (log, stack or heap) keeps messages in
 * shared memory and knows nothing of waiting. All of a container's changes take effect with one store, so a thread that is
 * killed at any instruction leaves it as it was before the operation or as it is after it.
 *
 * The words of a queue begin at the first cache line (64 bytes) in its block, and what different threads write is on
 * different lines:
 *
 * ```text
 *   line 0   state, bars: hardly ever written
 *        1   tasks done, wait point of join
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
import type { Message } from "./message.ts";

/** One of the states below. Written under the mutex of puts, and under that of gets as well where it is shut down at once. */
export const STATE = 0;
/** 1: a waiter was overtaken too often at taking items; newcomers wait. */
export const GET_BAR = 1;
/** The same for puts. */
export const PUT_BAR = 2;
/** How many items had been taken when the queue was shut down at once. Valid with that state. */
export const DRAINED = 3;
/** How many times `taskDone` was called. */
export const DONE = LINE;
export const JOIN_POINT = LINE + 2;
export const GET_POINT = 2 * LINE;
export const PUT_POINT = 3 * LINE;
/** Where a container's own words begin. */
export const CONTAINER = 4 * LINE;

/** States. */
export const OPEN = 0;
/** No more puts; what is in it can be taken. */
export const SHUT = 1;
/** No more puts, and all that was in it counts as taken and done. */
export const SHUT_AT_ONCE = 2;

/** How an operation of a container went. */
export const OK = 0;
export const EMPTY = 1;
export const FULL = 2;
export const CLOSED = 3;
/** The memory has no room. */
export const NO_ROOM = 4;

/** Messages in shared memory, in some order. */
export interface Container {
  /** How many messages are in it. */
  readonly size: number;
  /** How many were ever put in, wrapping at 32 bits. */
  readonly puts: number;
  /** Puts a message in: {@linkcode OK}, {@linkcode FULL}, {@linkcode CLOSED} or {@linkcode NO_ROOM}. */
  push(message: Message): number;
  /** Takes one out into `message`: {@linkcode OK}, {@linkcode EMPTY} or {@linkcode CLOSED}. */
  shift(message: Message): number;
  /** Refuses messages from now on, and drops those in it where `atOnce`. */
  shutDown(atOnce: boolean): void;
}

/** A kind of container. */
export interface ContainerType {
  /** The kind of object that a queue with such a container is. */
  readonly kind: number;
  /** What the queue is called in messages. */
  readonly label: string;
  /** Words behind {@linkcode CONTAINER}. */
  readonly words: number;
  /** Writes the initial state. `base` is where the words of the queue begin. */
  initialize(words: Int32Array, base: number): void;
  /** The container of a queue, as one thread sees it. `limit` is the most messages that it takes; 0: no limit. */
  attach(space: Space, base: number, limit: number): Container;
  /** Says where among the others a message belongs, where there is an order. */
  rank?(message: Message, priority: number): void;
  /** Gives back what it holds: no thread can reach it any more. */
  destroy(space: Space, base: number): void;
}

/** Words to ask for, so that so many fit behind the first cache line wherever the block is. */
export function wordsOf(type: ContainerType): number {
  return CONTAINER + type.words + LINE - 1;
}

/** How many of the items put so far count as work to be done. */
export function tasksOf(words: Int32Array, base: number, container: Container): number {
  return load(words, base + STATE) === SHUT_AT_ONCE ? load(words, base + DRAINED) : container.puts;
}
