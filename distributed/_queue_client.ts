/**
 * A program's access to a queue of the store: it puts bytes, waits for room, and serves its getters in turn.
 *
 * A getter that gives up may already have asked for an item. That item goes to the next getter, or back into the queue.
 * A getter receives an item when the queue has confirmed that the item is taken. If the confirmation is missing for so
 * long that the queue may give the item to another getter, the queue may also have forgotten the item. The getter then
 * receives it all the same: an item that arrives twice is better than an item that is lost.
 *
 * @module
 */

import { QueueShutDownError } from "../_internal/errors.ts";
import type { Taking } from "./_engine.ts";
import { type Asking, Bell, pause } from "./_line.ts";
import { TAKE_WAIT } from "./_nats_store.ts";
import type { Item, ItemQueue, Store } from "./_store.ts";
import { toBytes } from "./_wire.ts";

// Times in milliseconds.
/** How often to look for room if no message reports it. */
const ROOM = 100;
/**
 * How often waiting getters check whether the queue was shut down, if no message reports it; and, once it was shut
 * down, whether it is empty.
 */
const LOOK = 1000;
const DRAIN = 50;
/** How long to ask for the confirmation of an item. After that, the item may be another getter's. */
const SAFE = TAKE_WAIT * 0.8;
const AGAIN = 50;
/** Within this time an item that was just put can be taken. */
const NEW = 20;
/** How long to keep asking for items without getters, because the next getter may come soon. */
const LINGER = 200;

/** A waiting getter. */
interface Getter {
  resolve(bytes: Uint8Array): void;
  reject(error: unknown): void;
}

/** A queue, as one program sees it. */
export class QueueClient {
  readonly #asking: Asking;
  readonly #name: string;
  readonly #maxsize: number;
  readonly #id: string = crypto.randomUUID().slice(0, 13).replace("-", "");
  #puts = 0;
  /** The store in which the queue was last opened. */
  #opened: Store | undefined;
  /** Getters for which no item is being taken yet, in the order of their calls. */
  readonly #getters: Set<Getter> = new Set();
  /** How many items were asked for and have not arrived. */
  #asked = 0;
  #isServing = false;
  readonly #bell: Bell = new Bell();

  constructor(asking: Asking, name: string, maxsize: number) {
    this.#asking = asking;
    this.#name = name;
    this.#maxsize = maxsize;
  }

