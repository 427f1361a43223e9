/**
 * A queue between threads: first in, first out. This module has the options, packs items into messages, and gives each
 * operation its three forms. _queue_ends.ts decides which thread puts or takes next. _internal/queue/container.ts documents the
 * words in shared memory.
 *
 * @module
 */

import { InvalidStateError, QueueShutDownError } from "../_internal/errors.ts";
import { firstLine } from "../_internal/memory/memory.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { LITTLE_PATIENCE } from "../_internal/memory/wait_point.ts";
import {
  optionsOr,
  show,
  validateInteger,
  validateWait,
  type WaitOptions,
  type WaitSyncOptions,
} from "../_internal/options.ts";
import {
  type ContainerType,
  GET_POINT,
  JOIN_POINT,
  NO_ROOM,
  OK,
  PUT_POINT,
  wordsOf,
} from "../_internal/queue/container.ts";
import { LOG } from "../_internal/queue/log.ts";
import { Message } from "../_internal/queue/message.ts";
import { containerOf, defineQueue, QueueEnds, refuseEmpty, refuseForRoom, refuseFull } from "./_queue_ends.ts";
import { ManyGet, ManyPut, type Target } from "./_queue_many.ts";

/** Options of a queue. */
export interface QueueOptions extends SharedOptions {
  /** The largest number of items in the queue. `put` waits while it is reached. Default: 0, which means no limit. */
  maxsize?: number;
}

/** `tryPut` with the options of a subclass: used by the classes in ordered_queues.ts. */
export let offer: <T>(queue: Queue<T>, item: T, options: object | undefined) => boolean;

const outgoing = new Message();
const incoming = new Message();

/**
 * Passes items between threads, first in, first out. Any number of threads may put and get.
 *
 * - **Copies.** `put` copies the item, as `structuredClone` does. Objects of this library are shared instead of copied: the
 *   receiver gets the same lock. {@linkcode registerSerializable} says how instances of a class are sent.
 * - **Visibility.** What a thread wrote to shared memory before a `put` is visible after the `get` that takes the item.
 * - **Order.** Each item is taken by exactly one `get`, and the items of one thread are taken in the order in which it put
 *   them. A running thread may overtake waiters, but not forever: once a waiter was woken four times in vain, newcomers
 *   wait as well.
 * - **Blocking.** A thread that is blocked in `getSync` gets items from other threads even while the main thread is blocked.
 * - **Death.** A thread that is killed inside a `put` or a `get` leaves the queue intact. An item whose `put` had returned is
 *   delivered, unless the killed thread had taken it.
 *
 * Methods that take a `timeout` throw `RangeError` if it is negative or NaN.
 *
 * Python: `queue.Queue`.
 *
 * @example Put and get
 * ```ts
 * import { Queue } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new Queue<{ id: number }>();
 * queue.putSync({ id: 1 });
 * assertEquals(await queue.get(), { id: 1 });
 * ```
 *
 * @example Consume until the queue is shut down
 * ```ts
 * import { Queue } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new Queue<number>();
 * for (const item of [1, 2, 3]) queue.putSync(item);
 * queue.shutdown();
 * const items = [];
 * for await (const item of queue) items.push(item);
 * assertEquals(items, [1, 2, 3]);
 * ```
 *
 * @typeParam T The type of the items.
 */
export class Queue<T = unknown> extends SharedObject {
  readonly #place: Place = placeOf(this);
  readonly #base: number;
  readonly #ends: QueueEnds;
  /** Writes a priority into a message; `undefined` if the queue has no priorities. */
  readonly #rank: ContainerType["rank"];
  #manyGet: ManyGet | undefined;

  static {
    offer = (queue, item, options) => queue.#offer(item, options);
  }

  /**
   * Creates an empty queue, or opens the queue of the given name.
   *
   * @param options `maxsize`, `name`, and `local`. Default: no limit, no name.
   * @throws {RangeError} If `maxsize` is negative or not a whole number, or the shared memory is full.
   * @throws {TypeError} If the name belongs to something else, or to a queue with another `maxsize`.
   */
  constructor(options?: QueueOptions) {
    const type = containerOf(new.target);
    const action = `create ${type.label}`;
    super(new.target, options, () => {
      // The base class refuses options that are not an object.
      const { maxsize = 0 } = optionsOr(options as QueueOptions | undefined);
      validateInteger(maxsize, "'maxsize'", 0, 0x3fffffff, action);
      return {
        action,
        kind: type.kind,
        words: wordsOf(type),
        first: maxsize,
        initialize: (words, at) => type.initialize(words, firstLine(at)),
      };
    });
    const { space, at } = this.#place;
    this.#base = firstLine(at);
    this.#rank = type.rank;
    this.#ends = at < 0 ? undefined as never : new QueueEnds(type, space, at);
  }

