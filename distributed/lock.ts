/**
 * A lock that programs on many machines share.
 *
 * @module
 */

import { InvalidStateError, TimeoutError } from "../_internal/errors.ts";
import { show, validateWait, type WaitOptions } from "../_internal/options.ts";
import { type HeldLease, type Lease, Leases } from "./_leases.ts";
import { namedBy, type NamedOptions, sendByName } from "./_line.ts";

export type { Lease, NamedOptions };

/** The options of a {@linkcode Lock} or {@linkcode Semaphore}. Python has no equivalent. */
export interface LeaseOptions extends NamedOptions {
  /**
   * How many milliseconds a holder may be silent before it counts as gone. A holder is silent if its machine is off,
   * frozen or cut off, or if its event loop is blocked. At least 100. Default: 5,000.
   */
  lease?: number;
}

const LEASE = 5000;
const LEAST_LEASE = 100;

/** Checks the option `lease`. */
function validateLease({ lease = LEASE }: LeaseOptions, action: string): number {
  if (typeof lease !== "number") {
    throw new TypeError(`Cannot ${action} as 'lease' must be a number of milliseconds: received ${show(lease)}`);
  }
  if (!(lease >= LEAST_LEASE && lease < 2 ** 31)) {
    throw new RangeError(
      `Cannot ${action} as 'lease' must be from ${LEAST_LEASE} to 2,147,483,647 milliseconds: received ${lease}`,
    );
  }
  return lease;
}

/**
 * What {@linkcode Lock} and {@linkcode Semaphore} have in common: permits that programs hold for a limited time, as
 * leases.
 *
 * Python has no equivalent.
 *
 * @example A function for both
 * ```ts
 * import { devServer, type LeaseHolder, Lock, Semaphore } from "@weft/concurrent/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * async function alone(permits: LeaseHolder, work: () => string): Promise<string> {
 *   await using _lease = await permits.acquire();
 *   return work();
 * }
 *
 * await using server = await devServer();
 * assertEquals(await alone(new Lock({ name: "ledger", connect: server.url }), () => "entered"), "entered");
 * assertEquals(await alone(new Semaphore(2, { name: "lines", connect: server.url }), () => "called"), "called");
 * ```
 */
export class LeaseHolder {
  /** The name by which all programs share it. */
  readonly name: string;
  readonly #what: string;
  readonly #reason: () => string;
  readonly #leases: Leases;

  /**
   * Used by its subclasses only: create a {@linkcode Lock} or a {@linkcode Semaphore}.
   *
   * @param options Options: `name`, which is required, `lease`, and the address: see {@linkcode LeaseOptions}.
   * @param what Which of the two it is.
   * @param permits How many permits there are.
   * @throws {TypeError} If an option is of the wrong kind, or there is no name or address.
   * @throws {RangeError} If a number, a name or an address is out of range.
   */
  constructor(options: LeaseOptions, what: "lock" | "semaphore", permits: number) {
    const action = `create ${what}`;
    const named = namedBy(options, action, ["lease"]);
    this.name = named.name;
    this.#what = `${what} "${named.name}"`;
    this.#reason = () => named.asking.unlessAway("it was not free");
    this.#leases = new Leases(named, what, permits, validateLease(options, action));
  }

  /**
   * Reads how many permits are free. It may be out of date as soon as it is read.
   *
   * Python has no equivalent: `distributed.Semaphore.get_value` of Dask counts the permits that are held.
   *
   * @returns The number of permits without a holder.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example A subclass
   * ```ts
   * import { devServer, Lock } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * class WatchedLock extends Lock {
   *   async report(): Promise<string> {
   *     return `${this.name}: ${await this.free()} free`;
   *   }
   * }
   *
   * await using server = await devServer();
   * const lock = new WatchedLock({ name: "ledger", connect: server.url });
   * assertEquals(await lock.report(), "ledger: 1 free");
   * ```
   */
  protected free(): Promise<number> {
    return this.#leases.free();
  }

  /**
   * Waits for a permit and takes it as a lease.
   *
   * - **Order.** Waiters get permits in the order in which they came. {@linkcode LeaseHolder.tryAcquire} and a timeout
   *   of 0 overtake them. A waiter that does not take a free permit for 150 ms is passed over.
   * - **Death.** The permit of a holder that counts as gone passes to the next waiter, with {@linkcode Lease.abandoned}
   *   set.
   * - **Cancellation.** If the time passes or the signal is aborted, the caller leaves the line. A permit that arrives
   *   after that is given back.
   *
   * Python: `distributed.Lock.acquire` of Dask.
   *
   * @param options How long to wait, in milliseconds, and a signal that cancels the wait.
   * @returns The lease: create it with `await using`, or call {@linkcode Lease.release}.
   * @throws {TimeoutError} If no permit was free within `timeout`.
   * @throws {TypeError} If the semaphore of this name has another number of permits.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws The signal's reason, if the signal is aborted first.
   *
   * @example
   * ```ts
   * import { devServer, Lock } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const lock = new Lock({ name: "ledger", connect: server.url });
   * {
   *   await using lease = await lock.acquire({ timeout: 5000 });
   *   assertEquals(lease.abandoned, false);
   * }
   * assertEquals(await lock.locked(), false);
   * ```
   */
  async acquire(options?: WaitOptions): Promise<Lease> {
    const action = `acquire ${this.#what}`;
    const timeout = validateWait(options, action);
    options?.signal?.throwIfAborted();
    const lease = timeout === 0
      ? await this.#leases.tryAcquire()
      : await this.#leases.acquire(timeout, options?.signal);
    if (lease !== undefined) return lease;
    throw new TimeoutError(`Cannot ${action} as ${this.#reason()} within the ${timeout} ms of 'timeout'`);
  }

