/**
 * The two ends of a queue: which thread puts or takes next, how finished items are counted, and the errors of refused callers.
 *
 * The container keeps the items, intact if a thread is killed at any instruction. _internal/queue/container.ts documents the
 * words. Here each put notifies a thread that waits for an item, and each get notifies a thread that waits for room. A waiter
 * that was overtaken too often sets a bar at its end, which makes newcomers wait: see `WOKEN_IN_VAIN`. The try forms, which
 * never wait, ignore the bar.
 *
 * @module
 */

import { compareExchange, load, peek, store } from "../_internal/atomics.ts";
import { QueueEmptyError, QueueFullError } from "../_internal/errors.ts";
import { defineKind, type Kind, registerClass } from "../_internal/memory/kinds.ts";
import { firstLine, OBJECT_HEADER } from "../_internal/memory/memory.ts";
import { noRoomText, type Space } from "../_internal/memory/space.ts";
import { ALL_SLEEPERS, isAwaited, LOOK, notify, Pace, WOKEN_IN_VAIN } from "../_internal/memory/wait_point.ts";
import type { Batch } from "../_internal/queue/many.ts";
import { whileNoted } from "../_internal/queue/taken.ts";
import {
  CLOSED,
  type Container,
  type ContainerType,
  DONE,
  FULL,
  GET_BAR,
  GET_POINT,
  JOIN_POINT,
  NO_ROOM,
  OK,
  OPEN,
  PUT_BAR,
  PUT_POINT,
  STATE,
  tasksOf,
} from "../_internal/queue/container.ts";
import type { Message } from "../_internal/queue/message.ts";

/** A queue's container and the queue's own words, as one thread sees them. */
export class QueueEnds {
  readonly #space: Space;
  readonly #words: Int32Array;
  readonly #base: number;
  readonly #container: Container;
  /** The largest number of items in the queue; 0: no limit. */
  readonly limit: number;
  readonly itemPace = new Pace();
  readonly roomPace = new Pace();
  readonly #countItems = (): number => this.#container.size;
  readonly #countRoom = (): number => this.limit - this.#container.size;
  // Looks for how many messages there is room; Infinity: no limit, or an attempt would throw. If there is none, bars newcomers as
  // an attempt does. A get and a put in between may make it too small: then there is a notification.
  readonly #roomFor = (woken: number): number => {
    const room = this.limit === 0 ? Infinity : this.#countRoom();
    if (room > 0) return room;
    if (!this.isOpen()) return Infinity;
    if (woken >= WOKEN_IN_VAIN) store(this.#words, this.#base + PUT_BAR, 1);
    return 0;
  };

  /** The ends of the queue whose own words begin at `at`. */
  constructor(type: ContainerType, space: Space, at: number) {
    this.#space = space;
    this.#words = space.fixed;
    this.#base = firstLine(at);
    this.limit = load(space.words, at - OBJECT_HEADER + 2);
    this.#container = type.attach(space, this.#base, this.limit);
  }