  /**
   * Puts an item into the queue. Waits, without blocking the event loop, while the queue is full.
   *
   * The item is copied before this returns its promise: later changes to it have no effect. Promises of one thread get
   * room in the order of the calls.
   *
   * An item is put whole or not at all: after any error, also after a timeout or an abort, the queue does not contain it.
   *
   * Python: `queue.Queue.put`.
   *
   * @param item The item: anything that can be sent to another thread.
   * @param options `timeout` in milliseconds, and `signal`. With a `timeout` of 0, it does not wait.
   * @throws {QueueFullError} If `timeout` passes first, or the shared memory has no room for the item. The error's `item`
   * property is the item.
   * @throws {QueueShutDownError} If the queue is shut down, before or during the wait.
   * @throws {DOMException} `DataCloneError`, if the item cannot be copied. The message names the path to the value.
   * @throws {TypeError} If the queue is shared between processes and the item contains an object that only threads share.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example Wait for room
   * ```ts
   * import { Queue } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new Queue<string>({ maxsize: 1 });
   * await queue.put("first");
   * const second = queue.put("second"); // waits for room
   * assertEquals(await queue.get(), "first");
   * await second;
   * assertEquals(await queue.get(), "second");
   * ```
   */
  put(item: T, options?: WaitOptions): Promise<void> {
    if (options !== undefined) return this.#putSlowly(item, options);
    // An async function would cost as much as the rest of a put.
    const { space } = this.#place;
    try {
      const action = this.#check("put an item into queue");
      const message = this.#write(item, undefined, action);
      if (!space.async.isCrowded(this.#base + PUT_POINT)) {
        if (this.#tryPush(message, 0, item, action)) return Promise.resolve();
        const found = this.#ends.findRoom(LITTLE_PATIENCE);
        if (found && this.#tryPush(message, 0, item, action)) return Promise.resolve();
      }
      return this.#waitForRoom(message.keep(), item, Infinity, undefined, action);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #putSlowly(item: T, options: WaitOptions): Promise<void> {
    const action = this.#check("put an item into queue");
    const timeout = validateWait(options, action);
    const { signal } = options;
    signal?.throwIfAborted();
    const { space } = this.#place;
    const message = this.#write(item, options, action);
    if (timeout === 0 || !space.async.isCrowded(this.#base + PUT_POINT)) {
      if (this.#tryPush(message, timeout === 0 ? 1 : 0, item, action)) return;
    }
    if (timeout === 0) {
      message.drop(space);
      refuseFull(action, timeout, item, this.#ends.limit);
    }
    await this.#waitForRoom(message.keep(), item, timeout, signal, action);
  }

  async #waitForRoom(
    message: Message,
    item: T,
    timeout: number,
    signal: AbortSignal | undefined,
    action: string,
  ): Promise<void> {
    try {
      await waitAsync(this.#place, this.#room(message, item, action), timeout, signal);
    } finally {
      this.#ends.roomPace.end();
    }
  }

  /**
   * Puts an item into the queue. Blocks this thread while the queue is full. See {@linkcode Queue.put}.
   *
   * Python: `queue.Queue.put`.
   *
   * @param item The item: anything that can be sent to another thread.
   * @param options `timeout` in milliseconds. With 0, it does not wait.
   * @throws {QueueFullError} If `timeout` passes first, or the shared memory has no room for the item. The error's `item`
   * property is the item.
   * @throws {QueueShutDownError} If the queue is shut down, before or during the wait.
   * @throws {DOMException} `DataCloneError`, if the item cannot be copied. The message names the path to the value.
   * @throws {TypeError} If the queue is shared between processes and the item contains an object that only threads share.
   *
   * @example With a timeout
   * ```ts
   * import { Queue, QueueFullError } from "@weft/concurrent/sync";
   * import { assertThrows } from "@std/assert";
   *
   * const queue = new Queue<string>({ maxsize: 1 });
   * queue.putSync("first");
   * assertThrows(() => queue.putSync("second", { timeout: 5 }), QueueFullError);
   * ```
   */
  putSync(item: T, options?: WaitSyncOptions): void {
    // Not by `#check`: in a new thread, calls take most of the time.
    const action = "put an item into queue";
    if (this.#place.at < 0) unusable(this, action);
    const timeout = options === undefined ? Infinity : validateWait(options, action);
    const message = this.#write(item, options, action);
    const outcome = this.#ends.tryPush(message, timeout === 0 ? 1 : 0);
    if (outcome === OK) return;
    if (outcome !== undefined) refuse(outcome, this.#place, message, item, action);
    if (timeout === 0) {
      message.drop(this.#place.space);
      refuseFull(action, timeout, item, this.#ends.limit);
    }
    if (this.#ends.findRoom() && this.#tryPush(message, 0, item, action)) return;
    try {
      waitSync(this.#place.space, this.#room(message, item, action), timeout);
    } finally {
      this.#ends.roomPace.end();
    }
  }

  /**
   * Puts an item into the queue if there is room now. Never waits. See {@linkcode Queue.put}.
   *
   * Python: `queue.Queue.put_nowait`, which raises `queue.Full` where this returns `false`.
   *
   * @param item The item: anything that can be sent to another thread.
   * @returns `true` if the item was put, `false` if the queue is full.
   * @throws {QueueFullError} If the shared memory has no room for the item.
   * @throws {QueueShutDownError} If the queue is shut down.
   * @throws {DOMException} `DataCloneError`, if the item cannot be copied. The message names the path to the value.
   * @throws {TypeError} If the queue is shared between processes and the item contains an object that only threads share.
   */
  tryPut(item: T): boolean {
    return this.#offer(item, undefined);
  }

  /**
   * Puts all items of an array into the queue, in order. Waits, without blocking the event loop, while the queue is full.
   *
   * Numbers and other simple values take much less time this way than by as many calls of {@linkcode Queue.put}. For objects,
   * whose copies take most of the time, it saves little. Other threads can take the first items before the last ones are put,
   * and other threads' items may come between them.
   *
   * The items are copied before this returns its promise: later changes to them, or to the array, have no effect. Each item is
   * put whole or not at all. If the call ends early, the error's `put` is the number of items that were put: `items[put]` and
   * all after it are not in the queue.
   *
   * Python has no equivalent.
   *
   * @param items The items: anything that can be sent to another thread.
   * @param options `timeout` in milliseconds for all items together, and `signal`. With a `timeout` of 0, it puts what there is
   * room for.
   * @throws {QueueFullError} If `timeout` passes before all items are put, or the shared memory has no room for an item. If the
   * signal is aborted after some items were put, `cause` is the signal's reason. The error's `item` property is the first item
   * that was not put.
   * @throws {QueueShutDownError} If the queue is shut down, before or during the wait.
   * @throws {DOMException} `DataCloneError`, if an item cannot be copied. The items before it are put. The message names the
   * path to the value.
   * @throws {TypeError} If `items` is not an array, or the queue is shared between processes and an item contains an object
   * that only threads share.
   * @throws The signal's reason, if it is aborted before any item is put.
   *
   * @example Many items at once
   * ```ts
   * import { Queue } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new Queue<string>({ maxsize: 2 });
   * const putting = queue.putMany(["a", "b", "c"]); // waits for room for the last one
   * assertEquals(await queue.getMany(10), ["a", "b"]);
   * await putting;
   * assertEquals(await queue.getMany(10), ["c"]);
   * ```
   */
  async putMany(items: readonly T[], options?: WaitOptions): Promise<void> {
    const action = this.#check("put items into queue");
    await new ManyPut(this.#target, items, options, action).put(options?.signal);
  }

  /**
   * Puts all items of an array into the queue, in order. Blocks this thread while the queue is full. See
   * {@linkcode Queue.putMany}.
   *
   * Python has no equivalent.
   *
   * @param items The items: anything that can be sent to another thread.
   * @param options `timeout` in milliseconds for all items together. With 0, it puts what there is room for.
   * @throws {QueueFullError} If `timeout` passes before all items are put, or the shared memory has no room for an item. The
   * error's `put` is the number of items that were put, `item` the first that was not.
   * @throws {QueueShutDownError} If the queue is shut down, before or during the wait. It has `put` as well.
   * @throws {DOMException} `DataCloneError` with `put`, if an item cannot be copied. The items before it are put.
   * @throws {TypeError} If `items` is not an array, or the queue is shared between processes and an item contains an object
   * that only threads share.
   *
   * @example What was put in time
   * ```ts
   * import { Queue, QueueFullError } from "@weft/concurrent/sync";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * const queue = new Queue<number>({ maxsize: 2 });
   * const items = [1, 2, 3, 4];
   * const error = assertThrows(() => queue.putManySync(items, { timeout: 5 }), QueueFullError);
   * assertEquals(items.slice(error.put), [3, 4]);
   * ```
   */
  putManySync(items: readonly T[], options?: WaitSyncOptions): void {
    new ManyPut(this.#target, items, options, this.#check("put items into queue")).putSync();
  }

  /**
   * Takes the next item. Waits for it without blocking the event loop.
   *
   * Promises of one thread get items in the order of the calls. After a timeout or an abort, no item has been taken.
   *
   * If the `deserialize` of the item's class throws ({@linkcode registerSerializable}), that error is thrown here and the item
   * is lost.
   *
   * Python: `queue.Queue.get`.
   *
   * @param options `timeout` in milliseconds, and `signal`. With a `timeout` of 0, it does not wait.
   * @returns The item: a copy that belongs to this thread.
   * @throws {QueueEmptyError} If `timeout` passes first.
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   * @throws The signal's reason, if it is aborted first.
   */
  get(options?: WaitOptions): Promise<T> {
    const { space } = this.#place;
    if (options !== undefined || this.#place.at < 0 || space.async.isCrowded(this.#base + GET_POINT)) {
      return this.#getSlowly(options);
    }
    // An async function would cost as much as the rest of a get.
    try {
      let outcome = this.#ends.tryShift(incoming, 0);
      if (outcome === undefined && this.#ends.findItem(LITTLE_PATIENCE)) outcome = this.#ends.tryShift(incoming, 0);
      if (outcome === OK) return Promise.resolve(incoming.unpack(space) as T);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#getSlowly(undefined);
  }

  async #getSlowly(options: WaitOptions | undefined): Promise<T> {
    const action = this.#check("take an item from queue");
    const timeout = this.#timeoutOf(options, action);
    options?.signal?.throwIfAborted();
    const { space } = this.#place;
    if (timeout === 0 || !space.async.isCrowded(this.#base + GET_POINT)) {
      const outcome = this.#ends.tryShift(incoming, timeout === 0 ? 1 : 0);
      if (outcome !== undefined) return this.#shifted(outcome, action);
    }
    if (timeout === 0) refuseEmpty(action, timeout);
    // The attempt itself unpacks the item, before `incoming` gets another.
    const read = (outcome: number): { item: T } => ({ item: this.#shifted(outcome, action) });
    try {
      return (await waitAsync(this.#place, this.#next(read, action), timeout, options?.signal)).item;
    } finally {
      this.#ends.itemPace.end();
    }
  }

  /**
   * Takes the next item. Blocks this thread until there is an item. See {@linkcode Queue.get}.
   *
   * Python: `queue.Queue.get`.
   *
   * @param options `timeout` in milliseconds. With 0, it does not wait.
   * @returns The item: a copy that belongs to this thread.
   * @throws {QueueEmptyError} If `timeout` passes first.
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   */
  getSync(options?: WaitSyncOptions): T {
    // As in `putSync`.
    const action = "take an item from queue";
    if (this.#place.at < 0) unusable(this, action);
    const timeout = options === undefined ? Infinity : this.#timeoutOf(options, action);
    const outcome = this.#ends.tryShift(incoming, timeout === 0 ? 1 : 0);
    if (outcome !== undefined) return this.#shifted(outcome, action);
    if (timeout === 0) refuseEmpty(action, timeout);
    if (this.#ends.findItem()) {
      const found = this.#ends.tryShift(incoming, 0);
      if (found !== undefined) return this.#shifted(found, action);
    }
    let waited: number;
    try {
      waited = waitSync(this.#place.space, this.#next(itself, action), timeout);
    } finally {
      this.#ends.itemPace.end();
    }
    return this.#shifted(waited, action);
  }

  /**
   * Takes the next item if there is an item now. Never waits. See {@linkcode Queue.get}.
   *
   * An `undefined` that was put looks the same as an empty queue. If the queue may contain `undefined`, use
   * `getSync({ timeout: 0 })`, which throws {@linkcode QueueEmptyError} if the queue is empty.
   *
   * Python: `queue.Queue.get_nowait`, which raises `queue.Empty` where this returns `undefined`.
   *
   * @returns The item, or `undefined` if the queue is empty.
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   *
   * @example Do not wait
   * ```ts
   * import { Queue } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new Queue<string>();
   * assertEquals(queue.tryGet() ?? "nothing yet", "nothing yet");
   * ```
   */
  tryGet(): T | undefined {
    const action = this.#check("take an item from queue");
    const outcome = this.#ends.tryShift(incoming, 1);
    return outcome === undefined ? undefined : this.#shifted(outcome, action);
  }

  /**
   * Takes the next items, up to `max`. Waits, without blocking the event loop, until there is an item, and then takes what is
   * there without waiting for more.
   *
   * Numbers and other simple values take much less time this way than by as many calls of {@linkcode Queue.get}. After a timeout
   * or an abort, no item has been taken. A thread that is killed in the call may have taken items that it has not returned.
   *
   * If the `deserialize` of an item's class throws ({@linkcode registerSerializable}), that item is lost, and the others are
   * returned. The error is thrown by the next call that takes many items in this thread, or by this call if there are no other
   * items.
   *
   * Python has no equivalent.
   *
   * @param max The largest number of items to take: a whole number of 1 or more, or `Infinity`.
   * @param options `timeout` in milliseconds, and `signal`. With a `timeout` of 0, it does not wait.
   * @returns The items, at least one, in the order of the queue: copies that belong to this thread.
   * @throws {QueueEmptyError} If `timeout` passes first.
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   * @throws {TypeError} If `max` is not a number.
   * @throws {RangeError} If `max` is less than 1, or not a whole number.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example What is there
   * ```ts
   * import { Queue } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new Queue<number>();
   * await queue.putMany([1, 2, 3]);
   * assertEquals(await queue.getMany(2), [1, 2]);
   * assertEquals(await queue.getMany(2), [3]);
   * ```
   */
  async getMany(max: number, options?: WaitOptions): Promise<T[]> {
    return await this.#many.get(max, options, this.#check("take items from queue")) as T[];
  }

  /**
   * Takes the next items, up to `max`. Blocks this thread until there is an item, and then takes what is there. See
   * {@linkcode Queue.getMany}.
   *
   * Python has no equivalent.
   *
   * @param max The largest number of items to take: a whole number of 1 or more, or `Infinity`.
   * @param options `timeout` in milliseconds. With 0, it does not wait.
   * @returns The items, at least one, in the order of the queue: copies that belong to this thread.
   * @throws {QueueEmptyError} If `timeout` passes first.
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   * @throws {TypeError} If `max` is not a number.
   * @throws {RangeError} If `max` is less than 1, or not a whole number.
   */
  getManySync(max: number, options?: WaitSyncOptions): T[] {
    return this.#many.getSync(max, options, this.#check("take items from queue")) as T[];
  }

  /**
   * Takes the items that are there now, up to `max`. Never waits. See {@linkcode Queue.getMany}.
   *
   * Python has no equivalent.
   *
   * @param max The largest number of items to take: a whole number of 1 or more, or `Infinity`.
   * @returns The items in the order of the queue; an empty array if there is none.
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   * @throws {TypeError} If `max` is not a number.
   * @throws {RangeError} If `max` is less than 1, or not a whole number.
   */
  tryGetMany(max: number): T[] {
    return this.#many.tryGet(max, this.#check("take items from queue")) as T[];
  }

  /**
   * The number of items in the queue. Other threads may change it at any time.
   *
   * Python: `queue.Queue.qsize`.
   */
  get size(): number {
    return this.#size;
  }

  /**
   * Whether the queue has no items. Other threads may change this at any time.
   *
   * Python: `queue.Queue.empty`.
   */
  get empty(): boolean {
    return this.#size === 0;
  }

  /**
   * Whether the queue has `maxsize` items. Always `false` if `maxsize` is 0. Other threads may change this at any time.
   *
   * Python: `queue.Queue.full`.
   */
  get full(): boolean {
    return this.#size >= this.#ends.limit && this.#ends.limit > 0;
  }

  /**
   * Marks one taken item as finished. {@linkcode Queue.join} returns when every item that was put has been marked.
   *
   * A thread calls it once for each item that it took, when its work on the item is done. Items may be marked in any order and
   * by any thread: the queue only counts the calls.
   *
   * Python: `queue.Queue.task_done`.
   *
   * @throws {InvalidStateError} If every item has been marked already.
   *
   * @example A worker loop
   * ```ts
   * import { Queue } from "@weft/concurrent/sync";
   * import { assert } from "@std/assert";
   *
   * const queue = new Queue<number>();
   * for (const item of [1, 2, 3]) queue.putSync(item);
   * for (let item = queue.tryGet(); item !== undefined; item = queue.tryGet()) queue.taskDone();
   * assert(await queue.join());
   * ```
   */
  taskDone(): void {
    const action = this.#check("mark a task done");
    if (this.#ends.markDone()) return;
    throw new InvalidStateError(
      `Cannot ${action} as every item is marked already: call taskDone() once for each item that was taken`,
    );
  }

  /**
   * Waits until every item has been taken and marked as finished, without blocking the event loop.
   *
   * Items that another thread puts during the wait count as well. {@linkcode Queue.taskDone} marks an item. A
   * {@linkcode Queue.shutdown} with `immediate` counts the items that it drops as finished.
   *
   * Python: `queue.Queue.join`, which has no timeout.
   *
   * @param options `timeout` in milliseconds, and `signal`.
   * @returns `true` once every item is marked, `false` if `timeout` passed first.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example Wait for the workers
   * ```ts
   * import { Queue } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new Queue<string>();
   * queue.putSync("job");
   * assertEquals(await queue.join({ timeout: 5 }), false);
   * queue.getSync();
   * queue.taskDone();
   * assertEquals(await queue.join(), true);
   * ```
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const timeout = this.#timeoutOf(options, this.#check("join queue"));
    return await waitAsync(this.#place, this.#allDone(), timeout, options?.signal);
  }

  /**
   * Blocks this thread until every item has been taken and marked as finished. See {@linkcode Queue.join}.
   *
   * Python: `queue.Queue.join`, which has no timeout.
   *
   * @param options `timeout` in milliseconds.
   * @returns `true` once every item is marked, `false` if `timeout` passed first.
   * @throws {RangeError} If `timeout` is negative or NaN.
   */
  joinSync(options?: WaitSyncOptions): boolean {
    const timeout = this.#timeoutOf(options, this.#check("join queue"));
    return waitSync(this.#place.space, this.#allDone(), timeout);
  }

  /**
   * Shuts the queue down for all threads.
   *
   * - Every `put` throws {@linkcode QueueShutDownError} from now on, also a `put` that is waiting for room.
   * - Every `get` throws it once the queue has no more items, also a `get` that is waiting for an item.
   * - With `immediate`, the items in the queue are dropped and count as finished.
   *
   * Calling it again has no effect, except that a later `immediate` still drops what is left.
   *
   * Python: `queue.Queue.shutdown`.
   *
   * @param options `immediate`: whether to drop the items that are in the queue. Default: `false`.
   * @throws {TypeError} If the options are not an object, or `immediate` is not a boolean.
   *
   * @example Let consumers take what is left
   * ```ts
   * import { Queue, QueueShutDownError } from "@weft/concurrent/sync";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * const queue = new Queue<string>();
   * queue.putSync("last");
   * queue.shutdown();
   * assertThrows(() => queue.putSync("too late"), QueueShutDownError);
   * assertEquals(queue.getSync(), "last");
   * assertThrows(() => queue.getSync(), QueueShutDownError);
   * ```
   */
  shutdown(options?: { immediate?: boolean }): void {
    const action = this.#check("shut down queue");
    const immediate = immediateOf(options, action);
    // A getter of the options may have disposed of the queue.
    this.#check(action);
    this.#ends.shutDown(immediate);
  }

  /**
   * Takes items as they arrive, until the queue is shut down and has no more items. Several loops may share a queue: each item
   * goes to one of them.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      let item: T;
      try {
        item = await this.get();
      } catch (error) {
        if (error instanceof QueueShutDownError) return;
        throw error;
      }
      yield item;
    }
  }

  #offer(item: T, options: object | undefined): boolean {
    const action = this.#check("put an item into queue");
    const message = this.#write(item, options, action);
    if (this.#tryPush(message, 1, item, action)) return true;
    message.drop(this.#place.space);
    return false;
  }

  get #target(): Target {
    return { queue: this, place: this.#place, base: this.#base, ends: this.#ends, rank: this.#rank };
  }

  // Throws an error that an earlier call has left.
  get #many(): ManyGet {
    const many = this.#manyGet ??= new ManyGet(this.#target);
    many.throwLate();
    return many;
  }

  get #size(): number {
    this.#check("read the size of queue");
    return this.#ends.size;
  }

  #check(action: string): string {
    if (this.#place.at < 0) unusable(this, action);
    return action;
  }

  #timeoutOf(options: WaitOptions | undefined, action: string): number {
    const timeout = validateWait(options, action);
    // A getter of the options may have disposed of the queue.
    this.#check(action);
    return timeout;
  }

  #write(item: T, options: object | undefined, action: string): Message {
    const message = outgoing;
    const rank = this.#rank;
    // Read before the item is packed: a getter of the options may call `put` itself, which uses the same message.
    const priority = rank === undefined ? 0 : (options as { priority?: number } | undefined)?.priority ?? 0;
    const place = this.#place;
    if (!message.pack(place.space, item)) refuseForRoom(place.space, action, item, message.second);
    // Code of the program may have run, and have disposed of the queue: its words may be another object's by now.
    if (place.at < 0) disown(this, place, message, action);
    if (rank !== undefined) rank(message, priority);
    return message;
  }

  // `undefined`: the caller has to wait. Throws if waiting cannot help.
  #tryPush(message: Message, woken: number, item: T, action: string): true | undefined {
    const outcome = this.#ends.tryPush(message, woken);
    if (outcome === OK) return true;
    return outcome === undefined ? undefined : refuse(outcome, this.#place, message, item, action);
  }

  #shifted(outcome: number, action: string): T {
    if (outcome === OK) return incoming.unpack(this.#place.space) as T;
    throw new QueueShutDownError(`Cannot ${action} as it is shut down and has no more items`);
  }

  /** How a put waits for room. */
  #room(message: Message, item: T, action: string): Wait<true> {
    return {
      point: this.#base + PUT_POINT,
      attempt: this.#ends.noting(message, (woken) => this.#tryPush(message, woken, item, action)),
      expired: (timeout) => refuseFull(action, timeout, item, this.#ends.limit),
      abandoned: () => {
        message.drop(this.#place.space);
        this.#ends.unbarPut();
      },
      ordered: true,
      pauses: this.#ends.roomPace.pauses,
    };
  }

  /**
   * How a get waits for an item. A thread that blocks unpacks the item after the wait: that may run code of the program, which
   * may dispose of the queue, and the thread takes itself off the wait point after the attempt.
   */
  #next<R>(resultOf: (outcome: number) => R, action: string): Wait<R> {
    return {
      point: this.#base + GET_POINT,
      attempt: (woken) => {
        const outcome = this.#ends.tryShift(incoming, woken);
        return outcome === undefined ? undefined : resultOf(outcome);
      },
      expired: (timeout) => refuseEmpty(action, timeout),
      abandoned: () => this.#ends.unbarGet(),
      ordered: true,
      pauses: this.#ends.itemPace.pauses,
    };
  }

  /** How a join waits for the last item to be marked. */
  #allDone(): Wait<boolean> {
    return {
      point: this.#base + JOIN_POINT,
      attempt: () => this.#ends.isDone() || undefined,
      expired: () => false,
    };
  }
}

// Whether a shutdown drops the items.
function immediateOf(options: { immediate?: boolean } | undefined, action: string): boolean {
  if (options !== undefined && (typeof options !== "object" || options === null)) {
    throw new TypeError(
      `Cannot ${action} as the options must be an object like { immediate: true }: received ${show(options)}`,
    );
  }
  const immediate = options?.immediate === undefined ? false : options.immediate;
  if (typeof immediate !== "boolean") {
    throw new TypeError(`Cannot ${action} as 'immediate' must be a boolean: received ${show(immediate)}`);
  }
  return immediate;
}

// Throws for a message whose queue was disposed of while it was packed.
function disown(queue: SharedObject, { space }: Place, message: Message, action: string): never {
  message.drop(space);
  unusable(queue, action);
}

// Throws the error for an outcome of a put that waiting cannot change.
function refuse(outcome: number, { space }: Place, message: Message, item: unknown, action: string): never {
  message.drop(space);
  if (outcome === NO_ROOM) refuseForRoom(space, action, item, message.size * 4);
  throw new QueueShutDownError(`Cannot ${action} as it is shut down`);
}

function itself(outcome: number): number {
  return outcome;
}

defineQueue(LOG, Queue);
