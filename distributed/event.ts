/**
 * A flag that programs on many machines share.
 *
 * @module
 */

import { validateWait, type WaitOptions } from "../_internal/options.ts";
import { Document } from "./_document.ts";
import { namedBy, type NamedOptions, sendByName, within } from "./_line.ts";

/**
 * A flag that any program sets or clears, and any program waits for, on any machine.
 *
 * All that wait at the time of a `set` pass, also when `clear` follows at once.
 *
 * Python: `threading.Event`, or `distributed.Event` of Dask.
 *
 * @example
 * ```ts
 * import { devServer, Event } from "@weft/concurrent/distributed";
 * import { assert } from "@std/assert";
 *
 * await using server = await devServer();
 * const ready = new Event({ name: "ready", connect: server.url });
 * const waiting = ready.wait();
 * await ready.set();
 * assert(await waiting);
 * ```
 */
export class Event {
  /** What all programs call it. */
  readonly name: string;
  readonly #what: string;
  /** How often it was set or cleared so that something changed. Odd: set. */
  readonly #changes: Document<number>;

  /**
   * Makes an event that is not set, or opens that of the name. Nothing is connected before it is used.
   *
   * @param options See {@linkcode NamedOptions}.
   * @throws {TypeError} If an option is of the wrong kind, or there is no name or address.
   * @throws {RangeError} If a number, a name or an address is out of range.
   */
  constructor(options: NamedOptions) {
    const { name, asking } = namedBy(options, "create event");
    this.name = name;
    this.#what = `event "${name}"`;
    this.#changes = new Document(asking, `event.${name}`, () => 0);
  }

  /**
   * Sets the flag and wakes all waiters. If it is set already, nothing happens.
   *
   * @throws {EngineError} If the engine cannot be reached.
   */
  async set(): Promise<void> {
    await this.#change(`set ${this.#what}`, 0);
  }

  /**
   * Clears the flag: a wait that begins after this waits for the next {@linkcode Event.set}.
   *
   * @throws {EngineError} If the engine cannot be reached.
   */
  async clear(): Promise<void> {
    await this.#change(`clear ${this.#what}`, 1);
  }

  async #change(action: string, from: number): Promise<void> {
    await this.#changes.change(action, (changes) => {
      return changes % 2 === from ? { next: changes + 1, result: undefined } : { result: undefined };
    });
  }

  /**
   * Whether the flag is set. Out of date as soon as it is read.
   *
   * @throws {EngineError} If the engine cannot be reached.
   */
  async isSet(): Promise<boolean> {
    return await this.#changes.read(`read ${this.#what}`) % 2 === 1;
  }

  /**
   * Waits for the flag.
   *
   * @param options How long to wait, and what gives it up.
   * @returns `true` once the flag was set, `false` if `timeout` passed first.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws The signal's reason, if it is aborted first.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const action = `wait for ${this.#what}`;
    const timeout = validateWait(options, action);
    options?.signal?.throwIfAborted();
    if (timeout === 0) return await this.isSet();
    let before: number | undefined;
    const passed = await within(timeout, options?.signal, (end) => {
      return this.#changes.until(action, (changes) => {
        before ??= changes;
        // A lower number: it was made anew, and has been set since unless it is 0.
        if (changes === 0) before = 0;
        return changes % 2 === 1 || changes !== before ? true : undefined;
      }, end);
    });
    return passed !== undefined;
  }

  /**
   * Removes it from the server: it is not set.
   *
   * @throws {EngineError} If the engine cannot be reached.
   */
  async unlink(): Promise<void> {
    await this.#changes.remove(`unlink ${this.#what}`);
  }
}

sendByName(Event);
