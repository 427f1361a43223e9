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

/** How a {@linkcode Lock} or {@linkcode Semaphore} is made. Python has no equivalent. */
export interface LeaseOptions extends NamedOptions {
  /**
   * For how many milliseconds a holder may be silent until it is taken for gone: its machine is off, frozen, cut off, or its event loop
   * stands still. At least 100; by default 5,000.
   */
  lease?: number;
}

const LEASE = 5000;
const LEAST_LEASE = 100;

/** Checks for how long a holder may be silent. */
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

/** What a lock and a semaphore have in common: permits that are held for a time. */
export class LeaseHolder {
  /** What all programs call it. */
  readonly name: string;
  readonly #what: string;
  readonly #reason: () => string;
  readonly #leases: Leases;

  /** Not to be called: see {@linkcode Lock} and {@linkcode Semaphore}. */
  constructor(options: LeaseOptions, what: "lock" | "semaphore", permits: number) {
    const action = `create ${what}`;
    const named = namedBy(options, action, ["lease"]);
    this.name = named.name;
    this.#what = `${what} "${named.name}"`;
    this.#reason = () => named.asking.unlessAway("it was not free");
    this.#leases = new Leases(named, what, permits, validateLease(options, action));
  }

  /** How many permits are free. */
  protected free(): Promise<number> {
    return this.#leases.free();
  }

  /**
   * Waits for it. Waiters get it in the order in which they came; {@linkcode LeaseHolder.tryAcquire}, and a timeout of 0, overtake
   * them.
   *
   * @param options How long to wait, and what gives it up.
   * @returns The lease: dispose of it by `await using`, or {@linkcode Lease.release} it.
   * @throws {TimeoutError} If the time has passed.
   * @throws {EngineError} If the engine cannot be reached.
   * @throws The signal's reason.
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
   * Takes it, if it is free now.
   *
   * @returns The lease; `undefined`: it is held.
   * @throws {EngineError} If the engine cannot be reached.
   */
  async tryAcquire(): Promise<Lease | undefined> {
    return await this.#leases.tryAcquire();
  }

  /**
   * Gives back what this object has acquired, of several leases the oldest: as {@linkcode Lease.release}.
   *
   * @throws {InvalidStateError} If this object holds nothing, or its lease has run out.
   * @throws {EngineError} If the engine cannot be reached: the lease runs out by itself then.
   */
  async release(): Promise<void> {
    const [lease]: Set<HeldLease> = this.#leases.held;
    if (lease !== undefined && await lease.release()) return;
    const why = lease === undefined
      ? "this object does not hold it, or its lease has run out: acquire it anew"
      : "its lease has run out";
    throw new InvalidStateError(`Cannot release ${this.#what} as ${why}`);
  }

  /**
   * Removes it from the server, with what holds it and waits for it: holders lose their leases, and waiters wait for what is made anew.
   *
   * @throws {EngineError} If the engine cannot be reached.
   */
  async unlink(): Promise<void> {
    await this.#leases.unlink();
  }
}

/**
 * A lock that programs on many machines share, by its name.
 *
 * **It is a lease.** A lock within one machine passes on when its holder dies, and never before. No program can tell a machine that is
 * dead from one that is frozen or cut off, so this lock passes on when its holder has been silent for `lease` milliseconds, and the
 * holder may be alive, and go on. So:
 *
 * - What must never be done by two at once is protected by {@linkcode Lease.token}: give it to what is protected, a database say, and
 *   have that refuse a token lower than one that it has seen.
 * - A holder looks at {@linkcode Lease.isHeld} before each step that matters, or hears of {@linkcode Lease.lost}.
 * - A holder whose event loop stands still for longer than its lease loses it: what computes belongs into a pool.
 *
 * It is not re-entrant. The connection keeps a program alive as long as a lease is held.
 *
 * Python: `distributed.Lock` of Dask; `redis.lock.Lock` is alike.
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
   * Makes a lock, or opens that of the name. Nothing is connected before it is used.
   *
   * @param options See {@linkcode LeaseOptions}.
   * @throws {TypeError} If an option is of the wrong kind, or there is no name or address.
   * @throws {RangeError} If a number, a name or an address is out of range.
   */
  constructor(options: LeaseOptions) {
    super(options, "lock", 1);
  }

  /**
   * Whether it is held. Out of date as soon as it is read. A holder that is gone counts until a program that wants the lock has found that its
   * lease has run out.
   *
   * @throws {EngineError} If the engine cannot be reached.
   */
  async locked(): Promise<boolean> {
    return await this.free() <= 0;
  }
}

sendByName(LeaseHolder);
