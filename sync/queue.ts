/**
 * A queue between threads: first in, first out. Here are its options, the copies of items and the three forms of an operation;
 * _queue_ends.ts decides which thread puts or takes next, and _internal/queue/container.ts draws the words.
 *
 * @module
 */

import { InvalidStateError, QueueShutDownError } from "../_internal/errors.ts";
import { firstLine } from "../_internal/memory/memory.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { CONTENDED } from "../_internal/memory/wait_point.ts";
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

/** Options of a queue. */
export interface QueueOptions extends SharedOptions {
  /** The most items that are in the queue at a time; a `put` waits while it is full. 0, the default: no limit. */
  maxsize?: number;
}

/** Puts an item in if there is room at once, with the options of its class: for the classes that extend the queue. */
export let offer: <T>(queue: Queue<T>, item: T, options: object | undefined) => boolean;

const outgoing = new Message();
const incoming = new Message();

/**
 * Passes items from threads to threads: any number that put, any number that get.
 *
 * Items are copied at the `put`, as by `structuredClone`; the objects of this library are not copied but shared: the
 * receiver gets the same lock. Each item is taken by exactly one `get`, and the items of one thread are taken in the
 * order in which it put them. What was written to shared memory before a `put` is visible after the `get` that takes
 * its item.
 *
 * A thread blocked in `getSync` is fed by other threads while the main thread is itself blocked. A thread that is killed
 * inside a `put` or a `get` leaves the queue whole: an item whose `put` had returned is delivered, unless the killed thread
 * had taken it. A running thread may overtake waiters, but not forever: once a waiter was woken four times in vain,
 * newcomers wait as well.
 *
 * Python: `queue.Queue`.
 *
 * @example One thread puts, another gets
 * ```ts
 * import { Queue } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new Queue<{ id: number }>();
 * queue.putSync({ id: 1 });
 * assertEquals(await queue.get(), { id: 1 });
 * ```
 *
 * @example Until there is no more
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
 */
export class Queue<T = unknown> extends SharedObject {
  readonly #place: Place = placeOf(this);
  readonly #base: number;
  readonly #ends: QueueEnds;
  /** Says where among the others a message belongs. */
  readonly #rank: ContainerType["rank"];

  static {
    offer = (queue, item, options) => queue.#offer(item, options);
  }

