/**
 * A flag that programs on many machines share.
 *
 * @module
 */

import { validateWait, type WaitOptions } from "../_internal/options.ts";
import { Document } from "./_document.ts";
import { namedBy, type NamedOptions, sendByName, within } from "./_line.ts";

/**
 * A flag that any program on any machine can set, clear and wait for.
 *
 * A `set` lets all current waiters pass, even if a `clear` follows at once. The flag stays as it is while no program is
 * there, until {@linkcode Event.unlink}.
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
  /** The name by which all programs share it. */
  readonly name: string;
  readonly #what: string;
  /** How often the flag has changed. Odd: it is set. */
  readonly #changes: Document<number>;

  /**
   * Creates an event that is not set, or opens the event of this name. It connects with its first operation.
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
   * Sets the flag and wakes all waiters. Does nothing if it is set already.
   *
   * Python: `threading.Event.set`.
   *
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Event } from "@weft/concurrent/distributed";
   * import { assert } from "@std/assert";
   *
   * await using server = await devServer();
   * const ready = new Event({ name: "ready", connect: server.url });
   * const waiters = [ready.wait(), ready.wait()];
   * await ready.set();
   * assert((await Promise.all(waiters)).every((passed) => passed));
   * ```
   */
  async set(): Promise<void> {
    await this.#change(`set ${this.#what}`, 0);
  }

  /**
   * Clears the flag. A wait that begins after this waits for the next {@linkcode Event.set}.
   *
   * Python: `threading.Event.clear`.
   *
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Event } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const ready = new Event({ name: "ready", connect: server.url });
   * await ready.set();
   * await ready.clear();
   * assertEquals(await ready.wait({ timeout: 0 }), false);
   * ```
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
   * Reads whether the flag is set. The answer may be out of date as soon as it is read.
   *
   * Python: `threading.Event.is_set`.
   *
   * @returns Whether the flag is set.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Event } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const ready = new Event({ name: "ready", connect: server.url });
   * assertEquals(await ready.isSet(), false);
   * await ready.set();
   * assertEquals(await ready.isSet(), true);
   * ```
   */
  async isSet(): Promise<boolean> {
    return await this.#changes.read(`read ${this.#what}`) % 2 === 1;
  }

  /**
   * Waits until the flag is set. Returns at once if it is set already. Several programs may wait; a wait does not
   * change the flag, whether it succeeds or is cancelled.
   *
   * Python: `threading.Event.wait`.
   *
   * @param options How long to wait, in milliseconds, and a signal that cancels the wait.
   * @returns `true` once the flag was set, or `false` if `timeout` passed first.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws The signal's reason, if the signal is aborted first.
   *
   * @example
   * ```ts
   * import { devServer, Event } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const ready = new Event({ name: "ready", connect: server.url });
   * assertEquals(await ready.wait({ timeout: 20 }), false);
   * await ready.set();
   * assertEquals(await ready.wait(), true);
   * ```
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
        // A lower number: the event was removed and created again. If the new number is not 0, it has been set since.
        if (changes === 0) before = 0;
        return changes % 2 === 1 || changes !== before ? true : undefined;
      }, end);
    });
    return passed !== undefined;
  }

  /**
   * Removes the event from the server. After that, the name stands for a new event, which is not set. Waiters wait for
   * that to be set.
   *
   * Python has no equivalent.
   *
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Event } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const ready = new Event({ name: "ready", connect: server.url });
   * await ready.set();
   * await ready.unlink();
   * assertEquals(await ready.isSet(), false);
   * ```
   */
  async unlink(): Promise<void> {
    await this.#changes.remove(`unlink ${this.#what}`);
  }
}

sendByName(Event);
