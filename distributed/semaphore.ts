/**
 * A semaphore that programs on many machines share.
 *
 * @module
 */

import { validateInteger } from "../_internal/options.ts";
import { LeaseHolder, type LeaseOptions } from "./lock.ts";

const MOST = 1024;

/**
 * A number of permits that programs on many machines share by its name: for example, to limit how many use a database
 * at once.
 *
 * Each permit is a lease, with all that {@linkcode Lock} says of leases. A permit whose holder has been silent for
 * `lease` milliseconds passes to a waiter, so for a moment more than `value` programs may be at work.
 *
 * Only the holder of a permit gives it back. To signal other programs, use an {@linkcode Event} or a {@linkcode Queue}.
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
   * Creates a semaphore, or opens the semaphore of this name. It connects with its first operation.
   *
   * @param value How many permits there are, 1 to 1,024. All programs use the same number: with another number, the
   * methods reject with `TypeError`.
   * @param options Options: `name`, which is required, `lease`, and the address: see {@linkcode LeaseOptions}.
   * @throws {TypeError} If an argument is of the wrong kind, or there is no name or address.
   * @throws {RangeError} If a number, a name or an address is out of range.
   */
  constructor(value: number, options: LeaseOptions) {
    validateInteger(value, "'value'", 1, MOST, "create semaphore");
    super(options, "semaphore", value);
  }

  /**
   * Reads how many permits are free. The answer may be out of date as soon as it is read. A holder that is gone still
   * counts until another program that wants a permit finds that its lease has run out.
   *
   * Python: `distributed.Semaphore.get_value` of Dask is the opposite: it counts the permits that are held.
   *
   * @returns The number of permits without a holder.
   * @throws {TypeError} If the semaphore of this name has another number of permits.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Semaphore } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const connections = new Semaphore(3, { name: "connections", connect: server.url });
   * await using _lease = await connections.acquire();
   * assertEquals(await connections.value(), 2);
   * ```
   */
  async value(): Promise<number> {
    return await this.free();
  }
}