  /** Whether a caller finds an item within the next microseconds. If not, it waits, and then calls `itemPace.end`. */
  findItem(patience?: number): boolean {
    return this.itemPace.find(this.#space, this.#countItems, patience);
  }

  /** Whether a caller finds room within the next microseconds. If not, it waits, and then calls `roomPace.end`. */
  findRoom(patience?: number): boolean {
    return this.roomPace.find(this.#space, this.#countRoom, patience);
  }

  /** The number of items in the queue. */
  get size(): number {
    return this.#container.size;
  }

  /** The attempt of a wait to put a message, which `attempt` makes: see {@linkcode whileNoted}. */
  noting<T>(message: Message, attempt: (woken: number) => T | undefined): (woken: number) => T | undefined {
    return whileNoted(this.#space, message, this.#roomFor, attempt);
  }

  /** As {@linkcode QueueEnds.noting}, for the messages of a batch. */
  notingMany<T>(
    batch: Batch,
    attempt: (woken: number, most?: number) => T | undefined,
  ): (woken: number) => T | undefined {
    // As in `tryPushMany`: a waiter that has put something was not woken in vain so far.
    return whileNoted(this.#space, batch, (woken) => this.#roomFor(woken - batch.woken), attempt);
  }

  /** OK, CLOSED or NO_ROOM; `undefined`: the caller has to wait. `woken`: 0 or less for a newcomer. */
  tryPush(message: Message, woken: number): number | undefined {
    const words = this.#words;
    const bar = this.#base + PUT_BAR;
    this.#space.peekKill();
    if (woken <= 0 && peek(words, bar) !== 0 && this.isOpen()) return undefined;
    const outcome = this.#container.push(message);
    if (outcome === OK) {
      if (isAwaited(words, this.#base + GET_POINT)) notify(this.#space, this.#base + GET_POINT, 1);
      if (woken > 0) this.unbarPut();
      return outcome;
    }
    if (outcome === CLOSED || outcome === NO_ROOM) return outcome;
    if (woken >= WOKEN_IN_VAIN) store(words, bar, 1);
    // Not only a peek: the program may call this in a loop.
    this.#space.endIfKilled();
    return undefined;
  }

  /** OK or CLOSED; `undefined`: the caller has to wait. `woken`: 0 or less for a newcomer. */
  tryShift(message: Message, woken: number): number | undefined {
    const words = this.#words;
    const bar = this.#base + GET_BAR;
    this.#space.peekKill();
    if (woken <= 0 && peek(words, bar) !== 0 && this.isOpen()) return undefined;
    const outcome = this.#container.shift(message);
    if (outcome === OK) {
      if (this.limit > 0 && isAwaited(words, this.#base + PUT_POINT)) notify(this.#space, this.#base + PUT_POINT, 1);
      if (woken > 0) this.unbarGet();
      return outcome;
    }
    if (outcome === CLOSED) return outcome;
    if (woken >= WOKEN_IN_VAIN) store(words, bar, 1);
    // Not only a peek: the program may call this in a loop.
    this.#space.endIfKilled();
    return undefined;
  }

  /**
   * Puts the messages of a batch as far as there is room, `most` of them. OK: all are put. `undefined`: the caller has to wait for
   * room for the others. CLOSED or NO_ROOM: the next message cannot be put.
   */
  tryPushMany(batch: Batch, most: number, woken: number): number | undefined {
    const words = this.#words;
    const bar = this.#base + PUT_BAR;
    this.#space.peekKill();
    if (woken <= 0 && peek(words, bar) !== 0 && this.isOpen()) return undefined;
    const before = batch.done;
    const outcome = this.#container.pushMany(batch, most);
    if (batch.done !== before) {
      this.#notifyUpTo(batch.done - before, GET_POINT);
      if (woken > 0) this.unbarPut();
      // A waiter that has put something was not woken in vain so far. Quick looks have numbers below that of the first.
      batch.woken = Math.max(woken, LOOK - woken);
    } else if (outcome === FULL && woken - batch.woken >= WOKEN_IN_VAIN) {
      store(words, bar, 1);
    }
    if (outcome !== FULL) return outcome;
    this.#space.endIfKilled();
    return undefined;
  }

  /** Takes up to `max` messages into a batch. OK or CLOSED; `undefined`: there is none, and the caller has to wait. */
  tryShiftMany(batch: Batch, max: number, woken: number): number | undefined {
    const words = this.#words;
    const bar = this.#base + GET_BAR;
    this.#space.peekKill();
    if (woken <= 0 && peek(words, bar) !== 0 && this.isOpen()) return undefined;
    const outcome = this.#container.shiftMany(batch, max);
    if (outcome === OK) {
      if (this.limit > 0) this.#notifyUpTo(batch.left, PUT_POINT);
      if (woken > 0) this.unbarGet();
      return outcome;
    }
    if (outcome === CLOSED) return outcome;
    if (woken >= WOKEN_IN_VAIN) store(words, bar, 1);
    // Not only a peek: the program may call this in a loop.
    this.#space.endIfKilled();
    return undefined;
  }

  /** Clears the bar for puts: called for a waiter that has put or gives up. */
  unbarPut(): void {
    if (peek(this.#words, this.#base + PUT_BAR) === 0) return;
    store(this.#words, this.#base + PUT_BAR, 0);
    // While the bar was set, newcomers may have gone to sleep although there was room for them. No other notification wakes
    // them for it.
    this.#notifyUpTo(this.limit - this.#container.size, PUT_POINT);
  }

  /** Clears the bar for gets: called for a waiter that has taken an item or gives up. */
  unbarGet(): void {
    if (peek(this.#words, this.#base + GET_BAR) === 0) return;
    store(this.#words, this.#base + GET_BAR, 0);
    // As in `unbarPut`.
    this.#notifyUpTo(this.#container.size, GET_POINT);
  }

  /** Whether the queue is not shut down. */
  isOpen(): boolean {
    return load(this.#words, this.#base + STATE) === OPEN;
  }

  /** Refuses puts from now on, with `atOnce` also drops all items, and wakes all waiters. */
  shutDown(atOnce: boolean): void {
    this.#space.endIfKilled();
    this.#container.shutDown(atOnce);
    notify(this.#space, this.#base + GET_POINT, ALL_SLEEPERS);
    notify(this.#space, this.#base + PUT_POINT, ALL_SLEEPERS);
    if (atOnce) notify(this.#space, this.#base + JOIN_POINT, ALL_SLEEPERS);
  }

  /** Marks one item as finished. `false`: every item is marked already. */
  markDone(): boolean {
    for (;;) {
      const done = load(this.#words, this.#base + DONE);
      if (this.#leftAfter(done) <= 0) return false;
      if (compareExchange(this.#words, this.#base + DONE, done, (done + 1) | 0) !== done) continue;
      // Counted again: a shutdown may have dropped all other items since, and the waiters that it woke may have looked before
      // this mark.
      if (this.#leftAfter(done + 1) <= 0) notify(this.#space, this.#base + JOIN_POINT, ALL_SLEEPERS);
      return true;
    }
  }

  /** Whether every item is marked as finished. */
  isDone(): boolean {
    return this.#leftAfter(load(this.#words, this.#base + DONE)) <= 0;
  }

  #leftAfter(done: number): number {
    return (tasksOf(this.#words, this.#base, this.#container) - done) | 0;
  }

  #notifyUpTo(count: number, point: number): void {
    if (count > 0) notify(this.#space, this.#base + point, Math.min(count, ALL_SLEEPERS));
  }
}

/** The kind of the queues with such a container. For `waitAny`, a queue is ready when `get` would not wait. */
function queueKindOf(type: ContainerType): Kind {
  return {
    readiness: (space, at) => {
      const ends = new QueueEnds(type, space, at);
      return { points: [firstLine(at) + GET_POINT], isReady: () => ends.size > 0 || !ends.isOpen() };
    },
    destroy: (space, at) => type.destroy(space, firstLine(at)),
  };
}

/** The container of each class of queues. */
const containers = new Map<object, ContainerType>();

/** Sets the container of a class of queues, and of its subclasses that set none themselves. */
export function defineQueue(type: ContainerType, queues: abstract new (...args: never[]) => object): void {
  containers.set(queues, type);
  registerClass("thread", type.kind, queues);
  defineKind(type.kind, queueKindOf(type));
}

/** The container of the queues of a class. */
export function containerOf(queues: object): ContainerType {
  for (;; queues = Object.getPrototypeOf(queues)) {
    const type = containers.get(queues);
    if (type !== undefined) return type;
  }
}

// The errors of a put or a get.

/** The queue is empty. */
export function refuseEmpty(action: string, timeout: number): never {
  throw new QueueEmptyError(
    timeout === 0
      ? `Cannot ${action} as it is empty`
      : `Cannot ${action} as it stayed empty for all of the ${timeout} ms of 'timeout'`,
  );
}

/** The queue has `limit` items. */
export function refuseFull(action: string, timeout: number, item: unknown, limit: number): never {
  throw new QueueFullError(
    timeout === 0
      ? `Cannot ${action} as it is full: it has its 'maxsize' of ${limit} items`
      : `Cannot ${action} as it stayed full for all of the ${timeout} ms of 'timeout': it has its 'maxsize' of ${limit} items`,
    { item },
  );
}

/** The shared memory has no room for an item of `needed` bytes. */
export function refuseForRoom(space: Space, action: string, item: unknown, needed: number): never {
  const available = space.available();
  throw new QueueFullError(noRoomText(action, needed, available), { item, needed, available });
}
