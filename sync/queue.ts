/**
 * A queue between threads: first in, first out.
 *
 * @module
 */

import { compareExchange, load, store } from "../_internal/atomics.ts";
import { InvalidStateError, QueueEmptyError, QueueFullError, QueueShutDownError } from "../_internal/errors.ts";
import { defineKind, registerClass } from "../_internal/memory/kinds.ts";
import {
  type Attachment,
  type Place,
  placeOf,
  SharedObject,
  type SharedOptions,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { firstLine, OBJECT_HEADER } from "../_internal/memory/memory.ts";
import { noRoomText } from "../_internal/memory/space.ts";
import { block, CONTENDED, notify } from "../_internal/memory/wait_point.ts";
import {
  deadlineOf,
  optionsOr,
  show,
  validateInteger,
  validateWait,
  type WaitOptions,
  type WaitSyncOptions,
} from "../_internal/options.ts";
import {
  CLOSED,
  type Container,
  CONTAINER_TYPE,
  type ContainerType,
  DONE,
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
  wordsOf,
} from "../_internal/queue/container.ts";
import { LOG } from "../_internal/queue/log.ts";
import { Message } from "../_internal/queue/message.ts";

// What waits is here; where the items are, and that a kill at any instruction leaves them whole, is the container's
// affair (see _internal/queue/container.ts).
//
// Each put wakes one who wants an item, each get one who wants room. The woken have no claim to it: whoever runs takes
// it, since to hand it over would make all wait until another thread is awake. After WOKEN_IN_VAIN such losses a waiter
// sets the bar of its side, and from then on newcomers wait, too, until one of those who have waited got its turn and
// clears it. So nobody is overtaken for longer than it takes to be woken that often, and once more for each one that
// waits before it. The try forms, which never wait, are not barred.
const WOKEN_IN_VAIN = 4;
const EVERYBODY = 0xfff;

/** Says what holds for queues with such a container: `waitAny` waits until `get` would not. */
export function defineQueueKind(type: ContainerType): void {
  defineKind(type.kind, {
    readiness: (space, at) => {
      const base = firstLine(at);
      const container = type.attach(space, base, load(space.words, at - OBJECT_HEADER + 2));
      return {
        points: [base + GET_POINT],
        isReady: () => container.size > 0 || load(space.words, base + STATE) !== OPEN,
      };
    },
    destroy: (space, at) => type.destroy(space, firstLine(at)),
  });
}

/** Options of a queue. */
export interface QueueOptions extends SharedOptions {
  /** The most items that are in the queue at a time; a `put` waits while it is full. 0, the default: no limit. */
  maxsize?: number;
}

/** Puts an item in if there is room at once, with the options of its class. */
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
 * inside a `put` or a `get` leaves the queue whole: an item whose `put` had returned is delivered, unless the killed one
 * had taken it. A running thread may overtake those who wait, but not for ever: once a waiter was woken four times in vain,
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
  /** @ignore */
  static readonly [CONTAINER_TYPE]: ContainerType = LOG;

  readonly #container: Container;
  readonly #base: number;
  readonly #limit: number;
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
    const type = (new.target as { readonly [CONTAINER_TYPE]: ContainerType })[CONTAINER_TYPE];
    const action = `create ${type.label}`;
    super(new.target, options as SharedOptions | Attachment | undefined, () => {
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
    const { at } = this.#place;
    this.#base = firstLine(at);
    this.#rank = type.rank;
    this.#limit = at < 0 ? 0 : load(this.#place.words, at - OBJECT_HEADER + 2);
    this.#container = at < 0 ? undefined as never : type.attach(this.#place.space, this.#base, this.#limit);
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
    const base = this.#base;
    const written = this.#write(item, options, action);
    if (timeout === 0 || !space.async.isCrowded(base + PUT_POINT)) {
      const outcome = this.#tryPush(written, timeout === 0 ? 1 : 0);
      if (outcome !== undefined) return this.#pushed(outcome, written, item, action);
    }
    if (timeout === 0) {
      written.drop(space);
      this.#full(action, timeout, item);
    }
    const message = written.keep();
    await space.async.wait<true>(base + PUT_POINT, {
      attempt: (tries) => {
        const outcome = this.#tryPush(message, tries);
        if (outcome === undefined) return undefined;
        this.#pushed(outcome, message, item, action);
        return true;
      },
      deadline: deadlineOf(timeout),
      expired: () => this.#full(action, timeout, item),
      abandoned: () => {
        message.drop(space);
        this.#unbar(PUT_BAR, PUT_POINT);
      },
      ordered: true,
      signal: options?.signal,
    });
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
    let outcome = this.#tryPush(message, timeout === 0 ? 1 : 0);
    if (outcome === undefined && timeout > 0) {
      const attempt = (woken: number): number | undefined => this.#tryPush(message, woken);
      outcome = block(this.#place.space, this.#base + PUT_POINT, attempt, deadlineOf(timeout), CONTENDED);
    }
    if (outcome === undefined) {
      message.drop(this.#place.space);
      if (timeout > 0) this.#unbar(PUT_BAR, PUT_POINT);
      this.#full(action, timeout, item);
    }
    this.#pushed(outcome, message, item, action);
  }

  /**
   * Puts an item in if there is room at once. Never waits.
   *
   * @returns Whether it did.
   * @throws {QueueFullError} If the shared memory has no room for the item.
   * @throws {QueueShutDownError} If the queue is shut down.
   * @throws {DOMException} `DataCloneError`, if the item cannot be copied: it names the path.
   */
  tryPut(item: T): boolean {
    return this.#offer(item, undefined);
  }

  /**
   * Takes the next item; waits for one without blocking the event loop. Promises of one thread get items in the order of
   * the calls.
   *
   * What the item's class throws while it is made again (`registerSerializable`) is thrown here, and the item is gone.
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
    const point = this.#base + GET_POINT;
    if (timeout === 0 || !space.async.isCrowded(point)) {
      const outcome = this.#tryShift(timeout === 0 ? 1 : 0);
      if (outcome !== undefined) return this.#shifted(outcome, action);
    }
    if (timeout === 0) this.#empty(action, timeout);
    const taken = await space.async.wait<{ item: T }>(point, {
      attempt: (tries) => {
        const outcome = this.#tryShift(tries);
        return outcome === undefined ? undefined : { item: this.#shifted(outcome, action) };
      },
      deadline: deadlineOf(timeout),
      expired: () => this.#empty(action, timeout),
      abandoned: () => this.#unbar(GET_BAR, GET_POINT),
      ordered: true,
      signal: options?.signal,
    });
    return taken.item;
  }

  /**
   * Takes the next item; blocks this thread until there is one.
   *
   * What the item's class throws while it is made again (`registerSerializable`) is thrown here, and the item is gone.
   *
   * @throws {QueueEmptyError} If `timeout` passes first.
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   */
  getSync(options?: WaitSyncOptions): T {
    const action = this.#check("take an item from queue");
    const timeout = options === undefined ? Infinity : validateWait(options, action);
    let outcome = this.#tryShift(timeout === 0 ? 1 : 0);
    if (outcome === undefined && timeout > 0) {
      const attempt = (woken: number): number | undefined => this.#tryShift(woken);
      outcome = block(this.#place.space, this.#base + GET_POINT, attempt, deadlineOf(timeout), CONTENDED);
    }
    if (outcome === undefined) {
      if (timeout > 0) this.#unbar(GET_BAR, GET_POINT);
      this.#empty(action, timeout);
    }
    return this.#shifted(outcome, action);
  }

  /**
   * Takes the next item if there is one, else returns `undefined`. Never waits.
   *
   * An item that is itself `undefined` cannot be told from none: use `getSync({ timeout: 0 })` where there are such.
   *
   * @throws {QueueShutDownError} If the queue is shut down and has no more items.
   */
  tryGet(): T | undefined {
    const action = this.#check("take an item from queue");
    const outcome = this.#tryShift(1);
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
    return this.#size >= this.#limit && this.#limit > 0;
  }

  /**
   * Says that the work on one item that was taken is done. When that was said once for each item put, the `join`s end.
   *
   * @throws {InvalidStateError} If it was said as often as items were put. Nothing is changed.
   */
  taskDone(): void {
    const action = this.#check("mark a task done");
    const { words } = this.#place;
    const base = this.#base;
    for (;;) {
      const done = load(words, base + DONE);
      const left = (tasksOf(words, base, this.#container) - done) | 0;
      if (left <= 0) {
        throw new InvalidStateError(
          `Cannot ${action} as there is none: call taskDone() once for each item that was taken`,
        );
      }
      if (compareExchange(words, base + DONE, done, (done + 1) | 0) !== done) continue;
      // Counted anew: a shutdown may have dropped all the others since, and those it woke did not see this one yet.
      if (((tasksOf(words, base, this.#container) - done - 1) | 0) <= 0) {
        notify(this.#place.space, base + JOIN_POINT, EVERYBODY);
      }
      return;
    }
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
    return await this.#place.space.async.wait<boolean>(this.#base + JOIN_POINT, {
      attempt: () => this.#isDone(),
      deadline: deadlineOf(timeout),
      expired: () => false,
      signal: options?.signal,
    });
  }

  /**
   * Blocks this thread until every item that was put has been taken and marked by {@linkcode Queue.taskDone}.
   *
   * @returns `true` once that is so, `false` if `timeout` passed first.
   */
  joinSync(options?: WaitSyncOptions): boolean {
    const timeout = validateWait(options, this.#check("join queue"));
    return block(this.#place.space, this.#base + JOIN_POINT, () => this.#isDone(), deadlineOf(timeout)) ?? false;
  }

  /**
   * Shuts the queue down: every `put` throws {@linkcode QueueShutDownError} from now on, and every `get` does so once there
   * are no more items. Those who wait are woken. With `immediate` the items in the queue are dropped and count as done.
   *
   * Doing it again does nothing, but that `immediate` may come later.
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
    const { space } = this.#place;
    const base = this.#base;
    if (space.isKilled()) space.exit();
    this.#container.shutDown(immediate);
    notify(space, base + GET_POINT, EVERYBODY);
    notify(space, base + PUT_POINT, EVERYBODY);
    if (immediate) notify(space, base + JOIN_POINT, EVERYBODY);
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
    const outcome = this.#tryPush(message, 1);
    if (outcome === undefined) {
      message.drop(this.#place.space);
      return false;
    }
    this.#pushed(outcome, message, item, action);
    return true;
  }

  get #size(): number {
    this.#check("read the size of queue");
    return this.#container.size;
  }

  #check(action: string): string {
    if (this.#place.at < 0) unusable(this, action);
    return action;
  }

  #write(item: T, options: object | undefined, action: string): Message {
    const message = outgoing;
    if (!message.write(this.#place.space, item)) this.#noRoom(action, item, message.second);
    if (this.#rank !== undefined) this.#rank(message, options);
    return message;
  }

  // `woken`: 0 or less for newcomers. `undefined`: it has to wait.
  #tryPush(message: Message, woken: number): number | undefined {
    const { words, space } = this.#place;
    const bar = this.#base + PUT_BAR;
    if (space.isKilled()) space.exit();
    if (woken <= 0 && load(words, bar) !== 0 && load(words, this.#base + STATE) === OPEN) return undefined;
    const outcome = this.#container.push(message);
    if (outcome === OK) {
      notify(space, this.#base + GET_POINT, 1);
      if (woken > 0) this.#unbar(PUT_BAR, PUT_POINT);
      return outcome;
    }
    if (outcome === CLOSED || outcome === NO_ROOM) return outcome;
    if (woken >= WOKEN_IN_VAIN) store(words, bar, 1);
    return undefined;
  }

  #tryShift(woken: number): number | undefined {
    const { words, space } = this.#place;
    const bar = this.#base + GET_BAR;
    if (space.isKilled()) space.exit();
    if (woken <= 0 && load(words, bar) !== 0 && load(words, this.#base + STATE) === OPEN) return undefined;
    const outcome = this.#container.shift(incoming);
    if (outcome === OK) {
      if (this.#limit > 0) notify(space, this.#base + PUT_POINT, 1);
      if (woken > 0) this.#unbar(GET_BAR, GET_POINT);
      return outcome;
    }
    if (outcome === CLOSED) return outcome;
    if (woken >= WOKEN_IN_VAIN) store(words, bar, 1);
    return undefined;
  }

  // Newcomers whom the bar kept off may sleep beside what they sleep for, and nobody tells them again.
  #unbar(bar: number, point: number): void {
    const { words } = this.#place;
    if (load(words, this.#base + bar) === 0) return;
    store(words, this.#base + bar, 0);
    const { size } = this.#container;
    const count = bar === GET_BAR ? size : this.#limit - size;
    if (count > 0) notify(this.#place.space, this.#base + point, Math.min(count, EVERYBODY));
  }

  #pushed(outcome: number, message: Message, item: T, action: string): void {
    if (outcome === OK) return;
    message.drop(this.#place.space);
    if (outcome === NO_ROOM) this.#noRoom(action, item, message.size * 4);
    throw new QueueShutDownError(`Cannot ${action} as it is shut down`);
  }

  #shifted(outcome: number, action: string): T {
    if (outcome === OK) return incoming.read(this.#place.space) as T;
    throw new QueueShutDownError(`Cannot ${action} as it is shut down and has no more items`);
  }

  #isDone(): true | undefined {
    const { words } = this.#place;
    const base = this.#base;
    const done = load(words, base + DONE);
    return ((tasksOf(words, base, this.#container) - done) | 0) <= 0 ? true : undefined;
  }

  #empty(action: string, timeout: number): never {
    throw new QueueEmptyError(
      timeout === 0
        ? `Cannot ${action} as it is empty`
        : `Cannot ${action} as it stayed empty for all of the ${timeout} ms of 'timeout'`,
    );
  }

  #full(action: string, timeout: number, item: T): never {
    throw new QueueFullError(
      timeout === 0
        ? `Cannot ${action} as it is full: it has its 'maxsize' of ${this.#limit} items`
        : `Cannot ${action} as it stayed full for all of the ${timeout} ms of 'timeout': it has its 'maxsize' of ${this.#limit} items`,
      { item },
    );
  }

  #noRoom(action: string, item: T, needed: number): never {
    const available = this.#place.space.available();
    throw new QueueFullError(noRoomText(action, needed, available), { item, needed, available });
  }
}

registerClass("thread", LOG.kind, Queue);
defineQueueKind(LOG);
