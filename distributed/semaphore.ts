/**
 * A semaphore that programs on many machines share.
 *
 * @module
 */

import { validateInteger } from "../_internal/options.ts";
import { LeaseHolder, type LeaseOptions } from "./lock.ts";

const MOST = 1024;

/**
 * A number of permits that programs on many machines share, by its name: no more of them at a time use a database, say.
 *
 * Each permit is a lease, as a {@linkcode Lock} is, with all that is said there. A permit whose holder was silent for `lease`
 * milliseconds passes to a waiter, so that for a moment more than `value` programs may go on.
 *
 * A permit is given back by its holder; to signal, use an {@linkcode Event} or {@linkcode Queue}.
 *
 * Python: `distributed.Semaphore` of Dask.
 *
 * @example
 * ```ts
 * import { devServer, Semaphore } from "@weft/concurrent/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await devServer();
 * const connections = new Semaphore(2, { name: "connections", connect: server.url });
 * {
 *   await using _lease = await connections.acquire();
 *   assertEquals(await connections.value(), 1);
 * }
 * assertEquals(await connections.value(), 2);
 * ```
 */
export class Semaphore extends LeaseHolder {
  /**
   * Makes a semaphore, or opens that of the name. Nothing is connected before it is used.
   *
   * @param value How many permits there are, from 1 to 1,024; the same in all programs: where it differs, what is asked of it rejects
   * with `TypeError`.
   * @param options See {@linkcode LeaseOptions}.
   * @throws {TypeError} If an argument is of the wrong kind, or there is no name or address.
   * @throws {RangeError} If a number, a name or an address is out of range.
   */
  constructor(value: number, options: LeaseOptions) {
    validateInteger(value, "'value'", 1, MOST, "create semaphore");
    super(options, "semaphore", value);
  }

  /**
   * How many permits are free. Out of date as soon as it is read.
   *
   * @throws {EngineError} If the engine cannot be reached.
   */
  async value(): Promise<number> {
    return await this.free();
  }
}
