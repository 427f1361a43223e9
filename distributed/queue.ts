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

/** How a {@linkcode Queue} is made. */
export interface QueueOptions extends NamedOptions {
  /** The most items that it may have; 0, which is the default: any number. The same in all programs. */
  maxsize?: number;
}

const MOST = 2 ** 31 - 1;

/**
 * A queue that programs on many machines share, by its name. It is kept by the server, also when no program is there.
 *
 * - An item whose {@linkcode Queue.put} has resolved is in the queue, once. One getter gets it. An item may come twice: where the server
 *   dies, is cut off, or its getter stands still between handing it over and hearing that it has come; or where its `put` was under way
 *   when the server was killed.
 * - An item that a program has got is that program's: it is lost with it. Work that must be done again then belongs into a pool with
 *   `retries`.
 * - Items come in the order in which they were put, but for those that came to a getter as it gave up.
 * - Items are copied, as by a pool. What is shared by threads or processes of one machine cannot be put: `TypeError` with its path. An
 *   item is no larger than a message of the server: put where a large one is.
 *
 * There is no `taskDone` and `join`.
 *
 * Python: `multiprocessing.Queue` of a `BaseManager`, or `distributed.Queue` of Dask.
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
  /** What all programs call it. */
  readonly name: string;
  /** The most items that it may have; 0: any number. */
  readonly maxsize: number;
  readonly #what: string;
  readonly #asking: Asking;
  readonly #client: QueueClient;

  /**
   * Makes a queue, or opens that of the name. Nothing is connected before it is used.
   *
   * @param options See {@linkcode QueueOptions}. Where `maxsize` is not that of the queue, what is asked of it rejects with `TypeError`.
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
   * Puts an item, and waits while the queue is full.
   *
   * @param item Anything that can be sent to another machine.
   * @param options How long to wait, and what gives it up.
   * @throws {QueueFullError} If the time has passed, with the item. Where it was over while the item was under way, the item may be in the
   * queue all the same.
   * @throws {QueueShutDownError} If the queue was shut down: the item is not in it.
   * @throws {TypeError} If the item cannot be sent.
   * @throws {RangeError} If it is larger than a message of the server.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws The signal's reason.
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
   * Puts an item, if there is room now.
   *
   * @returns Whether it was put.
   * @throws As {@linkcode Queue.put}.
   */
  async tryPut(item: T): Promise<boolean> {
    return await this.#client.put(
      `put into ${this.#what}`,
      encodeApart(item, { root: "item", scope: "network" }),
      false,
    );
  }

  /**
   * Takes the first item, and waits for one.
   *
   * @param options How long to wait, and what gives it up: no item is lost by that.
   * @throws {QueueEmptyError} If the time has passed.
   * @throws {QueueShutDownError} If the queue was shut down and is empty.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws The signal's reason.
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
   * Takes the first item, if there is one now.
   *
   * @returns The item; `undefined`: there is none.
   * @throws {QueueShutDownError} If the queue was shut down and is empty.
   * @throws {EngineError} If the engine cannot be reached.
   */
  async tryGet(): Promise<T | undefined> {
    const bytes = await this.#client.getNow(`get from ${this.#what}`);
    return bytes && decode(foreign(bytes)) as T;
  }

  /**
   * How many items it has. Out of date as soon as it is read.
   *
   * @throws {EngineError} If the engine cannot be reached.
   */
  async size(): Promise<number> {
    return (await this.#client.state(`read ${this.#what}`)).size;
  }

  /** Whether it has no item. See {@linkcode Queue.size}. */
  async empty(): Promise<boolean> {
    return await this.size() === 0;
  }

  /** Whether it has as many items as it may. See {@linkcode Queue.size}. */
  async full(): Promise<boolean> {
    return this.maxsize > 0 && await this.size() >= this.maxsize;
  }

  /**
   * Shuts it down: nothing can be put any more, and getters get what is there, then {@linkcode QueueShutDownError}. So it stays until
   * {@linkcode Queue.unlink}.
   *
   * @param options `immediate`: what is there is thrown away.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * Python: `queue.Queue.shutdown` of 3.13.
   */
  async shutdown(options?: { immediate?: boolean }): Promise<void> {
    await this.#client.shut(`shut ${this.#what} down`, options?.immediate === true);
  }

  /**
   * Removes it from the server, with its items. Getters wait for what is put into the one that is made anew.
   *
   * @throws {EngineError} If the engine cannot be reached.
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