  // Runs an operation on the queue, and creates the queue if it does not exist.
  async #ask<T>(
    action: string,
    question: (queue: ItemQueue, store: Store) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return await this.#asking.ask(action, async (store) => {
      const queue = store.queue(this.#name);
      await this.#open(action, queue, store);
      try {
        return await question(queue, store);
      } catch (error) {
        // The queue may be gone: the next attempt opens it again.
        this.#opened = undefined;
        throw error;
      }
    }, signal);
  }

  async #open(action: string, queue: ItemQueue, store: Store): Promise<void> {
    if (this.#opened === store) return;
    const maxsize = await queue.open(this.#maxsize);
    if (maxsize !== this.#maxsize) {
      throw new TypeError(
        `Cannot ${action} with maxsize ${this.#maxsize} as it was made with ${maxsize}: use the same maxsize everywhere, or unlink() it`,
      );
    }
    this.#opened = store;
  }

  /** Puts an item. `false`: there is no room, and `isPatient` is `false`. */
  async put(action: string, bytes: Uint8Array, isPatient: boolean, signal?: AbortSignal): Promise<boolean> {
    const key = `${this.#id}.${++this.#puts}`;
    for (;;) {
      const outcome = await this.#ask(action, async (queue, store) => {
        return bytes.length > store.maxBytes ? store.maxBytes : await queue.put(bytes, key);
      }, signal);
      if (outcome === "put") return true;
      if (outcome === "shut") {
        throw new QueueShutDownError(`Cannot ${action} as it was shut down: call unlink() to begin anew`);
      }
      if (outcome !== "full") {
        throw new RangeError(
          `Cannot ${action} as the item takes ${bytes.length} bytes, more than ${outcome}: put the address of the data instead`,
        );
      }
      if (!isPatient) return false;
      await this.#whenRoom(signal!);
      signal?.throwIfAborted();
    }
  }

  async #whenRoom(signal: AbortSignal): Promise<void> {
    const { line } = this.#asking;
    const store = await this.#asking.borrow(signal);
    try {
      const bell = new Bell();
      const silence = store.listen(`room.${this.#name}`, () => bell.ring());
      await bell.wait(ROOM, signal);
      silence();
    } finally {
      line.giveBack();
    }
  }

  /** Takes an item that is there; `undefined`: there is none. */
  async getNow(action: string): Promise<Uint8Array | undefined> {
    return await this.#ask(action, async (queue, store) => {
      let item = await queue.itemNow(0);
      if (item === undefined) {
        const { size, isShut } = await queue.state();
        if (isShut && size === 0) throw shutDown(action);
        // The item may be with another getter, or so new that it cannot be taken at once.
        if (size > 0) item = await queue.itemNow(NEW);
      }
      if (item === undefined) return undefined;
      await this.#take(item, store);
      return item.bytes;
    });
  }

  /** Waits for an item and takes it; `undefined`: the time has passed. */
  async get(action: string, timeout: number, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let abort!: () => void;
    try {
      return await new Promise<Uint8Array | undefined>((resolve, reject) => {
        const getter: Getter = { resolve, reject };
        const giveUp = (settle: () => void): void => {
          // If an item is being taken for this getter, the getter receives that.
          if (this.#getters.delete(getter)) settle();
        };
        if (timeout !== Infinity) {
          timer = setTimeout(() => giveUp(() => resolve(undefined)), Math.min(timeout, 2 ** 31 - 1));
        }
        abort = () => giveUp(() => reject(signal!.reason));
        signal?.addEventListener("abort", abort, { once: true });
        this.#getters.add(getter);
        this.#wake(action);
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      this.#bell.ring();
    }
  }

  // Makes sure that items are asked for.
  #wake(action: string): void {
    this.#bell.ring();
    if (this.#isServing) return;
    this.#isServing = true;
    void this.#serve(action);
  }

  // Asks for items as long as there are getters.
  async #serve(action: string): Promise<void> {
    while (this.#getters.size > 0) {
      try {
        await this.#ask(action, (queue, store) => this.#serveFrom(action, queue, store));
      } catch (error) {
        for (const getter of this.#getters) getter.reject(error);
        this.#getters.clear();
      }
    }
    // No getter can have been added between the last check and this.
    this.#isServing = false;
  }

  async #serveFrom(action: string, queue: ItemQueue, store: Store): Promise<void> {
    let taking: Taking | undefined;
    let isShut = false;
    const silence = store.listen(`shut.${this.#name}`, () => {
      isShut = true;
      this.#bell.ring();
    });
    this.#asked = 0;
    try {
      taking = queue.items((item) => this.#serveOne(item, store));
      // Usually an item arrives soon, so the first check is a little later.
      for (let looked = performance.now() - LOOK + DRAIN; await this.#hasGetters();) {
        taking.ask(this.#getters.size - this.#asked);
        this.#asked = Math.max(this.#asked, this.#getters.size);
        const time = performance.now();
        if (time - looked >= (isShut ? DRAIN : LOOK)) {
          looked = time;
          const state = await queue.state();
          isShut = state.isShut;
          if (isShut && state.size === 0) throw shutDown(action);
        }
        await this.#bell.wait(Math.max(0, looked + (isShut ? DRAIN : LOOK) - time));
        if (store.isClosed) throw new Error("the connection has ended");
      }
    } finally {
      silence();
      taking?.stop();
    }
  }

  // Whether there are getters, now or within a moment: many programs get one item after another.
  async #hasGetters(): Promise<boolean> {
    if (this.#getters.size > 0 || this.#asked > 0) return this.#getters.size > 0;
    await this.#bell.wait(LINGER);
    return this.#getters.size > 0;
  }

  #serveOne(item: Item, store: Store): void {
    this.#asked--;
    const [getter] = this.#getters;
    if (getter === undefined) return item.giveBack();
    this.#getters.delete(getter);
    // The connection stays open until the item is taken, also if no getter waits any more.
    const { line } = this.#asking;
    const borrowed = line.borrow();
    void this.#take(item, store).then(() => {
      getter.resolve(item.bytes);
      return borrowed;
    }).then(() => line.giveBack(), () => {});
  }

  // Asks until the queue has confirmed it, or another getter may have it.
  async #take(item: Item, store: Store): Promise<void> {
    while (performance.now() - item.since < SAFE && !store.isClosed) {
      try {
        await item.take();
        if (this.#maxsize > 0) store.tell(`room.${this.#name}`, NOTHING);
        return;
      } catch {
        await pause(AGAIN);
      }
    }
  }

  async state(action: string): Promise<{ size: number; isShut: boolean }> {
    return await this.#ask(action, (queue) => queue.state());
  }

  async shut(action: string, immediate: boolean): Promise<void> {
    await this.#ask(action, async (queue, store) => {
      await queue.shut(immediate);
      store.tell(`shut.${this.#name}`, NOTHING);
    });
  }

  async unlink(action: string): Promise<void> {
    await this.#asking.ask(action, (store) => store.queue(this.#name).remove());
    this.#opened = undefined;
  }
}

const NOTHING = toBytes({});

function shutDown(action: string): QueueShutDownError {
  return new QueueShutDownError(`Cannot ${action} as it was shut down and is empty`);
}
