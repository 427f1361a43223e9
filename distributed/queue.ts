/**
 * A queue that programs on many machines share.
 *
 * @module
 */

import { decode } from "../_internal/codec/decode.ts";
import { encodeApart } from "../_internal/codec/encode.ts";
import { QueueEmptyError, QueueFullError, QueueShutDownError } from "../_internal/errors.ts";
import { validateInteger, validateWait, type WaitOptions } from "../_internal/options.ts";
import { type Asking, namedBy, type NamedOptions, sendByName, within } from "./_line.ts";
import { QueueClient } from "./_queue_client.ts";
import { foreign } from "./_wire.ts";

/** The options of a {@linkcode Queue}. */
export interface QueueOptions extends NamedOptions {
  /** How many items the queue may have at most; 0: any number. The same in all programs. Default: 0. */
  maxsize?: number;
}

const MOST = 2 ** 31 - 1;

/**
 * A queue that programs on many machines share by its name. The server keeps it, also while no program is connected.
 *
 * - **Delivery.** An item whose {@linkcode Queue.put} has resolved is in the queue, and one consumer gets it. An item
 *   may come twice: if the server dies or is cut off, or its consumer is frozen, after the item was handed over and
 *   before that is confirmed; or if its `put` was under way when the server was killed.
 * - **Death.** An item that a program has got is lost with that program. For work that must be done again then, use a
 *   pool with `retries`.
 * - **Order.** Items come in the order in which they were put, except for those that reached a consumer as it gave up.
 * - **Values.** Items are copied, as by a pool. Objects that threads or processes of one machine share cannot be put:
 *   `put` rejects with `TypeError` and the path to the object. An item must fit into one message of the server: put the
 *   address of larger data instead.
 *
 * There is no `taskDone` and no `join`.
 *
 * Python: a `queue.Queue` of a `multiprocessing.managers.BaseManager`, or `distributed.Queue` of Dask.
 *
 * @typeParam T The type of the items.
 *
 * @example
 * ```ts
 * import { devServer, Queue } from "@weft/concurrent/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await devServer();
 * const queue = new Queue<string>({ name: "names", connect: server.url });
 * await queue.put("a");
 * await queue.put("b");
 * await queue.shutdown();
 * const names = [];
 * for await (const name of queue) names.push(name);
 * assertEquals(names, ["a", "b"]);
 * ```
 */
export class Queue<T = unknown> {
  /** The name by which all programs share it. */
  readonly name: string;
  /** How many items the queue may have at most; 0: any number. */
  readonly maxsize: number;
  readonly #what: string;
  readonly #asking: Asking;
  readonly #client: QueueClient;

  /**
   * Creates a queue, or opens the queue of this name. It connects with its first operation.
   *
   * @param options See {@linkcode QueueOptions}. If the queue has another `maxsize`, the methods reject with
   * `TypeError`.
   * @throws {TypeError} If an option is of the wrong kind, or there is no name or address.
   * @throws {RangeError} If a number, a name or an address is out of range.
   */
  constructor(options: QueueOptions) {
    const action = "create queue";
    const { name, asking } = namedBy(options, action, ["maxsize"]);
    const { maxsize = 0 } = options;
    validateInteger(maxsize, "'maxsize'", 0, MOST, action);
    this.name = name;
    this.maxsize = maxsize;
    this.#what = `queue "${name}"`;
    this.#asking = asking;
    this.#client = new QueueClient(asking, name, maxsize);
  }