  /**
   * Creates an empty queue, or opens the queue of the given name.
   *
   * @throws {RangeError} If `maxsize` is negative or not a whole number, or the shared memory is full.
   * @throws {TypeError} If the name belongs to something else, or to a queue with another `maxsize`.
   */
  constructor(options?: QueueOptions) {
    const type = containerOf(new.target);
    const action = `create ${type.label}`;
    super(new.target, options, () => {
      // What is no object is refused with the options that all objects have.
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
   * Puts an item in; waits, without blocking the event loop, while the queue is full.
   *
   * The item is copied before this returns its promise: changing it afterwards changes nothing. Promises of one thread
   * get room in the order of the calls.
   *
   * @throws {QueueFullError} If `timeout` passes first, or the shared memory has no room for the item. `item` of the error is
   * the item.
   * @throws {QueueShutDownError} If the queue is shut down.
   * @throws {DOMException} `DataCloneError`, if the item cannot be copied: it names the path.
   * @throws {TypeError} If a thread's object is in an item for another process.
   * @throws The signal's reason, if it is aborted first. The item is then not put.
   */
  async put(item: T, options?: WaitOptions): Promise<void> {
    const action = this.#check("put an item into queue");
    const timeout = validateWait(options, action);
    options?.signal?.throwIfAborted();
    const { space } = this.#place;
    const message = this.#write(item, options, action);
    if (timeout === 0 || !space.async.isCrowded(this.#base + PUT_POINT)) {
      if (this.#tryPush(message, timeout === 0 ? 1 : 0, item, action)) return;
    }
    if (timeout === 0) {
      message.drop(space);
      refuseFull(action, timeout, item, this.#ends.limit);
    }
    await waitAsync(space, this.#room(message.keep(), item, action), timeout, options?.signal);
  }

  /**
   * Puts an item in; blocks this thread while the queue is full.
   *
   * @throws {QueueFullError} If `timeout` passes first, or the shared memory has no room for the item. `item` of the error is
   * the item.
   * @throws {QueueShutDownError} If the queue is shut down.
   * @throws {DOMException} `DataCloneError`, if the item cannot be copied: it names the path.
   * @throws {TypeError} If a thread's object is in an item for another process.
   */
  putSync(item: T, options?: WaitSyncOptions): void {
    const action = this.#check("put an item into queue");
    const timeout = options === undefined ? Infinity : validateWait(options, action);
    const message = this.#write(item, options, action);
    const outcome = this.#ends.tryPush(message, timeout === 0 ? 1 : 0);
    if (outcome === OK) return;
    if (outcome !== undefined) this.#refuse(outcome, message, item, action);
    if (timeout === 0) {
      message.drop(this.#place.space);
      refuseFull(action, timeout, item, this.#ends.limit);
    }
    waitSync(this.#place.space, this.#room(message, item, action), timeout);
  }

  /**
   * Puts an item in if there is room at once. Never waits.
   *
   * @returns Whether it did.
   * @throws {QueueFullError} If the shared memory has no room for the item.
   * @throws {QueueShutDownError} If the queue is shut down.
   * @throws {DOMException} `DataCloneError`, if the item cannot be copied: it names the path.
   * @throws {TypeError} If a thread's object is in an item for another process.
   */
  tryPut(item: T): boolean {
    return this.#offer(item, undefined);
  }

  /**
   * Takes the next item; waits for one without blocking the event loop. Promises of one thread get items in the order of
   * the calls.
   *
   * If the `deserialize` of the item's class throws (`registerSerializable`), that error is thrown here and the item is lost.
   *
   * @throws {QueueEmptyError} If `timeout` passes first.
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   * @throws The signal's reason, if it is aborted first. No item is then taken.
   */
  async get(options?: WaitOptions): Promise<T> {
    const action = this.#check("take an item from queue");
    const timeout = validateWait(options, action);
    options?.signal?.throwIfAborted();
    const { space } = this.#place;
    if (timeout === 0 || !space.async.isCrowded(this.#base + GET_POINT)) {
      const outcome = this.#ends.tryShift(incoming, timeout === 0 ? 1 : 0);
      if (outcome !== undefined) return this.#shifted(outcome, action);
    }
    if (timeout === 0) refuseEmpty(action, timeout);
    const taken = await waitAsync(space, this.#next(action), timeout, options?.signal);
    return taken.item;
  }

  /**
   * Takes the next item; blocks this thread until there is one.
   *
   * If the `deserialize` of the item's class throws (`registerSerializable`), that error is thrown here and the item is lost.
   *
   * @throws {QueueEmptyError} If `timeout` passes first.
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   */
  getSync(options?: WaitSyncOptions): T {
    const action = this.#check("take an item from queue");
    const timeout = options === undefined ? Infinity : validateWait(options, action);
    const outcome = this.#ends.tryShift(incoming, timeout === 0 ? 1 : 0);
    if (outcome !== undefined) return this.#shifted(outcome, action);
    if (timeout === 0) refuseEmpty(action, timeout);
    return waitSync(this.#place.space, this.#next(action), timeout).item;
  }

  /**
   * Takes the next item if there is one, else returns `undefined`. Never waits.
   *
   * An item that is itself `undefined` cannot be told from none: use `getSync({ timeout: 0 })` where there are such.
   *
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   *
   * @example
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

  /** How many items are in the queue. Out of date as soon as it is read. */
  get size(): number {
    return this.#size;
  }

  /** Whether no item is in the queue. Out of date as soon as it is read. */
  get empty(): boolean {
    return this.#size === 0;
  }

  /** Whether `maxsize` items are in the queue; never, if that is 0. Out of date as soon as it is read. */
  get full(): boolean {
    return this.#size >= this.#ends.limit && this.#ends.limit > 0;
  }

  /**
   * Marks one taken item as finished. {@linkcode Queue.join} returns when every item that was put has been marked.
   *
   * @throws {InvalidStateError} If every item has been marked already.
   *
   * @example
   * ```ts
   * import { Queue } from "@weft/concurrent/sync";
   *
   * const queue = new Queue<number>();
   * for (const item of [1, 2, 3]) queue.putSync(item);
   * for (let item = queue.tryGet(); item !== undefined; item = queue.tryGet()) queue.taskDone();
   * await queue.join();
   * ```
   */
  taskDone(): void {
    const action = this.#check("mark a task done");
    if (this.#ends.markDone()) return;
    throw new InvalidStateError(
      `Cannot ${action} as there is none: call taskDone() once for each item that was taken`,
    );
  }

  /**
   * Waits until every item that was put has been taken and marked by {@linkcode Queue.taskDone}, without blocking the event
   * loop.
   *
   * @returns `true` once that is so, `false` if `timeout` passed first.
   * @throws The signal's reason, if it is aborted first.
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const timeout = validateWait(options, this.#check("join queue"));
    return await waitAsync(this.#place.space, this.#allDone(), timeout, options?.signal);
  }

  /**
   * Blocks this thread until every item that was put has been taken and marked by {@linkcode Queue.taskDone}.
   *
   * @returns `true` once that is so, `false` if `timeout` passed first.
   */
  joinSync(options?: WaitSyncOptions): boolean {
    const timeout = validateWait(options, this.#check("join queue"));
    return waitSync(this.#place.space, this.#allDone(), timeout);
  }

  /**
   * Shuts the queue down: every `put` throws {@linkcode QueueShutDownError} from now on, and every `get` does so once there
   * are no more items. All waiters are woken. With `immediate` the items in the queue are dropped and count as done.
   *
   * Calling it again has no effect, except that a later `immediate` still drops what is left.
   *
   * @throws {TypeError} If the options are not an object, or `immediate` is not a boolean.
   */
  shutdown(options?: { immediate?: boolean }): void {
    const action = this.#check("shut down queue");
    if (options !== undefined && (typeof options !== "object" || options === null)) {
      throw new TypeError(
        `Cannot ${action} as the options must be an object like { immediate: true }: received ${show(options)}`,
      );
    }
    const immediate = options?.immediate ?? false;
    if (typeof immediate !== "boolean") {
      throw new TypeError(`Cannot ${action} as 'immediate' must be a boolean: received ${show(immediate)}`);
    }
    this.#ends.shutDown(immediate);
  }

  /** The items as they come, each taken by this loop alone, until the queue is shut down and has no more. */
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

  get #size(): number {
    this.#check("read the size of queue");
    return this.#ends.size;
  }

  #check(action: string): string {
    if (this.#place.at < 0) unusable(this, action);
    return action;
  }

  #write(item: T, options: object | undefined, action: string): Message {
    const message = outgoing;
    const rank = this.#rank;
    // Read before the item is packed: a getter of the options may put something itself, into the same message.
    const priority = rank === undefined ? 0 : (options as { priority?: number } | undefined)?.priority ?? 0;
    if (!message.pack(this.#place.space, item)) refuseForRoom(this.#place.space, action, item, message.second);
    if (rank !== undefined) rank(message, priority);
    return message;
  }

  // `undefined`: the caller has to wait. Throws where there is nothing to wait for.
  #tryPush(message: Message, woken: number, item: T, action: string): true | undefined {
    const outcome = this.#ends.tryPush(message, woken);
    if (outcome === OK) return true;
    return outcome === undefined ? undefined : this.#refuse(outcome, message, item, action);
  }

  // Waiting would not help.
  #refuse(outcome: number, message: Message, item: T, action: string): never {
    message.drop(this.#place.space);
    if (outcome === NO_ROOM) refuseForRoom(this.#place.space, action, item, message.size * 4);
    throw new QueueShutDownError(`Cannot ${action} as it is shut down`);
  }

  #shifted(outcome: number, action: string): T {
    if (outcome === OK) return incoming.unpack(this.#place.space) as T;
    throw new QueueShutDownError(`Cannot ${action} as it is shut down and has no more items`);
  }

  /** The wait for room. */
  #room(message: Message, item: T, action: string): Wait<true> {
    return {
      point: this.#base + PUT_POINT,
      attempt: (woken) => this.#tryPush(message, woken, item, action),
      expired: (timeout) => refuseFull(action, timeout, item, this.#ends.limit),
      abandoned: () => {
        message.drop(this.#place.space);
        this.#ends.unbarPut();
      },
      ordered: true,
      pauses: CONTENDED,
    };
  }

  /** The wait for an item. */
  #next(action: string): Wait<{ readonly item: T }> {
    return {
      point: this.#base + GET_POINT,
      attempt: (woken) => {
        const outcome = this.#ends.tryShift(incoming, woken);
        return outcome === undefined ? undefined : { item: this.#shifted(outcome, action) };
      },
      expired: (timeout) => refuseEmpty(action, timeout),
      abandoned: () => this.#ends.unbarGet(),
      ordered: true,
      pauses: CONTENDED,
    };
  }

  /** The wait for the last item to be marked as done. */
  #allDone(): Wait<boolean> {
    return {
      point: this.#base + JOIN_POINT,
      attempt: () => this.#ends.isDone() || undefined,
      expired: () => false,
    };
  }
}

defineQueue(LOG, Queue);
