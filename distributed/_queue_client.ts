/**
 * What a program does with a queue of the store: it puts bytes, waits for room, and has its getters served in turn.
 *
 * A getter that is given up may have asked already. What comes for it goes to the next getter, or back into the queue. A getter gets
 * an item when the queue has confirmed that it is taken. Where the queue does not for so long that it may give the item to another,
 * it may have forgotten the item as well: the getter gets it all the same, so that an item comes twice rather than never.
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
/** How soon it is looked again whether there is room, where no message says so. */
const ROOM = 100;
/** How often getters that wait look whether the queue was shut down, where no message says so; and where it was, and has items. */
const LOOK = 1000;
const DRAIN = 50;
/** So long it is asked that an item is taken: later it may be another's. */
const SAFE = TAKE_WAIT * 0.8;
const AGAIN = 50;
/** In so long an item can be had that was just put. */
const NEW = 20;
/** How long questions may be asked for getters that may come. */
const LINGER = 200;

/** A getter that waits. */
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
  /** The store in which it was opened last. */
  #opened: Store | undefined;
  /** Getters that no item is being taken for, the first first. */
  readonly #getters: Set<Getter> = new Set();
  /** How many items were asked for that have not come. */
  #asked = 0;
  #isServing = false;
  readonly #bell: Bell = new Bell();

  constructor(asking: Asking, name: string, maxsize: number) {
    this.#asking = asking;
    this.#name = name;
    this.#maxsize = maxsize;
  }

  // Asks the queue something, and makes it where it is not there.
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
        // It may be gone, and is looked for again.
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
        `Cannot ${action} with maxsize ${this.#maxsize} as it was made with ${maxsize}: say the same everywhere, or unlink() it`,
      );
    }
    this.#opened = store;
  }

  /** Puts an item. `false`: there is no room, and it is not waited for. */
  async put(action: string, bytes: Uint8Array, isPatient: boolean, signal?: AbortSignal): Promise<boolean> {
    const key = `${this.#id}.${++this.#puts}`;
    for (;;) {
      const outcome = await this.#ask(action, async (queue, store) => {
        return bytes.length > store.maxBytes ? store.maxBytes : await queue.put(bytes, key);
      }, signal);
      if (outcome === "put") return true;
      if (outcome === "shut") {
        throw new QueueShutDownError(`Cannot ${action} as it was shut down: unlink() has it begin anew`);
      }
      if (outcome !== "full") {
        throw new RangeError(
          `Cannot ${action} as the item takes ${bytes.length} bytes, more than ${outcome}: put where it is`,
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

  /** Takes an item that is there. `undefined`: there is none. */
  async getNow(action: string): Promise<Uint8Array | undefined> {
    return await this.#ask(action, async (queue, store) => {
      let item = await queue.itemNow(0);
      if (item === undefined) {
        const { size, isShut } = await queue.state();
        if (isShut && size === 0) throw shutDown(action);
        // It may be another getter's, or so new that it cannot be had at once.
        if (size > 0) item = await queue.itemNow(NEW);
      }
      if (item === undefined) return undefined;
      await this.#take(item, store);
      return item.bytes;
    });
  }

  /** Takes an item, and waits for one. `undefined`: the time has passed. */
  async get(action: string, timeout: number, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let abort!: () => void;
    try {
      return await new Promise<Uint8Array | undefined>((resolve, reject) => {
        const getter: Getter = { resolve, reject };
        const giveUp = (settle: () => void): void => {
          // An item that is being taken for it is its own.
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

  // There are getters.
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
    // Nothing runs between the last look and this.
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
      // Mostly there is an item, and nothing has to be looked for.
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

  // Whether there are getters, or are soon: many programs get one item after the other.
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
    // The connection is there until the item is taken, also where nothing is asked for any more.
    const { line } = this.#asking;
    const borrowed = line.borrow();
    void this.#take(item, store).then(() => {
      getter.resolve(item.bytes);
      return borrowed;
    }).then(() => line.giveBack(), () => {});
  }

  // Until the queue has confirmed it, or another getter may have it.
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