  /**
   * Takes a permit if one is free now. A permit whose holder has been silent for its lease counts as free.
   *
   * Python: `redis.lock.Lock.acquire(blocking=False)`.
   *
   * @returns The lease, or `undefined` if no permit is free.
   * @throws {TypeError} If the semaphore of this name has another number of permits.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Lock } from "@weft/concurrent/distributed";
   * import { assert, assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const lock = new Lock({ name: "ledger", connect: server.url });
   * await using lease = await lock.tryAcquire();
   * assert(lease?.isHeld);
   * assertEquals(await lock.tryAcquire(), undefined);
   * ```
   */
  async tryAcquire(): Promise<Lease | undefined> {
    return await this.#leases.tryAcquire();
  }

  /**
   * Gives back the oldest lease that this object holds, as {@linkcode Lease.release} does. Where an object holds
   * several leases, release each by its own method.
   *
   * Python: `distributed.Lock.release` of Dask.
   *
   * @throws {InvalidStateError} If this object holds nothing, or its lease has run out.
   * @throws {EngineError} If the engine cannot be reached. The lease then runs out by itself.
   *
   * @example
   * ```ts
   * import { devServer, InvalidStateError, Lock } from "@weft/concurrent/distributed";
   * import { assertRejects } from "@std/assert";
   *
   * await using server = await devServer();
   * const lock = new Lock({ name: "ledger", connect: server.url });
   * await lock.acquire();
   * await lock.release();
   * await assertRejects(() => lock.release(), InvalidStateError);
   * ```
   */
  async release(): Promise<void> {
    const [lease]: Set<HeldLease> = this.#leases.held;
    if (lease !== undefined && await lease.release()) return;
    const why = lease === undefined
      ? "this object does not hold it, or its lease has run out: acquire it again"
      : "its lease has run out";
    throw new InvalidStateError(`Cannot release ${this.#what} as ${why}`);
  }

  /**
   * Removes it from the server, with its holders and waiters. Holders lose their leases when they prolong them next,
   * within a third of `lease`. Waiters line up again, for the new object of this name, whose permits are all free.
   *
   * Python has no equivalent.
   *
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Lock } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const lock = new Lock({ name: "ledger", connect: server.url });
   * await using _lease = await lock.acquire();
   * await lock.unlink();
   * assertEquals(await lock.locked(), false);
   * ```
   */
  async unlink(): Promise<void> {
    await this.#leases.unlink();
  }
}

/**
 * A lock that programs on many machines share by its name.
 *
 * **It is a lease.** A lock of one machine passes on when its holder releases it or dies, and never before. Over a
 * network no program can tell a dead machine from a machine that is frozen or cut off. So this lock passes on when its
 * holder has been silent for `lease` milliseconds. The holder may still be alive then, and go on with its work:
 *
 * - Protect what must never be done by two programs at once with {@linkcode Lease.token}: send the token to the
 *   protected resource, a database for example, and have that refuse a token lower than the highest that it has seen.
 * - Read {@linkcode Lease.isHeld} before each step that matters, or listen to {@linkcode Lease.lost}.
 * - A holder whose event loop is blocked for longer than its lease loses the lock. Move computations to a pool.
 *
 * The lock is not re-entrant. The connection keeps a program alive while it holds a lease.
 *
 * Python: `distributed.Lock` of Dask; `redis.lock.Lock` is similar.
 *
 * @example
 * ```ts
 * import { devServer, Lock } from "@weft/concurrent/distributed";
 * import { assert } from "@std/assert";
 *
 * await using server = await devServer();
 * const lock = new Lock({ name: "ledger", connect: server.url });
 * let last = 0;
 * for (let i = 0; i < 2; i++) {
 *   await using lease = await lock.acquire();
 *   assert(lease.token > last);
 *   last = lease.token;
 * }
 * ```
 */
export class Lock extends LeaseHolder {
  /**
   * Creates a lock, or opens the lock of this name. It connects with its first operation.
   *
   * @param options Options: `name`, which is required, `lease`, and the address: see {@linkcode LeaseOptions}.
   * @throws {TypeError} If an option is of the wrong kind, or there is no name or address.
   * @throws {RangeError} If a number, a name or an address is out of range.
   */
  constructor(options: LeaseOptions) {
    super(options, "lock", 1);
  }

  /**
   * Reads whether the lock is held. The answer may be out of date as soon as it is read. A holder that is gone still
   * counts until another program that wants the lock finds that its lease has run out.
   *
   * Python: `distributed.Lock.locked` of Dask.
   *
   * @returns Whether a program holds the lock.
   * @throws {EngineError} If the engine cannot be reached.
   *
   * @example
   * ```ts
   * import { devServer, Lock } from "@weft/concurrent/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await devServer();
   * const lock = new Lock({ name: "ledger", connect: server.url });
   * await using _lease = await lock.acquire();
   * assertEquals(await lock.locked(), true);
   * ```
   */
  async locked(): Promise<boolean> {
    return await this.free() <= 0;
  }
}

sendByName(LeaseHolder);