  /**
   * Puts an item at the end of the queue, and waits while the queue is full. Getters can see the item when the promise
   * has resolved.
   *
   * If the time passes or the signal is aborted while the item is under way, the item may be in the queue nevertheless.
   *
   * Python: `queue.Queue.put`.
   *
   * @param item Any value that can be sent to another machine.
   * @param options How long to wait, in milliseconds, and a signal that cancels the wait.
   * @throws {QueueFullError} If there was no room within `timeout`. Its `item` is the item.
   * @throws {QueueShutDownError} If the queue was shut down. The item is not in it.
   * @throws {TypeError} If the item cannot be sent, or the queue has another `maxsize`.
   * @throws {RangeError} If the item is larger than a message of the server may be.
   * @throws {EngineError} If the engine cannot be reached. The item may be in the queue nevertheless.
   * @throws The signal's reason, if the signal is aborted first.
   *
   * @example
   * ```ts
   * import { devServer, Queue, QueueFullError } from "@weft/concurrent/distributed";
   * import { assertRejects } from "@std/assert";
   *
   * await using server = await devServer();
   * const queue = new Queue<number>({ name: "numbers", maxsize: 1, connect: server.url });
   * await queue.put(1);
   * await assertRejects(() => queue.put(2, { timeout: 50 }), QueueFullError);
   * ```
   */
  async put(item: T, options?: WaitOptions): Promise<void> {
    const action = `put into ${this.#what}`;
    const timeout = validateWait(options, action);
    options?.signal?.throwIfAborted();
    const bytes = encodeApart(item, { root: "item", scope: "network" });
    if (timeout === 0) {
      if (await this.#client.put(action, bytes, false)) return;
    } else if (await within(timeout, options?.signal, (end) => this.#client.put(action, bytes, true, end))) return;
    throw new QueueFullError(
      `Cannot ${action} as ${this.#asking.unlessAway("there was no room")} within the ${timeout} ms of 'timeout'`,
      { item },
    );
  }

  /**
   * Puts an item if there is room now.
   *
   * Python: `queue.Queue.put_nowait`, which raises `queue.Full`.
   *
   * @param item Any value that can be sent to another machine.
   * @returns Whether the item was put.
   * @throws {QueueShutDownError} If the queue was shut down. The item is not in it.
   * @throws {TypeError} If the item cannot be sent, or the queue has another `maxsize`.
   * @throws {RangeError} If the item is larger than a message of the server may be.
   * @throws {EngineError} If the engine cannot be reached. The item may be in the queue nevertheless.
   *
   * @example
   * ```ts
   * import { devServer, Queue } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const queue = new Queue<number>({ name: "numbers", maxsize: 1, connect: server.url });
   * assertEquals(await queue.tryPut(1), true);
   * assertEquals(await queue.tryPut(2), false);
   * ```
   */
  async tryPut(item: T): Promise<boolean> {
    return await this.#client.put(
      `put into ${this.#what}`,
      encodeApart(item, { root: "item", scope: "network" }),
      false,
    );
  }

  /**
   * Takes the first item of the queue, and waits while there is none.
   *
   * Consumers of one program get items in the order of their calls. A timeout or an aborted signal loses no item: an
   * item that arrives after that goes to the next consumer, or back into the queue.
   *
   * Python: `queue.Queue.get`.
   *
   * @param options How long to wait, in milliseconds, and a signal that cancels the wait.
   * @returns The item.
   * @throws {QueueEmptyError} If no item arrived within `timeout`.
   * @throws {QueueShutDownError} If the queue was shut down and is empty.
   * @throws {TypeError} If the queue has another `maxsize`.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws The signal's reason, if the signal is aborted first.
   *
   * @example
   * ```ts
   * import { devServer, Queue, QueueEmptyError } from "@weft/concurrent/distributed";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * await using server = await devServer();
   * const queue = new Queue<string>({ name: "letters", connect: server.url });
   * const first = queue.get();
   * await queue.put("a");
   * assertEquals(await first, "a");
   * await assertRejects(() => queue.get({ timeout: 20 }), QueueEmptyError);
   * ```
   */
  async get(options?: WaitOptions): Promise<T> {
    const action = `get from ${this.#what}`;
    const timeout = validateWait(options, action);
    options?.signal?.throwIfAborted();
    const bytes = timeout === 0
      ? await this.#client.getNow(action)
      : await this.#client.get(action, timeout, options?.signal);
    if (bytes !== undefined) return decode(foreign(bytes)) as T;
    throw new QueueEmptyError(
      `Cannot ${action} as ${this.#asking.unlessAway("there was no item")} within the ${timeout} ms of 'timeout'`,
    );
  }

  /**
   * Takes the first item if there is one now. `undefined` may also be an item that was put: then use {@linkcode
   * Queue.get} with a timeout of 0, which rejects if the queue is empty.
   *
   * Python: `queue.Queue.get_nowait`, which raises `queue.Empty`.
   *
   * @returns The item, or `undefined` if the queue is empty.
   * @throws {QueueShutDownError} If the queue was shut down and is empty.
   * @throws {TypeError} If the queue has another `maxsize`.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Queue } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const queue = new Queue<string>({ name: "letters", connect: server.url });
   * await queue.put("a");
   * assertEquals(await queue.tryGet(), "a");
   * assertEquals(await queue.tryGet() ?? "nothing yet", "nothing yet");
   * ```
   */
  async tryGet(): Promise<T | undefined> {
    const bytes = await this.#client.getNow(`get from ${this.#what}`);
    return bytes && decode(foreign(bytes)) as T;
  }

  /**
   * Counts the items. The answer may be out of date as soon as it is read. An item that a consumer has been handed
   * counts until that is confirmed.
   *
   * Python: `queue.Queue.qsize`.
   *
   * @returns The number of items in the queue.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Queue } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const queue = new Queue<number>({ name: "numbers", connect: server.url });
   * for (const number of [1, 2, 3]) await queue.put(number);
   * assertEquals(await queue.size(), 3);
   * ```
   */
  async size(): Promise<number> {
    return (await this.#client.state(`read ${this.#what}`)).size;
  }

  /**
   * Reads whether the queue has no item. The answer may be out of date as soon as it is read: see {@linkcode
   * Queue.size}.
   *
   * Python: `queue.Queue.empty`.
   *
   * @returns Whether the queue is empty.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Queue } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const queue = new Queue<number>({ name: "numbers", connect: server.url });
   * assertEquals(await queue.empty(), true);
   * await queue.put(1);
   * assertEquals(await queue.empty(), false);
   * ```
   */
  async empty(): Promise<boolean> {
    return await this.size() === 0;
  }

  /**
   * Reads whether the queue has `maxsize` items. The answer may be out of date as soon as it is read: see {@linkcode
   * Queue.size}. A queue without a `maxsize` is never full.
   *
   * Python: `queue.Queue.full`.
   *
   * @returns Whether the queue is full.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Queue } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const queue = new Queue<number>({ name: "numbers", maxsize: 1, connect: server.url });
   * await queue.put(1);
   * assertEquals(await queue.full(), true);
   * ```
   */
  async full(): Promise<boolean> {
    return this.maxsize > 0 && await this.size() >= this.maxsize;
  }

  /**
   * Shuts the queue down: nothing can be put any more. Getters get the items that are left, then {@linkcode
   * QueueShutDownError}. The queue stays shut down until {@linkcode Queue.unlink}.
   *
   * Python: `queue.Queue.shutdown`, since 3.13.
   *
   * @param options `immediate`: whether the items that are left are dropped. Default: `false`.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Queue, QueueShutDownError } from "@weft/concurrent/distributed";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * await using server = await devServer();
   * const queue = new Queue<number>({ name: "numbers", connect: server.url });
   * await queue.put(1);
   * await queue.shutdown();
   * await assertRejects(() => queue.put(2), QueueShutDownError);
   * assertEquals(await queue.get(), 1);
   * await assertRejects(() => queue.get(), QueueShutDownError);
   * ```
   */
  async shutdown(options?: { immediate?: boolean }): Promise<void> {
    await this.#client.shut(`shut ${this.#what} down`, options?.immediate === true);
  }

  /**
   * Removes the queue from the server, with its items. After that, the name stands for a new queue, which is empty and
   * not shut down. Getters wait for its items.
   *
   * Python has no equivalent.
   *
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Queue } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const queue = new Queue<number>({ name: "numbers", connect: server.url });
   * await queue.shutdown();
   * await queue.unlink();
   * await queue.put(1);
   * assertEquals(await queue.get(), 1);
   * ```
   */
  async unlink(): Promise<void> {
    await this.#client.unlink(`unlink ${this.#what}`);
  }

  /** Takes items until the queue is shut down and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
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
}

sendByName(Queue);
